#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "publisher/pace.h"

#include "common/banned.h"

#define INTERVAL_MS 100

static struct pace pace;
static struct pace_item a, b;

static struct mono at_ms(int64_t ms)
{
    return (struct mono){ms * 1000000};
}

static int every_100_ms(void **state)
{
    (void)state;
    pace_init(&pace, INTERVAL_MS);
    a = b = (struct pace_item){0};
    return 0;
}

static int without_interval(void **state)
{
    (void)state;
    pace_init(&pace, 0);
    a = b = (struct pace_item){0};
    return 0;
}

/* Everything that has its turn at this moment is sent. Returns how many. */
static int send_all(int64_t ms)
{
    int n = 0;

    for (; pace_first(&pace, at_ms(ms)) != NULL; n++)
        pace_sent(&pace, at_ms(ms));
    return n;
}

static void first_news_are_sent_at_once(void **state)
{
    (void)state;
    assert_null(pace_first(&pace, at_ms(1)));
    assert_true(pace_news(&pace, &a));
    assert_ptr_equal(pace_first(&pace, at_ms(1)), &a);
}

static void news_within_the_interval_wait_for_its_end(void **state)
{
    (void)state;
    pace_news(&pace, &a);
    send_all(0);
    assert_true(pace_news(&pace, &a));
    assert_int_equal(send_all(99), 0);
    assert_int_equal(pace_deadline(&pace).ns, at_ms(100).ns);
    assert_int_equal(send_all(100), 1);
}

static void news_that_replace_news_are_told_as_such(void **state)
{
    (void)state;
    assert_true(pace_news(&pace, &a));
    assert_false(pace_news(&pace, &a));
    assert_int_equal(send_all(0), 1);
    assert_true(pace_news(&pace, &a));
    assert_false(pace_news(&pace, &a));
    assert_int_equal(send_all(100), 1);
}

static void after_a_rest_without_news_the_next_are_sent_at_once(void **state)
{
    (void)state;
    pace_news(&pace, &a);
    send_all(0);
    assert_int_equal(send_all(100), 0);
    assert_true(pace_is_idle(&pace));
    pace_news(&pace, &a);
    assert_int_equal(send_all(100), 1);
}

static void items_rest_each_for_itself(void **state)
{
    (void)state;
    pace_news(&pace, &a);
    send_all(0);
    pace_news(&pace, &b);
    assert_int_equal(send_all(60), 1);
    pace_news(&pace, &b);
    pace_news(&pace, &a);
    assert_ptr_equal(pace_first(&pace, at_ms(100)), &a);
    assert_int_equal(send_all(100), 1);
    assert_ptr_equal(pace_first(&pace, at_ms(160)), &b);
}

static void without_an_interval_every_news_has_its_turn(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_true(pace_news(&pace, &a));
        assert_int_equal(send_all(0), 1);
    }
    assert_int_equal(pace_deadline(&pace).ns, MONO_NEVER.ns);
}

static void what_is_not_sent_keeps_its_turn(void **state)
{
    (void)state;
    pace_news(&pace, &a);
    pace_news(&pace, &b);
    assert_ptr_equal(pace_first(&pace, at_ms(0)), &a);
    assert_ptr_equal(pace_first(&pace, at_ms(500)), &a);
    assert_false(pace_is_idle(&pace));
}

static void at_the_end_nobody_rests(void **state)
{
    (void)state;
    pace_news(&pace, &a);
    pace_news(&pace, &b);
    send_all(0);
    pace_news(&pace, &b);
    assert_false(pace_is_idle(&pace));
    pace_finish(&pace);
    assert_int_equal(send_all(1), 1);
    assert_true(pace_is_idle(&pace));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(first_news_are_sent_at_once, every_100_ms),
        cmocka_unit_test_setup(news_within_the_interval_wait_for_its_end, every_100_ms),
        cmocka_unit_test_setup(news_that_replace_news_are_told_as_such, every_100_ms),
        cmocka_unit_test_setup(after_a_rest_without_news_the_next_are_sent_at_once, every_100_ms),
        cmocka_unit_test_setup(items_rest_each_for_itself, every_100_ms),
        cmocka_unit_test_setup(without_an_interval_every_news_has_its_turn, without_interval),
        cmocka_unit_test_setup(what_is_not_sent_keeps_its_turn, every_100_ms),
        cmocka_unit_test_setup(at_the_end_nobody_rests, every_100_ms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
