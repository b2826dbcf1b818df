/*
 * reader -- one client as the hub sees it: a channel and a place in it, never a queue.
 *
 * Embedded in its connection. The hub owns every member; the connection owns the memory and calls
 * hub_leave() before it goes.
 *
 *            subscribe                        reached the end
 *     IDLE ------------> READY (catching up) -----------------> LIVE
 *                          |  ^                                 |  ^
 *              socket full |  | writable            socket full |  | reached the end
 *                          v  |                                 v  |
 *                         WAITING <--- its chunk is dropped --- LAGGING
 */
#ifndef TAPECAST_GATEWAY_HUB_READER_H
#define TAPECAST_GATEWAY_HUB_READER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/list.h"

struct channel;
struct chunk;
struct cohort;
struct filterset;
struct reader;

struct reader_ops {
    /* Send at once as much as the socket takes. Returns how many bytes; less than `len` means full:
     * nothing more comes until the connection calls hub_writable(). A broken connection returns
     * `len` and closes itself later. */
    size_t (*write)(struct reader *r, const uint8_t *bytes, size_t len);

    /* The rest of a frame of which write() took a part: to be sent before anything else. */
    void (*stash)(struct reader *r, const uint8_t *bytes, size_t len);

    /* The next write is to `r`: fetch what it looks at into the cache meanwhile. NULL for nothing.
     */
    void (*prepare)(const struct reader *r);
};

#define READER_OWED_NOTHING UINT64_MAX /* a newcomer is not owed what came before it */

enum reader_state {
    READER_IDLE,    /* no channel */
    READER_READY,   /* catching up, its turn comes */
    READER_WAITING, /* catching up, socket full */
    READER_LIVE,    /* in a cohort: gets with each round what its channel got */
    READER_LAGGING, /* has a place in the log, socket full */
};

struct reader {
    struct list link; /* in a list of the channel's or the hub's, by state */
    const struct reader_ops *ops;
    struct channel *channel;
    struct cohort *cohort; /* LIVE; else NULL */
    struct chunk *chunk;   /* LAGGING: the place in the log, a frame boundary; else NULL */
    uint32_t offset;
    uint8_t state;
    uint64_t walk;      /* catching up: all changes up to this version are done with */
    uint64_t live_from; /* changes after this version are live messages, not retained ones */
    uint64_t owed_from; /* messages of its channel before this count it has got or been spared */
    struct filterset *snapshot; /* catching up: whose retained messages are wanted, NULL for none */
};

#endif
