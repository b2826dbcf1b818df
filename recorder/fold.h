/*
 * fold -- bars of one symbol out of rows in the order of time: one open bar for each resolution
 * from the shortest wanted on, given away when a row falls past its end. Pure, one thread.
 */
#ifndef TAPECAST_RECORDER_FOLD_H
#define TAPECAST_RECORDER_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "common/macros.h"
#include "recorder/bars.h"
#include "recorder/resolution.h"

typedef int fold_sink(void *ctx, enum resolution r, const struct bar *bar);

struct fold {
    enum resolution shortest;
    bool around_the_clock;
    fold_sink *sink; /* a negative result ends the folding and is returned */
    void *ctx;
    struct fold_bar {
        bool open;
        int64_t until; /* in s; of days not used */
        struct bar bar;
    } bars[N_RESOLUTIONS];
};

void fold_init(struct fold *f, const char *symbol, enum resolution shortest, fold_sink *sink,
               void *ctx);

/* Take the next row, a bar whose `first_ms` says when it was. For a resolution of days `day`, in
 * days since 1970, says to which it belongs. Returns 0; what the sink says. */
MUST_CHECK int fold_take(struct fold *f, const struct bar *row, int32_t day);

/* Give away what is open. */
MUST_CHECK int fold_finish(struct fold *f);

#endif
