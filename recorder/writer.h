/*
 * writer -- a thread that writes one batch after the other, so that a slow disk delays no quote.
 *
 * It has one batch at a time; while it has, the recorder goes on changing its bars, and what was
 * changed meanwhile is the next batch. A store that fails is tried again once a second until it
 * works or the writer stops, with one line in the log when it begins and one when it is over; one
 * that does not answer for WRITER_HUNG_S is told of too.
 */
#ifndef TAPECAST_RECORDER_WRITER_H
#define TAPECAST_RECORDER_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/macros.h"
#include "recorder/batch.h"
#include "recorder/store.h"

#define WRITER_DETAIL_MAX 160
#define WRITER_HUNG_S 5

struct writer_state {
    bool failing;                   /* the store takes none at present */
    char detail[WRITER_DETAIL_MAX]; /* why, in words */
    uint64_t batches, bars, ticks;  /* written */
};

struct writer;

/* `keep_s` says for each resolution how long its bars are kept, `keep_ticks_s` ticks; 0 is for
 * ever. While the writer is busy the store is its alone. Returns 0; or a negative errno. */
MUST_CHECK int writer_start(struct store *store, const int64_t keep_s[N_RESOLUTIONS],
                            int64_t keep_ticks_s, struct writer **ret);

/* Hand over what *batch holds, leaving it empty. False: the writer is busy, nothing was done. */
bool writer_give(struct writer *w, struct batch *batch);

/* Has it a batch, or is it deleting what is old? To be asked now and then: this is where it is seen
 * that the store hangs. */
bool writer_is_busy(struct writer *w);

void writer_state(struct writer *w, struct writer_state *ret);

/* A descriptor that becomes readable when a batch is done; writer_seen() clears it. */
int writer_fd(const struct writer *w);
void writer_seen(struct writer *w);

/* End the thread; a batch that cannot be written at once is lost, which is logged. Returns false
 * when the store did not let it end within half a second: then it has the store for ever, and the
 * program should end. NULL is allowed. */
bool writer_free(struct writer *w);

#endif
