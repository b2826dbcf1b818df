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

/* One message on its way through. Nothing is owned. */
struct message {
    const char *topic; /* valid MQTT topic name, not NUL-terminated */
    size_t topic_len;
    const uint8_t *payload;
    size_t len;
    bool retain; /* as the reader is to see it */
};

#define ENCODING_HEADER_MAX 16

struct encoding {
    const char *name; /* for metrics and logs */

    /* Exact length of the encoded message, and the writing of it; returns the byte after the last.
     */
    size_t (*size)(const struct message *m);
    uint8_t *(*write)(uint8_t *p, const struct message *m);

    /* A frame holds one or more encoded messages behind a header. frame() writes the header for
     * `len` bytes of messages and returns its length, which may only grow with `len`. */
    size_t (*frame)(uint8_t header[ENCODING_HEADER_MAX], size_t len);
};

#endif
