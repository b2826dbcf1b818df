#include "recorder/fold.h"

#include "common/banned.h"

#define DAY_S 86400

void fold_init(struct fold *f, const char *symbol, enum resolution shortest, fold_sink *sink,
               void *ctx)
{
    *f = (struct fold){.shortest = shortest,
                       .around_the_clock = trades_around_the_clock(symbol),
                       .sink = sink,
                       .ctx = ctx};
}

static int give(struct fold *f, enum resolution r)
{
    if (!f->bars[r].open)
        return 0;
    f->bars[r].open = false;
    return f->sink(f->ctx, r, &f->bars[r].bar);
}

static void begin(struct fold *f, enum resolution r, const struct bar *row, int32_t day)
{
    struct fold_bar *b = &f->bars[r];
    struct span span;

    *b = (struct fold_bar){.open = true, .bar = *row};
    if (r == RESOLUTION_1D) {
        b->bar.t = (int64_t)day * DAY_S;
        return;
    }
    span =
        resolution_span(r, row->first_ms / 1000 - (row->first_ms % 1000 < 0), f->around_the_clock);
    b->bar.t = span.t;
    b->until = span.until;
}

static void extend(struct bar *b, const struct bar *row)
{
    struct decimal sum;

    b->last_ms = row->last_ms;
    b->close = row->close;
    if (decimal_cmp(row->high, b->high) > 0)
        b->high = row->high;
    if (decimal_cmp(row->low, b->low) < 0)
        b->low = row->low;
    if (decimal_add(b->volume, row->volume, &sum) == 0) /* else it is beyond 18 digits: it stays */
        b->volume = sum;
}

static bool belongs(const struct fold *f, enum resolution r, const struct bar *row, int32_t day)
{
    const struct fold_bar *b = &f->bars[r];

    if (r == RESOLUTION_1D)
        return b->bar.t == (int64_t)day * DAY_S;
    return row->first_ms < b->until * 1000;
}

int fold_take(struct fold *f, const struct bar *row, int32_t day)
{
    for (int i = (int)f->shortest; i < N_RESOLUTIONS; i++) {
        enum resolution r = (enum resolution)i;
        int result;

        if (f->bars[r].open && belongs(f, r, row, day)) {
            extend(&f->bars[r].bar, row);
            continue;
        }
        result = give(f, r);
        if (result < 0)
            return result;
        begin(f, r, row, day);
    }
    return 0;
}

int fold_finish(struct fold *f)
{
    int result = 0;

    for (int i = (int)f->shortest; result == 0 && i < N_RESOLUTIONS; i++)
        result = give(f, (enum resolution)i);
    return result;
}
