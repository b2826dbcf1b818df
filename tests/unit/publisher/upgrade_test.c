#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <curl/curl.h>
#include <errno.h>

#include "common/clock.h"
#include "publisher/net/upgrade.h"

#include "common/banned.h"

#define SWITCHING "HTTP/1.1 101 Switching Protocols\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define ACCEPT "Sec-WebSocket-Accept: @\r\n" /* answer() puts the right one in the place of @ */

static struct upgrade u;
static struct websocket_end end;

static int clean(void **state)
{
    (void)state;
    upgrade_release(&u);
    return 0;
}

static char *begin(const char *url, const char *const *headers)
{
    char *origin = NULL;

    upgrade_release(&u);
    end = (struct websocket_end){0};
    assert_int_equal(upgrade_init(&u, url, headers, &origin), 0);
    return origin;
}

/* Give the bytes, `step` at a time, until they are judged. */
static int receive(const char *bytes, size_t len, size_t step)
{
    int r = -EAGAIN;

    for (size_t at = 0; at < len && r == -EAGAIN; at += step) {
        size_t room, n = len - at < step ? len - at : step;
        char *space = upgrade_space(&u, &room);

        assert_true(n <= room);
        memcpy(space, bytes + at, n);
        r = upgrade_received(&u, n, &end);
    }
    return r;
}

/* What an upgrade of its own makes of `text`, that comes `step` bytes at a time. */
static int answer_in_steps(const char *text, size_t step)
{
    char bytes[1024];
    size_t n = 0;

    curl_free(begin("ws://127.0.0.1/", NULL));
    for (; *text != '\0'; text++)
        n += (size_t)snprintf(bytes + n, sizeof(bytes) - n, "%.*s", *text == '@' ? 28 : 1,
                              *text == '@' ? u.accept : text);
    return receive(bytes, n, step);
}

static int answer(const char *text)
{
    return answer_in_steps(text, 1024);
}

static void assert_refused(const char *text, const char *why)
{
    assert_int_equal(answer(text), -EPROTO);
    assert_string_equal(end.why, why);
    assert_int_equal(end.code, 0);
}

/* What is sent, in pieces of `step` bytes; the caller frees it. */
static char *sent_request(size_t step)
{
    char *text = NULL;
    size_t size, left;
    const char *bytes;
    FILE *out = open_memstream(&text, &size);

    while ((left = upgrade_to_send(&u, &bytes)) > 0) {
        size_t n = left < step ? left : step;

        fwrite(bytes, 1, n, out);
        upgrade_sent(&u, n);
    }
    fclose(out);
    return text;
}

static void assert_begins(const char *text, const char *wanted)
{
    if (strncmp(text, wanted, strlen(wanted)) != 0)
        assert_string_equal(text, wanted);
}

static void the_request_says_what_the_url_and_the_headers_say(void **state)
{
    static const char *const headers[] = {"X-Feed: iex", "X-Mode: fast", NULL};
    char *whole;

    (void)state;
    curl_free(begin("wss://ws.example.com:8443/v2/stream?token=K%2BY", headers));
    whole = sent_request(7);
    assert_begins(whole, "GET /v2/stream?token=K%2BY HTTP/1.1\r\nHost: ws.example.com:8443\r\n");
    assert_non_null(strstr(whole, "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"));
    assert_non_null(strstr(whole, "\r\nSec-WebSocket-Version: 13\r\n"));
    assert_non_null(strstr(whole, "\r\nX-Feed: iex\r\nX-Mode: fast\r\n\r\n"));
    free(whole);
}

static void a_url_of_a_host_alone_asks_for_the_root(void **state)
{
    char *whole;

    (void)state;
    curl_free(begin("ws://[::1]", NULL));
    whole = sent_request(4096);
    assert_begins(whole, "GET / HTTP/1.1\r\nHost: [::1]\r\n");
    free(whole);
}

static void what_is_sent_is_gone(void **state)
{
    const char *bytes;

    (void)state;
    curl_free(begin("ws://h/?token=SECRET", NULL));
    upgrade_sent(&u, upgrade_to_send(&u, &bytes));
    assert_null(u.request);
    assert_int_equal(upgrade_to_send(&u, &bytes), 0);
}

static void assert_origin(const char *url, const char *wanted)
{
    char *origin = begin(url, NULL);

    assert_string_equal(origin, wanted);
    curl_free(origin);
}

