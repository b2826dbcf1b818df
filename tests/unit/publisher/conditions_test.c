#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/macros.h"
#include "publisher/feeds/conditions.h"

#include "common/banned.h"

static unsigned of_finnhub(const char *code)
{
    return conditions_finnhub(MOVES_ALL, code, false);
}

static unsigned of_tape(const char *code, char tape)
{
    return conditions_tape(MOVES_ALL, code, tape, false);
}

static void finnhubs_codes_that_must_not_move_the_price_do_not(void **state)
{
    static const int still[] = {3,  5,  9,  10, 11, 12, 16, 17, 20, 21,
                                22, 25, 26, 27, 30, 31, 32, 37, 39};

    (void)state;
    for (int code = 1, i = 0; code <= 41; code++) {
        bool is_still = i < (int)ARRAY_SIZE(still) && still[i] == code;
        char text[8];

        snprintf(text, sizeof(text), "%d", code);
        assert_int_equal((of_finnhub(text) & MOVES_LAST) == 0, is_still);
        i += is_still;
    }
    assert_int_equal(of_finnhub("16"), 0);
    assert_int_equal(of_finnhub("24"), MOVES_ALL | MOVES_EXTENDED);
}

static void the_tapes_codes_move_what_the_table_says(void **state)
{
    static const struct {
        const char *codes;
        char tape;
        unsigned moves;
    } table[] = {
        {" @EFKLOX5", 'A', MOVES_ALL},
        {" @EFKLOX5", 'B', MOVES_ALL},
        {" @EFKLOX5", 'C', MOVES_ALL},
        {"6", 'A', MOVES_ALL | MOVES_CLOSING},
        {"ADYB", 'C', MOVES_ALL},
        {"BW", 'A', MOVES_VOLUME},
        {"BW", 'B', MOVES_VOLUME},
        {"WCNRHIUV7", 'C', MOVES_VOLUME},
        {"CNRHIUV7", 'A', MOVES_VOLUME},
        {"GPZ4", 'C', MOVES_VOLUME | MOVES_RANGE},
        {"PZ4", 'A', MOVES_VOLUME | MOVES_RANGE},
        {"ADYG", 'A', MOVES_VOLUME}, /* there, they are unknown */
        {"MQ", 'A', 0},
        {"9", 'A', MOVES_RANGE},
        {"T", 'B', MOVES_ALL | MOVES_EXTENDED},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        for (const char *c = table[i].codes; *c != '\0'; c++)
            assert_int_equal(of_tape((char[]){*c, '\0'}, table[i].tape), table[i].moves);
}

static void an_unknown_code_counts_for_the_volume_alone(void **state)
{
    static const char *const codes[] = {"0",  "42", "99999999999999999999", "", "x", "1x",
                                        "-1", " 1"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
        assert_int_equal(of_finnhub(codes[i]), MOVES_VOLUME);
    assert_int_equal(of_tape("?", 'A'), MOVES_VOLUME);
    assert_int_equal(of_tape("", 'A'), MOVES_VOLUME);
    assert_int_equal(of_tape("@@", 'A'), MOVES_VOLUME);
    assert_int_equal(of_tape("B", '\0'), MOVES_VOLUME);
}

static void the_strictest_of_several_codes_decides_in_any_order(void **state)
{
    (void)state;
    assert_int_equal(conditions_finnhub(of_finnhub("1"), "12", false), MOVES_VOLUME);
    assert_int_equal(conditions_finnhub(of_finnhub("12"), "1", false), MOVES_VOLUME);
    assert_int_equal(conditions_finnhub(of_finnhub("16"), "24", false), MOVES_EXTENDED);
    assert_int_equal(conditions_tape(of_tape("T", 'A'), "@", 'A', false),
                     MOVES_ALL | MOVES_EXTENDED);
    assert_int_equal(conditions_tape(of_tape("@", 'C'), "I", 'C', false), MOVES_VOLUME);
}

static void odd_lots_move_the_price_when_they_are_let(void **state)
{
    (void)state;
    assert_int_equal(conditions_finnhub(MOVES_ALL, "12", true), MOVES_ALL);
    assert_int_equal(conditions_tape(MOVES_ALL, "I", 'C', true), MOVES_ALL);
    assert_int_equal(conditions_finnhub(of_finnhub("3"), "12", true), MOVES_VOLUME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finnhubs_codes_that_must_not_move_the_price_do_not),
        cmocka_unit_test(the_tapes_codes_move_what_the_table_says),
        cmocka_unit_test(an_unknown_code_counts_for_the_volume_alone),
        cmocka_unit_test(the_strictest_of_several_codes_decides_in_any_order),
        cmocka_unit_test(odd_lots_move_the_price_when_they_are_let),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
