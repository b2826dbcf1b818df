#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/codec/h2_head.h"

static struct h2_head head;
static char text[H2_HEAD_TEXT];
static struct http_head parsed;

static void add(const char *name, const char *value)
{
    h2_head_add(&head, slice_of(name), slice_of(value));
}

static void begin(const char *path)
{
    head = (struct h2_head){0};
    add(":method", "GET");
    add(":scheme", "https");
    add(":path", path);
    add(":authority", "localhost:8080");
}

static void a_request_reads_as_one_of_http_1(void **state)
{
    (void)state;
    begin("/events?symbols=AAPL");
    add("accept", "*/*");
    add("host", "localhost:8080");
    assert_int_equal(h2_head_parse(&head, true, text, &parsed), 0);
    assert_true(slice_is(parsed.method, "GET"));
    assert_true(slice_is(parsed.path, "/events"));
    assert_true(slice_is(parsed.query, "symbols=AAPL"));
    assert_true(slice_is(parsed.host, "localhost:8080"));
    assert_true(slice_is(http_head_field(&parsed, "Accept"), "*/*"));
    assert_false(parsed.chunked);
    assert_int_equal(h2_head_parse(&head, false, text, &parsed), 0);
    assert_true(parsed.chunked);
}

static void host_does_for_authority(void **state)
{
    (void)state;
    head = (struct h2_head){0};
    add(":method", "GET");
    add(":path", "/");
    add("host", "a");
    assert_int_equal(h2_head_parse(&head, true, text, &parsed), 0);
    assert_true(slice_is(parsed.host, "a"));
}

static void what_is_too_large_is_431(void **state)
{
    static char large[HTTP_HEAD_MAX + 1];

    (void)state;
    memset(large, 'x', HTTP_HEAD_MAX);
    large[0] = '/';
    begin(large);
    assert_int_equal(h2_head_parse(&head, true, text, &parsed), -431);
    begin("/");
    add("cookie", large);
    add("accept", "*/*");
    assert_int_equal(h2_head_parse(&head, true, text, &parsed), -431);
    begin("/");
    for (int i = 0; i < HTTP_FIELDS_MAX; i++)
        add("x", "y");
    assert_int_equal(h2_head_parse(&head, true, text, &parsed), -431);
    begin("/");
    add(":method", large);
    assert_int_equal(h2_head_parse(&head, true, text, &parsed), -431);
}

static void what_no_path_can_be_is_400(void **state)
{
    (void)state;
    begin("/a b");
    assert_int_equal(h2_head_parse(&head, true, text, &parsed), -400);
    begin("");
    assert_int_equal(h2_head_parse(&head, true, text, &parsed), -400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_reads_as_one_of_http_1),
        cmocka_unit_test(host_does_for_authority),
        cmocka_unit_test(what_is_too_large_is_431),
        cmocka_unit_test(what_no_path_can_be_is_400),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
