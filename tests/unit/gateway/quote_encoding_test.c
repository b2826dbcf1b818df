/*
 * What the doors for symbols make of a message, text against text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/macros.h"
#include "gateway/doors/quote_encoding.h"

#include "common/banned.h"

#define PLACE                                                                                      \
    {                                                                                              \
        .version = 17, .run = 0x0a1b2c3d                                                           \
    }

static struct message message(const char *topic, const char *payload)
{
    return (struct message){.topic = topic,
                            .topic_len = strlen(topic),
                            .payload = (const uint8_t *)payload,
                            .len = strlen(payload),
                            .at = PLACE};
}

/* The encoded text, which ends where its memory ends, without `skip` bytes of header; NULL for
 * none. */
static char *encoded(const struct encoding *e, const struct message *m, size_t skip)
{
    size_t len = e->size(m);
    uint8_t *bytes = malloc(len + 1);
    char *text;

    assert_non_null(bytes);
    if (len == 0) {
        free(bytes);
        return NULL;
    }
    assert_ptr_equal(e->write(bytes, m), bytes + len);
    text = strndup((char *)bytes + skip, len - skip);
    free(bytes);
    return text;
}

static void expect(const struct encoding *e, const struct message *m, size_t skip, const char *text)
{
    char *is = encoded(e, m, skip);

    if (text == NULL)
        assert_null(is);
    else
        assert_string_equal(is, text);
    free(is);
}

static const struct {
    const char *what, *topic, *payload;
    const char *ws, *data, *stock_update; /* NULL: left out; data as the payload: "" */
} cases[] = {
    {"a quote", "stocks/AAPL", "{\"symbol\":\"AAPL\",\"price\":189.45,\"change\":-0.38,\"seq\":1}",
     "{\"symbol\":\"AAPL\",\"ticker\":\"AAPL\",\"price\":189.45,\"change\":-0.38,\"seq\":1}", "",
     "{\"stock_symbol\":\"AAPL\",\"price\":189.45,\"change\":-0.38}"},
    {"the symbol is elsewhere, and escaped", "stocks/X",
     "{ \"price\" : 1e2 , \"symbol\" : \"a\\\"\\u00e9\" }",
     "{ \"price\" : 1e2 , \"symbol\" : \"a\\\"\\u00e9\",\"ticker\":\"a\\\"\\u00e9\" }", "",
     "{\"stock_symbol\":\"a\\\"\\u00e9\",\"price\":1e2}"},
    {"members of members are not the quote's", "stocks/X",
     "{\"a\":{\"symbol\":1,\"price\":2},\"symbol\":\"X\",\"b\":[{\"price\":[]}]}",
     "{\"a\":{\"symbol\":1,\"price\":2},\"symbol\":\"X\",\"ticker\":\"X\",\"b\":[{\"price\":[]}]}",
     "", NULL},
    {"of equal members the last counts", "stocks/X",
     "{\"symbol\":1,\"symbol\":\"X\",\"price\":1,\"price\":2}",
     "{\"symbol\":1,\"symbol\":\"X\",\"ticker\":\"X\",\"price\":1,\"price\":2}", "",
     "{\"stock_symbol\":\"X\",\"price\":2}"},
    {"a ticker that is there stays alone", "stocks/X",
     "{\"ticker\":\"Y\",\"symbol\":\"X\",\"price\":1}",
     "{\"ticker\":\"Y\",\"symbol\":\"X\",\"price\":1}", "", "{\"stock_symbol\":\"X\",\"price\":1}"},
    {"a price that is no number", "stocks/X", "{\"symbol\":\"X\",\"price\":\"1\"}",
     "{\"symbol\":\"X\",\"ticker\":\"X\",\"price\":\"1\"}", "", NULL},
    {"no symbol", "stocks/X", "{\"price\":1}", NULL, NULL, NULL},
    {"a symbol that is no text", "stocks/X", "{\"symbol\":5,\"price\":1}", NULL, NULL, NULL},
    {"a plain price", "stocks/X", "189.45", NULL, NULL, NULL},
    {"an array", "stocks/X", "[{\"symbol\":\"X\"}]", NULL, NULL, NULL},
    {"an empty object", "stocks/X", "{}", NULL, NULL, NULL},
    {"cut", "stocks/X", "{\"symbol\":\"X\",\"price\":1", NULL, NULL, NULL},
    {"a comma too many", "stocks/X", "{\"symbol\":\"X\",}", NULL, NULL, NULL},
    {"something behind it", "stocks/X", "{\"symbol\":\"X\"}{", NULL, NULL, NULL},
    {"a number that JSON has not", "stocks/X", "{\"symbol\":\"X\",\"price\":01}", NULL, NULL, NULL},
    {"a raw line break in a text", "stocks/X", "{\"symbol\":\"X\n\"}", NULL, NULL, NULL},
    {"not UTF-8", "stocks/X", "{\"symbol\":\"X\",\"a\":\"\xff\"}", NULL, NULL, NULL},
    {"another topic of the symbol", "stocks/X/bar/1m", "{\"symbol\":\"X\"}", NULL, NULL, NULL},
    {"another topic", "status/X", "{\"symbol\":\"X\"}", NULL, NULL, NULL},
    {"no level behind stocks/", "stocks/", "{\"symbol\":\"X\"}", NULL, NULL, NULL},
};

