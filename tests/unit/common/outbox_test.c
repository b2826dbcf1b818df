#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/outbox.h"

static void add(struct outbox *o, bool mqtt5, const char *topic, size_t len, bool retain)
{
    static const char payload[OUTBOX_MAX] = "payload";

    assert_int_equal(outbox_add(o, mqtt5, topic, payload, len, retain), 0);
}

static void a_message_is_a_publish_of_mqtt_3_1_1(void **state)
{
    struct outbox o = {0};

    (void)state;
    add(&o, false, "a/b", 3, false);
    assert_int_equal(o.len, 10);
    assert_int_equal(outbox_size(false, 3, 3), 10);
    assert_memory_equal(o.data, "\x30\x08\0\3a/bpay", 10);
}

static void of_mqtt_5_it_has_an_empty_list_of_properties(void **state)
{
    struct outbox o = {0};

    (void)state;
    add(&o, true, "a/b", 0, true);
    assert_int_equal(o.len, 8);
    assert_int_equal(outbox_size(true, 3, 0), 8);
    assert_memory_equal(o.data, "\x31\x06\0\3a/b\0", 8);
}

static void its_length_has_as_many_bytes_as_it_needs(void **state)
{
    struct outbox o = {0};

    (void)state;
    add(&o, true, "a", 127 - 4, false);
    assert_memory_equal(o.data, "\x30\x7f\0\1a\0", 6);
    outbox_clear(&o);
    add(&o, true, "a", 128 - 4, false);
    assert_memory_equal(o.data, "\x30\x80\1\0\1a\0", 7);
    assert_int_equal(o.len, 1 + 2 + 128);
    outbox_clear(&o);
    add(&o, true, "a", 16384 - 8, false);
    assert_memory_equal(o.data, "\x30\xfc\x7f\0\1a\0", 7);
    assert_int_equal(o.len, OUTBOX_MAX - 1);
}

static void what_has_no_room_changes_nothing(void **state)
{
    static const char payload[OUTBOX_MAX + 1];
    struct outbox o = {0};

    (void)state;
    assert_int_equal(outbox_add(&o, true, "a", payload, sizeof(payload), false), -ENOBUFS);
    assert_true(outbox_is_empty(&o));
    add(&o, true, "a", 10000, false);
    assert_int_equal(outbox_add(&o, true, "a", payload, 7000, false), -ENOBUFS);
    assert_int_equal(o.len, 1 + 2 + 4 + 10000);
}

static void what_the_socket_does_not_take_follows(void **state)
{
    struct outbox o = {0};
    uint8_t got[OUTBOX_MAX];
    int fds[2], small = 1, r;
    size_t all, n = 0;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    fcntl(fds[1], F_SETFL, O_NONBLOCK);
    add(&o, false, "first", 8000, false);
    add(&o, false, "second", 8000, false);
    all = o.len;
    r = outbox_send(&o, fds[0]);
    assert_int_equal(r, -EAGAIN);
    assert_false(outbox_is_empty(&o));
    while (n < all) {
        ssize_t got_now = read(fds[1], got + n, sizeof(got) - n);

        n += got_now > 0 ? (size_t)got_now : 0;
        r = outbox_send(&o, fds[0]);
        assert_true(r == 0 || r == -EAGAIN);
    }
    assert_int_equal(r, 0);
    assert_true(outbox_is_empty(&o));
    assert_memory_equal(got, "\x30\xc7\x3e\0\5first", 10);
    assert_memory_equal(got + 3 + 2 + 5 + 8000, "\x30\xc8\x3e\0\6second", 11);
    close(fds[1]);
    add(&o, false, "a", 1, false);
    assert_int_equal(outbox_send(&o, fds[0]), -EPIPE);
    close(fds[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_a_publish_of_mqtt_3_1_1),
        cmocka_unit_test(of_mqtt_5_it_has_an_empty_list_of_properties),
        cmocka_unit_test(its_length_has_as_many_bytes_as_it_needs),
        cmocka_unit_test(what_has_no_room_changes_nothing),
        cmocka_unit_test(what_the_socket_does_not_take_follows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
