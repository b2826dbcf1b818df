/*
 * json -- the pieces of JSON that quotes need: stepping over values where they lie, and writing a
 * string. Whole documents are cJSON's.
 *
 * A scan is a place in a text, which may be any bytes. Functions that return int return 0 or
 * -EBADMSG and leave `p` behind what they read. They follow RFC 8259's grammar; that strings are
 * UTF-8 is the caller's to check. Nothing allocates; any thread.
 */
#ifndef TAPECAST_COMMON_JSON_H
#define TAPECAST_COMMON_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "common/macros.h"
#include "common/topic.h"

struct json_scan {
    const char *p, *end;
};

/* A string's meaning, of bounded length; what does not fit only counts. */
struct json_text {
    char bytes[SYMBOL_MAX];
    size_t len;
};

void json_skip_space(struct json_scan *s);
bool json_take(struct json_scan *s, char c); /* step over `c`, if it comes next */
size_t json_skip_digits(struct json_scan *s);
MUST_CHECK int json_skip_number(struct json_scan *s); /* JSON's: stricter than decimal_parse() */
MUST_CHECK int json_skip_value(struct json_scan *s); /* with the space around it, nesting bounded */
MUST_CHECK int json_read_string(struct json_scan *s, struct json_text *ret);

bool json_text_is(const struct json_text *t, const char *s);

/* Write `s` as a JSON string, at most 6 * len + 2 bytes. Returns its end. topic.c's
 * json_escaped_length() counts what this writes. */
char *json_put_string(char *p, const char *s, size_t len);

#endif