static void each_form_of_each_message(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct message m = message(cases[i].topic, cases[i].payload);
        const char *data = cases[i].data;
        char event[512], update[512];

        snprintf(event, sizeof(event), "id: 0a1b2c3d-17\nevent: quote\ndata: %s\n\n",
                 data != NULL && data[0] == '\0' ? cases[i].payload : "");
        snprintf(update, sizeof(update), "data: %s\n\n",
                 cases[i].stock_update != NULL ? cases[i].stock_update : "");
        expect(&ws_encoding, &m, 2, cases[i].ws);
        expect(&event_encoding, &m, 0, data != NULL ? event : NULL);
        expect(&stock_update_encoding, &m, 0, cases[i].stock_update != NULL ? update : NULL);
    }
}

static void line_breaks_between_members_end_no_event(void **state)
{
    struct message m = message("stocks/X", "{\r\n\"symbol\":\"X\",\n\n\"price\":1}\n");

    (void)state;
    expect(&event_encoding, &m, 0,
           "id: 0a1b2c3d-17\nevent: quote\ndata: {  \"symbol\":\"X\",  \"price\":1} \n\n");
    expect(&ws_encoding, &m, 2, "{  \"symbol\":\"X\",\"ticker\":\"X\",  \"price\":1} ");
}

static void a_removed_symbol_is_named_as_people_write_it(void **state)
{
    struct message m = message("stocks/BTC%2FUSD", ""), quoted = message("stocks/\"", ""),
                   broken = message("stocks/%FF", ""), price = message("stocks/X/price", ""),
                   lengthy = message("stocks/ABCDEFGHIJKLMNOPQRSTUVWXYZ", "");

    (void)state;
    expect(&ws_encoding, &m, 2,
           "{\"type\":\"removed\",\"symbol\":\"BTC/USD\",\"ticker\":\"BTC/USD\"}");
    expect(&event_encoding, &m, 0,
           "id: 0a1b2c3d-17\nevent: removed\ndata: {\"symbol\":\"BTC/USD\"}\n\n");
    expect(&stock_update_encoding, &m, 0, NULL);
    expect(&event_encoding, &quoted, 0,
           "id: 0a1b2c3d-17\nevent: removed\ndata: {\"symbol\":\"\\\"\"}\n\n");
    expect(&ws_encoding, &broken, 2, NULL);
    expect(&ws_encoding, &price, 2, NULL);
    expect(&ws_encoding, &lengthy, 2, NULL);
}

static void messages_of_any_length_have_the_right_header(void **state)
{
    static const char head[] = "{\"symbol\":\"X\",\"a\":\"", splice[] = ",\"ticker\":\"X\"";

    (void)state;
    for (size_t len = 0; len < 70000; len = len * 5 / 4 + 1) {
        char *payload = malloc(len + sizeof(head) + 2);
        size_t size;
        struct message m;
        uint8_t *bytes;

        memcpy(payload, head, sizeof(head) - 1);
        memset(payload + sizeof(head) - 1, 'a', len);
        memcpy(payload + sizeof(head) - 1 + len, "\"}", 3);
        m = message("stocks/X", payload);
        size = ws_encoding.size(&m);
        bytes = malloc(size);
        assert_ptr_equal(ws_encoding.write(bytes, &m), bytes + size);
        assert_int_equal(bytes[0], 0x81);
        if (bytes[1] < 126)
            assert_int_equal(size, 2 + bytes[1]);
        else if (bytes[1] == 126)
            assert_int_equal(size, 4 + (bytes[2] << 8 | bytes[3]));
        else
            assert_int_equal(size, 10 + (bytes[7] << 16 | bytes[8] << 8 | bytes[9]));
        assert_true(size > m.len + sizeof(splice) - 1);
        free(bytes);
        free(payload);
    }
}

static void texts_that_follow_each_other_are_not_mistaken(void **state)
{
    struct message good = message("stocks/X", "{\"symbol\":\"X\",\"price\":1}"),
                   bad = message("stocks/X", "{\"symbol\":\"X\",\"price\":-}");

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_true(ws_encoding.size(&good) > 0);
        assert_int_equal(ws_encoding.size(&bad), 0);
    }
}

static void an_id_is_read_back_and_nothing_else_is(void **state)
{
    static const char *const others[] = {"",
                                         "0a1b2c3d",
                                         "0a1b2c3d-",
                                         "0a1b2c3d-017",
                                         "0a1b2c3d- 17",
                                         "0a1b2c3d-17 ",
                                         "0a1b2c3d--17",
                                         "0A1B2C3D-17",
                                         "a1b2c3d-17",
                                         "00a1b2c3d-17",
                                         "0a1b2c3d-+17",
                                         "0a1b2c3d-0x11",
                                         "0a1b2c3d-99999999999999999999",
                                         "17",
                                         "-17",
                                         "null"};
    struct position at = PLACE, back;
    char id[EVENT_ID_MAX];

    (void)state;
    assert_int_equal(event_id_write(at, id), 11);
    assert_int_equal(event_id_parse(id, &back), 0);
    assert_int_equal(back.version, at.version);
    assert_int_equal(back.run, at.run);
    at = (struct position){UINT64_MAX, UINT32_MAX};
    assert_true(event_id_write(at, id) < EVENT_ID_MAX);
    assert_int_equal(event_id_parse(id, &back), 0);
    assert_true(back.version == UINT64_MAX);
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        assert_true(event_id_parse(others[i], &back) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_of_each_message),
        cmocka_unit_test(line_breaks_between_members_end_no_event),
        cmocka_unit_test(a_removed_symbol_is_named_as_people_write_it),
        cmocka_unit_test(messages_of_any_length_have_the_right_header),
        cmocka_unit_test(texts_that_follow_each_other_are_not_mistaken),
        cmocka_unit_test(an_id_is_read_back_and_nothing_else_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
