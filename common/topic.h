/*
 * topic -- MQTT topic names and filters, and how a symbol becomes a topic level.
 *
 * MQTT 3.1.1 and 5, section 4.7. Names are bytes with a length. Pure functions, any thread.
 */
#ifndef TAPECAST_COMMON_TOPIC_H
#define TAPECAST_COMMON_TOPIC_H

#include <stdbool.h>
#include <stddef.h>

#include "common/macros.h"

#define TOPIC_MAX 65535

/* A symbol as feeds write it is at most 24 bytes, and at most 48 once escaped for a topic or for
 * JSON, so that the smallest quote of any symbol fits a 256-byte packet. */
#define SYMBOL_MAX 24
#define SYMBOL_ESCAPED_MAX 48

/* `s` as the ticker writes it: ASCII letters in upper case, else unchanged. Returns 0 and
 * NUL-terminated `ret`; -EINVAL when empty, longer than SYMBOL_MAX or SYMBOL_ESCAPED_MAX allow,
 * holding NUL, or not UTF-8. */
MUST_CHECK int symbol_normalize(const char *s, size_t len, char ret[SYMBOL_MAX + 1]);

/* Percent-encode what a topic level must not hold: `/ + # %`, control characters (C0, DEL, C1),
 * non-characters (U+FFFE and their like, which Mosquitto refuses) and ill-formed UTF-8; hex digits
 * in upper case. Returns the length written, at most 3 * len,
 * no NUL; 0 when `cap` is too small (or len is 0). */
size_t topic_level_escape(const char *s, size_t len, char *buf, size_t cap);

/* The inverse, for any escape. Returns the length written, at most `len`; -EINVAL on a '%' without
 * two hex digits; -ENOBUFS. */
MUST_CHECK long topic_level_unescape(const char *level, size_t len, char *buf, size_t cap);

/* A topic name: 1..TOPIC_MAX bytes of well-formed UTF-8 without NUL, `+` and `#`. */
bool topic_valid(const char *topic, size_t len);

/* A topic filter: the same, `+` only as a whole level and `#` only as the whole last one. */
bool filter_valid(const char *filter, size_t len);

/* Does `filter` match `topic`? Both valid. A wildcard in the first level does not match a topic
 * that begins with `$`. */
bool filter_matches(const char *filter, size_t filter_len, const char *topic, size_t topic_len);

/* Does `filter` match every topic that `asked` matches? Both valid. */
bool filter_covers(const char *filter, size_t filter_len, const char *asked, size_t asked_len);

/* Is there a topic that both match? Both valid. */
bool filter_overlaps(const char *filter, size_t filter_len, const char *other, size_t other_len);

/* Well-formed UTF-8 (RFC 3629: no surrogates, nothing overlong) without U+0000. */
bool utf8_valid(const char *s, size_t len);

#endif
