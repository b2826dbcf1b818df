#include "recorder/correct.h"

#include <errno.h>

#include "common/banned.h"

/* ---- the second ---- */

static void stretch(struct bar *b, struct decimal price)
{
    if (decimal_cmp(price, b->high) > 0)
        b->high = price;
    if (decimal_cmp(price, b->low) < 0)
        b->low = price;
}

/* What the ticks of a second say. */
struct fresh {
    bool any;
    struct bar bar;
};

static int add_tick(void *ctx, const struct store_tick *tick)
{
    struct fresh *f = ctx;
    const struct quote *q = &tick->quote;
    struct bar *b = &f->bar;

    if (!f->any)
        b->open = b->high = b->low = b->close = q->price;
    if (!f->any || q->timestamp.ms < b->first_ms) {
        b->first_ms = q->timestamp.ms;
        b->open = q->price;
    }
    if (!f->any || q->timestamp.ms >= b->last_ms) {
        b->last_ms = q->timestamp.ms;
        b->close = q->price;
    }
    f->any = true;
    stretch(b, q->price);
    return 0;
}

static int from_ticks(struct store *s, const char *symbol, struct bar *b, bool *ret_empty)
{
    const struct store_tick_range second = {
        .symbol = symbol, .from_ms = b->t * 1000, .to_ms = b->t * 1000 + 1000};
    struct fresh f = {.bar = {.t = b->t, .volume = b->volume}};
    int r = store_ticks(s, &second, add_tick, &f);

    if (r == 0 || r == -ENOENT) {
        *ret_empty = !f.any;
        if (f.any)
            *b = f.bar;
    }
    return r == -ENOENT ? 0 : r;
}

static bool is(struct decimal a, struct decimal b)
{
    return decimal_cmp(a, b) == 0;
}

/* Without ticks: put the right price, or the best that is known, where the wrong one is seen.
 * Returns whether it was. */
static bool from_itself(struct bar *b, const struct quote_correction *c, bool *ret_empty)
{
    bool opened = is(b->open, c->wrong) && b->first_ms == c->at.ms;
    bool closed = is(b->close, c->wrong) && b->last_ms == c->at.ms;
    bool highest = is(b->high, c->wrong), lowest = is(b->low, c->wrong);

    if (decimal_cmp(c->wrong, b->high) > 0 || decimal_cmp(c->wrong, b->low) < 0)
        return false;
    *ret_empty = !c->has_right && highest && lowest; /* it was all there was */
    if (opened)
        b->open = c->has_right ? c->right : closed ? b->low : b->close;
    if (closed)
        b->close = c->has_right ? c->right : b->open;
    if (highest)
        b->high = decimal_cmp(b->open, b->close) > 0 ? b->open : b->close;
    if (lowest)
        b->low = decimal_cmp(b->open, b->close) < 0 ? b->open : b->close;
    if (c->has_right)
        stretch(b, c->right);
    return true;
}

/* ---- longer bars ---- */

struct found {
    size_t n;
    struct bar bar; /* all of them in one */
};

static int add_bar(void *ctx, const struct bar *bar)
{
    struct found *f = ctx;

    if (f->n++ == 0) {
        f->bar = *bar;
        return 0;
    }
    stretch(&f->bar, bar->high);
    stretch(&f->bar, bar->low);
    f->bar.close = bar->close;
    f->bar.last_ms = bar->last_ms;
    return 0;
}

static int read_all(struct store *s, const char *symbol, enum resolution r, int64_t from,
                    int64_t until, struct found *ret)
{
    const struct store_range range = {
        .symbol = symbol, .resolution = r, .from = from, .to = until, .max = INT64_MAX};

    *ret = (struct found){0};
    return store_bars(s, &range, add_bar, ret);
}

static int write_bar(struct store *s, const char *symbol, enum resolution r, const struct bar *bar)
{
    const struct store_bar row = {symbol, r, *bar};

    return store_write(s, &(struct store_batch){.bars = &row, .n_bars = 1});
}

/* Make the bar of `at_s` of the next shorter ones. Its volume stays. */
static int redo(struct store *s, const char *symbol, enum resolution r, int64_t at_s)
{
    struct span span = resolution_span(r, at_s, trades_around_the_clock(symbol));
    struct found parts, present;
    int result = read_all(s, symbol, r - 1, span.from, span.until, &parts);

    if (result == 0)
        result = read_all(s, symbol, r, span.t, span.t + 1, &present);
    if (result < 0 || present.n == 0)
        return result;
    if (parts.n == 0)
        return store_drop_bar(s, symbol, r, span.t);
    parts.bar.t = present.bar.t;
    parts.bar.volume = present.bar.volume;
    return write_bar(s, symbol, r, &parts.bar);
}

int correct(struct store *s, const char *symbol, const struct quote_correction *c)
{
    int64_t at_s = c->at.ms / 1000 - (c->at.ms % 1000 < 0);
    bool empty = false, wrong;
    struct found second;
    int ticks = store_fix_ticks(s, symbol, c), r = ticks < 0 ? ticks : 0;

    if (r == 0)
        r = read_all(s, symbol, RESOLUTION_1S, at_s, at_s + 1, &second);
    if (r < 0 || second.n == 0)
        return r;
    wrong = ticks > 0 || from_itself(&second.bar, c, &empty);
    if (ticks > 0)
        r = from_ticks(s, symbol, &second.bar, &empty);
    if (r < 0 || !wrong)
        return r;
    r = empty ? store_drop_bar(s, symbol, RESOLUTION_1S, at_s)
              : write_bar(s, symbol, RESOLUTION_1S, &second.bar);
    for (int i = RESOLUTION_1M; r == 0 && i < N_RESOLUTIONS; i++)
        r = redo(s, symbol, (enum resolution)i, at_s);
    return r < 0 ? r : 1;
}
