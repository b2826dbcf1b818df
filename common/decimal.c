#include "common/decimal.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/banned.h"

/* Aligning two decimals needs at most 18 + 18 digits, their sum one more: __int128 holds 38. */
typedef __int128 int128;

#define DIGITS_MAX 18
#define COEF_LIMIT INT64_C(1000000000000000000) /* 10^DIGITS_MAX */

static const int64_t pow10_table[DIGITS_MAX + 1] = {
    INT64_C(1),
    INT64_C(10),
    INT64_C(100),
    INT64_C(1000),
    INT64_C(10000),
    INT64_C(100000),
    INT64_C(1000000),
    INT64_C(10000000),
    INT64_C(100000000),
    INT64_C(1000000000),
    INT64_C(10000000000),
    INT64_C(100000000000),
    INT64_C(1000000000000),
    INT64_C(10000000000000),
    INT64_C(100000000000000),
    INT64_C(1000000000000000),
    INT64_C(10000000000000000),
    INT64_C(100000000000000000),
    INT64_C(1000000000000000000),
};

/* coef / 10^scale in canonical form. */
static int make(int128 coef, int scale, struct decimal *ret)
{
    while (scale > 0 && coef % 10 == 0) {
        coef /= 10;
        scale--;
    }
    if (coef <= -COEF_LIMIT || coef >= COEF_LIMIT)
        return -ERANGE;
    *ret = (struct decimal){(int64_t)coef, (uint8_t)scale};
    return 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The digits of a number without the zeros at both ends: value = coef * 10^exponent. */
struct digits {
    int64_t coef;
    int n;            /* digits in coef */
    int64_t zeros;    /* seen after coef, not yet part of it */
    int64_t exponent; /* of the digit last seen */
    bool any, too_many;
};

static void digits_add(struct digits *d, char c)
{
    d->any = true;
    if (c == '0') {
        d->zeros += d->n > 0;
        return;
    }
    if (d->n + d->zeros >= DIGITS_MAX) {
        d->too_many = true;
        return;
    }
    d->coef = d->coef * pow10_table[d->zeros + 1] + (c - '0');
    d->n += (int)d->zeros + 1;
    d->zeros = 0;
}

/* Read "[+-]digits" to the end. */
static int parse_exponent(const char *p, const char *end, int64_t *ret)
{
    const int64_t enough = INT64_C(1) << 48; /* beyond any number of digits that fits in memory */
    bool negative = false;
    int64_t v = 0;

    if (p < end && (*p == '+' || *p == '-'))
        negative = *p++ == '-';
    if (p == end)
        return -EINVAL;
    for (; p < end; p++) {
        if (!is_digit(*p))
            return -EINVAL;
        if (v < enough)
            v = v * 10 + (*p - '0');
    }
    *ret = negative ? -v : v;
    return 0;
}

static int scale_digits(const struct digits *d, struct decimal *ret)
{
    int64_t exponent = d->exponent + d->zeros;

    if (d->too_many)
        return -ERANGE;
    if (d->coef == 0)
        exponent = 0;
    if (exponent > DIGITS_MAX - d->n || exponent < -DECIMAL_MAX_SCALE)
        return -ERANGE;
    if (exponent >= 0)
        *ret = (struct decimal){d->coef * pow10_table[exponent], 0};
    else
        *ret = (struct decimal){d->coef, (uint8_t)-exponent};
    return 0;
}

int decimal_parse(const char *text, size_t len, struct decimal *ret)
{
    const char *p = text, *end = text + len;
    struct digits d = {0};
    bool negative = false;
    int64_t exponent = 0;
    int r;

    if (p < end && (*p == '+' || *p == '-'))
        negative = *p++ == '-';
    for (; p < end && is_digit(*p); p++)
        digits_add(&d, *p);
    if (p < end && *p == '.')
        for (p++; p < end && is_digit(*p); p++, d.exponent--)
            digits_add(&d, *p);
    if (!d.any)
        return -EINVAL;
    if (p < end && (*p == 'e' || *p == 'E')) {
        r = parse_exponent(p + 1, end, &exponent);
        if (r < 0)
            return r;
        p = end;
    }
    if (p != end)
        return -EINVAL;

    d.exponent += exponent;
    if (negative)
        d.coef = -d.coef;
    return scale_digits(&d, ret);
}

/* The same for numbers as prices are, without printing: an integer of up to 15 digits over a power
 * of ten, both exact in binary, so that the quotient is the very double that their text reads as.
 */
static bool from_short_double(double value, struct decimal *ret)
{
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8};

    for (size_t scale = 0; scale < ARRAY_SIZE(powers); scale++) {
        double scaled = nearbyint(value * powers[scale]);

        if (fabs(scaled) >= 1e15)
            return false;
        if (scaled / powers[scale] == value) {
            *ret = (struct decimal){(int64_t)scaled, (uint8_t)scale};
            return true;
        }
    }
    return false;
}

int decimal_from_double(double value, struct decimal *ret)
{
    char text[32];

    if (!isfinite(value))
        return -EINVAL;
    if (from_short_double(value, ret))
        return 0;
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return decimal_parse(text, strlen(text), ret);
}

