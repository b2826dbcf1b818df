/* What a net counts for all its connections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/net/conn.h"
#include "gateway/net/net.h"

#include "common/banned.h"

static void rests_that_fit_a_connections_own_share_are_not_counted(void **state)
{
    struct net n = {.rests = NET_RESTS_MAX};
    uint32_t rests = 0;

    (void)state;
    assert_true(net_keep_rests(&n, &rests, CONN_OUT_MAX));
    assert_int_equal(rests, CONN_OUT_MAX);
    assert_int_equal(n.rests, NET_RESTS_MAX);
    assert_false(net_keep_rests(&n, &rests, CONN_OUT_MAX + 1));
    assert_int_equal(rests, CONN_OUT_MAX);
    assert_int_equal(n.stats.overrun, 1);
}

static void rests_past_that_are_counted_whole_and_given_back(void **state)
{
    struct net n = {0};
    uint32_t one = 0, other = 0;

    (void)state;
    assert_true(net_keep_rests(&n, &one, CONN_OUT_MAX));
    assert_true(net_keep_rests(&n, &one, CONN_OUT_MAX + 1));
    assert_true(net_keep_rests(&n, &other, 1000000));
    assert_int_equal(n.rests, CONN_OUT_MAX + 1 + 1000000);
    assert_true(net_keep_rests(&n, &other, 900000));
    assert_true(net_keep_rests(&n, &one, CONN_OUT_MAX));
    assert_int_equal(n.rests, 900000);
    assert_true(net_keep_rests(&n, &other, 0));
    assert_int_equal(n.rests, 0);
    assert_int_equal(one, CONN_OUT_MAX);
}

static void connections_share_what_a_net_may_keep_and_who_is_over_is_refused(void **state)
{
    struct net n = {0};
    uint32_t one = 0, other = 0;

    (void)state;
    assert_true(net_keep_rests(&n, &one, NET_RESTS_MAX - 1000000));
    assert_true(net_keep_rests(&n, &other, 1000000));
    assert_false(net_keep_rests(&n, &other, 1000001));
    assert_int_equal(other, 1000000);
    assert_int_equal(n.rests, NET_RESTS_MAX);
    assert_true(net_keep_rests(&n, &one, CONN_OUT_MAX));
    assert_true(net_keep_rests(&n, &other, 1000001));
    assert_int_equal(n.stats.overrun, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rests_that_fit_a_connections_own_share_are_not_counted),
        cmocka_unit_test(rests_past_that_are_counted_whole_and_given_back),
        cmocka_unit_test(connections_share_what_a_net_may_keep_and_who_is_over_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
