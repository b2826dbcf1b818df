/*
 * broker -- a connection to an MQTT broker that keeps itself up, driven by its owner's poll loop.
 *
 * It and its parts (broker_link, broker_properties, inbox) alone include <mosquitto.h>. The library
 * runs without a thread of its own: the owner polls the descriptor of broker_poll() and calls
 * broker_run(). Only the name lookup and the TCP connect, which libmosquitto does blocking, run in
 * a short-lived thread, so that an unreachable broker never stops the owner's loop; all callbacks
 * come from inside broker_run(), in the owner's thread.
 *
 * A lost or refused connection is tried again after 0.25 s, doubling to 2 s, with jitter, for ever.
 * One log line each when the state changes, none for each attempt. A broker that falls silent is
 * given up within 15 s.
 *
 * Protocol: MQTT 5 first; MQTT 3.1.1 when the broker does not speak it. Sessions are clean: nothing
 * is carried over from one connection to the next, so what matters is to be said again at `up`.
 */
#ifndef TAPECAST_COMMON_BROKER_H
#define TAPECAST_COMMON_BROKER_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/macros.h"

#define BROKER_PROPERTIES_MAX 65535

struct broker_message { /* what it points to is valid during the callback */
    const char *topic;  /* NUL-terminated */
    const uint8_t *payload;
    size_t len;
    uint8_t qos;
    bool retain;
    bool expires;         /* in expiry_s seconds */
    bool properties_lost; /* they were more than BROKER_PROPERTIES_MAX bytes: only the expiry is
                             left */
    uint32_t expiry_s;
    uint32_t identifier;       /* the lowest of the subscriptions that it comes for; 0 for none */
    const uint8_t *properties; /* MQTT 5's that go with the message, but its expiry, encoded as in a
                                  PUBLISH; NULL when there are none, expiry included */
    size_t properties_len;
};

/* They may call everything here but broker_run() and broker_free(). */
struct broker_events {
    /* CONNACK arrived. `mqtt5` tells the version that was agreed. */
    void (*up)(void *ctx, bool mqtt5);
    /* The connection that was up is gone, not by broker_close(); `why` is a short sentence. */
    void (*down)(void *ctx, const char *why);
    void (*message)(void *ctx, const struct broker_message *m);
    void (*subscribed)(void *ctx, int id);   /* SUBACK for broker_subscribe()'s id */
    void (*acknowledged)(void *ctx, int id); /* PUBACK for broker_publish()'s id; ignore others */
};

/* Where the broker is and who we are to it; all but the URL may be NULL. */
struct broker_address {
    const char *url;       /* mqtt://[user@]host[:1883] or mqtts://[user@]host[:8883] */
    const char *password;  /* from options_secret(), never from the URL */
    const char *ca_file;   /* mqtts: the PEM file to trust instead of the system's */
    const char *cert_file; /* mqtts: what to show to the broker, PEM, with its key */
    const char *key_file;  /* … which others may not read */
};

struct broker_config {
    struct broker_address address;
    const char *client_id;  /* unique on the broker */
    const char *will_topic; /* NULL for no will; published retained with QoS 1 */
    const char *will_payload;
    const struct broker_events *events; /* members may be NULL */
    void *ctx;
};

struct broker;

/* Copies what `config` points to (but `ctx` and `events`). Connects at the first broker_run().
 * Makes the process ignore SIGPIPE. Returns 0 and sets *ret, freed with broker_free(); -EINVAL
 * after logging what is wrong with the address or its files; -ENOMEM; or a negative errno
 * (descriptors). */
MUST_CHECK int broker_new(const struct broker_config *config, struct broker **ret);

/* Closes at once, without a DISCONNECT, so that the will is published. Waits for nothing: a
 * connecting thread is left to end by itself. NULL is allowed. */
void broker_free(struct broker *b);

#define BROKER_POLL_FDS 1
/* What to poll: fills `fds` and returns how many. It is one descriptor to wait on for POLLIN, the
 * same for the broker's whole life, so it may also be registered once with a (level-triggered)
 * epoll. */
size_t broker_poll(struct broker *b, struct pollfd fds[BROKER_POLL_FDS]);

/* When broker_run() is to be called at the latest (keep-alive, next attempt). */
struct mono broker_deadline(const struct broker *b);

/* Read, write, keep alive and reconnect as far as goes without blocking; runs the callbacks. */
void broker_run(struct broker *b, struct mono now);

bool broker_is_up(const struct broker *b);

/* Up, and nothing of ours waits for the socket: the broker takes what we publish. The backpressure
 * signal. */
bool broker_is_drained(const struct broker *b);

/* Publish. Returns an id > 0 (for `acknowledged` when qos is 1; else it says nothing); -ENOTCONN
 * when not up, or while a part of what was held waits for the socket; -EMSGSIZE; -EINVAL bad topic;
 * -EOPNOTSUPP the broker takes no such QoS or no retained ones; -ENOMEM. QoS 0 is written at once
 * or queued behind the socket; a caller that publishes without end stops while
 * !broker_is_drained(). */
MUST_CHECK int broker_publish(struct broker *b, const char *topic, const void *payload, size_t len,
                              int qos, bool retain);

/* While held, what is published gathers and leaves together; letting go sends it. For a burst of
 * small messages with QoS 0, for less than a millisecond. For a broker that is subscribed to with
 * QoS 0 at most: a part of them may be waiting when an acknowledgement would have to be written. */
void broker_hold(struct broker *b, bool hold);

/* Subscribe on the present connection (to be done again at each `up`); with MQTT 5
 * retain-as-published is set. What comes for it bears `identifier` where that helps to tell doubles
 * (see below); 0 for none. Returns an id > 0; or as above. */
MUST_CHECK int broker_subscribe(struct broker *b, const char *filter, int qos, uint32_t identifier);

/* A broker may send a message once for each subscription that matches [MQTT-3.3.4-2]. Does each
 * copy bear the identifier of its own then? Not with MQTT 3.1.1, nor if the broker has none. */
bool broker_tells_doubles(const struct broker *b);

/* Say goodbye: DISCONNECT once everything queued is written, so that no will is sent. The owner
 * goes on calling broker_run() until broker_is_closed(), 2 s at most. While a part of what was held
 * waits for the socket it closes at once, as broker_free() does: nothing can be said then. */
void broker_close(struct broker *b);
bool broker_is_closed(const struct broker *b);

#endif
