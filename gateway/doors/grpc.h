/*
 * grpc -- gRPC calls over streams of HTTP/2: framing of messages, status, deadlines, and the table
 * of methods. What a method does is in files of its own: grpc_stock.c, grpc_health.c,
 * grpc_reflection.c.
 *
 * A request message is at most GRPC_MESSAGE_MAX bytes and not compressed. A method that takes one
 * message is called when the client has half-closed, one that takes many at each message.
 */
#ifndef TAPECAST_GATEWAY_DOORS_GRPC_H
#define TAPECAST_GATEWAY_DOORS_GRPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "gateway/doors/h2.h"
#include "gateway/doors/http.h"

#define GRPC_MESSAGE_MAX 65536
#define GRPC_PREFIX 5 /* bytes before each message: not compressed, length */

enum grpc_status {
    GRPC_OK = 0,
    GRPC_INVALID_ARGUMENT = 3,
    GRPC_DEADLINE_EXCEEDED = 4,
    GRPC_NOT_FOUND = 5,
    GRPC_PERMISSION_DENIED = 7,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13,
    GRPC_UNAVAILABLE = 14,
    GRPC_UNAUTHENTICATED = 16,
};

struct grpc_call;

struct grpc_method {
    const char *path; /* "/package.Service/Method" */
    bool many;        /* request messages; else one */
    void (*message)(struct grpc_call *call, const uint8_t *bytes, size_t len);
    void (*tick)(struct grpc_call *call); /* each second while open, for who has asked; or NULL */
    void (*end)(struct grpc_call *call);  /* or NULL */
};

extern const struct grpc_method grpc_stream_quotes, grpc_stream_stock_price;
extern const struct grpc_method grpc_health_check, grpc_health_watch;
extern const struct grpc_method grpc_reflection, grpc_reflection_alpha;

struct grpc_call {
    struct h2_stream *stream;
    const struct grpc_method *method;
    struct mono deadline; /* of the call: MONO_NEVER for none */
    struct mono request_by;
    uint8_t prefix[GRPC_PREFIX];
    uint8_t *message;  /* of the request, under way */
    uint32_t len, got; /* its length; bytes of prefix and message that have come */
    unsigned n_messages;
    bool complete; /* the client has half-closed */
    bool ticks;    /* wants method->tick */
    int state;     /* the method's */
};

/* Is this request for the gRPC door? */
bool grpc_wants(const struct http_head *h);

/* All methods, NULL at the end. */
extern const struct grpc_method *const grpc_methods[];

/* For methods: begin the answer; send a message (bytes of protobuf); end the call, `why` being a
 * sentence in ASCII without '%', or "". */
void grpc_open(struct grpc_call *call);
void grpc_send(struct grpc_call *call, const uint8_t *bytes, size_t len);
void grpc_finish(struct grpc_call *call, enum grpc_status status, const char *why);

/* Have method->tick called each second. */
void grpc_tick(struct grpc_call *call);

/* Write the prefix of a message. Returns the byte behind it. */
uint8_t *grpc_write_prefix(uint8_t *p, size_t len);

#endif
