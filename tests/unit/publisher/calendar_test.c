#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <unistd.h>

#include "common/civil.h"
#include "publisher/feeds/calendar.h"

#include "common/banned.h"

static int32_t date(int year, int month, int day)
{
    return civil_to_days((struct civil){year, month, day});
}

/* A moment of New York's winter (UTC - 5 h) or summer (UTC - 4 h). */
static struct wall moment(int32_t day, int hour, int minute, int utc_offset_h)
{
    return (struct wall){(((int64_t)day * 24 + hour - utc_offset_h) * 60 + minute) *
                         INT64_C(60000)};
}

static void assert_closes(const struct calendar *c, int32_t day, int minutes)
{
    assert_int_equal(calendar_hours(c, day).close, minutes);
}

static void the_holidays_of_three_years_follow_from_the_rules(void **state)
{
    static const struct civil holidays[] = {
        {2026, 11, 26}, {2026, 12, 25}, {2027, 1, 1},  {2027, 1, 18}, {2027, 2, 15},
        {2027, 3, 26},  {2027, 5, 31},  {2027, 6, 18}, {2027, 7, 5},  {2027, 9, 6},
        {2027, 11, 25}, {2027, 12, 24}, {2028, 1, 17}, {2028, 2, 21}, {2028, 4, 14},
        {2028, 5, 29},  {2028, 6, 19},  {2028, 7, 4},  {2028, 9, 4},  {2028, 11, 23},
        {2028, 12, 25},
    };
    static const struct civil halves[] = {
        {2026, 11, 27}, {2026, 12, 24}, {2027, 11, 26}, {2028, 7, 3}, {2028, 11, 24}};
    int32_t day = date(2026, 11, 22), end = date(2029, 1, 1);
    size_t n_holidays = 0, n_halves = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(holidays); i++)
        assert_closes(NULL, civil_to_days(holidays[i]), 0);
    for (size_t i = 0; i < ARRAY_SIZE(halves); i++)
        assert_closes(NULL, civil_to_days(halves[i]), 13 * 60);
    for (; day < end; day++) {
        int close = calendar_hours(NULL, day).close, weekday = civil_weekday(day);

        if (weekday == 0 || weekday == 6)
            assert_int_equal(close, 0);
        else if (close == 0)
            n_holidays++;
        else if (close == 13 * 60)
            n_halves++;
        else
            assert_int_equal(close, 16 * 60);
    }
    assert_int_equal(n_holidays, ARRAY_SIZE(holidays));
    assert_int_equal(n_halves, ARRAY_SIZE(halves));
}

static void new_year_on_a_saturday_is_lost(void **state)
{
    (void)state;
    assert_closes(NULL, date(2021, 12, 31), 16 * 60);
    assert_closes(NULL, date(2023, 1, 2), 0); /* a Sunday's is on Monday */
}

static void sessions_begin_and_end_by_new_yorks_clock(void **state)
{
    static const struct {
        int hour, minute;
        enum quote_session session;
    } day[] = {
        {3, 59, SESSION_CLOSED},  {4, 0, SESSION_PRE},       {9, 29, SESSION_PRE},
        {9, 30, SESSION_REGULAR}, {15, 59, SESSION_REGULAR}, {16, 0, SESSION_REGULAR},
        {16, 1, SESSION_POST},    {20, 0, SESSION_POST},     {20, 1, SESSION_CLOSED},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(day); i++) {
        assert_int_equal(
            calendar_session(NULL, moment(date(2026, 11, 24), day[i].hour, day[i].minute, -5)),
            day[i].session);
        assert_int_equal(
            calendar_session(NULL, moment(date(2026, 7, 14), day[i].hour, day[i].minute, -4)),
            day[i].session);
    }
    assert_int_equal(calendar_session(NULL, moment(date(2026, 11, 27), 13, 1, -5)), SESSION_POST);
    assert_int_equal(calendar_session(NULL, moment(date(2026, 11, 26), 12, 0, -5)), SESSION_CLOSED);
    assert_int_equal(calendar_session(NULL, moment(date(2026, 11, 21), 12, 0, -5)), SESSION_CLOSED);
}

static void the_close_is_a_minute_long(void **state)
{
    int32_t tuesday = date(2026, 11, 24), half = date(2026, 11, 27);

    (void)state;
    assert_false(calendar_is_close(NULL, moment(tuesday, 15, 59, -5)));
    assert_true(calendar_is_close(NULL, moment(tuesday, 16, 0, -5)));
    assert_false(calendar_is_close(NULL, moment(tuesday, 16, 1, -5)));
    assert_true(calendar_is_close(NULL, moment(half, 13, 0, -5)));
    assert_false(calendar_is_close(NULL, moment(half, 16, 0, -5)));
    assert_false(calendar_is_close(NULL, moment(date(2026, 11, 26), 0, 0, -5)));
}

static char path[] = "/tmp/tapecast-calendar-XXXXXX";

static int read_text(const char *text, struct calendar **ret)
{
    int fd, r;

    snprintf(path, sizeof(path), "/tmp/tapecast-calendar-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    r = calendar_new(path, ret);
    unlink(path);
    return r;
}

static void a_file_goes_before_the_rules(void **state)
{
    struct calendar *c = NULL;
    struct hours h;

    (void)state;
    assert_int_equal(read_text("# what no rule foresees\n\n2025-01-09 closed\n"
                               "2026-11-21  00:00-24:00   # a Saturday\n"
                               "2026-11-26 09:30-13:00\n"
                               "2026-11-25 09:00-15:00 08:00-18:00\n2026-11-25 closed\n",
                               &c),
                     0);
    assert_closes(c, date(2025, 1, 9), 0);
    h = calendar_hours(c, date(2026, 11, 21));
    assert_int_equal(h.pre, 0);
    assert_int_equal(h.close, 24 * 60);
    assert_int_equal(h.post, 24 * 60);
    h = calendar_hours(c, date(2026, 11, 26));
    assert_int_equal(h.pre, 4 * 60);
    assert_int_equal(h.post, 17 * 60);
    assert_closes(c, date(2026, 11, 25), 0);
    assert_closes(c, date(2026, 11, 24), 16 * 60);
    calendar_free(c);
}

static void a_line_that_says_nothing_clear_is_refused(void **state)
{
    static const char *const lines[] = {
        "2026-11-31 closed",
        "2026-11-25",
        "2026-11-25 open",
        "2026-11-25 09:30",
        "2026-11-25 16:00-09:30",
        "2026-11-25 09:30-25:00",
        "2026-11-25 closed today",
        "2026-11-25 09:30-13:00 10:00-17:00",
        "2026-11-25 09:30-13:00 04:00",
        "yesterday closed",
        "2026-11-25 09:30-13:00 04:00-17:00 x",
    };
    struct calendar *c = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
        assert_int_equal(read_text(lines[i], &c), -EINVAL);
    assert_int_equal(calendar_new("/nowhere/at/all", &c), -ENOENT);
    assert_null(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_holidays_of_three_years_follow_from_the_rules),
        cmocka_unit_test(new_year_on_a_saturday_is_lost),
        cmocka_unit_test(sessions_begin_and_end_by_new_yorks_clock),
        cmocka_unit_test(the_close_is_a_minute_long),
        cmocka_unit_test(a_file_goes_before_the_rules),
        cmocka_unit_test(a_line_that_says_nothing_clear_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
