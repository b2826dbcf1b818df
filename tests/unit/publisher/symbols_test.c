#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "publisher/symbols.h"

#include "common/banned.h"

static struct symbols symbols;

static int release(void **state)
{
    (void)state;
    symbols_release(&symbols);
    return 0;
}

static int read_text(const char *text)
{
    char path[] = "/tmp/tapecast-symbols-XXXXXX";
    int fd = mkstemp(path), r;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    r = symbols_from_file(path, &symbols);
    unlink(path);
    return r;
}

static void a_list_is_split_at_commas_and_normalized(void **state)
{
    (void)state;
    assert_int_equal(symbols_from_list("aapl, BRK.B,,BTC/USD,", &symbols), 0);
    assert_int_equal(symbols.n, 3);
    assert_string_equal(symbols.names[0], "AAPL");
    assert_string_equal(symbols.names[1], "BRK.B");
    assert_string_equal(symbols.names[2], "BTC/USD");
}

static void a_symbol_named_twice_is_there_once(void **state)
{
    (void)state;
    assert_int_equal(symbols_from_list("A,B,a,B", &symbols), 0);
    assert_int_equal(symbols.n, 2);
    assert_int_equal(symbols.duplicates, 2);
}

static void a_file_may_hold_names_comments_and_any_line_ends(void **state)
{
    (void)state;
    assert_int_equal(read_text("# mine\r\nAAPL\tApple Inc.\r\n\n  msft \nX\t\nLAST"), 0);
    assert_int_equal(symbols.n, 4);
    assert_string_equal(symbols.names[0], "AAPL");
    assert_string_equal(symbols.names[1], "MSFT");
    assert_string_equal(symbols.names[3], "LAST");
}

static void what_cannot_be_a_symbol_is_refused(void **state)
{
    (void)state;
    assert_int_equal(symbols_from_list("A,THIS-IS-LONGER-THAN-ANY-SYMBOL", &symbols), -EINVAL);
    assert_int_equal(symbols_from_list("A,\xff", &symbols), -EINVAL);
    assert_int_equal(symbols_from_file("/nonexistent", &symbols), -ENOENT);
    assert_int_equal(symbols_from_file("/", &symbols), -EIO);
}

static void more_than_ten_thousand_are_refused(void **state)
{
    static char text[10002 * 7 + 1];
    size_t len = 0;

    (void)state;
    for (int i = 0; i < 10000; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "S%d\n", i);
    assert_int_equal(read_text(text), 0);
    assert_int_equal(symbols.n, 10000);
    symbols_release(&symbols);
    snprintf(text + len, sizeof(text) - len, "ONE");
    assert_int_equal(read_text(text), -E2BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_list_is_split_at_commas_and_normalized, release),
        cmocka_unit_test_teardown(a_symbol_named_twice_is_there_once, release),
        cmocka_unit_test_teardown(a_file_may_hold_names_comments_and_any_line_ends, release),
        cmocka_unit_test_teardown(what_cannot_be_a_symbol_is_refused, release),
        cmocka_unit_test_teardown(more_than_ten_thousand_are_refused, release),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
