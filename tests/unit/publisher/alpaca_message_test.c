#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "publisher/feeds/alpaca_message.h"

#include "common/banned.h"

static const struct alpaca_rules stocks = {.has_tapes = true}, crypto;

/* What was told, as text. */
static char told[512];

static void PRINTF_LIKE(1, 2) note(const char *format, ...)
{
    size_t len = strlen(told);
    va_list args;

    va_start(args, format);
    vsnprintf(told + len, sizeof(told) - len, format, args);
    va_end(args);
}

static void note_price(const char *what, const char *symbol, struct decimal price)
{
    char text[DECIMAL_TEXT_MAX];

    decimal_format(price, text);
    note("%s %s %s; ", what, symbol, text);
}

static void on_connected(void *ctx)
{
    (void)ctx;
    note("connected; ");
}

static void on_authenticated(void *ctx)
{
    (void)ctx;
    note("authenticated; ");
}

static void on_subscribed(void *ctx, const char *symbol)
{
    (void)ctx;
    note("%s; ", symbol != NULL ? symbol : "set");
}

static void on_error(void *ctx, int code, const char *msg)
{
    (void)ctx;
    note("error %d %s; ", code, msg);
}

static void on_trade(void *ctx, const char *symbol, const struct trade *t)
{
    (void)ctx;
    note_price("trade", symbol, t->price);
    note("at %lld moves %u; ", (long long)t->time.ms, t->moves);
}

static void on_revoked(void *ctx, const char *symbol, const struct revocation *x)
{
    (void)ctx;
    note_price("revoked", symbol, x->price);
    note("number %llu of %c; ", (unsigned long long)x->id, x->exchange);
    if (x->has_other)
        note_price("other", "", x->other.price);
}

static bool hear(const char *text)
{
    static const struct alpaca_events events = {on_connected, on_authenticated, on_subscribed,
                                                on_error,     on_trade,         on_revoked};

    told[0] = '\0';
    return alpaca_read_message(text, strlen(text), &stocks, &events, NULL);
}

static void assert_tells(const char *text, const char *expected)
{
    assert_true(hear(text));
    assert_string_equal(told, expected);
}

static void the_handshake_is_heard_in_order(void **state)
{
    (void)state;
    assert_tells("[{\"T\":\"success\",\"msg\":\"connected\"},"
                 "{\"T\":\"success\",\"msg\":\"authenticated\"}]",
                 "connected; authenticated; ");
    assert_tells("[{\"T\":\"subscription\",\"trades\":[\"AAPL\",\"B\"],\"quotes\":[\"C\"]}]",
                 "set; AAPL; B; ");
    assert_tells("[{\"T\":\"subscription\"}]", "set; ");
    assert_tells("[{\"T\":\"error\",\"code\":406,\"msg\":\"x\"},{\"T\":\"error\"}]",
                 "error 406 x; error 0 ; ");
}

static void trades_and_what_takes_them_back_are_heard(void **state)
{
    (void)state;
    assert_tells("[{\"T\":\"t\",\"S\":\"AAPL\",\"i\":628,\"x\":\"K\",\"p\":162.92,\"s\":3,"
                 "\"c\":[\"@\",\"F\",\"T\",\"I\"],\"z\":\"C\","
                 "\"t\":\"2023-04-06T11:54:26.838232225Z\"}]",
                 "trade AAPL 162.92; at 1680782066838 moves 12; ");
    assert_tells("[{\"T\":\"x\",\"S\":\"A\",\"i\":7,\"x\":\"V\",\"p\":5,\"s\":1,\"a\":\"C\"},"
                 "{\"T\":\"c\",\"S\":\"B\",\"x\":\"K\",\"oi\":8,\"op\":6,\"os\":1,\"oc\":[],"
                 "\"ci\":9,\"cp\":7,\"cs\":2,\"cc\":[\"@\"],\"t\":\"2023-04-06T11:54:26Z\"}]",
                 "revoked A 5; number 7 of V; revoked B 6; number 8 of K; other  7; ");
    assert_tells("[{\"T\":\"x\",\"S\":\"A\",\"p\":5},{\"T\":\"x\",\"S\":\"A\",\"i\":7}]", "");
}

static void times_have_any_number_of_digits(void **state)
{
    static const char *const times[] = {"2023-04-06T11:54:26Z", "2023-04-06T11:54:26.0Z",
                                        "2023-04-06T11:54:26.000000001Z",
                                        "2023-04-06T07:54:26-04:00"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        char text[128];

        snprintf(text, sizeof(text), "[{\"T\":\"t\",\"S\":\"A\",\"p\":1,\"t\":\"%s\"}]", times[i]);
        assert_tells(text, "trade A 1; at 1680782066000 moves 7; ");
    }
}

