#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "publisher/lineup.h"

#include "common/banned.h"

static struct lineup lineup;
static struct feed_options options;

static int read_it(const char *text, const char *common)
{
    struct symbols symbols = {0};
    int r;

    lineup_release(&lineup);
    if (common != NULL)
        assert_int_equal(symbols_from_list(common, &symbols), 0);
    r = lineup_read(text, &symbols, &options, &lineup);
    symbols_release(&symbols);
    return r;
}

static int release(void **state)
{
    (void)state;
    lineup_release(&lineup);
    return 0;
}

/* "finnhub=AAPL,MSFT alpaca:crypto=BTC/USD", as it was read. */
static const char *as_text(void)
{
    static char text[512];
    size_t len = 0;

    text[0] = '\0';
    for (size_t i = 0; i < lineup.n; i++) {
        const struct lineup_feed *f = &lineup.feeds[i];

        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i > 0 ? " " : "", f->name);
        for (size_t k = 0; k < f->symbols.n; k++)
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", k > 0 ? "," : "=",
                                    f->symbols.names[k]);
    }
    return text;
}

static void feeds_are_parted_by_blanks_and_commas(void **state)
{
    (void)state;
    assert_int_equal(read_it("finnhub sim,replay", NULL), 0);
    assert_string_equal(as_text(), "finnhub sim replay");
    assert_ptr_equal(lineup.feeds[2].ops, &feed_replay);
}

static void a_list_goes_on_until_a_feed_follows(void **state)
{
    (void)state;
    assert_int_equal(read_it("finnhub=aapl,SIM,BINANCE:BTCUSDT,alpaca:sip=msft,sim", NULL), 0);
    assert_string_equal(as_text(), "finnhub=AAPL,SIM,BINANCE:BTCUSDT alpaca:sip=MSFT sim");
    assert_string_equal(lineup.feeds[1].options.alpaca_feed, "sip");
}

static void common_symbols_go_to_feeds_of_their_kind(void **state)
{
    (void)state;
    assert_int_equal(read_it("alpaca finnhub alpaca:crypto sim=F", "AAPL,BTC/USD,BINANCE:BTCUSDT"),
                     0);
    assert_string_equal(as_text(),
                        "alpaca=AAPL finnhub=AAPL,BINANCE:BTCUSDT alpaca:crypto=BTC/USD sim=F");
    assert_string_equal(lineup.feeds[0].options.alpaca_feed, "iex");
}

static void a_feed_alone_takes_all_symbols(void **state)
{
    (void)state;
    assert_int_equal(read_it("alpaca", "AAPL,BTC/USD"), 0);
    assert_string_equal(as_text(), "alpaca=AAPL,BTC/USD");
}

static void crypto_and_test_have_symbols_of_their_own(void **state)
{
    (void)state;
    assert_int_equal(read_it("alpaca:crypto alpaca:test", NULL), 0);
    assert_string_equal(as_text(), "alpaca:crypto=BTC/USD,ETH/USD alpaca:test=FAKEPACA");
}

static void what_makes_no_sense_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "kafka",
        "finnhub,kafka",
        "finnhub=",
        "finnhub=AAPL,aapl",
        "sim sim",
        "finnhub:x",
        "alpaca alpaca:iex",
        "finnhub,,sim",
        "sim=AAPL sim=MSFT",
        "=AAPL",
        "FINNHUB",
        "finnhub= sim",
        "finnhub=AAPL sym",
        "AAPL,finnhub",
        "sim,finnhub,replay,alpaca,alpaca:a,alpaca:b,alpaca:c,alpaca:d,alpaca:e",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        if (read_it(wrong[i], NULL) != -EINVAL)
            fail_msg("\"%s\" is taken: %s", wrong[i], as_text());
    assert_int_equal(read_it("finnhub alpaca:crypto", "AAPL"), -EINVAL);
    assert_int_equal(read_it("alpaca alpaca:test", "AAPL,BTC/USD"), -EINVAL);
    assert_int_equal(read_it("finnhub=AAPL sim=F", "MSFT"), -EINVAL);
}

static void several_feeds_are_recorded_in_a_file_each(void **state)
{
    (void)state;
    options.record = "dir:1/rec";
    assert_int_equal(read_it("finnhub alpaca:crypto sim", NULL), 0);
    assert_string_equal(lineup.feeds[0].options.record, "dir:1/rec.finnhub");
    assert_string_equal(lineup.feeds[1].options.record, "dir:1/rec.alpaca-crypto");
    assert_int_equal(read_it("finnhub sim", NULL), 0);
    assert_string_equal(lineup.feeds[0].options.record, "dir:1/rec");
    assert_int_equal(read_it("sim", NULL), -EINVAL);
    options.record = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(feeds_are_parted_by_blanks_and_commas, release),
        cmocka_unit_test_teardown(a_list_goes_on_until_a_feed_follows, release),
        cmocka_unit_test_teardown(common_symbols_go_to_feeds_of_their_kind, release),
        cmocka_unit_test_teardown(a_feed_alone_takes_all_symbols, release),
        cmocka_unit_test_teardown(crypto_and_test_have_symbols_of_their_own, release),
        cmocka_unit_test_teardown(what_makes_no_sense_is_refused, release),
        cmocka_unit_test_teardown(several_feeds_are_recorded_in_a_file_each, release),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
