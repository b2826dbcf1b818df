#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gateway/codec/http_head.h"

#include "common/banned.h"

/* A request and the status to refuse it with, 0 for a right one. */
struct head_case {
    const char *name;
    const char *text;
    size_t len;
    int status;
};

#define TEXT(literal) literal, sizeof(literal) - 1
#define HOST "Host: a\r\n"

static const struct head_case cases[] = {
    {"the least request of 1.1", TEXT("GET / HTTP/1.1\r\n" HOST "\r\n"), 0},
    {"the least request of 1.0", TEXT("GET / HTTP/1.0\r\n\r\n"), 0},
    {"an unknown method is a token", TEXT("BREW!#$%&'*+-.^_`|~ / HTTP/1.1\r\n" HOST "\r\n"), 0},
    {"a later minor version", TEXT("GET / HTTP/1.9\r\n" HOST "\r\n"), 0},
    {"an empty line before the request", TEXT("\r\nGET / HTTP/1.1\r\n" HOST "\r\n"), 0},
    {"a query", TEXT("GET /a?b=c&d HTTP/1.1\r\n" HOST "\r\n"), 0},
    {"an absolute target", TEXT("GET http://a:80/x?y HTTP/1.1\r\nHost: b\r\n\r\n"), 0},
    {"an absolute target without a path", TEXT("GET http://a HTTP/1.1\r\n" HOST "\r\n"), 0},
    {"OPTIONS of the server", TEXT("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), 0},
    {"CONNECT is for the caller to refuse", TEXT("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"),
     0},
    {"a field without a value", TEXT("GET / HTTP/1.1\r\n" HOST "X:\r\n\r\n"), 0},
    {"white space around a value", TEXT("GET / HTTP/1.1\r\nHost: \t a \t \r\n\r\n"), 0},
    {"a tab and bytes above 0x7F in a value", TEXT("GET / HTTP/1.1\r\n" HOST "X: a\tb\xFF\r\n\r\n"),
     0},
    {"an address for a host", TEXT("GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n"), 0},
    {"a length", TEXT("POST / HTTP/1.1\r\n" HOST "Content-Length: 12\r\n\r\n"), 0},
    {"the same length twice",
     TEXT("POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 01\r\n\r\n"), 0},
    {"chunks", TEXT("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n"), 0},

    {"no method", TEXT(" / HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"a method that is no token", TEXT("GE(T / HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"no target", TEXT("GET HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"an empty target", TEXT("GET  HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"no version", TEXT("GET /\r\n" HOST "\r\n"), 400},
    {"two spaces before the version", TEXT("GET /  HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"a tab before the target", TEXT("GET\t/ HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"a space behind the version", TEXT("GET / HTTP/1.1 \r\n" HOST "\r\n"), 400},
    {"the version in lower case", TEXT("GET / http/1.1\r\n" HOST "\r\n"), 400},
    {"a version of three digits", TEXT("GET / HTTP/1.10\r\n" HOST "\r\n"), 400},
    {"a version without digits", TEXT("GET / HTTP/x.y\r\n" HOST "\r\n"), 400},
    {"version 2", TEXT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505},
    {"version 0.9", TEXT("GET / HTTP/0.9\r\n\r\n"), 505},
    {"a target without a slash", TEXT("GET a HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"a fragment in the target", TEXT("GET /a#b HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"bytes above 0x7F in the target", TEXT("GET /\xC3\xA4 HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"an asterisk for GET", TEXT("GET * HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"another scheme", TEXT("GET ftp://a/ HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"an absolute target without a host", TEXT("GET http:///x HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"an absolute target with a user", TEXT("GET http://u@a/ HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"two empty lines before the request", TEXT("\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"TLS on the wrong port", TEXT("\x16\x03\x01\x02"), 400},

    {"a line that ends in LF", TEXT("GET / HTTP/1.1\n" HOST "\r\n"), 400},
    {"a field that ends in LF", TEXT("GET / HTTP/1.1\r\nHost: a\n\r\n"), 400},
    {"a head that ends in LF", TEXT("GET / HTTP/1.1\r\n" HOST "\n"), 400},
    {"a bare CR in the request line", TEXT("GET /\r HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"a bare CR in a value", TEXT("GET / HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n"), 400},
    {"two CR at the end of a line", TEXT("GET / HTTP/1.1\r\n" HOST "X: a\r\r\n\r\n"), 400},
    {"NUL in the target", TEXT("GET /\0 HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"NUL in a value", TEXT("GET / HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n"), 400},
    {"DEL in a value", TEXT("GET / HTTP/1.1\r\n" HOST "X: \x7F\r\n\r\n"), 400},
    {"an escape character in a value", TEXT("GET / HTTP/1.1\r\n" HOST "X: \x1B[1m\r\n\r\n"), 400},

    {"a folded field", TEXT("GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n"), 400},
    {"a folded field with a colon", TEXT("GET / HTTP/1.1\r\n" HOST "X: a\r\n\tb: c\r\n\r\n"), 400},
    {"white space before the first field", TEXT("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), 400},
    {"a space before the colon", TEXT("GET / HTTP/1.1\r\nHost : a\r\n\r\n"), 400},
    {"no colon", TEXT("GET / HTTP/1.1\r\n" HOST "X\r\n\r\n"), 400},
    {"no name", TEXT("GET / HTTP/1.1\r\n" HOST ": x\r\n\r\n"), 400},
    {"a name that is no token", TEXT("GET / HTTP/1.1\r\n" HOST "X@Y: x\r\n\r\n"), 400},
    {"a name above 0x7F", TEXT("GET / HTTP/1.1\r\n" HOST "\xC3\xA4: x\r\n\r\n"), 400},

    {"no Host", TEXT("GET / HTTP/1.1\r\n\r\n"), 400},
    {"two Hosts", TEXT("GET / HTTP/1.1\r\n" HOST "host: a\r\n\r\n"), 400},
    {"two Hosts, 1.0", TEXT("GET / HTTP/1.0\r\n" HOST "Host: b\r\n\r\n"), 400},
    {"an empty Host", TEXT("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 400},
    {"a Host with a path", TEXT("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400},
    {"a Host with a user", TEXT("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"), 400},
    {"a Host with a space", TEXT("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), 400},
    {"a Host with a port of letters", TEXT("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"), 400},
    {"a Host with an address of other letters", TEXT("GET / HTTP/1.1\r\nHost: [::g]\r\n\r\n"), 400},
    {"a Host with half an address", TEXT("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"), 400},
    {"a Host that is only a port", TEXT("GET / HTTP/1.1\r\nHost: :80\r\n\r\n"), 400},
    {"no Host with an absolute target", TEXT("GET http://a/ HTTP/1.1\r\n\r\n"), 400},

    {"length and chunks",
     TEXT("POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
     400},
    {"two lengths",
     TEXT("POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"), 400},
    {"a list of lengths", TEXT("POST / HTTP/1.1\r\n" HOST "Content-Length: 1, 1\r\n\r\n"), 400},
    {"a negative length", TEXT("POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n"), 400},
    {"a length with a sign", TEXT("POST / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\n"), 400},
    {"a hexadecimal length", TEXT("POST / HTTP/1.1\r\n" HOST "Content-Length: 0x1\r\n\r\n"), 400},
    {"an empty length", TEXT("POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n"), 400},
    {"a length beyond 64 bits",
     TEXT("POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551617\r\n\r\n"), 400},
    {"another transfer coding",
     TEXT("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501},
    {"chunks in two fields",
     TEXT("POST / HTTP/1.1\r\n" HOST
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
     400},
    {"chunks in 1.0", TEXT("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"), 400},
};

/* From memory that ends where it ends. */
static int parse(const char *text, size_t len, struct http_head *h)
{
    char *copy = malloc(len > 0 ? len : 1);
    int r;

    assert_non_null(copy);
    memcpy(copy, text, len);
    r = http_head_parse(copy, len, h);
    free(copy);
    return r;
}

static void request_is_judged(void **state)
{
    const struct head_case *c = *state;
    struct http_head h;
    bool failed = false;

    assert_int_equal(parse(c->text, c->len, &h), c->status > 0 ? -c->status : (int)c->len);
    for (size_t cut = 0; cut < c->len; cut++) {
        int r = parse(c->text, cut, &h);

        if (r == 0 && !failed)
            continue;
        failed = true;
        if (c->status == 0 || r != -c->status)
            fail_msg("cut at %zu: %d", cut, r);
    }
}

static void what_follows_the_head_is_left(void **state)
{
    static const char text[] = "GET / HTTP/1.0\r\n\r\n\r\nGET / HTTP/1.0\r\n\r\n";
    struct http_head h;

    (void)state;
    assert_int_equal(parse(text, sizeof(text) - 1, &h), 18);
}

/* ---- what is given ---- */

static struct http_head parsed(const char *text)
{
    struct http_head h;

    assert_int_equal(http_head_parse(text, strlen(text), &h), strlen(text));
    return h;
}

#define assert_slice(slice, text) assert_true(slice_is((slice), (text)))

static void a_request_is_given_in_parts(void **state)
{
    struct http_head h = parsed("GET /mqtt?max-rate=2?x HTTP/1.1\r\nHost: example.com:8080\r\n"
                                "X-A:  one \r\nx-a:two\r\n\r\n");

    (void)state;
    assert_slice(h.method, "GET");
    assert_slice(h.target, "/mqtt?max-rate=2?x");
    assert_slice(h.path, "/mqtt");
    assert_slice(h.query, "max-rate=2?x");
    assert_slice(h.host, "example.com:8080");
    assert_int_equal(h.minor, 1);
    assert_int_equal(h.n_fields, 3);
    assert_slice(h.fields[2].name, "x-a");
    assert_slice(h.fields[2].value, "two");
    assert_slice(http_head_field(&h, "X-a"), "one");
    assert_int_equal(http_head_count(&h, "X-A"), 2);
    assert_null(http_head_field(&h, "X").at);
    assert_int_equal(http_head_count(&h, "X"), 0);
    assert_true(h.keep_alive);
    assert_false(h.chunked);
    assert_int_equal(h.content_length, 0);
}

static void without_a_question_mark_there_is_no_query(void **state)
{
    struct http_head h = parsed("GET /a HTTP/1.1\r\n" HOST "\r\n");

    (void)state;
    assert_null(h.query.at);
    h = parsed("GET /a? HTTP/1.1\r\n" HOST "\r\n");
    assert_non_null(h.query.at);
    assert_int_equal(h.query.len, 0);
}

static void an_absolute_target_has_the_host(void **state)
{
    struct http_head h = parsed("GET HTTP://one:80/p?q HTTP/1.1\r\nHost: two\r\n\r\n");

    (void)state;
    assert_slice(h.host, "one:80");
    assert_slice(h.path, "/p");
    assert_slice(h.query, "q");
    h = parsed("GET https://one?q HTTP/1.1\r\nHost: two\r\n\r\n");
    assert_slice(h.path, "/");
    assert_slice(h.query, "q");
}

static void the_connection_is_kept_as_the_version_has_it(void **state)
{
    (void)state;
    assert_true(parsed("GET / HTTP/1.1\r\n" HOST "\r\n").keep_alive);
    assert_false(parsed("GET / HTTP/1.1\r\n" HOST "Connection: Close\r\n\r\n").keep_alive);
    assert_false(parsed("GET / HTTP/1.1\r\n" HOST "Connection: x, close\r\n\r\n").keep_alive);
    assert_false(parsed("GET / HTTP/1.0\r\n\r\n").keep_alive);
    assert_true(parsed("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keep_alive);
}

static void the_body_is_announced(void **state)
{
    struct http_head h = parsed("POST / HTTP/1.1\r\n" HOST "content-length: 4294967296\r\n\r\n");

    (void)state;
    assert_true(h.content_length == 4294967296u);
    assert_false(h.chunked);
    h = parsed("POST / HTTP/1.1\r\n" HOST "transfer-encoding: chunked\r\n\r\n");
    assert_true(h.chunked);
}

static void lists_are_read_over_all_fields(void **state)
{
    struct http_head h = parsed("GET / HTTP/1.1\r\n" HOST
                                "Connection: keep-alive ,\tUPGRADE,,\r\nConnection: x\r\n\r\n");

    (void)state;
    assert_true(http_head_lists(&h, "connection", "upgrade"));
    assert_true(http_head_lists(&h, "connection", "keep-alive"));
    assert_true(http_head_lists(&h, "connection", "x"));
    assert_false(http_head_lists(&h, "connection", "up"));
    assert_false(http_head_lists(&h, "connection", ""));
    assert_false(http_head_lists(&h, "x", "upgrade"));
}

/* ---- limits ---- */

/* A request whose head is `len` bytes long, with a long target or a long value. */
static char *long_request(size_t len, bool in_target)
{
    static const char line[] = "GET / HTTP/1.1\r\n", rest[] = HOST "X: \r\n\r\n";
    size_t fill = len - (sizeof(line) - 1) - (sizeof(rest) - 1);
    char *text = malloc(len + 1);

    assert_non_null(text);
    snprintf(text, len + 1, "GET /%*s HTTP/1.1\r\n" HOST "X: %*s\r\n\r\n",
             in_target ? (int)fill : 0, "", in_target ? 0 : (int)fill, "");
    if (in_target)
        memset(text + 5, 'x', fill);
    return text;
}

static void a_head_at_the_limit_is_right_and_one_byte_more_is_not(void **state)
{
    struct http_head h;

    (void)state;
    for (int in_target = 0; in_target < 2; in_target++) {
        char *text = long_request(HTTP_HEAD_MAX, in_target);

        assert_int_equal(http_head_parse(text, HTTP_HEAD_MAX, &h), HTTP_HEAD_MAX);
        free(text);
        text = long_request(HTTP_HEAD_MAX + 1, in_target);
        assert_int_equal(http_head_parse(text, HTTP_HEAD_MAX - 1, &h), 0);
        assert_int_equal(http_head_parse(text, HTTP_HEAD_MAX, &h), -431);
        assert_int_equal(http_head_parse(text, HTTP_HEAD_MAX + 1, &h), -431);
        free(text);
    }
}

static void a_request_line_without_end_is_414(void **state)
{
    char *text = long_request((size_t)2 * HTTP_HEAD_MAX, true);
    struct http_head h;

    (void)state;
    assert_int_equal(http_head_parse(text, HTTP_HEAD_MAX - 1, &h), 0);
    assert_int_equal(http_head_parse(text, HTTP_HEAD_MAX, &h), -414);
    assert_int_equal(http_head_parse(text, (size_t)2 * HTTP_HEAD_MAX, &h), -414);
    free(text);
}

static void there_may_be_64_fields_and_not_one_more(void **state)
{
    char text[2000] = "GET / HTTP/1.1\r\n" HOST;
    size_t n = strlen(text);
    struct http_head h;

    (void)state;
    for (size_t i = 1; i < HTTP_FIELDS_MAX; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "X: %zu\r\n", i);
    snprintf(text + n, sizeof(text) - n, "\r\n");
    assert_int_equal(http_head_parse(text, n + 2, &h), n + 2);
    assert_int_equal(h.n_fields, HTTP_FIELDS_MAX);
    snprintf(text + n, sizeof(text) - n, "X: 64\r\n\r\n");
    assert_int_equal(http_head_parse(text, n + 9, &h), -431);
}

/* ---- paths and queries ---- */

static void paths_are_decoded_or_refused(void **state)
{
    static const struct {
        const char *path, *decoded; /* NULL: refused */
    } paths[] = {
        {"/", "/"},
        {"/index.html", "/index.html"},
        {"/a%20b%2Fc%c3%a4", "/a b/c\xC3\xA4"},
        {"/a+b", "/a+b"},
        {"/a//b", "/a//b"},
        {"/..a/.b/c../...", "/..a/.b/c../..."},
        {"", NULL},
        {"a", NULL},
        {"*", NULL},
        {"/..", NULL},
        {"/../a", NULL},
        {"/a/../b", NULL},
        {"/a/..", NULL},
        {"/.", NULL},
        {"/a/./b", NULL},
        {"/%2e%2e/etc", NULL},
        {"/.%2E/etc", NULL},
        {"/a%2f..%2fb", NULL},
        {"/a\\..\\b", NULL},
        {"/a%5c..%5cb", NULL},
        {"/a%00.html", NULL},
        {"/a%0d%0ab", NULL},
        {"/a%7f", NULL},
        {"/%", NULL},
        {"/%4", NULL},
        {"/%g0", NULL},
        {"/%0g", NULL},
        {"/%252e%252e/a", "/%2e%2e/a"}, /* once and no more */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        char buf[64];
        int r = http_path_decode(slice_of(paths[i].path), buf, sizeof(buf));

        if (paths[i].decoded == NULL
                ? r != -EINVAL
                : r < 0 || (size_t)r != strlen(buf) || strcmp(buf, paths[i].decoded) != 0)
            fail_msg("%s: %d", paths[i].path, r);
    }
}

static void an_escape_is_not_looked_for_beyond_the_end(void **state)
{
    char buf[10];

    (void)state;
    assert_int_equal(http_path_decode((struct slice){"/%41", 2}, buf, sizeof(buf)), -EINVAL);
    assert_int_equal(http_path_decode((struct slice){"/%41", 3}, buf, sizeof(buf)), -EINVAL);
    assert_int_equal(http_path_decode((struct slice){"/%41", 4}, buf, sizeof(buf)), 2);
}

static void a_path_needs_room_for_its_nul(void **state)
{
    char buf[5];

    (void)state;
    assert_int_equal(http_path_decode(slice_of("/abc"), buf, 5), 4);
    assert_int_equal(http_path_decode(slice_of("/abc"), buf, 4), -ENOBUFS);
    assert_int_equal(http_path_decode(slice_of("/abc"), buf, 0), -ENOBUFS);
    assert_int_equal(http_path_decode(slice_of(""), buf, 0), -ENOBUFS);
}

static void query_values_are_found_and_decoded(void **state)
{
    static const struct {
        const char *query, *name, *value;
        int result;
    } queries[] = {
        {"symbol=AAPL", "symbol", "AAPL", 4},
        {"a=1&b=2", "b", "2", 1},
        {"a=1&a=2", "a", "1", 1},
        {"a=b%3Dc+d%2B", "a", "b=c d+", 6},
        {"max%2Drate=2", "max-rate", "2", 1},
        {"a=b=c", "a", "b=c", 3},
        {"a", "a", "", 0},
        {"a=", "a", "", 0},
        {"&&a=1&", "a", "1", 1},
        {"%=1&a=1", "a", "1", 1},
        {"ab=1", "a", NULL, -ENOENT},
        {"A=1", "a", NULL, -ENOENT},
        {"", "a", NULL, -ENOENT},
        {"a=%", "a", NULL, -EINVAL},
        {"a=%zz", "a", NULL, -EINVAL},
        {"a=%00", "a", NULL, -EINVAL},
        {"a=0123456789", "a", NULL, -ENOBUFS},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
        char buf[10];
        int r = http_query_get(slice_of(queries[i].query), queries[i].name, buf, sizeof(buf));

        if (r != queries[i].result || (r >= 0 && strcmp(buf, queries[i].value) != 0))
            fail_msg("%s: %d", queries[i].query, r);
    }
    assert_int_equal(http_query_get(SLICE_NONE, "a", NULL, 0), -ENOENT);
}

static int run_cases(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(cases)] = {0};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        tests[i] = (struct CMUnitTest){
            .name = cases[i].name,
            .test_func = request_is_judged,
            .initial_state = (void *)(uintptr_t)&cases[i],
        };
    return _cmocka_run_group_tests("requests", tests, ARRAY_SIZE(cases), NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_follows_the_head_is_left),
        cmocka_unit_test(a_request_is_given_in_parts),
        cmocka_unit_test(without_a_question_mark_there_is_no_query),
        cmocka_unit_test(an_absolute_target_has_the_host),
        cmocka_unit_test(the_connection_is_kept_as_the_version_has_it),
        cmocka_unit_test(the_body_is_announced),
        cmocka_unit_test(lists_are_read_over_all_fields),
        cmocka_unit_test(a_head_at_the_limit_is_right_and_one_byte_more_is_not),
        cmocka_unit_test(a_request_line_without_end_is_414),
        cmocka_unit_test(there_may_be_64_fields_and_not_one_more),
        cmocka_unit_test(paths_are_decoded_or_refused),
        cmocka_unit_test(an_escape_is_not_looked_for_beyond_the_end),
        cmocka_unit_test(a_path_needs_room_for_its_nul),
        cmocka_unit_test(query_values_are_found_and_decoded),
    };

    return run_cases() + cmocka_run_group_tests_name("heads", tests, NULL, NULL);
}
