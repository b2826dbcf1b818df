#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "publisher/net/frames.h"

#include "common/banned.h"

#define MESSAGE_MAX 200

/* The server, as far as frames sees it. */
static struct {
    const char *says; /* what is left of it */
    size_t len, step; /* at most `step` bytes of it at once */
    bool hangs_up;    /* behind that */
    bool full;        /* takes nothing */
    uint8_t heard[4096];
    size_t n_heard;
} server;

static struct frames *f;
static struct websocket_end end;
static char messages[256]; /* each in brackets */

static ssize_t on_receive(void *ctx, uint8_t *buf, size_t len)
{
    (void)ctx;
    if (server.len == 0)
        return server.hangs_up ? -EPIPE : -EAGAIN;
    if (len > server.len)
        len = server.len;
    if (len > server.step)
        len = server.step;
    memcpy(buf, server.says, len);
    server.says += len;
    server.len -= len;
    return (ssize_t)len;
}

static ssize_t on_send(void *ctx, const uint8_t *bytes, size_t len)
{
    (void)ctx;
    if (server.full)
        return -EAGAIN;
    assert_true(len <= sizeof(server.heard) - server.n_heard);
    memcpy(server.heard + server.n_heard, bytes, len);
    server.n_heard += len;
    return (ssize_t)len;
}

static void on_message(void *ctx, const char *text, size_t len)
{
    size_t n = strlen(messages);

    (void)ctx;
    snprintf(messages + n, sizeof(messages) - n, "[%.*s]", (int)len, text);
}

static const struct frames_owner owner = {on_receive, on_send, on_message};

static int set_up(void **state)
{
    (void)state;
    memset(&server, 0, sizeof(server));
    server.step = 4096;
    end = (struct websocket_end){0};
    messages[0] = '\0';
    return frames_new(&owner, NULL, MESSAGE_MAX, &f);
}

static int tear_down(void **state)
{
    (void)state;
    frames_free(f);
    return 0;
}

static int hear(const char *bytes, size_t len)
{
    server.says = bytes;
    server.len = len;
    return frames_move(f, &end);
}
#define HEAR(literal) hear(literal, sizeof(literal) - 1)

/* What the server heard first: one frame, short and masked. Returns its opcode; `text` is its
 * payload, NUL-terminated. */
static int heard(char text[126])
{
    size_t len = server.heard[1] & 0x7f;

    assert_true(server.n_heard >= 6 && len < 126 && server.n_heard >= 6 + len);
    assert_int_equal(server.heard[0] & 0xf0, 0x80);
    assert_int_equal(server.heard[1] & 0x80, 0x80);
    for (size_t i = 0; i < len; i++)
        text[i] = (char)(server.heard[6 + i] ^ server.heard[2 + i % 4]);
    text[len] = '\0';
    return server.heard[0] & 0x0f;
}

/* The code of the close frame that the server heard first. */
static unsigned heard_close(void)
{
    char text[126];

    assert_int_equal(heard(text), 8);
    return (unsigned)(uint8_t)text[0] << 8 | (uint8_t)text[1];
}

static void messages_come_whole_and_at_once_however_they_are_cut(void **state)
{
    (void)state;
    for (server.step = 1; server.step < 20; server.step++) {
        messages[0] = '\0';
        assert_int_equal(HEAR("\x01\x02"
                              "on\x80\x01"
                              "e\x81\x03two"),
                         0);
        assert_string_equal(messages, "[one][two]");
    }
}

static void a_ping_within_a_message_is_answered(void **state)
{
    char text[126];

    (void)state;
    assert_int_equal(HEAR("\x01\x02on\x89\x02hi\x80\x01"
                          "e"),
                     0);
    assert_string_equal(messages, "[one]");
    assert_int_equal(heard(text), 10);
    assert_string_equal(text, "hi");
}

static void a_text_is_sent_masked_and_once(void **state)
{
    char text[126];

    (void)state;
    assert_int_equal(frames_queue(f, "{\"type\":\"subscribe\"}", 20), 0);
    assert_int_equal(HEAR(""), 0);
    assert_int_equal(HEAR(""), 0);
    assert_int_equal(heard(text), 1);
    assert_string_equal(text, "{\"type\":\"subscribe\"}");
    assert_int_equal(server.n_heard, 26);
}

static void a_ping_of_ours_is_sent(void **state)
{
    char text[126];

    (void)state;
    assert_int_equal(frames_queue_ping(f), 0);
    assert_int_equal(HEAR(""), 0);
    assert_int_equal(heard(text), 9);
    assert_string_equal(text, "");
}

static void the_servers_reason_is_told_as_a_line_of_plain_text(void **state)
{
    (void)state;
    assert_int_equal(HEAR("\x88\x0a\x0f\xa0"
                          "no\n\xc3\xa4way"),
                     -EPIPE);
    assert_int_equal(end.code, 4000);
    assert_string_equal(end.why, "closed by the server (4000): no???way");
    assert_int_equal(heard_close(), 4000);
}

