#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "publisher/replay/tally.h"

static void assert_number(uint64_t n, const char *expected)
{
    char buf[TALLY_NUMBER_MAX];

    assert_string_equal(tally_number(n, buf), expected);
}

static void thousands_are_separated(void **state)
{
    (void)state;
    assert_number(0, "0");
    assert_number(999, "999");
    assert_number(1000, "1,000");
    assert_number(619040, "619,040");
    assert_number(UINT64_MAX, "18,446,744,073,709,551,615");
}

static void each_row_is_read_once_kept_or_left_out(void **state)
{
    struct tally t = {0};

    (void)state;
    tally_add(&t, ROW_KEPT, 2);
    tally_add(&t, LEFT_BAD_TIME, 3);
    tally_add(&t, LEFT_NO_PRICE, 4);
    tally_add(&t, LEFT_BAD_TIME, 5);
    tally_add(&t, SEEN_ZERO_VOLUME, 2); /* about a kept row */
    assert_int_equal(tally_read(&t), 4);
    assert_int_equal(tally_left_out(&t), 3);
    assert_int_equal(tally_main_reason(&t), LEFT_BAD_TIME);
}

static void only_what_was_seen_is_printed_with_its_first_line(void **state)
{
    struct tally t = {0};
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    (void)state;
    assert_non_null(out);
    tally_add(&t, LEFT_BAD_TIME, 1234);
    tally_add(&t, LEFT_BAD_TIME, 2000);
    t.facts[LEFT_DUPLICATE].n = 7;
    tally_add(&t, SEEN_ZERO_VOLUME, 3);
    tally_print_left_out(&t, out);
    tally_print_seen(&t, out);
    fclose(out);
    assert_string_equal(text, "  bad time: 2, the first in line 1,234\n"
                              "  duplicate of an earlier row: 7\n"
                              "volume 0: 1, the first in line 3\n");
    free(text);
}

static void every_fact_has_words(void **state)
{
    (void)state;
    for (int i = 0; i < N_FACTS; i++)
        assert_true(strlen(tally_words((enum tally_fact)i)) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thousands_are_separated),
        cmocka_unit_test(each_row_is_read_once_kept_or_left_out),
        cmocka_unit_test(only_what_was_seen_is_printed_with_its_first_line),
        cmocka_unit_test(every_fact_has_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
