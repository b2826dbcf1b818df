/*
 * chunklog -- the ready-to-send bytes of one channel, shared by all its readers.
 *
 * Messages are appended to an open frame; sealing gives the frame its header, and from then on its
 * bytes never change. Bytes lie in chunks, each with a table of its frames, so that a reader that
 * stopped anywhere finds the next frame boundary and the version that it has reached there.
 *
 *     chunk:  | frame | frame | frame | open frame ...      free      ... mark mark mark |
 *             0                       ^ sealed                                           cap
 *
 * A reader that is behind pins its place with a reference on a chunk; chunks go back to the pool,
 * oldest first, when nobody holds them. Belongs to one worker thread; nothing here locks, blocks or
 * does I/O.
 */
#ifndef TAPECAST_GATEWAY_HUB_CHUNKLOG_H
#define TAPECAST_GATEWAY_HUB_CHUNKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"
#include "gateway/hub/encoding.h"

#define FRAME_TARGET                                                                               \
    4096 /* a frame is closed before it grows past this; a larger message has one alone */
#define CHUNK_SMALL 4096 /* size classes of the pool, whole allocations */
#define CHUNK_LARGE 65536

struct frame_mark {
    uint32_t end;      /* offset behind the frame */
    uint32_t messages; /* in this chunk up to there */
    uint64_t version;  /* all changes up to here are in this frame or before it */
};

struct chunk {
    struct chunk *next;    /* newer */
    uint64_t base_version; /* reached before the first frame */
    uint32_t refs;         /* readers whose place is in this chunk */
    uint32_t cap;          /* of bytes[] */
    uint32_t sealed;       /* offset behind the last sealed frame */
    uint32_t n_frames;
    uint8_t bytes[] __attribute__((aligned(16)));
};

/* Free chunks of all logs of a worker, and how much memory chunks take in all. */
struct chunk_pool {
    struct chunk *free_small, *free_large;
    size_t n_free_large;
    size_t bytes_in_use;
};

struct chunklog {
    struct chunk_pool *pool;
    const struct encoding *encoding;
    struct chunk *oldest, *newest; /* both NULL when empty */
    uint32_t open_header;          /* room before the open frame for its header */
    uint32_t open_len;             /* bytes of messages in the open frame */
    uint32_t open_messages;
    uint64_t version; /* of the newest message appended */
    size_t bytes;     /* memory of all chunks */
};

void chunk_pool_release(
    struct chunk_pool *p); /* frees what is free; all logs must be released before */

void chunklog_init(struct chunklog *l, struct chunk_pool *pool, const struct encoding *e);
void chunklog_release(struct chunklog *l); /* whatever references are left */

/* Append one message, whose size is not 0. Returns 0; -ENOMEM, the log unchanged. */
MUST_CHECK int chunklog_append(struct chunklog *l, const struct message *m);

/* Append nothing, since nobody has a place in the log: who gets one from now on has reached
 * `version`. */
void chunklog_skip(struct chunklog *l, uint64_t version);

/* Close the open frame, if there is one. */
void chunklog_seal(struct chunklog *l);

/* Give back the oldest chunks that nobody references; all of them, if none is left after that and
 * nothing is open. The caller's readers at the end need no bytes. */
void chunklog_trim(struct chunklog *l);

/* Drop the oldest chunk, referenced or not; its readers must have been moved away. Nothing in it is
 * open. */
void chunklog_drop_oldest(struct chunklog *l);

/* The frame that holds byte `offset` of `c`, i.e. the first whose end is behind it; NULL when
 * offset is at or behind `sealed`. */
const struct frame_mark *chunk_frame_at(const struct chunk *c, uint32_t offset);

/* The version reached by a reader that has everything before `offset`, a frame boundary. */
uint64_t chunk_version_at(const struct chunk *c, uint32_t offset);

/* How many messages lie before `offset`, a frame boundary. */
uint32_t chunk_messages_before(const struct chunk *c, uint32_t offset);

#endif
