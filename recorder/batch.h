/*
 * batch -- what is to be written next, gathered. One thread at a time.
 */
#ifndef TAPECAST_RECORDER_BATCH_H
#define TAPECAST_RECORDER_BATCH_H

#include "recorder/store.h"

struct batch {
    struct store_bar *bars;
    struct store_state *states;
    struct store_tick *ticks;
    size_t n_bars, cap_bars, n_states, cap_states, n_ticks, cap_ticks;
};

void batch_release(struct batch *b); /* also of one all zero, which is an empty one */
void batch_clear(struct batch *b);   /* keeps the room */

/* `symbol` stays where it is. Return 0; -ENOMEM. */
MUST_CHECK int batch_add_bar(struct batch *b, const char *symbol, enum resolution r,
                             const struct bar *bar);
MUST_CHECK int batch_add_state(struct batch *b, const char *symbol, const struct bars_state *state);
MUST_CHECK int batch_add_tick(struct batch *b, const struct store_tick *tick);

static inline bool batch_is_empty(const struct batch *b)
{
    return b->n_bars == 0 && b->n_states == 0 && b->n_ticks == 0;
}

static inline struct store_batch batch_view(const struct batch *b)
{
    return (struct store_batch){.bars = b->bars,
                                .n_bars = b->n_bars,
                                .states = b->states,
                                .n_states = b->n_states,
                                .ticks = b->ticks,
                                .n_ticks = b->n_ticks};
}

#endif
