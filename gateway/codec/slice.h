/*
 * slice -- bytes that lie somewhere else: what the codecs give instead of copies.
 *
 * A slice owns nothing and ends with the buffer it points into. Not NUL-terminated.
 */
#ifndef TAPECAST_GATEWAY_CODEC_SLICE_H
#define TAPECAST_GATEWAY_CODEC_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct slice {
    const char *at; /* NULL: not there at all, which is not the same as empty */
    size_t len;
};

#define SLICE_NONE ((struct slice){NULL, 0})

static inline struct slice slice_of(const char *text)
{
    return (struct slice){text, strlen(text)};
}

static inline bool slice_is(struct slice s, const char *text)
{
    return s.len == strlen(text) && (s.len == 0 || memcmp(s.at, text, s.len) == 0);
}

/* The same without regard to the case of ASCII letters. */
static inline bool slice_is_nocase(struct slice s, const char *text)
{
    return s.len == strlen(text) && (s.len == 0 || strncasecmp(s.at, text, s.len) == 0);
}

#endif
