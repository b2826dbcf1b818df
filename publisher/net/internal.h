/*
 * internal -- what the files of this folder share: one libcurl transfer each for a request and for
 * a WebSocket's connection.
 */
#ifndef TAPECAST_PUBLISHER_NET_INTERNAL_H
#define TAPECAST_PUBLISHER_NET_INTERNAL_H

#include <curl/curl.h>
#include <stdbool.h>

#include "common/list.h"
#include "publisher/net/net.h"

struct transfer {
    CURL *easy;
    bool running, done; /* done: `result` is set and nobody has looked at it */
    CURLcode result;
};

/* A connection that net_wait() watches beside the transfers. */
struct watch {
    struct list node; /* in no list while `fd` is not known */
    curl_socket_t fd;
    bool wants_out;
    bool wants_run;       /* at once, whatever the socket says */
    struct mono deadline; /* wants to run then at the latest */
};

MUST_CHECK int transfer_init(struct transfer *t, struct net *n);
void transfer_release(struct transfer *t, struct net *n); /* also of one all zero */
MUST_CHECK int transfer_start(struct transfer *t, struct net *n);
void transfer_stop(struct transfer *t, struct net *n);

/* NULL: nobody records, or plays. */
struct record *net_recorder(const struct net *n);
struct playback *net_player(const struct net *n);

void net_watch(struct net *n, struct watch *w);

/* Why it failed, for people; no URL, no secret. */
const char *transfer_describe(CURLcode result);

#endif
