/*
 * upstream -- the gateway's one subscription at the broker, feeding a worker's hub.
 *
 * Readers stay connected while the broker is away: the hub keeps its last values, and
 * `status/gateway/{INSTANCE}` says "upstream":"down". When it is back the broker sends its retained
 * messages again; those that the hub holds already are no news, those that are gone are taken back.
 */
#ifndef TAPECAST_GATEWAY_UPSTREAM_H
#define TAPECAST_GATEWAY_UPSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/broker.h"
#include "common/clock.h"
#include "common/macros.h"

struct hub;
struct loop;

struct upstream_config {
    struct broker_address broker;
    const char *topics;   /* filters, comma-separated */
    const char *instance; /* names status/gateway/{INSTANCE} */
};

struct upstream;

struct histogram;

/* Worker 0 publishes the gateway's status. `tick_age` gets the age of every quote that comes.
 * Strings of `config` live longer. Returns 0; or a negative errno after logging. */
MUST_CHECK int upstream_new(const struct upstream_config *config, struct hub *hub,
                            struct loop *loop, unsigned worker, struct histogram *tick_age,
                            struct upstream **ret);
void upstream_free(struct upstream *u); /* NULL is allowed */

/* Once a turn: read, write, reconnect. Watches its descriptors in the loop by itself. */
void upstream_run(struct upstream *u, struct mono now);
struct mono upstream_deadline(const struct upstream *u);

/* Publish the status again with these figures; every 10 s is enough. */
void upstream_report(struct upstream *u, size_t readers, size_t topics);

bool upstream_is_up(const struct upstream *u);
bool upstream_is_synced(const struct upstream *u);  /* up, and all retained messages have come */
uint64_t upstream_losses(const struct upstream *u); /* times that the connection was lost */

uint64_t upstream_doubles(const struct upstream *u); /* copies left out, see subscriptions.h */
uint64_t upstream_properties_lost(const struct upstream *u); /* messages whose properties were over
                                                                BROKER_PROPERTIES_MAX */

/* Say goodbye to the broker; goes on being run until upstream_is_closed(). */
void upstream_close(struct upstream *u);
bool upstream_is_closed(const struct upstream *u);

/* Is `topics` a list of valid filters? */
bool upstream_topics_valid(const char *topics);

#endif
