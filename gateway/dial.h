/*
 * dial -- TCP connections to one place, made without holding the loop up: the name is looked up
 * and the connection made in short-lived threads, DIALS_AT_ONCE of them at most; who comes then
 * waits for his turn. The result comes back as a letter.
 *
 * One dialer belongs to one worker, and so does all that is said here.
 */
#ifndef TAPECAST_GATEWAY_DIAL_H
#define TAPECAST_GATEWAY_DIAL_H

#include <stddef.h>

#include "common/list.h"
#include "common/macros.h"

#define DIALS_AT_ONCE 8
#define DIAL_MAX_MS 5000 /* for the connection; a name may take longer, and nobody waits for it */

struct dialer;
struct worker;

/* Embedded in whoever waits. */
struct dial {
    struct list link;
    struct call *call; /* its thread; NULL: it waits for its turn, or is none */
    /* Called once, in the worker's thread: with a connected socket, which is the callee's, or a
     * negative errno. */
    void (*done)(struct dial *d, int fd);
};

/* `host` and `port` are copied. Returns 0 and *ret; -ENOMEM. */
MUST_CHECK int dialer_new(struct worker *w, const char *host, int port, struct dialer **ret);

/* The worker's thread has ended and all dials are cancelled: threads that are still under way are
 * left to end by themselves. NULL is allowed. */
void dialer_close(struct dialer *r);

/* Begin. When no thread can be started, done() comes before this returns. */
void dial_begin(struct dialer *r, struct dial *d, void (*done)(struct dial *d, int fd));

/* Nobody waits any more: done() will not be called. Harmless on one that is done, or that is of
 * zeroes and was never begun. */
void dial_cancel(struct dial *d);

#endif
