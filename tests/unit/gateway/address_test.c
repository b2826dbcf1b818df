#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>

#include "gateway/net/address.h"

#include "common/banned.h"

static struct sockaddr_storage peer(const char *text)
{
    struct sockaddr_storage sa = {0};
    struct sockaddr_in *four = (void *)&sa;
    struct sockaddr_in6 *six = (void *)&sa;

    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        sa.ss_family = AF_INET;
    } else {
        sa.ss_family = AF_INET6;
        assert_int_equal(inet_pton(AF_INET6, text, &six->sin6_addr), 1);
    }
    return sa;
}

static int enter(struct addresses *a, const char *text, size_t max, struct address **ret)
{
    struct sockaddr_storage sa = peer(text);

    return addresses_enter(a, &sa, max, ret);
}

static void an_address_has_so_many_connections_and_no_more(void **state)
{
    struct addresses a = {0};
    struct address *first, *second, *none, *other;

    (void)state;
    assert_int_equal(enter(&a, "192.0.2.1", 2, &first), 0);
    assert_int_equal(enter(&a, "192.0.2.1", 2, &second), 0);
    assert_int_equal(enter(&a, "192.0.2.1", 2, &none), -EDQUOT);
    assert_int_equal(enter(&a, "192.0.2.2", 2, &other), 0);
    addresses_leave(&a, first);
    assert_int_equal(enter(&a, "192.0.2.1", 2, &first), 0);
    addresses_leave(&a, first);
    addresses_leave(&a, second);
    addresses_leave(&a, other);
    assert_int_equal(a.table.n, 0);
    addresses_release(&a);
}

/* Do two peers share their count? */
static bool are_one(const char *one, const char *two)
{
    struct addresses a = {0};
    struct address *first, *second = NULL;
    int r;

    assert_int_equal(enter(&a, one, 1, &first), 0);
    r = enter(&a, two, 1, &second);
    addresses_leave(&a, first);
    if (r == 0)
        addresses_leave(&a, second);
    addresses_release(&a);
    return r == -EDQUOT;
}

static void ipv6_is_counted_by_the_network_of_a_subscriber(void **state)
{
    (void)state;
    assert_true(are_one("2001:db8:0:1::1", "2001:db8:0:1:ffff::2"));
    assert_false(are_one("2001:db8:0:1::1", "2001:db8:0:2::1"));
}

static void an_ipv4_address_is_the_same_through_an_ipv6_socket(void **state)
{
    (void)state;
    assert_true(are_one("192.0.2.1", "::ffff:192.0.2.1"));
    assert_false(are_one("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
}

static void loopback_is_not_counted(void **state)
{
    static const char *const loopbacks[] = {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"};
    struct addresses a = {0};
    struct address *entry;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(loopbacks); i++) {
        for (int n = 0; n < 3; n++) {
            assert_int_equal(enter(&a, loopbacks[i], 1, &entry), 0);
            assert_null(entry);
        }
    }
    assert_int_equal(a.table.n, 0);
    addresses_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_has_so_many_connections_and_no_more),
        cmocka_unit_test(ipv6_is_counted_by_the_network_of_a_subscriber),
        cmocka_unit_test(an_ipv4_address_is_the_same_through_an_ipv6_socket),
        cmocka_unit_test(loopback_is_not_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
