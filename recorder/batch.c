#include "recorder/batch.h"

#include <errno.h>
#include <stdlib.h>

#include "common/banned.h"

void batch_release(struct batch *b)
{
    free(b->bars);
    free(b->states);
    free(b->ticks);
    *b = (struct batch){0};
}

void batch_clear(struct batch *b)
{
    b->n_bars = b->n_states = b->n_ticks = 0;
}

/* Room for one more of `size` bytes. */
static int reserve(void **list, size_t *cap, size_t n, size_t size)
{
    size_t more = *cap == 0 ? 256 : *cap * 2;
    void *bigger;

    if (n < *cap)
        return 0;
    bigger = realloc(*list, more * size);
    if (bigger == NULL)
        return -ENOMEM;
    *list = bigger;
    *cap = more;
    return 0;
}

int batch_add_bar(struct batch *b, const char *symbol, enum resolution r, const struct bar *bar)
{
    void *list = b->bars;
    int result = reserve(&list, &b->cap_bars, b->n_bars, sizeof(*b->bars));

    b->bars = list;
    if (result == 0)
        b->bars[b->n_bars++] = (struct store_bar){symbol, r, *bar};
    return result;
}

int batch_add_state(struct batch *b, const char *symbol, const struct bars_state *state)
{
    void *list = b->states;
    int result = reserve(&list, &b->cap_states, b->n_states, sizeof(*b->states));

    b->states = list;
    if (result == 0)
        b->states[b->n_states++] = (struct store_state){symbol, *state};
    return result;
}

int batch_add_tick(struct batch *b, const struct store_tick *tick)
{
    void *list = b->ticks;
    int result = reserve(&list, &b->cap_ticks, b->n_ticks, sizeof(*b->ticks));

    b->ticks = list;
    if (result == 0)
        b->ticks[b->n_ticks++] = *tick;
    return result;
}
