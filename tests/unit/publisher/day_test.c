#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "publisher/replay/day.h"

struct values {
    const char *price, *open, *high, *low, *volume; /* NULL: the row does not have it */
};

static void set(struct row *row, enum row_value v, const char *text)
{
    struct decimal d;

    if (text == NULL)
        return;
    assert_int_equal(decimal_parse(text, strlen(text), &d), 0);
    row_set(row, v, d);
}

static void play(struct day *d, int32_t day, bool ticks, struct values v)
{
    struct row row = {.day = day};

    set(&row, ROW_PRICE, v.price);
    set(&row, ROW_OPEN, v.open);
    set(&row, ROW_HIGH, v.high);
    set(&row, ROW_LOW, v.low);
    set(&row, ROW_VOLUME, v.volume);
    day_play(d, &row, ticks);
}

/* Shown as `o= h= l= v= p=`, what is unknown left away. */
static void assert_day(const struct day *d, const char *expected)
{
    char shown[200] = "", number[DECIMAL_TEXT_MAX];
    struct quote q = {0};
    const struct {
        enum quote_field field;
        const char *name;
        const struct decimal *value;
    } members[] = {{QUOTE_OPEN, "o", &q.open},
                   {QUOTE_HIGH, "h", &q.high},
                   {QUOTE_LOW, "l", &q.low},
                   {QUOTE_VOLUME, "v", &q.volume},
                   {QUOTE_PREV_CLOSE, "p", &q.prev_close}};

    day_fill(d, &q);
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        size_t n = strlen(shown);

        if ((q.known & members[i].field) == 0)
            continue;
        decimal_format(*members[i].value, number);
        snprintf(shown + n, sizeof(shown) - n, "%s=%s ", members[i].name, number);
    }
    assert_string_equal(shown, expected);
}

static void a_daily_bar_gives_its_own_values_and_the_close_before(void **state)
{
    struct day d = {0};

    (void)state;
    play(&d, 1, false, (struct values){"10", "9", "12", "8", "100"});
    assert_day(&d, "o=9 h=12 l=8 v=100 ");
    play(&d, 2, false, (struct values){"11", "10.5", "11", "10.5", "7"});
    assert_day(&d, "o=10.5 h=11 l=10.5 v=7 p=10 ");
    play(&d, 9, false, (struct values){"1", "1", "1", "1", "0"});
    assert_day(&d, "o=1 h=1 l=1 v=0 p=11 ");
}

static void minute_bars_add_up_to_the_day_so_far(void **state)
{
    struct day d = {0};

    (void)state;
    play(&d, 1, false, (struct values){"10", "9", "10", "9", "100"});
    play(&d, 1, false, (struct values){"11", "10", "12", "8.5", "50.5"});
    play(&d, 1, false, (struct values){"10", "11", "11", "10", "1"});
    assert_day(&d, "o=9 h=12 l=8.5 v=151.5 ");
    play(&d, 2, false, (struct values){"10", "10", "10", "10", "1"});
    assert_day(&d, "o=10 h=10 l=10 v=1 p=10 ");
}

static void each_tick_is_open_high_and_low_at_once(void **state)
{
    struct day d = {0};

    (void)state;
    play(&d, 1, true, (struct values){.price = "10", .volume = "1"});
    assert_day(&d, "o=10 h=10 l=10 v=1 ");
    play(&d, 1, true, (struct values){.price = "12", .volume = "2"});
    play(&d, 1, true, (struct values){.price = "9"});
    assert_day(&d, "o=10 h=12 l=9 v=3 ");
    play(&d, 2, true, (struct values){.price = "9.5"});
    assert_day(&d, "o=9.5 h=9.5 l=9.5 p=9 ");
}

static void what_a_row_lacks_stays_unknown(void **state)
{
    struct day d = {0};

    (void)state;
    play(&d, 1, false, (struct values){"10", NULL, NULL, NULL, NULL});
    assert_day(&d, "");
    play(&d, 2, false, (struct values){"10", NULL, "11", "9", NULL});
    assert_day(&d, "h=11 l=9 p=10 ");
}

static void a_days_open_is_that_of_its_first_row_or_unknown(void **state)
{
    struct day d = {0};

    (void)state;
    play(&d, 1, false, (struct values){"10", NULL, "11", "9", "1"});
    play(&d, 1, false, (struct values){"10", "10.5", "11", "9", "1"});
    assert_day(&d, "h=11 l=9 v=2 ");
}

static void a_price_without_a_range_widens_the_range_there_is(void **state)
{
    struct day d = {0};

    (void)state;
    play(&d, 1, false, (struct values){"10", "10", "11", "9", "1"});
    play(&d, 1, false, (struct values){"12", NULL, NULL, NULL, NULL});
    assert_day(&d, "o=10 h=12 l=9 v=1 ");
    play(&d, 1, false, (struct values){"8", NULL, NULL, NULL, NULL});
    assert_day(&d, "o=10 h=12 l=8 v=1 ");
}

static void a_volume_that_no_number_holds_leaves_the_sum_as_it_was(void **state)
{
    struct day d = {0};

    (void)state;
    play(&d, 1, true, (struct values){.price = "1", .volume = "999999999999999999"});
    play(&d, 1, true, (struct values){.price = "1", .volume = "5"});
    assert_day(&d, "o=1 h=1 l=1 v=999999999999999999 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_daily_bar_gives_its_own_values_and_the_close_before),
        cmocka_unit_test(minute_bars_add_up_to_the_day_so_far),
        cmocka_unit_test(each_tick_is_open_high_and_low_at_once),
        cmocka_unit_test(what_a_row_lacks_stays_unknown),
        cmocka_unit_test(a_days_open_is_that_of_its_first_row_or_unknown),
        cmocka_unit_test(a_price_without_a_range_widens_the_range_there_is),
        cmocka_unit_test(a_volume_that_no_number_holds_leaves_the_sum_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
