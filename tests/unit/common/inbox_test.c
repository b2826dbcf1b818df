#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/inbox.h"

#define PATIENCE_MS 20000

/* What was delivered, as "topic=payload" and "!" for a retained one, each with a blank. */
struct seen {
    char text[256];
    size_t n;
};

static void see(void *ctx, const struct broker_message *m)
{
    struct seen *s = ctx;
    size_t at = strlen(s->text);

    assert_int_equal(m->qos, 0);
    assert_null(m->properties);
    s->n++;
    if (at < 128)
        snprintf(s->text + at, sizeof(s->text) - at, "%s=%.*s%s ", m->topic,
                 (int)(m->len < 20 ? m->len : 20), (const char *)m->payload, m->retain ? "!" : "");
}

/* Of `len` bytes, how many are taken, each count of them delivered as `expected` says. */
static size_t take(const char *bytes, size_t len, bool mqtt5, const char *expected)
{
    uint8_t copy[256];
    struct seen s = {0};
    size_t taken, n;

    assert_true(len <= sizeof(copy));
    memcpy(copy, bytes, len);
    taken = inbox_measure(copy, len, mqtt5);
    n = inbox_deliver(copy, taken, mqtt5, see, &s);
    assert_int_equal(n, s.n);
    assert_string_equal(s.text, expected);
    return taken;
}

#define TAKE(bytes, mqtt5, expected) take(bytes, sizeof(bytes) - 1, mqtt5, expected)

static void messages_are_delivered_in_their_order(void **state)
{
    (void)state;
    assert_int_equal(TAKE("\x30\x07\0\3a/b12\x31\x05\0\2cd3", false, "a/b=12 cd=3! "), 16);
    assert_int_equal(TAKE("\x30\x08\0\3a/b\00012\x31\x06\0\2cd\0003", true, "a/b=12 cd=3! "), 18);
}

static void a_message_may_be_empty(void **state)
{
    (void)state;
    assert_int_equal(TAKE("\x31\x03\0\1a", false, "a=! "), 5);
    assert_int_equal(TAKE("\x31\x04\0\1a\0", true, "a=! "), 6);
}

static void what_is_no_plain_message_is_left(void **state)
{
    (void)state;
    assert_int_equal(TAKE("\x30\x04\0\1a1\xd0\0\x30\x04\0\1a2", false, "a=1 "), 6); /* PINGRESP */
    assert_int_equal(TAKE("\x32\x06\0\1a\0\1x", false, ""), 0);                     /* QoS 1 */
    assert_int_equal(TAKE("\x38\x04\0\1a1", false, ""), 0);                         /* DUP */
    assert_int_equal(TAKE("\x30\x06\0\1a\2\x01\1", true, ""), 0);                   /* a property */
    assert_int_equal(TAKE("\x90\x03\0\1\0", false, ""), 0);                         /* SUBACK */
}

static void what_the_library_would_refuse_is_left_to_it(void **state)
{
    (void)state;
    assert_int_equal(TAKE("\x30\x03\0\0x", false, ""), 0);          /* no topic */
    assert_int_equal(TAKE("\x30\x05\0\2a\0x", false, ""), 0);       /* NUL in it */
    assert_int_equal(TAKE("\x30\x04\0\1\xffx", false, ""), 0);      /* no UTF-8 */
    assert_int_equal(TAKE("\x30\x03\0\5abcdefgh", false, ""), 0);   /* longer than the packet */
    assert_int_equal(TAKE("\x30\x03\0\1a\0\0\0\0\0", true, ""), 0); /* no property length */
    assert_int_equal(TAKE("\x30\x01\0abc", false, ""), 0);          /* no topic length */
    assert_int_equal(TAKE("\x30\x84\x80\x80\x80\0\0\1ax", false, ""), 0); /* length of 5 bytes */
}

