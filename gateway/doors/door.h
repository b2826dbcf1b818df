/*
 * door -- what the worker and the operator's pages ask of every door that holds readers, so that
 * none of them needs to know which doors there are.
 */
#ifndef TAPECAST_GATEWAY_DOORS_DOOR_H
#define TAPECAST_GATEWAY_DOORS_DOOR_H

#include <stddef.h>

#include "gateway/hub/reader.h"
#include "gateway/net/conn.h"

enum door_id {
    DOOR_MQTT,
    DOOR_WS,
    DOOR_SSE,
    DOOR_GRPC,
    DOORS
}; /* encoding.counter, door_stats.readers[] */

struct door {
    const char *name;                                        /* in /metrics and /api/clients */
    const struct protocol *protocol;                         /* of its connections */
    const struct reader *(*reader_of)(const struct conn *c); /* NULL: it is none of the hub's */
    void (*say_goodbye)(struct conn *c); /* the gateway stops: tell, and finish */
    void (*say_expired)(struct conn *c); /* its token has: the same */
};

extern const struct door mqtt_door, ws_door, sse_door, grpc_door, broker_door;

const struct door *door_by_id(enum door_id id);

/* The door that a connection came to; NULL while it is plain HTTP. */
const struct door *door_of(const struct conn *c);

/* The gateway stops: tell `most` connections that have not been told. Those at no door are
 * finished. Returns how many were told. */
size_t doors_say_goodbye(struct net *n, size_t most);

/* End the connections whose token has expired by `now`. */
void doors_end_expired(struct net *n, struct wall now);

#endif
