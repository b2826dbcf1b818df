#include "recorder/stores/pack.h"

#include <errno.h>
#include <string.h>

#include "common/banned.h"

#define N_PRICES 4
#define SCALES (DECIMAL_MAX_SCALE + 1)
#define NUMBER_MAX 10                 /* bytes of 64 bits in groups of seven */
#define TIME_LIMIT (INT64_MAX / 2000) /* s; its ms have room */

enum number { N_T, N_SCALES, N_OPEN, N_HIGH, N_LOW, N_CLOSE, N_VOLUME, N_FIRST, N_LAST, N_NUMBERS };

/* ---- numbers ---- */

/* Differences are taken modulo 2^64, so that none is too large. */
static int64_t minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static uint8_t *put_number(uint8_t *p, int64_t value)
{
    uint64_t rest = (uint64_t)value << 1 ^ (uint64_t)(value >> 63);

    for (; rest >= 0x80; rest >>= 7)
        *p++ = (uint8_t)(rest | 0x80);
    *p++ = (uint8_t)rest;
    return p;
}

/* NULL: it does not end in time. */
static const uint8_t *get_number(const uint8_t *p, const uint8_t *end, int64_t *ret)
{
    uint64_t value = 0;

    for (unsigned shift = 0; p < end && shift < 7 * NUMBER_MAX; shift += 7) {
        value |= (uint64_t)(*p & 0x7f) << shift;
        if (!(*p++ & 0x80)) {
            *ret = (int64_t)(value >> 1 ^ -(value & 1));
            return p;
        }
    }
    return NULL;
}

/* Prices as integers of the smallest scale that holds all of them. */
static uint8_t align(const struct decimal *prices, int n, int64_t *ret)
{
    uint8_t scale = 0;
    int i = 0;

    for (int k = 0; k < n; k++)
        scale = prices[k].scale > scale ? prices[k].scale : scale;
    while (i < n) {
        if (decimal_to_scaled(decimal_round(prices[i], scale), scale, &ret[i]) == 0) {
            i++;
        } else {
            scale--; /* ends at 0, which every decimal has room for */
            i = 0;
        }
    }
    return scale;
}

static int64_t scales_of(uint8_t prices, struct decimal volume)
{
    return prices + SCALES * volume.scale;
}

/* Returns 0 and both scales; -EBADMSG. */
static int split_scales(int64_t scales, uint8_t *ret_prices, uint8_t *ret_volume)
{
    if (scales < 0 || scales >= SCALES * SCALES)
        return -EBADMSG;
    *ret_prices = (uint8_t)(scales % SCALES);
    *ret_volume = (uint8_t)(scales / SCALES);
    return 0;
}

/* A price of the one before, where it helps. */
static int64_t price_before(const struct pack *p, int i, uint8_t scale)
{
    return p->scale == scale ? p->prices[i] : 0;
}

static const uint8_t *get_numbers(const uint8_t *at, const uint8_t *end, int n, int64_t *ret)
{
    for (int i = 0; at != NULL && i < n; i++)
        at = get_number(at, end, &ret[i]);
    return at;
}

/* ---- bars ---- */

size_t pack_put(struct pack *p, const struct bar *b, uint8_t buf[PACK_BAR_MAX])
{
    const struct decimal values[N_PRICES] = {b->open, b->high, b->low, b->close};
    int64_t prices[N_PRICES];
    uint8_t scale = align(values, N_PRICES, prices), *end = buf;
    const int64_t numbers[N_NUMBERS] = {
        [N_T] = minus(b->t, p->t),
        [N_SCALES] = scales_of(scale, b->volume),
        [N_OPEN] = minus(prices[0], price_before(p, 0, scale)),
        [N_HIGH] = minus(prices[1], prices[0]),
        [N_LOW] = minus(prices[2], prices[0]),
        [N_CLOSE] = minus(prices[3], prices[0]),
        [N_VOLUME] = b->volume.coef,
        [N_FIRST] = minus(b->first_ms, b->t * 1000),
        [N_LAST] = minus(b->last_ms, b->t * 1000),
    };

    for (int i = 0; i < N_NUMBERS; i++)
        end = put_number(end, numbers[i]);
    *p = (struct pack){.t = b->t, .prices = {prices[3]}, .scale = scale};
    return (size_t)(end - buf);
}

long pack_get(struct pack *p, const uint8_t *bytes, size_t len, struct bar *ret)
{
    struct decimal *const values[N_PRICES] = {&ret->open, &ret->high, &ret->low, &ret->close};
    uint8_t scale, volume_scale;
    int64_t n[N_NUMBERS], t;
    const uint8_t *end = get_numbers(bytes, bytes + len, N_NUMBERS, n);

    if (end == NULL || split_scales(n[N_SCALES], &scale, &volume_scale) < 0)
        return -EBADMSG;
    t = plus(p->t, n[N_T]);
    if (t > TIME_LIMIT || t < -TIME_LIMIT)
        return -EBADMSG;
    n[N_OPEN] = plus(n[N_OPEN], price_before(p, 0, scale));
    for (int i = N_HIGH; i <= N_CLOSE; i++)
        n[i] = plus(n[i], n[N_OPEN]);
    for (int i = 0; i < N_PRICES; i++)
        if (decimal_from_scaled(n[N_OPEN + i], scale, values[i]) < 0)
            return -EBADMSG;
    if (decimal_from_scaled(n[N_VOLUME], volume_scale, &ret->volume) < 0)
        return -EBADMSG;
    ret->t = t;
    ret->first_ms = plus(t * 1000, n[N_FIRST]);
    ret->last_ms = plus(t * 1000, n[N_LAST]);
    *p = (struct pack){.t = t, .prices = {n[N_CLOSE]}, .scale = scale};
    return end - bytes;
}

