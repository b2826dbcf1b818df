/*
 * quota -- how often one who is known by some bytes (an address, the name in a token) may do
 * something: so many a second in the long run, and QUOTA_BURST_S seconds' worth at once.
 *
 * A place in the table costs about 100 bytes and there are at most QUOTA_PLACES: when one more
 * comes, who has not been heard of for longest is forgotten, and begins anew. One thread.
 */
#ifndef TAPECAST_GATEWAY_NET_QUOTA_H
#define TAPECAST_GATEWAY_NET_QUOTA_H

#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/hash.h"
#include "common/list.h"
#include "common/macros.h"

#define QUOTA_BURST_S 20
#define QUOTA_PLACES 65536
#define QUOTA_KEY_MAX 64 /* bytes; of a longer key what follows makes no difference */

enum quota_kind { QUOTA_CONNECT, QUOTA_SUBSCRIBE, QUOTA_REQUEST, QUOTA_KINDS };

struct quotas {
    struct hash_table table;
    struct list by_age; /* whoever was heard of last at the end */
    size_t max;
};

void quotas_init(struct quotas *q, size_t max);
void quotas_release(struct quotas *q); /* one of zeroes is allowed */

/* Do it once, at `per_s` a second; 0: as often as you like. Returns 0; or how many seconds to wait
 * first, at least 1. When memory is out everybody may. */
MUST_CHECK unsigned quota_take(struct quotas *q, enum quota_kind kind, uint32_t per_s,
                               const void *key, size_t len, struct mono now);

#endif
