/*
 * wire -- packets written down so that they can be read.
 *
 *     10 [ ('MQTT') 05 02 003c [ 21 000a ] ('reader') ]
 *
 * Hex bytes; 'text'; [ … ] with its length as a variable byte integer before it; ( … ) with its
 * length in two bytes before it; *N after a byte or a text repeats it N times in all.
 */
#ifndef TAPECAST_TESTS_WIRE_H
#define TAPECAST_TESTS_WIRE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/macros.h"
#include "gateway/codec/mqtt_encode.h"

#define WIRE_MAX 400000

static inline uint8_t wire_hex(const char *p)
{
    char digits[3] = {p[0], p[0] != '\0' ? p[1] : '\0', '\0'};
    char *end;
    unsigned long value = strtoul(digits, &end, 16);

    if (end != digits + 2)
        fail_msg("not hex: %s", p);
    return (uint8_t)value;
}

/* `*N` at *p: repeat the `n` bytes before `buf`. Returns the bytes added. */
static inline size_t wire_repeat(const char **p, uint8_t *buf, size_t n)
{
    size_t times;

    if (**p != '*')
        return 0;
    times = strtoul(*p + 1, (char **)p, 10);
    for (size_t i = 1; i < times; i++)
        memcpy(buf + (i - 1) * n, buf - n, n);
    return (times - 1) * n;
}

/* Up to `closing` or the end of the text. */
static inline size_t wire_part(const char **p, char closing, uint8_t *buf)
{
    size_t n = 0;

    while (**p != closing) {
        char c = *(*p)++;

        if (c == '\0') {
            fail_msg("%c is missing", closing);
        } else if (c == ' ') {
            continue;
        } else if (c == '[') {
            size_t len = wire_part(p, ']', buf + n + MQTT_LENGTH_MAX);
            uint8_t *end = mqtt_write_length(buf + n, len);

            memmove(end, buf + n + MQTT_LENGTH_MAX, len);
            n = (size_t)(end - buf) + len;
        } else if (c == '(') {
            size_t len = wire_part(p, ')', buf + n + 2);

            buf[n] = (uint8_t)(len >> 8);
            buf[n + 1] = (uint8_t)len;
            n += 2 + len;
        } else if (c == '\'') {
            size_t len = strcspn(*p, "'");

            memcpy(buf + n, *p, len);
            *p += len + 1;
            n += len;
            n += wire_repeat(p, buf + n, len);
        } else {
            buf[n++] = wire_hex(*p - 1);
            (*p)++;
            n += wire_repeat(p, buf + n, 1);
        }
    }
    if (closing != '\0')
        (*p)++;
    return n;
}

/* Write what `text` says into `buf`, which is long enough, and return its length. */
static inline size_t wire(const char *text, uint8_t buf[WIRE_MAX])
{
    return wire_part(&text, '\0', buf);
}

/* A copy that ends where its memory ends, so that a sanitizer sees any reading past it. */
static inline uint8_t *exact_copy(const void *bytes, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);

    assert_non_null(copy);
    if (len > 0)
        memcpy(copy, bytes, len);
    return copy;
}

static inline void assert_wire_equal(const uint8_t *bytes, size_t len, const char *text)
{
    static uint8_t expected[WIRE_MAX];
    size_t n = wire(text, expected);

    assert_int_equal(len, n);
    assert_memory_equal(bytes, expected, n);
}

#endif
