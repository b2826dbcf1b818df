#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "publisher/feeds/finnhub_message.h"

#include "common/banned.h"

static int n;
static struct trade last;
static char last_symbol[32], msg[FINNHUB_MSG_MAX];

static void on_trade(void *ctx, const char *symbol, const struct trade *t)
{
    (void)ctx;
    n++;
    last = *t;
    snprintf(last_symbol, sizeof(last_symbol), "%s", symbol);
}

static enum finnhub_kind read_text(const char *text)
{
    n = 0;
    return finnhub_read_message(text, strlen(text), false, on_trade, NULL, msg);
}

static void a_batch_gives_its_trades_in_order(void **state)
{
    (void)state;
    assert_int_equal(
        read_text("{\"data\":[{\"c\":[\"1\"],\"p\":146.76,\"s\":\"AAPL\",\"t\":1628238530221,"
                  "\"v\":43},{\"c\":[\"1\",\"24\",\"12\"],\"p\":146.75,\"s\":\"A\","
                  "\"t\":1628238530220,\"v\":1}],\"type\":\"trade\"}"),
        FINNHUB_TRADES);
    assert_int_equal(n, 2);
    assert_string_equal(last_symbol, "A");
    assert_int_equal(last.price.coef, 14675);
    assert_int_equal(last.time.ms, 1628238530220);
    assert_int_equal(last.moves, MOVES_VOLUME | MOVES_EXTENDED);
}

static void codes_may_be_absent_null_or_none(void **state)
{
    static const char *const codes[] = {"", "\"c\":null,", "\"c\":[],"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char text[160];

        snprintf(text, sizeof(text),
                 "{\"type\":\"trade\",\"data\":[{%s\"p\":7296.89,\"s\":\"BINANCE:BTCUSDT\","
                 "\"t\":1575526691134,\"v\":0}]}",
                 codes[i]);
        assert_int_equal(read_text(text), FINNHUB_TRADES);
        assert_int_equal(n, 1);
        assert_int_equal(last.moves, MOVES_ALL);
        assert_int_equal(last.size.coef, 0);
    }
}

static void what_is_no_whole_trade_is_left_out(void **state)
{
    static const char *const trades[] = {
        "{\"s\":\"A\",\"t\":1,\"v\":1}",
        "{\"p\":0,\"s\":\"A\",\"t\":1,\"v\":1}",
        "{\"p\":-1,\"s\":\"A\",\"t\":1,\"v\":1}",
        "{\"p\":\"5\",\"s\":\"A\",\"t\":1,\"v\":1}",
        "{\"p\":null,\"s\":\"A\",\"t\":1,\"v\":1}",
        "{\"p\":1e999,\"s\":\"A\",\"t\":1,\"v\":1}",
        "{\"p\":5,\"s\":\"A\",\"v\":1}",
        "{\"p\":5,\"s\":\"A\",\"t\":0,\"v\":1}",
        "{\"p\":5,\"s\":\"A\",\"t\":1e30,\"v\":1}",
        "{\"p\":5,\"s\":7,\"t\":1,\"v\":1}",
        "{\"p\":5,\"t\":1,\"v\":1}",
        "{\"p\":5,\"s\":\"A\",\"t\":1,\"v\":-1}",
        "{\"p\":5,\"s\":\"A\",\"t\":1,\"v\":\"1\"}",
        "{\"p\":5,\"s\":\"A\",\"t\":1,\"v\":1,\"c\":[1]}",
        "7",
        "null",
        "[]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(trades) / sizeof(*trades); i++) {
        char text[160];

        snprintf(text, sizeof(text), "{\"type\":\"trade\",\"data\":[%s]}", trades[i]);
        assert_int_equal(read_text(text), FINNHUB_TRADES);
        assert_int_equal(n, 0);
    }
    assert_int_equal(read_text("{\"type\":\"trade\",\"data\":null}"), FINNHUB_TRADES);
    assert_int_equal(read_text("{\"type\":\"trade\"}"), FINNHUB_TRADES);
    assert_int_equal(n, 0);
}

static void pings_errors_and_news_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(read_text("{\"type\":\"ping\"}"), FINNHUB_PING);
    assert_int_equal(read_text("{\"type\":\"news\",\"data\":[]}"), FINNHUB_UNKNOWN);
    assert_int_equal(read_text("{\"msg\":\"Subscribing to too many symbols\",\"type\":\"error\"}"),
                     FINNHUB_TOO_MANY_SYMBOLS);
    assert_int_equal(read_text("{\"msg\":\"Invalid symbol X\",\"type\":\"error\"}"), FINNHUB_ERROR);
    assert_string_equal(msg, "Invalid symbol X");
    assert_int_equal(read_text("{\"type\":\"error\"}"), FINNHUB_ERROR);
    assert_string_equal(msg, "");
}

static void what_is_no_message_is_garbage(void **state)
{
    static const char *const texts[] = {"",       "null",          "[]", "{}", "{\"type\":7}",
                                        "<html>", "{\"type\":\"tr"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        assert_int_equal(read_text(texts[i]), FINNHUB_GARBAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_gives_its_trades_in_order),
        cmocka_unit_test(codes_may_be_absent_null_or_none),
        cmocka_unit_test(what_is_no_whole_trade_is_left_out),
        cmocka_unit_test(pings_errors_and_news_are_told_apart),
        cmocka_unit_test(what_is_no_message_is_garbage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
