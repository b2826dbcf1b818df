/*
 * decimal -- exact decimal numbers: 189.45 stays 189.45.
 *
 * A decimal is coef / 10^scale with at most 18 significant digits. Values are kept canonical (no
 * trailing zeros in the fraction; zero has scale 0), so two equal numbers have equal members.
 * Nothing rounds unless its name says so. Pure functions, any thread.
 */
#ifndef TAPECAST_COMMON_DECIMAL_H
#define TAPECAST_COMMON_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"

#define DECIMAL_MAX_SCALE 18
#define DECIMAL_TEXT_MAX 22 /* sign, 19 digits, point, NUL */

struct decimal {
    int64_t coef;
    uint8_t scale; /* 0..DECIMAL_MAX_SCALE */
};

/* Read all `len` bytes as [+-]digits[.digits][e[+-]digits] (".5" and "5." are numbers too). Returns
 * 0; -EINVAL not a number; -ERANGE a number that 18 digits do not hold exactly. */
MUST_CHECK int decimal_parse(const char *text, size_t len, struct decimal *ret);

/* The shortest decimal that reads back as the same double: what a JSON number said before a parser
 * made it binary. Returns 0; -EINVAL for NaN and infinities; -ERANGE. */
MUST_CHECK int decimal_from_double(double value, struct decimal *ret);

struct decimal decimal_from_int(int64_t value); /* |value| < 10^18 */

/* coef / 10^scale in canonical form, and back: how numbers are stored. -ERANGE when 18 digits do
 * not hold it; to_scaled also when `scale` (0..DECIMAL_MAX_SCALE) is too small for the fraction. */
MUST_CHECK int decimal_from_scaled(int64_t coef, uint8_t scale, struct decimal *ret);
MUST_CHECK int decimal_to_scaled(struct decimal d, uint8_t scale, int64_t *ret);

/* Nearest double; for drawing and simulation, never for what is published. */
double decimal_to_double(struct decimal d);

/* Write plain decimal text (no exponent, "0.5" not ".5"), NUL-terminated. Returns its length. */
size_t decimal_format(struct decimal d, char buf[DECIMAL_TEXT_MAX]);

/* <0, 0, >0 as a is less than, equal to, greater than b. */
int decimal_cmp(struct decimal a, struct decimal b);

/* Exact sum and difference. Returns 0; -ERANGE. */
MUST_CHECK int decimal_add(struct decimal a, struct decimal b, struct decimal *ret);
MUST_CHECK int decimal_sub(struct decimal a, struct decimal b, struct decimal *ret);

/* Rounded half away from zero to at most `scale` digits after the point. */
struct decimal decimal_round(struct decimal d, uint8_t scale);

/* 100 * part / whole, rounded half away from zero to `scale` digits (0..6). Returns 0; -EINVAL when
 * whole is zero; -ERANGE. */
MUST_CHECK int decimal_percent(struct decimal part, struct decimal whole, uint8_t scale,
                               struct decimal *ret);

#endif
