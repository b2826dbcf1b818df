#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "publisher/replay/timestamp.h"

#define S INT64_C(1000000000)

static void assert_time(const char *text, int64_t ns, enum timestamp_form form)
{
    struct timestamp t;

    if (timestamp_parse(text, strlen(text), &t) < 0)
        fail_msg("not read: %s", text);
    if (t.ns != ns || t.form != form)
        fail_msg("%s is read as %lld ns, %s", text, (long long)t.ns, timestamp_form_name(t.form));
}

static void assert_no_time(const char *text, int error)
{
    struct timestamp t = {7, TIMESTAMP_DATE};

    if (timestamp_parse(text, strlen(text), &t) != error)
        fail_msg("not refused as it should be: %s", text);
    assert_int_equal(t.ns, 7);
}

static void a_date_is_midnight_utc(void **state)
{
    (void)state;
    assert_time("1970-01-01", 0, TIMESTAMP_DATE);
    assert_time("2016-04-15", 1460678400 * S, TIMESTAMP_DATE);
    assert_time("2016/04/15", 1460678400 * S, TIMESTAMP_DATE);
    assert_time("2016.04.15", 1460678400 * S, TIMESTAMP_DATE);
    assert_time("20160415", 1460678400 * S, TIMESTAMP_DATE);
    assert_time("2016-02-29", 1456704000 * S, TIMESTAMP_DATE);
    assert_time("1969-12-31", -86400 * S, TIMESTAMP_DATE);
}

static void a_time_without_a_zone_is_utc(void **state)
{
    (void)state;
    assert_time("2016-04-15 13:30:00", 1460727000 * S, TIMESTAMP_DATETIME);
    assert_time("2016-04-15T13:30", 1460727000 * S, TIMESTAMP_DATETIME);
    assert_time("2016-04-15T13:30:00Z", 1460727000 * S, TIMESTAMP_DATETIME);
    assert_time("2016-04-15 13:30:00 UTC", 1460727000 * S, TIMESTAMP_DATETIME);
}

static void an_offset_is_taken_away(void **state)
{
    (void)state;
    assert_time("2016-04-15 09:30:00-04:00", 1460727000 * S, TIMESTAMP_DATETIME);
    assert_time("2016-04-15T09:30-0400", 1460727000 * S, TIMESTAMP_DATETIME);
    assert_time("2016-04-15T09:30:00 -04:00", 1460727000 * S, TIMESTAMP_DATETIME);
    assert_time("2016-04-15T19:00:00+05:30", 1460727000 * S, TIMESTAMP_DATETIME);
    assert_time("2016-04-16T00:30:00+11", 1460727000 * S, TIMESTAMP_DATETIME);
}

static void fractions_are_kept_to_the_nanosecond(void **state)
{
    (void)state;
    assert_time("2021-04-17T16:43:30.244075Z", 1618677810 * S + 244075000, TIMESTAMP_DATETIME);
    assert_time("2021-04-17T16:43:30.1234567899Z", 1618677810 * S + 123456789, TIMESTAMP_DATETIME);
    assert_time("1618677817.079762", 1618677817 * S + 79762000, TIMESTAMP_EPOCH_S);
    assert_time("1624493666.7124102", 1624493666 * S + 712410200, TIMESTAMP_EPOCH_S);
    assert_time("1460727000123.5", 1460727000 * S + 123500000, TIMESTAMP_EPOCH_MS);
}

static void compact_forms_are_dates_too(void **state)
{
    (void)state;
    assert_time("20110103 090100", 1294045260 * S, TIMESTAMP_DATETIME);
    assert_time("20110103 0901", 1294045260 * S, TIMESTAMP_DATETIME);
    assert_time("20110103090100", 1294045260 * S, TIMESTAMP_DATETIME);
    assert_time("20161230 21:38:02 390000", 1483133882 * S + 390000000, TIMESTAMP_DATETIME);
    assert_time("20161230 213802 390000", 1483133882 * S + 390000000, TIMESTAMP_DATETIME);
}

static void the_unit_of_a_number_follows_from_its_size(void **state)
{
    (void)state;
    assert_time("0", 0, TIMESTAMP_EPOCH_S);
    assert_time("1315922016", 1315922016 * S, TIMESTAMP_EPOCH_S);
    assert_time("1460727000000", 1460727000 * S, TIMESTAMP_EPOCH_MS);
    assert_time("1460727000000001", 1460727000 * S + 1000, TIMESTAMP_EPOCH_US);
    assert_time("1460727000000000001", 1460727000 * S + 1, TIMESTAMP_EPOCH_NS);
    assert_time("20169999", 20169999 * S, TIMESTAMP_EPOCH_S); /* no date */
}

static void what_is_no_time_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "-",
        "abc",
        "2016-04",
        "2016-04-31",
        "2015-02-29",
        "2016-13-01",
        "2016-00-10",
        "2016-4-5",
        "2016-04/15",
        "2016-04-15 24:00",
        "2016-04-15 12:60",
        "2016-04-15 12:00:00.",
        "2016-04-15 12:00:00.x",
        "2016-04-15T",
        "2016-04-15 12:00 EST",
        "2016-04-15 12:00:00+",
        "2016-04-15 12:00:00+1",
        "2016-04-15 12:00:00+01:99",
        "2016-04-15 12:00:00Zx",
        "1460727000x",
        "1460727000.5x",
        "-1460727000",
        "a1460727000",
        "04/15/2016",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_no_time(texts[i], -EINVAL);
}

static void what_64_bits_of_nanoseconds_do_not_hold_is_out_of_range(void **state)
{
    (void)state;
    assert_no_time("1500-01-01", -ERANGE);
    assert_no_time("9999-12-31 23:59:59", -ERANGE);
    assert_no_time("99999999999", -ERANGE);
    assert_no_time("99999999999999999999999", -ERANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_date_is_midnight_utc),
        cmocka_unit_test(a_time_without_a_zone_is_utc),
        cmocka_unit_test(an_offset_is_taken_away),
        cmocka_unit_test(fractions_are_kept_to_the_nanosecond),
        cmocka_unit_test(compact_forms_are_dates_too),
        cmocka_unit_test(the_unit_of_a_number_follows_from_its_size),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(what_64_bits_of_nanoseconds_do_not_hold_is_out_of_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
