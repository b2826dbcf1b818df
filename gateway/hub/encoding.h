/*
 * encoding -- how a message becomes the bytes of one door, and how bytes become a frame of its
 * transport.
 *
 * An encoding is a constant table of functions; the hub neither knows nor cares what they write.
 */
#ifndef TAPECAST_GATEWAY_HUB_ENCODING_H
#define TAPECAST_GATEWAY_HUB_ENCODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"

/* A place in a hub's count of changes. `run` tells one hub's count from another's and from those
 * before a restart. */
struct position {
    uint64_t version;
    uint32_t run;
};

/* What MQTT 5 says of a message beside topic and payload; doors that speak something else leave it
 * out. */
struct message_properties {
    const uint8_t *block; /* encoded as in a PUBLISH, without its length and the expiry */
    uint16_t len;
    struct mono expires; /* nobody is to be given it after that; MONO_NEVER */
};

/* One message on its way through. Nothing is owned. */
struct message {
    const char *topic; /* valid MQTT topic name, not NUL-terminated */
    size_t topic_len;
    const uint8_t *payload;
    size_t len;
    bool retain;                                 /* as the reader is to see it */
    const struct message_properties *properties; /* NULL for none, as nearly always */
    /* Set by the hub on the way out: who has got this message has reached this place. */
    struct position at;
};

static inline bool message_expired(const struct message *m)
{
    return m->properties != NULL && !mono_before(mono_now(), m->properties->expires);
}

#define ENCODING_HEADER_MAX 16
#define ENCODING_COUNTERS 8

struct encoding {
    const char *name; /* for logs */

    /* Exact length of the encoded message, 0 when it has no form here and is left out; and the
     * writing of it: returns the byte after the last. */
    size_t (*size)(const struct message *m);
    uint8_t *(*write)(uint8_t *p, const struct message *m);

    /* A frame holds one or more encoded messages behind a header. frame() writes the header for
     * `len` bytes of messages and returns its length, which may only grow with `len`. */
    size_t (*frame)(uint8_t header[ENCODING_HEADER_MAX], size_t len);

    uint8_t counter; /* of hub_stats.delivered[]: the door's */
};

#endif
