/*
 * link -- one subscription to an MQTT broker that keeps itself up.
 *
 * The only file that includes Paho, which comes with TLS and without: the one that the address asks
 * for is loaded, since OpenSSL would more than double the memory. Its plain client (MQTTClient)
 * blocks, so it lives in a thread of the link's own: connect, subscribe, receive, and after a loss
 * again, waiting 0.25 s at first and up to 2 s later, with jitter, for ever. The callbacks run in
 * that thread.
 */
#ifndef TAPECAST_DISPLAY_LINK_H
#define TAPECAST_DISPLAY_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "common/broker.h"
#include "common/macros.h"

struct link_message {
    const char *topic; /* not NUL-terminated */
    size_t topic_len;
    const void *payload;
    size_t len;
    bool retained;
};

struct link_events {
    void (*message)(void *ctx, const struct link_message *m);
    void (*up)(void *ctx);
    void (*down)(void *ctx, const char *why); /* lost, or could not come up */
};

struct link_config {
    struct broker_address broker; /* mqtt://[user@]host[:1883] or mqtts://…[:8883] */
    const char *const *filters;   /* valid ones, at least one */
    size_t n_filters;
    const struct link_events *events;
    void *ctx;
};

struct link;

/* Is `url` one that a link takes? Returns NULL, or what is wrong with it. */
const char *link_url_error(const char *url);

/* Start. Copies what `config` points to (but `events` and `ctx`). Returns 0 and sets *ret; -EINVAL
 * for a wrong URL; -ENOMEM; or a negative errno of starting a thread. */
MUST_CHECK int link_open(const struct link_config *config, struct link **ret);

/* Stop, within a second: no callback comes after. A thread that is stuck in a name lookup even then
 * is left to the end of the process. NULL is allowed. */
void link_close(struct link *l);

#endif
