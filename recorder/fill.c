#include "recorder/fill.h"

#include <errno.h>
#include <stdlib.h>

#include "recorder/batch.h"
#include "recorder/redo.h"

#include "common/banned.h"

/* The times of the minutes that are there, ascending. */
struct times {
    int64_t *list;
    size_t n, cap;
};

static int note_time(void *ctx, const struct bar *b)
{
    struct times *t = ctx;

    if (t->n == t->cap) {
        size_t cap = t->cap == 0 ? 1024 : t->cap * 2;
        int64_t *bigger = realloc(t->list, cap * sizeof(*bigger));

        if (bigger == NULL)
            return -ENOMEM;
        t->list = bigger;
        t->cap = cap;
    }
    t->list[t->n++] = b->t;
    return 0;
}

/* The first that is not before `at`. */
static size_t position(const struct times *t, int64_t at)
{
    size_t low = 0, high = t->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (t->list[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool any_in(const struct times *t, int64_t from, int64_t until)
{
    size_t i = position(t, from);

    return i < t->n && t->list[i] < until;
}

/* Those there are on the days of the new ones. */
static int read_times(struct store *s, const char *symbol, const struct bar *bars, size_t n,
                      struct times *ret)
{
    bool always = trades_around_the_clock(symbol);
    const struct store_range range = {
        .symbol = symbol,
        .resolution = RESOLUTION_1M,
        .from = resolution_span(RESOLUTION_1D, bars[0].t, always).from,
        .to = resolution_span(RESOLUTION_1D, bars[n - 1].t, always).until,
        .max = INT64_MAX,
        .without_times = true,
    };

    return store_bars(s, &range, note_time, ret);
}

static int write_missing(struct store *s, const char *symbol, const struct bar *bars, size_t n,
                         const struct times *there, size_t *ret_new)
{
    struct batch batch = {0};
    struct store_batch view;
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        if (!any_in(there, bars[i].t, bars[i].t + 1))
            r = batch_add_bar(&batch, symbol, RESOLUTION_1M, &bars[i]);
    view = batch_view(&batch);
    if (r == 0 && view.n_bars > 0)
        r = store_write(s, &view);
    if (r == 0)
        *ret_new = view.n_bars;
    batch_release(&batch);
    return r;
}

/* May the bar of this span be made anew? */
static int may_redo(struct store *s, const char *symbol, enum resolution r, const struct span *span,
                    const struct times *there, bool *ret)
{
    struct redo_sum present = {0};
    int result = 0;

    *ret = any_in(there, span->from, span->until);
    if (!*ret)
        result = redo_read(s, symbol, r, span->t, span->t + 1, &present);
    *ret |= present.n == 0;
    return result;
}

static int redo_all(struct store *s, const char *symbol, enum resolution r, const struct bar *bars,
                    size_t n, const struct times *there)
{
    bool always = trades_around_the_clock(symbol), may;
    int64_t done_until = INT64_MIN;
    int result = 0;

    for (size_t i = 0; result == 0 && i < n; i++) {
        struct span span;

        if (bars[i].t < done_until)
            continue;
        span = resolution_span(r, bars[i].t, always);
        done_until = span.until;
        result = may_redo(s, symbol, r, &span, there, &may);
        if (result == 0 && may)
            result = redo_bar(s, symbol, r, bars[i].t, true);
    }
    return result;
}

int fill(struct store *s, const char *symbol, const struct bar *bars, size_t n, size_t *ret_new)
{
    struct times there = {0};
    size_t n_new = 0;
    int r = n > 0 ? read_times(s, symbol, bars, n, &there) : 0;

    if (r == 0 && n > 0)
        r = write_missing(s, symbol, bars, n, &there, &n_new);
    for (int i = RESOLUTION_5M; r == 0 && n_new > 0 && i < N_RESOLUTIONS; i++)
        r = redo_all(s, symbol, (enum resolution)i, bars, n, &there);
    free(there.list);
    if (r == 0)
        *ret_new = n_new;
    return r;
}
