#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "publisher/feeds/finnhub_answer.h"

#include "common/banned.h"

static const char good[] = "{\"c\":333.27,\"d\":1.93,\"dp\":0.5825,\"h\":335.48,\"l\":331.87,"
                           "\"o\":331.96,\"pc\":331.34,\"t\":1789580577}";

static void assert_number(struct decimal d, const char *text)
{
    char buf[DECIMAL_TEXT_MAX];

    decimal_format(d, buf);
    assert_string_equal(buf, text);
}

static void a_good_answer_is_read_exactly(void **state)
{
    struct quote q;

    (void)state;
    assert_int_equal(finnhub_read(200, good, &q), FINNHUB_QUOTE);
    assert_number(q.price, "333.27");
    assert_number(q.high, "335.48");
    assert_number(q.low, "331.87");
    assert_number(q.open, "331.96");
    assert_number(q.prev_close, "331.34");
    assert_int_equal(q.timestamp.ms, 1789580577000);
    assert_int_equal(q.known, QUOTE_OPEN | QUOTE_HIGH | QUOTE_LOW | QUOTE_PREV_CLOSE);
}

static void zeros_and_nulls_beside_a_price_are_left_out(void **state)
{
    struct quote q;

    (void)state;
    assert_int_equal(finnhub_read(200,
                                  "{\"c\":5,\"d\":null,\"dp\":null,\"h\":0,\"l\":null,\"o\":\"4\","
                                  "\"pc\":-1,\"t\":1789580577}",
                                  &q),
                     FINNHUB_QUOTE);
    assert_number(q.price, "5");
    assert_int_equal(q.known, 0);
}

struct answer {
    long status;
    const char *body;
};

static void assert_all(const struct answer *answers, size_t n, enum finnhub_verdict meant)
{
    for (size_t i = 0; i < n; i++) {
        struct quote q = {.seq = 4711};
        enum finnhub_verdict verdict = finnhub_read(answers[i].status, answers[i].body, &q);

        if (verdict != meant)
            fail_msg("HTTP %ld %s: verdict %d", answers[i].status, answers[i].body, verdict);
        assert_int_equal(q.seq, 4711); /* untouched */
    }
}

static void an_answer_without_a_price_is_no_data(void **state)
{
    static const struct answer answers[] = {
        {200, "{\"c\":0,\"d\":null,\"dp\":null,\"h\":0,\"l\":0,\"o\":0,\"pc\":0,\"t\":0}"},
        {200, "{\"c\":0,\"t\":1789580577}"},
        {200, "{\"c\":10,\"t\":0}"},
        {200, "{\"c\":10}"},
        {200, "{\"c\":10,\"t\":null}"},
        {200, "{\"c\":10,\"t\":\"1789580577\"}"},
        {200, "{\"c\":10,\"t\":-5}"},
        {200, "{\"c\":10,\"t\":1e300}"},
        {200, "{\"c\":null,\"t\":1789580577}"},
        {200, "{\"c\":\"10\",\"t\":1789580577}"},
        {200, "{\"c\":-10,\"t\":1789580577}"},
        {200, "{\"c\":1e999,\"t\":1789580577}"},
        {200, "{\"c\":1e-300,\"t\":1789580577}"},
        {200, "{\"c\":[10],\"t\":1789580577}"},
        {200, "{\"C\":10,\"T\":1789580577}"},
        {200, "{}"},
    };

    (void)state;
    assert_all(answers, ARRAY_SIZE(answers), FINNHUB_NO_DATA);
}

static void what_is_no_answer_of_the_service_is_a_fault(void **state)
{
    static const struct answer answers[] = {
        {200, ""},
        {200, "null"},
        {200, "10"},
        {200, "[]"},
        {200, "{\"c\":333.27,\"t\":17895"},
        {200, "{\"c\":NaN,\"t\":1789580577}"},
        {200, "{\"c\":1,\"t\":1789580577} and more"},
        {200, "<html>It works!</html>"},
        {200, "{\"error\":\"something new\"}"},
        {302, ""},
        {404, "not found"},
        {500, good},
        {502, "<html>Bad gateway</html>"},
        {524, "error code: 524"},
        {403, " \n<html>nginx: 403, get an API key</html>"},
        {401, "<html>log in to the hotel's wifi</html>"},
    };

    (void)state;
    assert_all(answers, ARRAY_SIZE(answers), FINNHUB_FAULT);
}

static void a_refused_key_is_known_by_its_text_whatever_the_status(void **state)
{
    static const struct answer answers[] = {
        {401, "{\"error\":\"Invalid API key.\"}"},
        {401, "{\"error\":\"Please use an API key.\"}"},
        {401, ""},
        {403, "{\"error\":\"Invalid API key.\"}"},
        {429, "{\"error\":\"API limit reached. Please sign up for a free account\"}"},
        {200, "{\"error\":\"Invalid API key.\"}"},
    };

    (void)state;
    assert_all(answers, ARRAY_SIZE(answers), FINNHUB_BAD_KEY);
}

static void a_symbol_outside_the_plan_is_told_from_a_bad_key(void **state)
{
    static const struct answer answers[] = {
        {403, "{\"error\":\"You don't have access to this resource.\"}"},
        {401, "{\"error\":\"You don't have access to this resource.\"}"},
        {403, ""},
        {200, "{\"error\":\"Market data subscription required for CFD indices.\"}"},
    };

    (void)state;
    assert_all(answers, ARRAY_SIZE(answers), FINNHUB_NO_ACCESS);
}

static void too_many_calls_are_told_from_a_bad_key(void **state)
{
    static const struct answer answers[] = {
        {429, "{\"error\":\"API limit reached. Please try again later. Remaining Limit: 0\"}"},
        {429, ""},
        {429, "<html>Too many requests</html>"},
        {200, "{\"error\":\"API limit reached. Please try again later. Remaining Limit: 0\"}"},
    };

    (void)state;
    assert_all(answers, ARRAY_SIZE(answers), FINNHUB_TOO_MANY);
}

static void an_answer_cut_anywhere_gives_no_price(void **state)
{
    char cut[sizeof(good)] = "";
    struct quote q;

    (void)state;
    for (size_t len = 0; len < sizeof(good) - 1; len++) {
        assert_int_equal(finnhub_read(200, cut, &q), FINNHUB_FAULT);
        cut[len] = good[len];
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_answer_is_read_exactly),
        cmocka_unit_test(zeros_and_nulls_beside_a_price_are_left_out),
        cmocka_unit_test(an_answer_without_a_price_is_no_data),
        cmocka_unit_test(what_is_no_answer_of_the_service_is_a_fault),
        cmocka_unit_test(a_refused_key_is_known_by_its_text_whatever_the_status),
        cmocka_unit_test(a_symbol_outside_the_plan_is_told_from_a_bad_key),
        cmocka_unit_test(too_many_calls_are_told_from_a_bad_key),
        cmocka_unit_test(an_answer_cut_anywhere_gives_no_price),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
