#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "publisher/publish.h"

#include "common/banned.h"

#define SENT_MAX 64

static struct publish *p;
static struct mono now;

/* A broker that remembers. */
static struct {
    bool takes;
    int result;
    int n;
    char topics[SENT_MAX][QUOTE_TOPIC_MAX];
    char payloads[SENT_MAX][QUOTE_PACKET_MAX + 1];
} broker;

static bool takes(void *ctx)
{
    (void)ctx;
    return broker.takes;
}

static int take(void *ctx, const char *topic, const void *payload, size_t len)
{
    (void)ctx;
    if (broker.result < 0)
        return broker.result;
    assert_in_range(broker.n, 0, SENT_MAX - 1);
    snprintf(broker.topics[broker.n], QUOTE_TOPIC_MAX, "%s", topic);
    snprintf(broker.payloads[broker.n], QUOTE_PACKET_MAX + 1, "%.*s", (int)len,
             (const char *)payload);
    return ++broker.n;
}

static void open_with(int64_t interval_ms)
{
    const struct publish_sink sink = {.takes = takes, .send = take};

    memset(&broker, 0, sizeof(broker));
    broker.takes = true;
    now = (struct mono){1};
    assert_int_equal(publish_new(interval_ms, &sink, &p), 0);
}

static int open_unpaced(void **state)
{
    (void)state;
    open_with(0);
    return 0;
}

static int close_it(void **state)
{
    (void)state;
    publish_free(p);
    return 0;
}

static struct decimal number(const char *text)
{
    struct decimal d;

    assert_int_equal(decimal_parse(text, strlen(text), &d), 0);
    return d;
}

static struct quote quote_of(const char *symbol, const char *price)
{
    struct quote q = {.price = number(price), .timestamp = {1712331900000}};

    snprintf(q.symbol, sizeof(q.symbol), "%s", symbol);
    return q;
}

static void give(const char *symbol, const char *price)
{
    struct quote q = quote_of(symbol, price);

    publish_quote(p, &q);
    publish_run(p, now);
}

/* The number of the n-th message sent, which is a quote. */
static uint64_t seq_of(int n)
{
    struct quote q;

    assert_int_equal(quote_decode(broker.payloads[n], strlen(broker.payloads[n]), &q), 0);
    return q.seq;
}

static void a_quote_goes_out_as_json_and_as_plain_price(void **state)
{
    (void)state;
    give("BTC/USD", "189.450");
    assert_int_equal(broker.n, 2);
    assert_string_equal(broker.topics[0], "stocks/BTC%2FUSD");
    assert_string_equal(broker.payloads[0],
                        "{\"symbol\":\"BTC/USD\",\"price\":189.45,\"timestamp\":1712331900000,"
                        "\"seq\":1,\"mode\":\"demo\"}");
    assert_string_equal(broker.topics[1], "stocks/BTC%2FUSD/price");
    assert_string_equal(broker.payloads[1], "189.45");
    assert_int_equal(publish_counts(p).published, 1);
}

static void each_symbol_counts_its_quotes_from_one(void **state)
{
    (void)state;
    give("A", "1");
    give("B", "1");
    give("A", "2");
    assert_int_equal(seq_of(0), 1);
    assert_int_equal(seq_of(2), 1);
    assert_int_equal(seq_of(4), 2);
    assert_int_equal(publish_counts(p).symbols, 2);
}

static void a_blocked_broker_gets_the_newest_alone_and_no_gap(void **state)
{
    (void)state;
    give("A", "1");
    broker.takes = false;
    give("A", "2");
    give("A", "3");
    give("A", "4");
    assert_true(publish_is_blocked(p));
    broker.takes = true;
    publish_run(p, now);
    assert_int_equal(broker.n, 4);
    assert_string_equal(broker.payloads[3], "4");
    assert_int_equal(seq_of(2), 2);
    assert_int_equal(publish_counts(p).conflated, 2);
    assert_int_equal(publish_counts(p).published, 2);
    assert_false(publish_is_blocked(p));
}

static void a_connection_lost_in_the_middle_sends_the_quote_again_whole(void **state)
{
    (void)state;
    broker.result = -ENOTCONN;
    give("A", "1");
    assert_int_equal(publish_counts(p).published, 0);
    broker.result = 0;
    publish_run(p, now);
    assert_int_equal(broker.n, 2);
    assert_int_equal(seq_of(0), 1);
}

