#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/net/ranges.h"

static struct sockaddr_storage peer(const char *text)
{
    struct sockaddr_storage s = {0};
    struct sockaddr_in *four = (void *)&s;
    struct sockaddr_in6 *six = (void *)&s;

    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        s.ss_family = AF_INET;
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &six->sin6_addr), 1);
        s.ss_family = AF_INET6;
    }
    return s;
}

static bool holds(const char *list, const char *address)
{
    struct sockaddr_storage s = peer(address);
    struct ranges r;
    bool in;

    assert_int_equal(ranges_parse(list, &r), 0);
    in = ranges_hold(&r, &s);
    ranges_release(&r);
    return in;
}

static void a_network_holds_its_addresses_and_no_other(void **state)
{
    (void)state;
    assert_true(holds("127.0.0.0/8,::1", "127.255.255.255"));
    assert_true(holds("127.0.0.0/8,::1", "::1"));
    assert_false(holds("127.0.0.0/8,::1", "128.0.0.0"));
    assert_false(holds("127.0.0.0/8,::1", "126.255.255.255"));
    assert_false(holds("127.0.0.0/8,::1", "::2"));
    assert_true(holds("10.20.30.64/27", "10.20.30.95"));
    assert_false(holds("10.20.30.64/27", "10.20.30.96"));
    assert_false(holds("10.20.30.64/27", "10.20.30.63"));
    assert_true(holds("2001:db8::/31", "2001:db9::1"));
    assert_false(holds("2001:db8::/31", "2001:dba::1"));
}

static void an_address_alone_is_itself(void **state)
{
    (void)state;
    assert_true(holds("192.0.2.7", "192.0.2.7"));
    assert_false(holds("192.0.2.7", "192.0.2.6"));
    assert_true(holds(" 192.0.2.7 , 192.0.2.9 ", "192.0.2.9"));
}

static void bits_behind_the_prefix_do_not_count(void **state)
{
    (void)state;
    assert_true(holds("10.1.2.3/8", "10.200.0.1"));
    assert_true(holds("0.0.0.0/0", "203.0.113.9"));
    assert_false(holds("0.0.0.0/0", "2001:db8::1"));
    assert_true(holds("::/0", "2001:db8::1"));
}

static void an_ipv4_address_in_ipv6_is_the_same(void **state)
{
    (void)state;
    assert_true(holds("127.0.0.0/8", "::ffff:127.0.0.1"));
    assert_true(holds("::ffff:127.0.0.1", "127.0.0.1"));
}

static void none_is_nobody(void **state)
{
    (void)state;
    assert_false(holds("none", "127.0.0.1"));
}

static void what_is_no_list_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        ",",
        "127.0.0.1,",
        ",127.0.0.1",
        "localhost",
        "127.0.0.1/33",
        "::1/129",
        "::1/",
        "127.0.0.1/x",
        "127.0.0.1/-1",
        "127.0.0.1 ::1",
        "127.1",
        "10.0.0.0/8/",
        "none,::1",
        "[::1]",
        "127.0.0.1/ 8",
        "10.0.0.256",
    };
    struct ranges r;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(ranges_parse(wrong[i], &r), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_holds_its_addresses_and_no_other),
        cmocka_unit_test(an_address_alone_is_itself),
        cmocka_unit_test(bits_behind_the_prefix_do_not_count),
        cmocka_unit_test(an_ipv4_address_in_ipv6_is_the_same),
        cmocka_unit_test(none_is_nobody),
        cmocka_unit_test(what_is_no_list_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
