/*
 * filterset -- the filters that a reader has asked for, in a canonical form, so that readers who
 * ask for the same can be given the same channel.
 *
 * Entries are distinct by filter and sorted. A set is a value that owns its text; one thread.
 */
#ifndef TAPECAST_GATEWAY_HUB_FILTERSET_H
#define TAPECAST_GATEWAY_HUB_FILTERSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"

struct filter_entry {
    char *filter; /* valid topic filter, not NUL-terminated; owned by the set */
    uint16_t len;
    bool retain_as_published;
    uint32_t interval_ms; /* at least this long between two messages of a topic; 0 is no limit */
};

struct filterset {
    struct filter_entry *entries;
    size_t n;
};

void filterset_release(struct filterset *s); /* leaves an empty set */

/* Add, or replace the entry with this filter. Returns 1 when it was there before, 0 when it is new;
 * -ENOMEM. */
MUST_CHECK int filterset_put(struct filterset *s, const char *filter, size_t len,
                             bool retain_as_published, uint32_t interval_ms);

/* Returns whether it was there. */
bool filterset_remove(struct filterset *s, const char *filter, size_t len);

MUST_CHECK int filterset_copy(const struct filterset *from, struct filterset *ret); /* 0; -ENOMEM */

/* Add to `s` all that `from` has. Returns 0; -ENOMEM, some of them added. */
MUST_CHECK int filterset_merge(struct filterset *s, const struct filterset *from);

bool filterset_equal(const struct filterset *a, const struct filterset *b);
uint32_t filterset_hash(const struct filterset *s);

/* Does any filter match `topic`? */
bool filterset_matches(const struct filterset *s, const char *topic, size_t len);

bool filter_has_wildcard(const char *filter, size_t len);

#endif