static void what_is_no_whole_trade_is_left_out(void **state)
{
    (void)state;
    assert_tells("[{\"T\":\"t\",\"S\":\"A\",\"p\":0,\"t\":\"2023-04-06T11:54:26Z\"},"
                 "{\"T\":\"t\",\"S\":\"A\",\"p\":1},{\"T\":\"t\",\"S\":\"A\",\"p\":1,\"t\":7},"
                 "{\"T\":\"t\",\"S\":\"A\",\"p\":\"1\",\"t\":\"2023-04-06T11:54:26Z\"},"
                 "{\"T\":\"t\",\"S\":\"A\",\"p\":1,\"t\":\"20230406\"},"
                 "{\"T\":\"t\",\"S\":\"A\",\"p\":1,\"t\":\"2023-04-06T11:54:26Z\",\"c\":[1]},"
                 "{\"T\":\"t\",\"S\":\"A\",\"p\":1,\"s\":-5,\"t\":\"2023-04-06T11:54:26Z\"},"
                 "{\"T\":\"t\",\"S\":\"A\",\"p\":1,\"s\":\"5\",\"t\":\"2023-04-06T11:54:26Z\"},"
                 "{\"t\":1},7,null,[],{\"T\":\"zz\"},{\"T\":5}]",
                 "");
}

static void what_is_no_array_is_no_message(void **state)
{
    static const char *const texts[] = {"", "{}", "null", "[{\"T\":\"t\"", "{\"T\":\"success\"}"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        assert_false(hear(texts[i]));
}

static struct quote last;
static int n;

static void on_snapshot(void *ctx, const char *symbol, const struct quote *q)
{
    (void)ctx;
    n++;
    last = *q;
    note("%s; ", symbol);
}

static bool see(const char *text, const struct alpaca_rules *rules)
{
    told[0] = '\0';
    n = 0;
    return alpaca_read_snapshots(text, rules, on_snapshot, NULL);
}

/* Asked on Wednesday, 2022-08-17, at 06:18 in New York: the daily bar is still Tuesday's. */
#define LAST(time)                                                                                 \
    "\"latestTrade\":{\"t\":\"" time "\",\"p\":172.61,\"c\":[\"@\",\"T\"],\"z\":\"C\"}"
#define BAR(name, day, close)                                                                      \
    "\"" name "\":{\"t\":\"" day "T04:00:00Z\",\"o\":1,\"h\":2,\"l\":0.5,\"c\":" close ",\"v\":9}"

static void the_daily_bar_of_yesterday_is_the_previous_close(void **state)
{
    (void)state;
    assert_true(see("{\"AAPL\":{" LAST("2022-08-17T10:18:24.114694956Z") "," BAR(
                        "dailyBar", "2022-08-16", "173.03") "," BAR("prevDailyBar", "2022-08-15",
                                                                    "173.19") "}}",
                    &stocks));
    assert_int_equal(last.known, QUOTE_PREV_CLOSE);
    assert_int_equal(last.prev_close.coef, 17303);
}

static void the_daily_bar_of_today_is_the_day(void **state)
{
    (void)state;
    assert_true(see("{\"AAPL\":{" LAST("2022-08-16T20:30:00Z") "," BAR(
                        "dailyBar", "2022-08-16", "173.03") "," BAR("prevDailyBar", "2022-08-15",
                                                                    "173.19") "}}",
                    &stocks));
    assert_int_equal(last.known, 0x1f);
    assert_int_equal(last.prev_close.coef, 17319);
    assert_int_equal(last.volume.coef, 9);
}

static void a_bar_of_days_ago_is_no_previous_close(void **state)
{
    (void)state;
    assert_true(see(
        "{\"AAPL\":{" LAST("2022-08-17T10:18:24Z") "," BAR("dailyBar", "2022-08-15", "173.03") "}}",
        &stocks));
    assert_int_equal(last.known, 0);
}

static void symbols_without_a_price_are_passed_over(void **state)
{
    (void)state;
    assert_true(see("{\"INVALID\":null,\"A\":{\"latestTrade\":null},\"B\":{}}", &stocks));
    assert_int_equal(n, 0);
    assert_true(see("{\"snapshots\":{\"BTC/USD\":{\"latestTrade\":{\"t\":\"2022-08-17T10:18:24Z\","
                    "\"p\":57527,\"s\":0.0755,\"c\":[\"W\"]}}}}",
                    &crypto));
    assert_string_equal(told, "BTC/USD; ");
}

static void what_is_no_object_is_no_answer(void **state)
{
    static const char *const texts[] = {"", "[]", "<html>", "{\"code\":1,\"message\":\"x\"}",
                                        "{} x"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        assert_false(see(texts[i], &stocks));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_handshake_is_heard_in_order),
        cmocka_unit_test(trades_and_what_takes_them_back_are_heard),
        cmocka_unit_test(times_have_any_number_of_digits),
        cmocka_unit_test(what_is_no_whole_trade_is_left_out),
        cmocka_unit_test(what_is_no_array_is_no_message),
        cmocka_unit_test(the_daily_bar_of_yesterday_is_the_previous_close),
        cmocka_unit_test(the_daily_bar_of_today_is_the_day),
        cmocka_unit_test(a_bar_of_days_ago_is_no_previous_close),
        cmocka_unit_test(symbols_without_a_price_are_passed_over),
        cmocka_unit_test(what_is_no_object_is_no_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
