/*
 * worker -- one thread with everything it needs: loop, connections, hub, upstream. Workers share
 * nothing that changes but the figures that each publishes once a second for /metrics.
 */
#ifndef TAPECAST_GATEWAY_WORKER_H
#define TAPECAST_GATEWAY_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/macros.h"
#include "common/rng.h"
#include "gateway/codec/http_head.h"
#include "gateway/doors/door.h"
#include "common/histogram.h"
#include "gateway/hub/hub.h"
#include "gateway/loop.h"
#include "gateway/net/conn.h"
#include "gateway/net/net.h"
#include "gateway/rounds.h"
#include "gateway/upstream.h"

struct auth;
struct broker_access;
struct dialer;
struct files;
struct history;
struct letter;

struct gateway_limits {
    struct net_limits net;
    struct hub_limits hub;
    uint32_t max_packet_size;   /* of what a client sends */
    uint32_t max_subscriptions; /* of one client */
    uint32_t max_filter_length, max_filter_levels;
    uint32_t max_broker_sessions;
    uint32_t idle_ms; /* a reader without keep-alive that is silent so long is asked whether it is
                         there */
};

/* What all workers share: written before they start, then only read, but for the last two. */
struct shared {
    const char *listen;
    struct ssl_ctx_st *tls; /* of connections that are accepted first; NULL: in the clear */
    uint64_t hsts_s;        /* how long browsers are to come by TLS only; 0 says nothing */
    const char *origins;    /* comma-separated; NULL: the gateway's own host; "*": all */
    struct net_proxies proxies;
    const char *frame_ancestors; /* sources of a Content-Security-Policy besides the own; NULL */
    const char *cors_origins;    /* those whose pages may read /api besides; or NULL */
    uint32_t max_delay_us;       /* of rounds_end() */
    uint32_t drain_ms;           /* over which readers are told that the gateway stops */
    struct upstream_config upstream;
    struct auth *auth;            /* NULL: nothing is locked */
    struct broker_access *broker; /* NULL: /broker is closed */
    struct files *files;          /* NULL without --web */
    struct history *history;      /* NULL without --store */
    struct worker *workers;
    size_t n_workers;
    atomic_uint_least64_t connects; /* counts CONNECTs that were accepted, in their order */
    atomic_uint takeovers;          /* letters about client ids under way */
};

struct door_stats {
    uint64_t readers[DOORS];  /* now */
    uint64_t broker_sessions; /* now */
    uint64_t broker_bytes_up, broker_bytes_down;
    uint64_t broker_forbidden, broker_full, broker_away;
    uint64_t websocket_errors, handshake_timeouts, idle_timeouts, h2_floods, tokens_refused;
    uint64_t refused[256];     /* by MQTT reason code */
    struct histogram turn;     /* seconds that one turn of the loop kept everybody else waiting */
    struct histogram tick_age; /* seconds from a quote's own time to its coming here */
};

/* A consistent copy of a worker's figures. */
struct figures {
    struct door_stats doors;
    struct hub_stats hub;
    struct net_stats net;
    size_t connections, topics, channels, log_bytes, rests;
    bool upstream_up, ready;
    uint64_t upstream_losses, doubles, properties_lost;
};

struct worker {
    struct shared *shared;
    struct gateway_limits limits;
    unsigned index;
    struct loop loop;
    struct net net;
    struct net uplinks;    /* connections of our own, for doors/broker */
    struct dialer *dialer; /* … and who makes them; NULL while /broker is closed */
    struct hub *hub;
    struct list unflushed; /* sessions of doors/h2 that have gathered something in this turn */
    struct upstream *upstream;
    struct rng rng;
    struct hash_table mqtt_clients; /* by client id; of doors/mqtt */
    struct mono now;                /* of this turn */
    struct rounds rounds;           /* of writes */
    struct mono next_figures;
    struct mono wake_by; /* the loop is not to sleep longer */
    struct door_stats stats;
    struct source poke; /* an eventfd: somebody has set one of the two below */
    atomic_bool stop;
    atomic_bool reload; /* take over next_limits and next_tls */
    pthread_t thread;
    bool started;

    pthread_mutex_t lock; /* for what follows */
    struct figures figures;
    struct gateway_limits next_limits;
    struct ssl_ctx_st *next_tls; /* owned; NULL: it stays */
    struct list letters;
};

/* Listen, and make everything ready to run. Returns 0; or a negative errno after logging. */
MUST_CHECK int worker_init(struct worker *w, struct shared *shared,
                           const struct gateway_limits *limits, unsigned index);
/* After its thread has ended: close its connections, and when all workers' are, free the rest. */
void worker_hang_up(struct worker *w);
void worker_release(struct worker *w);

/* The thread: runs until worker_stop(). */
void *worker_run(void *worker);

/* Any thread. Stop: tell everybody, then end. Limits hold for what comes, not for what is there. */
void worker_stop(struct worker *w);
void worker_set_limits(struct worker *w, const struct gateway_limits *limits);
void worker_set_tls(struct worker *w, struct ssl_ctx_st *tls); /* makes a reference of its own */

/* Any thread. */
void worker_post(struct worker *w, struct letter *l);

/* The sum over all workers, `w` being the caller's own. */
void worker_figures(struct worker *w, struct figures *ret);

static inline struct worker *worker_of(const struct conn *c)
{
    return c->net->owner;
}

#endif
