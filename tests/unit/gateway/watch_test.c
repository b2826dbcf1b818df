#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/macros.h"
#include "gateway/doors/watch.h"

#include "common/banned.h"

static void a_symbol_becomes_a_filter_and_is_found_in_it_again(void **state)
{
    static const struct {
        const char *symbol, *filter, *back;
    } cases[] = {
        {"AAPL", "stocks/AAPL", "AAPL"},
        {"aapl", "stocks/AAPL", "AAPL"},
        {"*", "stocks/+", "*"},
        {"BTC/USD", "stocks/BTC%2FUSD", "BTC/USD"},
        {"brk.b", "stocks/BRK.B", "BRK.B"},
        {"+", "stocks/%2B", "+"},
        {"#", "stocks/%23", "#"},
        {"100%", "stocks/100%25", "100%"},
        {"**", "stocks/**", "**"},
        {"\xc3\xa9", "stocks/\xc3\xa9", "\xc3\xa9"},
        {"ABCDEFGHIJKLMNOPQRSTUVWX", "stocks/ABCDEFGHIJKLMNOPQRSTUVWX", "ABCDEFGHIJKLMNOPQRSTUVWX"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct filterset set = {0};
        char back[SYMBOL_MAX + 1];

        assert_int_equal(watch_add(&set, slice_of(cases[i].symbol), 7), 1);
        assert_int_equal(set.n, 1);
        assert_int_equal(set.entries[0].len, strlen(cases[i].filter));
        assert_memory_equal(set.entries[0].filter, cases[i].filter, set.entries[0].len);
        assert_int_equal(set.entries[0].interval_ms, 7);
        watch_symbol(&set.entries[0], back);
        assert_string_equal(back, cases[i].back);
        filterset_release(&set);
    }
}

static void what_is_no_symbol_is_refused(void **state)
{
    static const char *const wrong[] = {"ABCDEFGHIJKLMNOPQRSTUVWXY", "\xff", "AAPL,\xff",
                                        "/////////////////"};
    char filter[QUOTE_TOPIC_MAX];
    struct filterset set = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(watch_add(&set, slice_of(wrong[i]), 0), -EINVAL);
    assert_int_equal(watch_filter(slice_of(""), filter), -EINVAL);
    filterset_release(&set);
}

static void a_query_may_say_it_in_two_ways(void **state)
{
    static const struct {
        const char *query;
        int n;
    } cases[] = {
        {"", 0},
        {"symbols=AAPL,MSFT", 2},
        {"symbol=AAPL", 1},
        {"symbol=AAPL&symbols=MSFT,AAPL", 3},
        {"symbols=BTC%2FUSD,%20AAPL%20,", 2},
        {"symbols=*", 1},
        {"symbols=", 0},
        {"symbols=,,", 0},
        {"symbols=%zz", -EINVAL},
        {"symbols=%00", -EINVAL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct filterset set = {0};

        assert_int_equal(watch_add_query(&set, slice_of(cases[i].query), 0), cases[i].n);
        filterset_release(&set);
    }
}

static void filters_that_bring_quotes_are_told_from_others(void **state)
{
    static const char *const yes[] = {"#",        "+/#",        "stocks/#", "stocks/+",  "+/+",
                                      "stocks/A", "stocks/A/#", "+/A",      "stocks/+/#"};
    static const char *const no[] = {"stocks",         "+",         "stocks/+/price",
                                     "status/#",       "status/+",  "stocks/A/+",
                                     "charts/x/frame", "/stocks/A", "stocks/A/price"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
        assert_true(watch_brings_quotes(yes[i], strlen(yes[i])));
    for (size_t i = 0; i < ARRAY_SIZE(no); i++)
        assert_false(watch_brings_quotes(no[i], strlen(no[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_symbol_becomes_a_filter_and_is_found_in_it_again),
        cmocka_unit_test(what_is_no_symbol_is_refused),
        cmocka_unit_test(a_query_may_say_it_in_two_ways),
        cmocka_unit_test(filters_that_bring_quotes_are_told_from_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
