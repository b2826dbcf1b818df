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
static int read_times(struct store *s, const struct filling *f, struct times *ret)
{
    bool always = trades_around_the_clock(f->symbol);
    const struct store_range range = {
        .symbol = f->symbol,
        .resolution = RESOLUTION_1M,
        .from = resolution_span(RESOLUTION_1D, f->bars[0].t, always).from,
        .to = resolution_span(RESOLUTION_1D, f->bars[f->n - 1].t, always).until,
        .max = INT64_MAX,
        .without_times = true,
    };

    return store_bars(s, &range, note_time, ret);
}

/* ---- what the feed's own count has told already ---- */

/* Where it was told: the first second of that minute, and the minute. */
struct counted {
    size_t n; /* of the seconds, 1 at most */
    struct bar second;
    struct redo_sum minute;
};

static int note_second(void *ctx, const struct bar *b)
{
    struct counted *c = ctx;

    c->second = *b;
    c->n++;
    return 0;
}

static int read_counted(struct store *s, const struct filling *f, struct counted *ret)
{
    const struct store_range range = {.symbol = f->symbol,
                                      .resolution = RESOLUTION_1S,
                                      .from = f->counted_s,
                                      .to = f->counted_s + 60,
                                      .max = 1};
    int r = store_bars(s, &range, note_second, ret);

    if (r == 0)
        r = redo_read(s, f->symbol, RESOLUTION_1M, f->counted_s, f->counted_s + 1, &ret->minute);
    return r;
}

static void subtract(struct decimal *from, struct decimal d)
{
    struct decimal rest;

    if (decimal_cmp(*from, d) <= 0)
        *from = (struct decimal){0};
    else if (decimal_sub(*from, d, &rest) == 0) /* else beyond 18 digits: it stays */
        *from = rest;
}

/* Take the volume of the new minutes of that day from there. */
static int take_back(struct store *s, const struct filling *f, struct batch *batch)
{
    struct span day =
        resolution_span(RESOLUTION_1D, f->counted_s, trades_around_the_clock(f->symbol));
    struct counted c = {0};
    struct decimal volume = {0}, sum;
    int r = f->counted_s != 0 ? read_counted(s, f, &c) : 0;

    if (r < 0 || c.n == 0 || c.minute.n == 0)
        return r;
    for (size_t i = 0; i < batch->n_bars; i++)
        if (batch->bars[i].bar.t >= day.from && batch->bars[i].bar.t < f->counted_s &&
            decimal_add(volume, batch->bars[i].bar.volume, &sum) == 0)
            volume = sum;
    if (decimal_cmp(volume, c.second.volume) > 0)
        volume = c.second.volume; /* it counts otherwise: what came with that quote has to do */
    subtract(&c.second.volume, volume);
    subtract(&c.minute.bar.volume, volume);
    r = batch_add_bar(batch, f->symbol, RESOLUTION_1S, &c.second);
    return r == 0 ? batch_add_bar(batch, f->symbol, RESOLUTION_1M, &c.minute.bar) : r;
}

/* ---- writing ---- */

static int write_missing(struct store *s, struct filling *f, const struct times *there)
{
    struct batch batch = {0};
    struct store_batch view;
    size_t n_new;
    int r = 0;

    for (size_t i = 0; r == 0 && i < f->n; i++)
        if (!any_in(there, f->bars[i].t, f->bars[i].t + 1))
            r = batch_add_bar(&batch, f->symbol, RESOLUTION_1M, &f->bars[i]);
    n_new = batch.n_bars;
    if (r == 0 && n_new > 0)
        r = take_back(s, f, &batch);
    view = batch_view(&batch);
    if (r == 0 && n_new > 0)
        r = store_write(s, &view);
    if (r == 0)
        f->n_new += n_new;
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

/* The longer bars of the minutes, and that of the one which gave volume back. */
static int redo_all(struct store *s, const struct filling *f, enum resolution r,
                    const struct times *there)
{
    bool always = trades_around_the_clock(f->symbol), may;
    int64_t done_until = INT64_MIN;
    int result = 0;

    for (size_t i = 0; result == 0 && i < f->n; i++) {
        struct span span;

        if (f->bars[i].t < done_until)
            continue;
        span = resolution_span(r, f->bars[i].t, always);
        done_until = span.until;
        result = may_redo(s, f->symbol, r, &span, there, &may);
        if (result == 0 && may)
            result = redo_bar(s, f->symbol, r, f->bars[i].t, true);
    }
    if (result == 0 && f->counted_s >= done_until)
        result = redo_bar(s, f->symbol, r, f->counted_s, true);
    return result;
}

int fill(struct store *s, struct filling *f)
{
    struct times there = {0};
    int r = f->n > 0 ? read_times(s, f, &there) : 0;

    if (r == 0 && f->n > 0)
        r = write_missing(s, f, &there);
    for (int i = RESOLUTION_5M; r == 0 && f->n_new > 0 && i < N_RESOLUTIONS; i++)
        r = redo_all(s, f, (enum resolution)i, &there);
    free(there.list);
    return r;
}
