/*
 * hub_internal -- the hub's own state, for the files of hub/.
 */
#ifndef TAPECAST_GATEWAY_HUB_HUB_INTERNAL_H
#define TAPECAST_GATEWAY_HUB_HUB_INTERNAL_H

#include "gateway/hub/cache.h"
#include "gateway/hub/channel.h"
#include "gateway/hub/hub.h"
#include "gateway/hub/matcher.h"

struct hub {
    struct hub_limits limits;
    struct hub_stats stats;
    struct cache cache;
    struct matcher matcher;
    struct hash_table channels; /* channel.node */
    struct chunk_pool pool;
    struct list behind; /* cohort.behind, in the order in which they fell */
    uint32_t round;     /* counts */
    bool in_round;
    struct list paced; /* channel.paced */
    struct list ready; /* reader.link of READER_READY */
    uint32_t run;      /* of all positions of this hub */
    uint32_t epoch;    /* counts upstream connections */
};

#endif
