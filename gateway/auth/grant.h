/*
 * grant -- what one reader may do: which topics it may read, which it may publish (by /broker), how
 * fast, and until when.
 *
 * Immutable and counted: sessions, in any thread, hold references.
 */
#ifndef TAPECAST_GATEWAY_AUTH_GRANT_H
#define TAPECAST_GATEWAY_AUTH_GRANT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/macros.h"
#include "gateway/hub/filterset.h"

#define GRANT_FILTERS_MAX 256 /* of each kind */

struct grant {
    atomic_uint refs;
    bool anonymous;           /* nobody said who it is */
    char *subject;            /* NULL: not said; a stranger's text */
    struct filterset topics;  /* may be read */
    struct filterset publish; /* may be written; not by a shared fan-out */
    uint32_t interval_ms; /* at least this long between two messages of a topic; 0 is no limit */
    struct wall expires;  /* GRANT_FOREVER */
};

#define GRANT_FOREVER ((struct wall){INT64_MAX})

/* Nothing allowed yet, one reference. NULL when memory is out. */
struct grant *grant_new(void);
struct grant *grant_ref(struct grant *g);
void grant_unref(struct grant *g); /* NULL is allowed */

/* Add the filters of a comma-separated list. Returns 0; -EINVAL one is no filter, -E2BIG too many;
 * -ENOMEM. */
MUST_CHECK int grant_add_topics(struct grant *g, const char *list);

/* May it subscribe to `filter`? Exactly when one granted filter covers it. Without a grant (NULL)
 * everything may be read: nothing is locked. */
bool grant_may_read(const struct grant *g, const char *filter, size_t len);
bool grant_may_publish(const struct grant *g, const char *topic, size_t len); /* NULL: nothing */

/* May it read and publish whatever it likes, as fast as it likes? */
bool grant_allows_all(const struct grant *g);

/* The pace that a subscription gets which asks for `interval_ms`. */
uint32_t grant_interval(const struct grant *g, uint32_t interval_ms);

bool grant_has_ended(const struct grant *g, struct wall now);

/* When to look whether it has ended, as a deadline of the monotonic clock; MONO_NEVER for never. It
 * may come early when the wall clock is set back: look again. */
struct mono grant_deadline(const struct grant *g, struct wall wall, struct mono mono);

#endif