static void a_long_reason_is_cut(void **state)
{
    char close[2 + 125];

    (void)state;
    memset(close, 'x', sizeof(close));
    memcpy(close, "\x88\x7d\x03\xe8", 4);
    assert_int_equal(hear(close, sizeof(close)), -EPIPE);
    assert_int_equal(end.code, 1000);
    assert_int_equal(strlen(end.why), sizeof(end.why) - 1);
}

static void a_close_without_a_code_is_one(void **state)
{
    (void)state;
    assert_int_equal(HEAR("\x88\x00"), -EPIPE);
    assert_int_equal(end.code, 0);
    assert_string_equal(end.why, "closed by the server (0)");
}

/* What the server may not say ends it with a code that the server hears. */
static void assert_left(int r, unsigned code, const char *why)
{
    assert_int_equal(r, -EPIPE);
    assert_string_equal(end.why, why);
    assert_int_equal(end.code, 0);
    assert_int_equal(heard_close(), code);
    assert_string_equal(messages, "");
}

static void a_message_longer_than_allowed_is_not_taken(void **state)
{
    (void)state;
    assert_left(HEAR("\x81\x7e\x00\xc9x"), 1009, "a message longer than any it should send");
}

static void a_message_longer_than_allowed_in_pieces_is_not_taken(void **state)
{
    char pieces[2 * (2 + 101)];

    (void)state;
    memset(pieces, 'x', sizeof(pieces));
    memcpy(pieces, "\x01\x65", 2);
    memcpy(pieces + 103, "\x80\x65", 2);
    assert_left(hear(pieces, sizeof(pieces)), 1009, "a message longer than any it should send");
}

static void a_message_that_is_no_utf8_is_not_taken(void **state)
{
    (void)state;
    assert_left(HEAR("\x81\x02\xc3\x28"), 1007, "a message that is no text");
}

static void a_frame_with_bits_that_mean_nothing_is_not_taken(void **state)
{
    (void)state;
    assert_left(HEAR("\xc1\x01x"), 1002, "a frame that is none");
}

static void a_connection_that_ends_within_a_message_has_broken(void **state)
{
    size_t before;

    (void)state;
    server.hangs_up = true;
    assert_int_equal(HEAR("\x81\x05hal"), -EPIPE);
    assert_string_equal(end.why, "the connection broke");
    assert_int_equal(end.code, 0);
    before = server.n_heard;
    frames_say_goodbye(f);
    assert_int_equal(server.n_heard, before);
}

static void a_message_before_the_end_is_heard(void **state)
{
    (void)state;
    server.hangs_up = true;
    assert_int_equal(HEAR("\x81\x03one"), -EPIPE);
    assert_string_equal(messages, "[one]");
}

static void texts_that_nobody_takes_are_limited(void **state)
{
    (void)state;
    server.full = true;
    for (int i = 0; i < 1024; i++)
        assert_int_equal(frames_queue(f, "x", 1), 0);
    assert_int_equal(frames_queue(f, "x", 1), -ENOBUFS);
    assert_int_equal(HEAR(""), 0); /* it may be slow */
}

static void answers_that_nobody_takes_are_limited(void **state)
{
    static char pings[2 * 1026];

    (void)state;
    for (size_t i = 0; i < sizeof(pings); i += 2)
        memcpy(pings + i, "\x89\x00", 2);
    server.full = true;
    assert_int_equal(hear(pings, 2 * 1000), 0);
    assert_int_equal(hear(pings, sizeof(pings)), -EPIPE);
    assert_string_equal(end.why, "the server asks for answers and does not take them");
}

static void a_goodbye_says_that_we_go(void **state)
{
    (void)state;
    frames_say_goodbye(f);
    assert_int_equal(heard_close(), 1001);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(messages_come_whole_and_at_once_however_they_are_cut),
        TEST(a_ping_within_a_message_is_answered),
        TEST(a_text_is_sent_masked_and_once),
        TEST(a_ping_of_ours_is_sent),
        TEST(the_servers_reason_is_told_as_a_line_of_plain_text),
        TEST(a_long_reason_is_cut),
        TEST(a_close_without_a_code_is_one),
        TEST(a_message_longer_than_allowed_is_not_taken),
        TEST(a_message_longer_than_allowed_in_pieces_is_not_taken),
        TEST(a_message_that_is_no_utf8_is_not_taken),
        TEST(a_frame_with_bits_that_mean_nothing_is_not_taken),
        TEST(a_connection_that_ends_within_a_message_has_broken),
        TEST(a_message_before_the_end_is_heard),
        TEST(texts_that_nobody_takes_are_limited),
        TEST(answers_that_nobody_takes_are_limited),
        TEST(a_goodbye_says_that_we_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
