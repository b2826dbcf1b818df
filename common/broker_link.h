/*
 * broker_link -- one connection to the broker, from the attempt to its end: a libmosquitto client
 * of its own and the thread that connects it. Part of the seam to libmosquitto, for broker.c alone.
 *
 * The next attempt begins with a fresh link. So nothing of an old connection (queued packets,
 * unacknowledged messages that would overwrite newer retained ones, limits the broker set) can leak
 * into the next, and the connecting thread owns its client alone.
 *
 * A link has two owners while its thread runs, the broker and the thread; the last one to let go
 * destroys it. So an attempt that takes too long is simply left behind.
 */
#ifndef TAPECAST_COMMON_BROKER_LINK_H
#define TAPECAST_COMMON_BROKER_LINK_H

#include <mosquitto.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/broker.h"
#include "common/broker_url.h"
#include "common/inbox.h"
#include "common/macros.h"

#define BROKER_WHY_MAX 160

/* Who we are to which broker; all but the URL and the client id may be NULL. */
struct broker_account {
    struct broker_url url;
    char *password, *ca_file, *cert_file, *key_file;
    char *client_id, *will_topic, *will_payload;
};

struct broker_link {
    atomic_int owners;
    struct mosquitto *mosq;
    char *host;
    int port;
    int done_fd;     /* eventfd: the thread is done */
    atomic_int done; /* `result` is set */
    int result;      /* of mosquitto_connect() ... */
    int result_errno;
    char tls_error[BROKER_WHY_MAX]; /* the library's last error line, "" for none */

    const char *shown; /* from here on the owner's thread alone: the address for the log */
    const struct broker_events *events;
    void *ctx;
    bool delivers; /* messages go to the owner: between its `up` and broker_close() */
    int connack;   /* reason code of MQTT 5; -1 until it came */
    bool reading;  /* inside mosquitto_loop_read() */
    bool progress; /* the last read gave something */
    bool mqtt5, tls;
    bool between;              /* the library is between two packets, as `inbox` wants it */
    unsigned unacknowledged;   /* messages of ours with QoS 1 */
    int reason;                /* of the broker's DISCONNECT; 0 for none */
    uint8_t takes_retained;    /* the limits that the broker set */
    uint8_t takes_identifiers; /* ... of subscriptions; false with MQTT 3.1.1 */
    uint32_t packet_max;
    struct inbox inbox;
};

/* A link that is not connected yet; `account` and `events` outlive its callbacks. Returns 0 and
 * sets *ret; -ENOMEM, or a negative errno for what the library refuses. */
MUST_CHECK int broker_link_new(const struct broker_account *account, bool mqtt5,
                               const struct broker_events *events, void *ctx,
                               struct broker_link **ret);

/* Hold it a while longer: its callbacks may let go of it. */
void broker_link_ref(struct broker_link *l);

/* Let a hold on it go. NULL is allowed. */
void broker_link_unref(struct broker_link *l);

/* Connect in a thread of its own; `done_fd` becomes readable when `done`. Returns 0 or a negative
 * errno. */
MUST_CHECK int broker_link_connect(struct broker_link *l);

/* Read while packets come, running the callbacks; at most a few hundred. Returns the library's
 * result. */
int broker_link_read(struct broker_link *l);

/* As mosquitto_publish(). */
int broker_link_publish(struct broker_link *l, int *ret_id, const char *topic, const void *payload,
                        size_t len, int qos, bool retain);

/* Why it ended, as a short sentence; `rc` and `err` are the library's result and errno. */
void broker_link_describe(const struct broker_link *l, int rc, int err, char why[BROKER_WHY_MAX]);

/* 0 or a negative errno for a result of libmosquitto. */
int broker_link_errno(int rc);

#endif