/* ---- quotes ---- */

enum head { HEAD_FLAGS, HEAD_SCALES, HEAD_SEQ, HEAD_TIME, HEAD_PRICE, N_HEAD };

static const enum quote_field fields[PACK_PRICES] = {0, QUOTE_OPEN, QUOTE_HIGH, QUOTE_LOW,
                                                     QUOTE_PREV_CLOSE};

/* Where the prices of a quote are, its own first. */
static void list_prices(struct quote *q, struct decimal *ret[PACK_PRICES])
{
    struct decimal *const list[PACK_PRICES] = {&q->price, &q->open, &q->high, &q->low,
                                               &q->prev_close};

    memcpy(ret, list, sizeof(list));
}

/* Those that are not known are as the ones before, so that they take nothing. */
size_t pack_put_quote(struct pack *p, const struct quote *q, uint8_t buf[PACK_QUOTE_MAX])
{
    struct quote copy = *q;
    struct decimal *places[PACK_PRICES], values[PACK_PRICES];
    int64_t prices[PACK_PRICES];
    bool has_volume = q->known & QUOTE_VOLUME;
    uint8_t scale, *end = buf;

    if (!has_volume)
        copy.volume = (struct decimal){0};
    list_prices(&copy, places);
    for (int i = 0; i < PACK_PRICES; i++)
        values[i] = i == 0 || (q->known & fields[i]) ? *places[i] : q->price;
    scale = align(values, PACK_PRICES, prices);
    end = put_number(end, q->known | q->mode << 8 | q->session << 16);
    end = put_number(end, scales_of(scale, copy.volume));
    end = put_number(end, minus((int64_t)q->seq, p->seq));
    end = put_number(end, minus(q->timestamp.ms, p->t));
    for (int i = 0; i < PACK_PRICES; i++)
        if (i == 0 || (q->known & fields[i]))
            end = put_number(end, minus(prices[i], price_before(p, i, scale)));
    if (has_volume)
        end = put_number(end, minus(copy.volume.coef, p->volume));
    p->t = q->timestamp.ms;
    p->seq = (int64_t)q->seq;
    p->scale = scale;
    p->volume = copy.volume.coef;
    memcpy(p->prices, prices, sizeof(prices));
    return (size_t)(end - buf);
}

/* The known ones but the price itself, which the head has; what is not known takes its value. */
static const uint8_t *get_day(struct pack *p, const uint8_t *at, const uint8_t *end, unsigned known,
                              bool same_scale)
{
    for (int i = 1; at != NULL && i < PACK_PRICES; i++) {
        int64_t change = 0;

        if (!(known & fields[i])) {
            p->prices[i] = p->prices[0];
            continue;
        }
        at = get_number(at, end, &change);
        p->prices[i] = plus(same_scale ? p->prices[i] : 0, change);
    }
    return at;
}

long pack_get_quote(struct pack *p, const uint8_t *bytes, size_t len, struct quote *q)
{
    const uint8_t *end = bytes + len, *at;
    struct decimal *places[PACK_PRICES];
    int64_t n[N_HEAD], volume = 0;
    uint8_t scale, volume_scale;

    at = get_numbers(bytes, end, N_HEAD, n);
    if (at == NULL || split_scales(n[HEAD_SCALES], &scale, &volume_scale) < 0)
        return -EBADMSG;
    q->known = (uint8_t)n[HEAD_FLAGS];
    q->mode = (uint8_t)(n[HEAD_FLAGS] >> 8);
    q->session = (uint8_t)(n[HEAD_FLAGS] >> 16);
    p->seq = plus(p->seq, n[HEAD_SEQ]);
    p->t = plus(p->t, n[HEAD_TIME]);
    p->prices[0] = plus(price_before(p, 0, scale), n[HEAD_PRICE]);
    at = get_day(p, at, end, q->known, p->scale == scale);
    if (at != NULL && (q->known & QUOTE_VOLUME))
        at = get_number(at, end, &volume);
    if (at == NULL || q->mode > MODE_LIVE || q->session > SESSION_CLOSED)
        return -EBADMSG;
    p->scale = scale;
    p->volume = q->known & QUOTE_VOLUME ? plus(p->volume, volume) : 0;
    q->seq = (uint64_t)p->seq;
    q->timestamp.ms = p->t;
    list_prices(q, places);
    for (int i = 0; i < PACK_PRICES; i++)
        if (decimal_from_scaled(p->prices[i], scale, places[i]) < 0)
            return -EBADMSG;
    return decimal_from_scaled(p->volume, volume_scale, &q->volume) < 0 ? -EBADMSG : at - bytes;
}
