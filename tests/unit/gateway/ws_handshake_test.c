#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "gateway/codec/ws_handshake.h"

#include "common/banned.h"

#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define MQTT "Sec-WebSocket-Protocol: mqtt\r\n"
#define UPGRADE "Upgrade: websocket\r\n"
#define CONNECTION "Connection: Upgrade\r\n"
#define GET "GET /mqtt HTTP/1.1\r\nHost: localhost:8080\r\n"

/* A request for the subprotocol mqtt and the status to refuse it with, 0 for a right one. */
struct handshake_case {
    const char *name, *request;
    int status;
};

static const struct handshake_case cases[] = {
    {"what a browser sends",
     GET
     "Connection: Upgrade\r\nPragma: no-cache\r\nUpgrade: websocket\r\n"
     "Origin: http://localhost:8080\r\n" VERSION
     "Accept-Encoding: gzip, deflate\r\nSec-WebSocket-Extensions: permessage-deflate\r\n" KEY MQTT
     "\r\n",
     0},
    {"names and tokens in any case",
     "GET /mqtt HTTP/1.1\r\nhost: a\r\nupgrade: WebSocket\r\nconnection: upgrade\r\n"
     "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n"
     "sec-websocket-protocol: mqtt\r\n\r\n",
     0},
    {"Connection is a list",
     GET "Connection: keep-alive, Upgrade\r\n" UPGRADE KEY VERSION MQTT "\r\n", 0},
    {"Upgrade is a list", GET CONNECTION "Upgrade: h2c, websocket\r\n" KEY VERSION MQTT "\r\n", 0},
    {"mqtt among others",
     GET CONNECTION UPGRADE KEY VERSION "Sec-WebSocket-Protocol: mqttv3.1, mqtt\r\n\r\n", 0},
    {"mqtt in a second field",
     GET CONNECTION UPGRADE KEY VERSION
     "Sec-WebSocket-Protocol: mqttv3.1\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n",
     0},
    {"the key of RFC 6455's example, whose last bits are not zero",
     GET CONNECTION UPGRADE "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEC==\r\n" VERSION MQTT "\r\n",
     0},

    {"POST", "POST /mqtt HTTP/1.1\r\nHost: a\r\n" CONNECTION UPGRADE KEY VERSION MQTT "\r\n", 405},
    {"HEAD", "HEAD /mqtt HTTP/1.1\r\nHost: a\r\n" CONNECTION UPGRADE KEY VERSION MQTT "\r\n", 405},
    {"get", "get /mqtt HTTP/1.1\r\nHost: a\r\n" CONNECTION UPGRADE KEY VERSION MQTT "\r\n", 405},
    {"HTTP/1.0", "GET /mqtt HTTP/1.0\r\nHost: a\r\n" CONNECTION UPGRADE KEY VERSION MQTT "\r\n",
     400},
    {"no Upgrade", GET CONNECTION KEY VERSION MQTT "\r\n", 426},
    {"another Upgrade", GET CONNECTION "Upgrade: h2c\r\n" KEY VERSION MQTT "\r\n", 426},
    {"an Upgrade that only begins alike",
     GET CONNECTION "Upgrade: websockets\r\n" KEY VERSION MQTT "\r\n", 426},
    {"no Connection", GET UPGRADE KEY VERSION MQTT "\r\n", 400},
    {"Connection without upgrade", GET "Connection: keep-alive\r\n" UPGRADE KEY VERSION MQTT "\r\n",
     400},
    {"no version", GET CONNECTION UPGRADE KEY MQTT "\r\n", 400},
    {"two versions", GET CONNECTION UPGRADE KEY VERSION VERSION MQTT "\r\n", 400},
    {"version 8", GET CONNECTION UPGRADE KEY "Sec-WebSocket-Version: 8\r\n" MQTT "\r\n", 426},
    {"version 14", GET CONNECTION UPGRADE KEY "Sec-WebSocket-Version: 14\r\n" MQTT "\r\n", 426},
    {"version 013", GET CONNECTION UPGRADE KEY "Sec-WebSocket-Version: 013\r\n" MQTT "\r\n", 426},
    {"a list of versions",
     GET CONNECTION UPGRADE KEY "Sec-WebSocket-Version: 13, 8\r\n" MQTT "\r\n", 426},
    {"no key", GET CONNECTION UPGRADE VERSION MQTT "\r\n", 400},
    {"two keys", GET CONNECTION UPGRADE KEY KEY VERSION MQTT "\r\n", 400},
    {"an empty key", GET CONNECTION UPGRADE "Sec-WebSocket-Key:\r\n" VERSION MQTT "\r\n", 400},
    {"a key of 15 bytes",
     GET CONNECTION UPGRADE "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n" VERSION MQTT "\r\n", 400},
    {"a key of 17 bytes",
     GET CONNECTION UPGRADE "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQQ=\r\n" VERSION MQTT "\r\n",
     400},
    {"a key that is not base64",
     GET CONNECTION UPGRADE "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub2*jZQ==\r\n" VERSION MQTT "\r\n",
     400},
    {"a key with padding within",
     GET CONNECTION UPGRADE "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub2=jZQ==\r\n" VERSION MQTT "\r\n",
     400},
    {"no subprotocol", GET CONNECTION UPGRADE KEY VERSION "\r\n", 400},
    {"another subprotocol",
     GET CONNECTION UPGRADE KEY VERSION "Sec-WebSocket-Protocol: mqttv3.1\r\n\r\n", 400},
    {"the subprotocol in upper case",
     GET CONNECTION UPGRADE KEY VERSION "Sec-WebSocket-Protocol: MQTT\r\n\r\n", 400},
    {"two Origins",
     GET CONNECTION UPGRADE KEY VERSION MQTT "Origin: http://a\r\nOrigin: http://b\r\n\r\n", 400},
    {"a body", GET CONNECTION UPGRADE KEY VERSION MQTT "Content-Length: 5\r\n\r\n", 400},
    {"a body in chunks",
     GET CONNECTION UPGRADE KEY VERSION MQTT "Transfer-Encoding: chunked\r\n\r\n", 400},
};

