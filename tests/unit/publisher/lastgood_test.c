#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "publisher/feeds/lastgood.h"

#include "common/banned.h"

static struct lastgood last;
static const struct wall now = {1789580577000};

static int forget(void **state)
{
    (void)state;
    last = (struct lastgood){0};
    return 0;
}

static struct quote quote_at(int seconds, int64_t price)
{
    return (struct quote){
        .symbol = "A", .price = {.coef = price}, .timestamp = {now.ms + seconds * 1000}};
}

static enum lastgood_verdict offer(int seconds, int64_t price)
{
    struct quote q = quote_at(seconds, price);

    return lastgood_offer(&last, &q, now);
}

static void the_first_quote_is_news_however_old(void **state)
{
    (void)state;
    assert_int_equal(offer(-1000000, 100), LASTGOOD_NEWS);
}

static void the_same_quote_again_is_no_news(void **state)
{
    (void)state;
    offer(0, 100);
    assert_int_equal(offer(0, 100), LASTGOOD_REPEATED);
    assert_int_equal(offer(1, 100), LASTGOOD_NEWS);
}

static void another_member_at_the_same_time_is_news(void **state)
{
    struct quote q = quote_at(0, 100);

    (void)state;
    offer(0, 100);
    q.known = QUOTE_HIGH;
    q.high = (struct decimal){.coef = 110};
    assert_int_equal(lastgood_offer(&last, &q, now), LASTGOOD_NEWS);
    assert_int_equal(lastgood_offer(&last, &q, now), LASTGOOD_REPEATED);
    q.high.coef = 111;
    assert_int_equal(lastgood_offer(&last, &q, now), LASTGOOD_NEWS);
}

static void an_older_quote_is_no_news(void **state)
{
    (void)state;
    offer(0, 100);
    assert_int_equal(offer(-1, 101), LASTGOOD_OLD);
    assert_int_equal(last.quote.price.coef, 100);
}

static void the_future_begins_after_a_minute(void **state)
{
    (void)state;
    assert_int_equal(offer(61, 100), LASTGOOD_FUTURE);
    assert_false(last.known);
    assert_int_equal(offer(60, 100), LASTGOOD_NEWS);
}

static void a_jump_waits_for_a_second_one_like_it(void **state)
{
    (void)state;
    offer(-10, 100);
    assert_int_equal(offer(-9, 129), LASTGOOD_NEWS);
    assert_int_equal(offer(-8, 70), LASTGOOD_JUMP);
    assert_int_equal(last.quote.price.coef, 129);
    assert_int_equal(offer(-7, 71), LASTGOOD_NEWS);
    assert_int_equal(last.quote.price.coef, 71);
}

static void the_same_answer_again_confirms_a_jump_once_it_has_stood_a_minute(void **state)
{
    struct quote q = quote_at(-5, 10);

    (void)state;
    offer(-10, 100);
    assert_int_equal(lastgood_offer(&last, &q, now), LASTGOOD_JUMP);
    assert_int_equal(lastgood_offer(&last, &q, (struct wall){now.ms + 59999}), LASTGOOD_JUMP);
    assert_int_equal(lastgood_offer(&last, &q, (struct wall){now.ms + 60000}), LASTGOOD_NEWS);
}

static void a_jump_that_is_gone_was_none(void **state)
{
    (void)state;
    offer(-10, 100);
    assert_int_equal(offer(-9, 1), LASTGOOD_JUMP);
    assert_int_equal(offer(-8, 101), LASTGOOD_NEWS);
    assert_int_equal(offer(-7, 1), LASTGOOD_JUMP);
}

static void a_jump_elsewhere_confirms_nothing(void **state)
{
    (void)state;
    offer(-10, 100);
    assert_int_equal(offer(-9, 1), LASTGOOD_JUMP);
    assert_int_equal(offer(-8, 2), LASTGOOD_JUMP);
    assert_int_equal(offer(-7, 400), LASTGOOD_JUMP);
    assert_int_equal(last.quote.price.coef, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_first_quote_is_news_however_old, forget),
        cmocka_unit_test_setup(the_same_quote_again_is_no_news, forget),
        cmocka_unit_test_setup(another_member_at_the_same_time_is_news, forget),
        cmocka_unit_test_setup(an_older_quote_is_no_news, forget),
        cmocka_unit_test_setup(the_future_begins_after_a_minute, forget),
        cmocka_unit_test_setup(a_jump_waits_for_a_second_one_like_it, forget),
        cmocka_unit_test_setup(the_same_answer_again_confirms_a_jump_once_it_has_stood_a_minute,
                               forget),
        cmocka_unit_test_setup(a_jump_that_is_gone_was_none, forget),
        cmocka_unit_test_setup(a_jump_elsewhere_confirms_nothing, forget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
