#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/macros.h"
#include "gateway/codec/json_action.h"

#include "common/banned.h"

/* What a message comes to: "subscribe AAPL MSFT" or "!code". */
static void expect(const char *text, const char *outcome)
{
    static const char *const kinds[] = {"subscribe", "unsubscribe", "auth", "ping"};
    struct action a;
    struct action_fault fault;
    char is[256] = "!";
    struct slice symbols;
    size_t n;

    if (action_parse(text, strlen(text), &a, &fault) < 0) {
        assert_int_equal(fault.message[strlen(fault.message) - 1], '.');
        n = strlen(fault.code);
        memcpy(is + 1, fault.code, n + 1);
    } else {
        n = strlen(kinds[a.kind]);
        memcpy(is, kinds[a.kind], n + 1);
        if (a.kind == ACTION_AUTH) {
            is[n++] = ' ';
            memcpy(is + n, a.token.at, a.token.len + 1);
        } else if (a.kind != ACTION_PING) {
            while ((symbols = action_next_symbols(&a)).at != NULL) {
                is[n++] = ' ';
                memcpy(is + n, symbols.at, symbols.len + 1);
                n += symbols.len;
            }
        }
        action_release(&a);
    }
    assert_string_equal(is, outcome);
}

static void each_message_comes_to_an_action_or_a_fault(void **state)
{
    static const char *const cases[][2] = {
        {"{\"action\":\"subscribe\",\"symbol\":\"AAPL\"}", "subscribe AAPL"},
        {"{\"action\":\"subscribe\",\"symbols\":[\"AAPL\",\"MSFT\"]}", "subscribe AAPL MSFT"},
        {"{\"symbols\":\"AAPL,MSFT\",\"action\":\"subscribe\"}", "subscribe AAPL,MSFT"},
        {"{\"action\":\"subscribe\",\"symbol\":\"A\",\"symbols\":[\"B\",\"C\"]}",
         "subscribe A B C"},
        {"{\"action\":\"subscribe\",\"symbol\":[\"A\",\"B\"],\"symbols\":\"C\"}",
         "subscribe A B C"},
        {"{\"action\":\"unsubscribe\",\"symbols\":[\"*\"]}", "unsubscribe *"},
        {"{\"action\":\"subscribe\",\"symbol\":\"BTC\\/USD\"}", "subscribe BTC/USD"},
        {" {\"action\":\"ping\"} \n", "ping"},
        {"{\"action\":\"ping\",\"more\":{\"a\":[1,2]}}", "ping"},
        {"{\"action\":\"auth\",\"token\":\"a.b.c\"}", "auth a.b.c"},
        {"{\"action\":\"auth\"}", "!bad_token"},
        {"{\"action\":\"auth\",\"token\":5}", "!bad_token"},
        {"{\"action\":\"subscribe\"}", "!bad_symbol"},
        {"{\"action\":\"subscribe\",\"symbols\":[]}", "!bad_symbol"},
        {"{\"action\":\"subscribe\",\"symbols\":[\"A\",5]}", "!bad_symbol"},
        {"{\"action\":\"subscribe\",\"symbols\":{\"a\":\"A\"}}", "!bad_symbol"},
        {"{\"action\":\"subscribe\",\"symbols\":[[\"A\"]]}", "!bad_symbol"},
        {"{\"action\":\"subscribe\",\"symbol\":null}", "!bad_symbol"},
        {"{\"action\":\"subscribe\",\"symbol\":\"A\",\"symbols\":5}", "!bad_symbol"},
        {"{\"action\":\"Subscribe\",\"symbol\":\"A\"}", "!unknown_action"},
        {"{\"action\":\"\"}", "!unknown_action"},
        {"{\"action\":5}", "!unknown_action"},
        {"{\"Action\":\"ping\"}", "!unknown_action"},
        {"{}", "!unknown_action"},
        {"", "!bad_json"},
        {" ", "!bad_json"},
        {"ping", "!bad_json"},
        {"\"ping\"", "!bad_json"},
        {"[]", "!bad_json"},
        {"[{\"action\":\"ping\"}]", "!bad_json"},
        {"null", "!bad_json"},
        {"{\"action\":\"ping\"", "!bad_json"},
        {"{\"action\":\"ping\"}{", "!bad_json"},
        {"{\"action\":\"ping\"}{\"action\":\"ping\"}", "!bad_json"},
        {"{\"action\":\"subscribe\",\"symbol\":\"A\\u0000B\"}", "!bad_json"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        expect(cases[i][0], cases[i][1]);
    }
}

static void a_nul_ends_nothing(void **state)
{
    static const char text[] = "{\"action\":\"ping\"}\0{";
    struct action a;
    struct action_fault fault;

    (void)state;
    assert_true(action_parse(text, sizeof(text) - 1, &a, &fault) < 0);
}

static void deep_nesting_is_refused(void **state)
{
    char text[4096];
    struct action a;
    struct action_fault fault;

    (void)state;
    memset(text, '[', sizeof(text));
    assert_true(action_parse(text, sizeof(text), &a, &fault) < 0);
    memcpy(text, "{\"action\":", 10);
    assert_true(action_parse(text, sizeof(text), &a, &fault) < 0);
    assert_string_equal(fault.code, "bad_json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_message_comes_to_an_action_or_a_fault),
        cmocka_unit_test(a_nul_ends_nothing),
        cmocka_unit_test(deep_nesting_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