static struct http_head parsed(const char *request)
{
    struct http_head h;

    assert_int_equal(http_head_parse(request, strlen(request), &h), strlen(request));
    return h;
}

static void handshake_is_judged(void **state)
{
    const struct handshake_case *c = *state;
    struct http_head h = parsed(c->request);
    struct ws_handshake hs;
    const char *why = NULL;

    assert_int_equal(ws_handshake_check(&h, "mqtt", &hs, &why), -c->status);
    assert_int_equal(c->status == 0, why == NULL);
}

static void an_upgrade_is_known_by_its_token(void **state)
{
    struct http_head h = parsed(GET "Upgrade: x, WebSocket\r\n\r\n");

    (void)state;
    assert_true(ws_is_upgrade(&h));
    h = parsed(GET "\r\n");
    assert_false(ws_is_upgrade(&h));
}

static void the_answer_is_that_of_the_specification(void **state)
{
    static const char expected[] = "HTTP/1.1 101 Switching Protocols\r\n"
                                   "Upgrade: websocket\r\n"
                                   "Connection: Upgrade\r\n"
                                   "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                                   "Sec-WebSocket-Protocol: mqtt\r\n"
                                   "\r\n";
    struct http_head h = parsed(cases[0].request);
    struct ws_handshake hs;
    const char *why;
    char answer[WS_ANSWER_MAX];

    (void)state;
    assert_int_equal(ws_handshake_check(&h, "mqtt", &hs, &why), 0);
    assert_true(slice_is(hs.origin, "http://localhost:8080"));
    assert_true(ws_handshake_possible());
    assert_int_equal(ws_handshake_answer(&hs, answer), sizeof(expected) - 1);
    assert_memory_equal(answer, expected, sizeof(expected) - 1);
}

static void a_door_without_subprotocol_names_none(void **state)
{
    static const char expected[] = "HTTP/1.1 101 Switching Protocols\r\n"
                                   "Upgrade: websocket\r\n"
                                   "Connection: Upgrade\r\n"
                                   "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                                   "\r\n";
    struct http_head h = parsed(GET CONNECTION UPGRADE KEY VERSION "\r\n");
    struct ws_handshake hs;
    const char *why;
    char answer[WS_ANSWER_MAX];

    (void)state;
    assert_int_equal(ws_handshake_check(&h, NULL, &hs, &why), 0);
    assert_null(hs.origin.at);
    assert_int_equal(ws_handshake_answer(&hs, answer), sizeof(expected) - 1);
    assert_memory_equal(answer, expected, sizeof(expected) - 1);
}

static void a_refusal_says_what_would_be_right(void **state)
{
    (void)state;
    assert_string_equal(ws_refusal_fields(405), "Allow: GET\r\n");
    assert_string_equal(ws_refusal_fields(426),
                        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
    assert_string_equal(ws_refusal_fields(400), "");
}

static int run_cases(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(cases)] = {0};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        tests[i] = (struct CMUnitTest){
            .name = cases[i].name,
            .test_func = handshake_is_judged,
            .initial_state = (void *)(uintptr_t)&cases[i],
        };
    return _cmocka_run_group_tests("handshakes", tests, ARRAY_SIZE(cases), NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_upgrade_is_known_by_its_token),
        cmocka_unit_test(the_answer_is_that_of_the_specification),
        cmocka_unit_test(a_door_without_subprotocol_names_none),
        cmocka_unit_test(a_refusal_says_what_would_be_right),
    };

    return run_cases() + cmocka_run_group_tests_name("answers", tests, NULL, NULL);
}
