#include "recorder/correct.h"

#include <errno.h>

#include "recorder/redo.h"

#include "common/banned.h"

/* ---- the second ---- */

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
    redo_stretch(b, q->price);
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
        redo_stretch(b, c->right);
    return true;
}

int correct(struct store *s, const char *symbol, const struct quote_correction *c)
{
    int64_t at_s = c->at.ms / 1000 - (c->at.ms % 1000 < 0);
    bool empty = false, wrong;
    struct redo_sum second;
    int ticks = store_fix_ticks(s, symbol, c), r = ticks < 0 ? ticks : 0;

    if (r == 0)
        r = redo_read(s, symbol, RESOLUTION_1S, at_s, at_s + 1, &second);
    if (r < 0 || second.n == 0)
        return r;
    wrong = ticks > 0 || from_itself(&second.bar, c, &empty);
    if (ticks > 0)
        r = from_ticks(s, symbol, &second.bar, &empty);
    if (r < 0 || !wrong)
        return r;
    r = empty ? store_drop_bar(s, symbol, RESOLUTION_1S, at_s)
              : redo_write(s, symbol, RESOLUTION_1S, &second.bar);
    for (int i = RESOLUTION_1M; r == 0 && i < N_RESOLUTIONS; i++)
        r = redo_bar(s, symbol, (enum resolution)i, at_s, false);
    return r < 0 ? r : 1;
}
