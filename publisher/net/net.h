/*
 * net -- the network of one feed: its HTTP requests (http.h) and WebSockets (websocket.h), waited
 * for together, in the feed's own thread.
 *
 * Proxies (https_proxy, no_proxy …), TLS and certificates are libcurl's, which is included in this
 * folder alone. Nothing here blocks but net_wait().
 */
#ifndef TAPECAST_PUBLISHER_NET_NET_H
#define TAPECAST_PUBLISHER_NET_NET_H

#include "common/clock.h"
#include "common/macros.h"

struct net;

/* `stop_fd` ends net_wait() once it is readable. `ca_file`: certificates to trust, PEM, instead of
 * the system's; NULL for those; lives as long as the net. Returns 0 and sets *ret, freed with
 * net_free(); -ENOMEM. */
MUST_CHECK int net_new(int stop_fd, const char *ca_file, struct net **ret);
void net_free(struct net *n); /* when its requests and WebSockets are freed; NULL is allowed */

/* Keep what services say in `r`; or let `p` speak in their place. NULL: not. They stay the owner's
 * and outlive the net. To be called before anything is asked. */
struct record;
struct playback;
void net_record(struct net *n, struct record *r);
void net_play(struct net *n, struct playback *p);

/* A turn of the feed begins, which takes what has come by `now`. */
void net_turn(struct net *n, struct mono now);

/* Wait until a request is done, a WebSocket has something to do or `deadline` has passed. Returns
 * 0, also without a reason; -ECANCELED stopped; -ENODATA what is played has come to its end. */
MUST_CHECK int net_wait(struct net *n, struct mono deadline);

#endif