static void the_origin_has_no_path_and_no_key(void **state)
{
    (void)state;
    assert_origin("wss://ws.example.com/v2/stream?token=SECRET", "https://ws.example.com/");
    assert_origin("ws://127.0.0.1:9001?token=SECRET", "http://127.0.0.1:9001/");
}

static void what_is_no_url_is_told(void **state)
{
    static const char *const urls[] = {"", "ws://", "wss://a b/", "ws://h:70000/"};
    char *origin = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        clean(NULL);
        assert_int_equal(upgrade_init(&u, urls[i], NULL, &origin), -EINVAL);
        assert_null(origin);
        assert_null(u.request);
    }
}

static void two_requests_have_two_keys(void **state)
{
    char first[UPGRADE_ACCEPT_MAX];

    (void)state;
    curl_free(begin("ws://h/", NULL));
    memcpy(first, u.accept, sizeof(first));
    curl_free(begin("ws://h/", NULL));
    assert_string_not_equal(first, u.accept);
}

static void an_answer_that_agrees_opens_wherever_it_is_cut(void **state)
{
    (void)state;
    for (size_t step = 1; step < 140; step++)
        assert_int_equal(answer_in_steps(SWITCHING UPGRADE ACCEPT "\r\n", step), 0);
}

static void names_and_blanks_are_free_in_an_answer(void **state)
{
    (void)state;
    assert_int_equal(answer("HTTP/1.1 101 \r\nupgrade:WebSocket\r\n"
                            "SEC-WEBSOCKET-ACCEPT: \t @ \t\r\n\r\n"),
                     0);
    assert_int_equal(answer("HTTP/1.1 101\r\n" UPGRADE ACCEPT "\r\n"), 0);
}

static void frames_behind_the_head_are_kept(void **state)
{
    char bytes[8];

    (void)state;
    assert_int_equal(answer(SWITCHING UPGRADE ACCEPT "\r\nframes"), 0);
    assert_int_equal(upgrade_rest(&u, bytes, 4), 4);
    assert_memory_equal(bytes, "fram", 4);
    assert_int_equal(upgrade_rest(&u, bytes, sizeof(bytes)), 2);
    assert_memory_equal(bytes, "es", 2);
    assert_int_equal(upgrade_rest(&u, bytes, sizeof(bytes)), 0);
}

