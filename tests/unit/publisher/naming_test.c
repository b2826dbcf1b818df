#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "publisher/replay/naming.h"

static void assert_symbol(const char *path, const char *expected)
{
    char symbol[SYMBOL_MAX + 1];

    assert_int_equal(naming_symbol(path, symbol), 0);
    assert_string_equal(symbol, expected);
}

static void the_first_part_in_upper_case_is_the_symbol(void **state)
{
    (void)state;
    assert_symbol("data/us_1min_AAPL_2016-04-15_05-13.clean.tsv.gz", "AAPL");
    assert_symbol("BRK-A_daily.csv", "BRK-A");
    assert_symbol("crypto_BTCUSD_2011-09_2012-05.csv.gz", "BTCUSD");
    assert_symbol("2016_Q4_7.csv", "Q4");
    assert_symbol("/a.b/DIR/MSFT.csv", "MSFT");
}

static void else_it_is_the_name_without_extensions_in_upper_case(void **state)
{
    (void)state;
    assert_symbol("aapl_raw.csv", "AAPL_RAW");
    assert_symbol("brk.b.csv", "BRK.B");
    assert_symbol("aapl.CSV.GZ", "AAPL");
    assert_symbol("F.csv", "F");
    assert_symbol("prices", "PRICES");
    assert_symbol(".csv", ".CSV");
}

static void a_name_that_is_no_symbol_is_refused(void **state)
{
    char symbol[SYMBOL_MAX + 1];

    (void)state;
    assert_int_equal(naming_symbol("a_name_that_is_longer_than_any_symbol.csv", symbol), -EINVAL);
    assert_int_equal(naming_symbol("dir/", symbol), -EINVAL);
    assert_int_equal(naming_symbol("\xFF.csv", symbol), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_part_in_upper_case_is_the_symbol),
        cmocka_unit_test(else_it_is_the_name_without_extensions_in_upper_case),
        cmocka_unit_test(a_name_that_is_no_symbol_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
