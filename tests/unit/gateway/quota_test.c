#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "gateway/net/quota.h"

#include "common/banned.h"

static unsigned take(struct quotas *q, const char *who, int64_t at_ms)
{
    return quota_take(q, QUOTA_REQUEST, 2, who, 1, mono_add_ms((struct mono){0}, at_ms));
}

static void a_burst_is_let_through_and_then_so_many_a_second(void **state)
{
    struct quotas q;

    (void)state;
    quotas_init(&q, 8);
    for (int i = 0; i < 2 * QUOTA_BURST_S; i++)
        assert_int_equal(take(&q, "a", 0), 0);
    assert_int_equal(take(&q, "a", 0), 1);
    assert_int_equal(take(&q, "a", 499), 1);
    assert_int_equal(take(&q, "a", 500), 0);
    assert_int_equal(take(&q, "a", 500), 1);
    for (int i = 0; i < 2 * QUOTA_BURST_S; i++)
        assert_int_equal(take(&q, "a", 1000000), 0);
    assert_int_equal(take(&q, "a", 1000000), 1);
    quotas_release(&q);
}

static void nobody_pays_for_another_nor_for_another_kind(void **state)
{
    struct quotas q;

    (void)state;
    quotas_init(&q, 8);
    while (take(&q, "a", 0) == 0)
        ;
    assert_int_equal(take(&q, "b", 0), 0);
    assert_int_equal(quota_take(&q, QUOTA_CONNECT, 2, "a", 1, (struct mono){0}), 0);
    assert_int_equal(quota_take(&q, QUOTA_REQUEST, 0, "a", 1, (struct mono){0}), 0);
    quotas_release(&q);
}

static void a_full_table_forgets_who_was_not_heard_of_for_longest(void **state)
{
    struct quotas q;

    (void)state;
    quotas_init(&q, 2);
    while (take(&q, "a", 0) == 0)
        ;
    while (take(&q, "b", 0) == 0)
        ;
    assert_int_equal(take(&q, "a", 0), 1);
    assert_int_equal(take(&q, "c", 0), 0);
    assert_int_equal(q.table.n, 2);
    assert_int_equal(take(&q, "a", 0), 1);
    assert_int_equal(take(&q, "b", 0), 0);
    assert_int_equal(q.table.n, 2);
    quotas_release(&q);
}

static void a_long_name_is_cut_not_refused(void **state)
{
    char name[QUOTA_KEY_MAX + 100] = {0};
    struct quotas q;

    (void)state;
    quotas_init(&q, 2);
    assert_int_equal(quota_take(&q, QUOTA_CONNECT, 1, name, sizeof(name), (struct mono){0}), 0);
    assert_int_equal(quota_take(&q, QUOTA_CONNECT, 1, name, 0, (struct mono){0}), 0);
    quotas_release(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_is_let_through_and_then_so_many_a_second),
        cmocka_unit_test(nobody_pays_for_another_nor_for_another_kind),
        cmocka_unit_test(a_full_table_forgets_who_was_not_heard_of_for_longest),
        cmocka_unit_test(a_long_name_is_cut_not_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