static void a_part_of_a_message_is_left(void **state)
{
    static const char both[] = "\x30\x04\0\1a1\x30\x85\0\0\1b22";
    size_t len = sizeof(both) - 1;

    (void)state;
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(take(both, cut, false, cut < 6 ? "" : "a=1 "), cut < 6 ? 0 : 6);
    assert_int_equal(take(both, len, false, "a=1 b=22 "), len);
}

/* ---- from a socket ---- */

static void connect_pair(int fds[2])
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(sa);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&sa, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&sa, &len), 0);
    assert_int_equal(connect(fds[1], (struct sockaddr *)&sa, len), 0);
    fds[0] = accept(listener, NULL, NULL);
    assert_true(fds[0] >= 0);
    close(listener);
}

static void put(int fd, const char *bytes, size_t len)
{
    assert_int_equal(write(fd, bytes, len), len);
}

/* What was written may be on its way yet. */
static void await_bytes(int fd, int expected)
{
    int waiting = 0;

    for (int ms = 0; ms < PATIENCE_MS && waiting < expected; ms++) {
        assert_int_equal(ioctl(fd, FIONREAD, &waiting), 0);
        poll(NULL, 0, 1);
    }
    assert_int_equal(waiting, expected);
}

static enum inbox_state get(int fd, size_t expected)
{
    static struct inbox i;
    struct seen s = {0};
    size_t n;
    enum inbox_state state = inbox_read(&i, fd, false, see, &s, &n);

    assert_int_equal(n, expected);
    assert_int_equal(s.n, expected);
    return state;
}

static void the_rest_stays_in_the_socket(void **state)
{
    int fds[2];
    char rest[8];

    (void)state;
    connect_pair(fds);
    assert_int_equal(get(fds[0], 0), INBOX_EMPTY);
    put(fds[1], "\x30\x04\0\1a1\x30\x04\0\1a2", 12);
    await_bytes(fds[0], 12);
    assert_int_equal(get(fds[0], 2), INBOX_EMPTY);
    put(fds[1], "\x30\x04\0\1a3\xd0\0", 8);
    await_bytes(fds[0], 8);
    assert_int_equal(get(fds[0], 1), INBOX_OTHER);
    assert_int_equal(get(fds[0], 0), INBOX_OTHER);
    assert_int_equal(read(fds[0], rest, sizeof(rest)), 2);
    assert_memory_equal(rest, "\xd0\0", 2);
    close(fds[1]);
    assert_int_equal(poll(&(struct pollfd){fds[0], POLLIN, 0}, 1, PATIENCE_MS), 1);
    assert_int_equal(get(fds[0], 0), INBOX_OTHER); /* the end */
    close(fds[0]);
}

static void a_burst_is_taken_in_parts_and_what_is_too_long_is_left(void **state)
{
    static char message[10000] = "\x30\x8d\x4e\0\1a"; /* 9,997 bytes follow the length */
    static char big[INBOX_MAX + 6] = "\x30\x83\x80\x02\0\1a";
    int fds[2];

    (void)state;
    connect_pair(fds);
    for (int i = 0; i < 4; i++)
        put(fds[1], message, sizeof(message));
    await_bytes(fds[0], 4 * sizeof(message));
    assert_int_equal(get(fds[0], 3), INBOX_MORE);
    assert_int_equal(get(fds[0], 1), INBOX_EMPTY);
    put(fds[1], big, sizeof(big));
    await_bytes(fds[0], sizeof(big));
    assert_int_equal(get(fds[0], 0), INBOX_OTHER);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_delivered_in_their_order),
        cmocka_unit_test(a_message_may_be_empty),
        cmocka_unit_test(what_is_no_plain_message_is_left),
        cmocka_unit_test(what_the_library_would_refuse_is_left_to_it),
        cmocka_unit_test(a_part_of_a_message_is_left),
        cmocka_unit_test(the_rest_stays_in_the_socket),
        cmocka_unit_test(a_burst_is_taken_in_parts_and_what_is_too_long_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
