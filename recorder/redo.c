#include "recorder/redo.h"

#include "common/banned.h"

void redo_stretch(struct bar *b, struct decimal price)
{
    if (decimal_cmp(price, b->high) > 0)
        b->high = price;
    if (decimal_cmp(price, b->low) < 0)
        b->low = price;
}

static int add_bar(void *ctx, const struct bar *bar)
{
    struct redo_sum *f = ctx;
    struct decimal volume;

    if (f->n++ == 0) {
        f->bar = *bar;
        return 0;
    }
    redo_stretch(&f->bar, bar->high);
    redo_stretch(&f->bar, bar->low);
    f->bar.close = bar->close;
    f->bar.last_ms = bar->last_ms;
    if (decimal_add(f->bar.volume, bar->volume, &volume) == 0) /* else beyond 18 digits: it stays */
        f->bar.volume = volume;
    return 0;
}

int redo_read(struct store *s, const char *symbol, enum resolution r, int64_t from, int64_t until,
              struct redo_sum *ret)
{
    const struct store_range range = {
        .symbol = symbol, .resolution = r, .from = from, .to = until, .max = INT64_MAX};

    *ret = (struct redo_sum){0};
    return store_bars(s, &range, add_bar, ret);
}

int redo_write(struct store *s, const char *symbol, enum resolution r, const struct bar *bar)
{
    const struct store_bar row = {symbol, r, *bar};

    return store_write(s, &(struct store_batch){.bars = &row, .n_bars = 1});
}

int redo_bar(struct store *s, const char *symbol, enum resolution r, int64_t at_s, bool volume)
{
    struct span span = resolution_span(r, at_s, trades_around_the_clock(symbol));
    struct redo_sum parts, present;
    int result = redo_read(s, symbol, r - 1, span.from, span.until, &parts);

    if (result == 0)
        result = redo_read(s, symbol, r, span.t, span.t + 1, &present);
    if (result < 0 || (present.n == 0 && !volume))
        return result;
    if (parts.n == 0)
        return store_drop_bar(s, symbol, r, span.t);
    parts.bar.t = span.t;
    if (!volume)
        parts.bar.volume = present.bar.volume;
    return redo_write(s, symbol, r, &parts.bar);
}