static void a_101_without_what_belongs_to_it_is_refused(void **state)
{
    static const char *const answers[] = {
        SWITCHING UPGRADE "\r\n",                          /* no accept */
        SWITCHING UPGRADE "Sec-WebSocket-Accept:\r\n\r\n", /* none in it */
        SWITCHING UPGRADE
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",   /* another's */
        SWITCHING UPGRADE "Sec-WebSocket-Accept: @@\r\n\r\n",           /* and more */
        SWITCHING UPGRADE "Sec-WebSocket-Accept:\r\n @\r\n\r\n",        /* folded */
        SWITCHING UPGRADE "Sec-WebSocket-Accept : @\r\n\r\n",           /* another name */
        SWITCHING UPGRADE "X-Sec-WebSocket-Accept: @\r\n\r\n",          /* likewise */
        SWITCHING UPGRADE "X: a\r\n Sec-WebSocket-Accept: @\r\n\r\n",   /* of a value */
        SWITCHING UPGRADE "Sec-WebSocket-Accept: no\r\n" ACCEPT "\r\n", /* the second */
        SWITCHING ACCEPT "\r\n",                                        /* no upgrade */
        SWITCHING "Upgrade: h2c\r\n" ACCEPT "\r\n",
        SWITCHING "Upgrade: websockets\r\n" ACCEPT "\r\n",
        SWITCHING "\r\n" UPGRADE ACCEPT "\r\n", /* a body */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
        assert_refused(answers[i], "an answer that is no WebSocket's");
}

static void what_is_no_http_is_told(void **state)
{
    static const char *const answers[] = {
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "\r\n\r\n",
        "HTTP/1.\r\n\r\n",
        "HTTP/2 101 Switching Protocols\r\n" UPGRADE ACCEPT "\r\n",
        "HTTP/1.1\r\n" UPGRADE ACCEPT "\r\n",
        " HTTP/1.1 101 Switching Protocols\r\n" UPGRADE ACCEPT "\r\n",
        "ICY 200 OK\r\n\r\n",
        "HTTP/1.1 +101 Switching Protocols\r\n" UPGRADE ACCEPT "\r\n",
        "HTTP/1.1 0101 Switching Protocols\r\n" UPGRADE ACCEPT "\r\n",
        "HTTP/1.1 101x\r\n" UPGRADE ACCEPT "\r\n",
        "HTTP/1.1 \r\n101 Switching Protocols\r\n" UPGRADE ACCEPT "\r\n",
        "HTTP/1.1 OK\r\n\r\n",
        "HTTP/1.1 000 Nothing\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
        assert_refused(answers[i], "an answer that is no HTTP");
}

static void a_head_without_an_end_is_refused_when_it_is_full(void **state)
{
    static char bytes[UPGRADE_HEAD_MAX] = SWITCHING;

    (void)state;
    memset(bytes + strlen(bytes), 'x', sizeof(bytes) - strlen(bytes));
    curl_free(begin("ws://h/", NULL));
    assert_int_equal(receive(bytes, sizeof(bytes) - 1, 1000), -EAGAIN);
    assert_int_equal(receive("x", 1, 1), -EPROTO);
    assert_string_equal(end.why, "an answer that is no WebSocket's");
}

static void assert_waits_s(const char *retry_after, int64_t wanted)
{
    char text[256];

    snprintf(text, sizeof(text), "HTTP/1.1 429 Too Many Requests\r\n%s\r\n", retry_after);
    assert_refused(text, "the stream is refused (HTTP 429)");
    assert_int_equal(end.http_status, 429);
    assert_int_equal(end.retry_after_s, wanted);
}

static void a_refusal_says_for_how_long(void **state)
{
    (void)state;
    assert_waits_s("Retry-After: 45\r\n", 45);
    assert_waits_s("retry-after:007\r\n", 7);
    assert_waits_s("Retry-After: 999999999\r\n", 999999999);
    assert_waits_s("Retry-After: 99999999999999999999\r\n", INT32_MAX);
    assert_waits_s("Retry-After: 45\r\nRetry-After: 3\r\n", 45);
}

static void a_refusal_says_until_when(void **state)
{
    const struct wall noon = {INT64_C(1445412480999)}; /* Wed, 21 Oct 2015 07:28:00.999 */

    (void)state;
    clock_hold((struct mono){0}, noon);
    assert_waits_s("Retry-After: Wed, 21 Oct 2015 07:29:30 GMT\r\n", 90);
    assert_waits_s("Retry-After: Wednesday, 21-Oct-15 07:29:30 GMT\r\n", 90);
    assert_waits_s("Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n", 0);
    assert_waits_s("Retry-After: Wed, 21 Oct 2015 07:00:00 GMT\r\n", 0);
    clock_release();
}

static void a_refusal_may_say_nothing_of_it(void **state)
{
    (void)state;
    assert_waits_s("", 0);
    assert_waits_s("Retry-After:\r\n", 0);
    assert_waits_s("Retry-After: soon\r\n", 0);
    assert_waits_s("Retry-After: -5\r\n", 0);
    assert_waits_s("Retry-After: 1.5\r\n", 0);
    assert_waits_s("Retry-After:\r\n 45\r\n", 0);
    assert_waits_s("Retry-After: 0000000000000000000000000000000000000000000005\r\n", 0);
}

static void a_refusal_with_a_body_is_one(void **state)
{
    (void)state;
    assert_refused("HTTP/1.0 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}",
                   "the stream is refused (HTTP 401)");
    assert_int_equal(end.http_status, 401);
    assert_int_equal(end.retry_after_s, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_says_what_the_url_and_the_headers_say),
        cmocka_unit_test(a_url_of_a_host_alone_asks_for_the_root),
        cmocka_unit_test(what_is_sent_is_gone),
        cmocka_unit_test(the_origin_has_no_path_and_no_key),
        cmocka_unit_test(what_is_no_url_is_told),
        cmocka_unit_test(two_requests_have_two_keys),
        cmocka_unit_test(an_answer_that_agrees_opens_wherever_it_is_cut),
        cmocka_unit_test(names_and_blanks_are_free_in_an_answer),
        cmocka_unit_test(frames_behind_the_head_are_kept),
        cmocka_unit_test(a_101_without_what_belongs_to_it_is_refused),
        cmocka_unit_test(what_is_no_http_is_told),
        cmocka_unit_test(a_head_without_an_end_is_refused_when_it_is_full),
        cmocka_unit_test(a_refusal_says_for_how_long),
        cmocka_unit_test(a_refusal_says_until_when),
        cmocka_unit_test(a_refusal_may_say_nothing_of_it),
        cmocka_unit_test(a_refusal_with_a_body_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, clean);
}
