#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/rng.h"
#include "recorder/stores/pack.h"

#include "common/banned.h"

#define BARS 2000

static struct decimal decimal(int64_t coef, uint8_t scale)
{
    struct decimal d = {0};

    assert_int_equal(decimal_from_scaled(coef, scale, &d), 0);
    return d;
}

static bool same(struct decimal a, struct decimal b)
{
    return a.coef == b.coef && a.scale == b.scale;
}

static void assert_same_bar(const struct bar *a, const struct bar *b)
{
    assert_int_equal(a->t, b->t);
    assert_int_equal(a->first_ms, b->first_ms);
    assert_int_equal(a->last_ms, b->last_ms);
    assert_true(same(a->open, b->open) && same(a->high, b->high) && same(a->low, b->low) &&
                same(a->close, b->close) && same(a->volume, b->volume));
}

/* Of all sizes: the number of bits is drawn first. */
static int64_t any_number(struct rng *rng, int64_t limit)
{
    int64_t value = (int64_t)(rng_next(rng) >> (rng_next(rng) % 63 + 1)) % limit;

    return rng_next(rng) & 1 ? -value : value;
}

static struct bar any_bar(struct rng *rng)
{
    const int64_t price_limit = 1000000000, volume_limit = 1000000000000000000;
    uint8_t scale = (uint8_t)(rng_next(rng) % 9);
    struct bar b = {.t = any_number(rng, 100000000000)};

    b.first_ms = b.t * 1000 + any_number(rng, 90000000);
    b.last_ms = b.t * 1000 + any_number(rng, 90000000);
    b.open = decimal(any_number(rng, price_limit), scale);
    b.high = decimal(any_number(rng, price_limit), scale);
    b.low = decimal(any_number(rng, price_limit), (uint8_t)(rng_next(rng) % 9));
    b.close = decimal(any_number(rng, price_limit), scale);
    b.volume = decimal(any_number(rng, volume_limit), (uint8_t)(rng_next(rng) % 19));
    return b;
}

static void whatever_bars_are_packed_come_back(void **state)
{
    static uint8_t bytes[BARS * PACK_BAR_MAX];
    static struct bar bars[BARS];
    struct pack in = {0}, out = {0};
    struct rng rng;
    size_t len = 0, at = 0;

    (void)state;
    rng_seed(&rng, 7);
    for (size_t i = 0; i < BARS; i++) {
        bars[i] = any_bar(&rng);
        len += pack_put(&in, &bars[i], bytes + len);
    }
    for (size_t i = 0; i < BARS; i++) {
        struct bar b;
        long n = pack_get(&out, bytes + at, len - at, &b);

        assert_true(n > 0 && n <= PACK_BAR_MAX);
        at += (size_t)n;
        assert_same_bar(&bars[i], &b);
    }
    assert_int_equal(at, len);
}

static void a_minute_of_a_stock_takes_few_bytes(void **state)
{
    uint8_t bytes[PACK_BAR_MAX];
    struct pack p = {0};
    struct bar b = {.t = 1712332800,
                    .first_ms = 1712332800000,
                    .last_ms = 1712332859000,
                    .open = decimal(18945, 2),
                    .high = decimal(18951, 2),
                    .low = decimal(18940, 2),
                    .close = decimal(18948, 2),
                    .volume = decimal(51234, 0)};

    (void)state;
    pack_put(&p, &b, bytes);
    b.t += 60;
    b.first_ms += 60000;
    b.last_ms += 60000;
    assert_in_range(pack_put(&p, &b, bytes), 9, 15);
}

static void cut_or_damaged_bytes_are_refused_or_read_as_something(void **state)
{
    uint8_t bytes[PACK_BAR_MAX];
    struct rng rng;
    struct bar b;

    (void)state;
    rng_seed(&rng, 11);
    for (int i = 0; i < 20000; i++) {
        struct pack p = {0};
        struct quote q = {0};
        struct bar bar = any_bar(&rng);
        size_t len = pack_put(&p, &bar, bytes);

        p = (struct pack){0};
        assert_int_equal(pack_get(&p, bytes, len - 1, &b), -EBADMSG);
        bytes[rng_next(&rng) % len] = (uint8_t)rng_next(&rng);
        p = (struct pack){0};
        assert_true(pack_get(&p, bytes, len, &b) <= (long)len);
        p = (struct pack){0};
        assert_true(pack_get_quote(&p, bytes, len, &q) <= (long)len);
    }
}

static struct quote any_quote(struct rng *rng)
{
    struct quote q = {.known = (uint8_t)(rng_next(rng) % 32),
                      .mode = (uint8_t)(rng_next(rng) % 3),
                      .session = (uint8_t)(rng_next(rng) % 5),
                      .seq = rng_next(rng) >> (rng_next(rng) % 63 + 1)};
    struct decimal *const prices[] = {&q.price, &q.open, &q.high, &q.low, &q.prev_close};

    q.timestamp.ms = any_number(rng, 10000000000000);
    for (size_t i = 0; i < ARRAY_SIZE(prices); i++)
        *prices[i] = decimal(any_number(rng, 1000000000), (uint8_t)(rng_next(rng) % 9));
    q.volume = decimal(any_number(rng, 1000000000000), (uint8_t)(rng_next(rng) % 9));
    return q;
}

static void assert_same_quote(const struct quote *a, const struct quote *b)
{
    assert_int_equal(a->known, b->known);
    assert_int_equal(a->mode, b->mode);
    assert_int_equal(a->session, b->session);
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->timestamp.ms, b->timestamp.ms);
    assert_true(same(a->price, b->price));
    assert_true(!(a->known & QUOTE_OPEN) || same(a->open, b->open));
    assert_true(!(a->known & QUOTE_HIGH) || same(a->high, b->high));
    assert_true(!(a->known & QUOTE_LOW) || same(a->low, b->low));
    assert_true(!(a->known & QUOTE_PREV_CLOSE) || same(a->prev_close, b->prev_close));
    assert_true(!(a->known & QUOTE_VOLUME) || same(a->volume, b->volume));
}

static void whatever_quotes_are_packed_come_back(void **state)
{
    static uint8_t bytes[BARS * PACK_QUOTE_MAX];
    static struct quote quotes[BARS];
    struct pack in = {0}, out = {0};
    struct quote q = {0};
    struct rng rng;
    size_t len = 0, at = 0;

    (void)state;
    rng_seed(&rng, 13);
    for (size_t i = 0; i < BARS; i++) {
        quotes[i] = any_quote(&rng);
        len += pack_put_quote(&in, &quotes[i], bytes + len);
    }
    for (size_t i = 0; i < BARS; i++) {
        long n = pack_get_quote(&out, bytes + at, len - at, &q);

        assert_true(n > 0 && n <= PACK_QUOTE_MAX);
        at += (size_t)n;
        assert_same_quote(&quotes[i], &q);
    }
    assert_int_equal(at, len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_bars_are_packed_come_back),
        cmocka_unit_test(a_minute_of_a_stock_takes_few_bytes),
        cmocka_unit_test(cut_or_damaged_bytes_are_refused_or_read_as_something),
        cmocka_unit_test(whatever_quotes_are_packed_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