struct decimal decimal_from_int(int64_t value)
{
    assert(value > -COEF_LIMIT && value < COEF_LIMIT);
    return (struct decimal){value, 0};
}

int decimal_from_scaled(int64_t coef, uint8_t scale, struct decimal *ret)
{
    while (scale > 0 && coef % 10 == 0) {
        coef /= 10;
        scale--;
    }
    if (coef <= -COEF_LIMIT || coef >= COEF_LIMIT)
        return -ERANGE;
    *ret = (struct decimal){coef, scale};
    return 0;
}

int decimal_to_scaled(struct decimal d, uint8_t scale, int64_t *ret)
{
    int128 coef;

    if (scale < d.scale)
        return -ERANGE;
    coef = (int128)d.coef * pow10_table[scale - d.scale];
    if (coef <= -COEF_LIMIT || coef >= COEF_LIMIT)
        return -ERANGE;
    *ret = (int64_t)coef;
    return 0;
}

double decimal_to_double(struct decimal d)
{
    const int64_t exact = INT64_C(1) << 53;
    char text[DECIMAL_TEXT_MAX];

    /* The quotient of two exact doubles is rounded once, as strtod() would. */
    if (d.coef >= -exact && d.coef <= exact)
        return (double)d.coef / (double)pow10_table[d.scale];
    decimal_format(d, text);
    return strtod(text, NULL);
}

/* At least one, and one before the point. */
static unsigned count_digits(uint64_t value, unsigned scale)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1), n = bits * 1233 >> 12;

    n += n > DIGITS_MAX || value >= (uint64_t)pow10_table[n]; /* 1233 / 4096 is log10(2), nearly */
    return n > scale ? n : scale + 1;
}

/* Write the last `n` digits of *value before `end`, and take them from it. Returns their place. */
static char *put_digits(char *end, uint64_t *value, unsigned n)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";

    for (; n >= 2; n -= 2, *value /= 100)
        memcpy(end -= 2, &pairs[*value % 100 * 2], 2);
    if (n > 0) {
        *--end = (char)('0' + *value % 10);
        *value /= 10;
    }
    return end;
}

size_t decimal_format(struct decimal d, char buf[DECIMAL_TEXT_MAX])
{
    uint64_t rest = d.coef < 0 ? -(uint64_t)d.coef : (uint64_t)d.coef;
    unsigned n = count_digits(rest, d.scale), negative = d.coef < 0;
    size_t len = negative + n + (d.scale > 0);
    char *p = buf + len;

    *p = '\0';
    if (d.scale > 0) {
        p = put_digits(p, &rest, d.scale);
        *--p = '.';
    }
    p = put_digits(p, &rest, n - d.scale);
    if (negative)
        *--p = '-';
    return len;
}

/* Give both the scale of the finer one. */
static int align(struct decimal a, struct decimal b, int128 *ret_a, int128 *ret_b)
{
    int scale = a.scale > b.scale ? a.scale : b.scale;

    *ret_a = (int128)a.coef * pow10_table[scale - a.scale];
    *ret_b = (int128)b.coef * pow10_table[scale - b.scale];
    return scale;
}

int decimal_cmp(struct decimal a, struct decimal b)
{
    int128 x, y;

    if (a.scale == b.scale)
        return (a.coef > b.coef) - (a.coef < b.coef);
    align(a, b, &x, &y);
    return (x > y) - (x < y);
}

int decimal_add(struct decimal a, struct decimal b, struct decimal *ret)
{
    int128 x, y;
    int scale = align(a, b, &x, &y);

    return make(x + y, scale, ret);
}

int decimal_sub(struct decimal a, struct decimal b, struct decimal *ret)
{
    b.coef = -b.coef;
    return decimal_add(a, b, ret);
}

struct decimal decimal_round(struct decimal d, uint8_t scale)
{
    struct decimal rounded = d;
    int64_t unit;

    if (d.scale <= scale)
        return d;
    unit = pow10_table[d.scale - scale];
    /* Fewer digits than before, so it fits. */
    (void)!make(((int128)d.coef + (d.coef < 0 ? -unit : unit) / 2) / unit, scale, &rounded);
    return rounded;
}

int decimal_percent(struct decimal part, struct decimal whole, uint8_t scale, struct decimal *ret)
{
    const int128 too_big = (int128)COEF_LIMIT * 1000000000000; /* leaves room for one more digit */
    int128 x, y, quotient, rest;
    bool negative = (part.coef < 0) != (whole.coef < 0);

    if (whole.coef == 0)
        return -EINVAL;
    assert(scale <= 6);
    align(part, whole, &x, &y);
    x = x < 0 ? -x : x;
    y = y < 0 ? -y : y;

    /* Long division: 100 is two digits, then the fraction's. */
    quotient = x / y;
    rest = x % y;
    for (int i = 0; i < 2 + scale; i++) {
        if (quotient > too_big)
            return -ERANGE;
        rest *= 10;
        quotient = quotient * 10 + rest / y;
        rest %= y;
    }
    if (rest * 2 >= y)
        quotient++;
    return make(negative ? -quotient : quotient, scale, ret);
}