static void a_new_connection_gets_every_symbol_again_with_its_number(void **state)
{
    (void)state;
    give("A", "1");
    give("B", "2");
    give("A", "3");
    broker.n = 0;
    publish_again(p);
    publish_run(p, now);
    assert_int_equal(broker.n, 4);
    assert_string_equal(broker.payloads[1], "3");
    assert_int_equal(seq_of(0), 2);
    assert_int_equal(seq_of(2), 1);
    assert_int_equal(publish_counts(p).published, 3);
}

static void a_quote_between_reconnecting_and_sending_again_counts_on(void **state)
{
    (void)state;
    give("A", "1");
    broker.takes = false;
    publish_again(p);
    give("A", "2");
    broker.takes = true;
    broker.n = 0;
    publish_run(p, now);
    assert_int_equal(broker.n, 2);
    assert_int_equal(seq_of(0), 2);
    assert_int_equal(publish_counts(p).conflated, 0);
    assert_int_equal(publish_counts(p).published, 2);
}

static void an_interval_thins_out_and_keeps_the_last(void **state)
{
    (void)state;
    publish_free(p);
    open_with(1000);
    give("A", "1");
    give("A", "2");
    give("A", "3");
    assert_int_equal(broker.n, 2);
    assert_int_equal(publish_deadline(p).ns, mono_add_ms(now, 1000).ns);
    publish_run(p, mono_add_ms(now, 1000));
    assert_int_equal(broker.n, 4);
    assert_string_equal(broker.payloads[3], "3");
    assert_int_equal(publish_counts(p).conflated, 1);
    give("A", "4");
    publish_finish(p);
    publish_run(p, now);
    assert_true(publish_is_idle(p));
    assert_string_equal(broker.payloads[5], "4");
}

static void what_is_no_price_is_never_sent(void **state)
{
    static const struct {
        const char *symbol, *price;
    } bad[] = {{"A", "0"}, {"A", "-1"}, {"", "1"}, {"aapl", "1"}, {"\xff", "1"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        give(bad[i].symbol, bad[i].price);
    assert_int_equal(broker.n, 0);
    assert_int_equal(publish_counts(p).rejected, ARRAY_SIZE(bad));
    assert_int_equal(publish_counts(p).symbols, 0);
}

static void members_that_contradict_the_price_are_left_out(void **state)
{
    struct quote q = quote_of("A", "10");

    (void)state;
    q.known = QUOTE_OPEN | QUOTE_HIGH | QUOTE_LOW | QUOTE_PREV_CLOSE | QUOTE_VOLUME;
    q.high = number("9.99");
    q.low = number("10.01");
    q.volume = number("-1");
    assert_null(publish_check(&q));
    assert_int_equal(q.known, 0);
}

static void members_that_fit_stay(void **state)
{
    struct quote q = quote_of("A", "10");

    (void)state;
    q.known = QUOTE_OPEN | QUOTE_HIGH | QUOTE_LOW | QUOTE_PREV_CLOSE | QUOTE_VOLUME;
    q.open = q.prev_close = number("20");
    q.high = q.low = number("10");
    assert_null(publish_check(&q));
    assert_int_equal(q.known, 31);
}

static void the_ten_thousand_and_first_symbol_is_refused(void **state)
{
    char symbol[SYMBOL_MAX + 1];
    struct quote q;

    (void)state;
    broker.takes = false;
    for (int i = 0; i <= 10000; i++) {
        snprintf(symbol, sizeof(symbol), "S%d", i);
        q = quote_of(symbol, "1");
        publish_quote(p, &q);
    }
    assert_int_equal(publish_counts(p).symbols, 10000);
    assert_int_equal(publish_counts(p).rejected, 1);
    q = quote_of("S9999", "2");
    publish_quote(p, &q);
    assert_int_equal(publish_counts(p).rejected, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_unpaced, close_it)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_quote_goes_out_as_json_and_as_plain_price),
        TEST(each_symbol_counts_its_quotes_from_one),
        TEST(a_blocked_broker_gets_the_newest_alone_and_no_gap),
        TEST(a_connection_lost_in_the_middle_sends_the_quote_again_whole),
        TEST(a_new_connection_gets_every_symbol_again_with_its_number),
        TEST(a_quote_between_reconnecting_and_sending_again_counts_on),
        TEST(an_interval_thins_out_and_keeps_the_last),
        TEST(what_is_no_price_is_never_sent),
        TEST(members_that_contradict_the_price_are_left_out),
        TEST(members_that_fit_stay),
        TEST(the_ten_thousand_and_first_symbol_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
