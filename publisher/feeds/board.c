#include "publisher/feeds/board.h"

#include <errno.h>
#include <stdlib.h>

#include "common/log.h"
#include "publisher/feeds/wellknown.h"

#include "common/banned.h"

#define BEHIND_MS 15000 /* a snapshot that much newer shows a trade that the stream kept */
#define MISSED_MAX 3

int board_init(struct board *b, const char *service, const struct feed_config *config,
               bool (*has_hours)(const char *symbol))
{
    size_t n = config->n_symbols > 0 ? config->n_symbols : N_DEFAULT_SYMBOLS;
    int r;

    *b = (struct board){.service = service, .published_at = mono_now()};
    list_init(&b->news);
    b->rows = calloc(n, sizeof(*b->rows));
    if (b->rows == NULL)
        return -ENOMEM;
    b->n = n;
    r = index_init(&b->index, (uint32_t)n);
    for (size_t i = 0; i < n && r == 0; i++) {
        struct row *row = &b->rows[i];

        row->listing.symbol = config->n_symbols > 0 ? config->symbols[i] : wellknown[i].symbol;
        row->listing.has_hours = has_hours(row->listing.symbol);
        list_init(&row->news);
        index_add(&b->index, row->listing.symbol);
    }
    return r;
}

void board_release(struct board *b)
{
    index_release(&b->index);
    free(b->rows);
    b->rows = NULL;
}

struct row *board_find(const struct board *b, const char *symbol)
{
    uint32_t i = index_find(&b->index, symbol);

    return i == INDEX_NONE ? NULL : &b->rows[i];
}

void board_tell_once(const struct board *b, struct row *r, const char *what)
{
    if (!r->told)
        log_info("%s: %s: %s", b->service, r->listing.symbol, what);
    r->told = true;
}

static void judge(struct board *b, struct row *r, enum lastgood_verdict verdict)
{
    if (verdict == LASTGOOD_FUTURE)
        board_tell_once(b, r, "left out a price with a time in the future");
    if (verdict == LASTGOOD_JUMP)
        board_tell_once(b, r, "left out a price far off the last, until a second one confirms it");
    if (verdict == LASTGOOD_NEWS && list_empty(&r->news))
        list_append(&b->news, &r->news);
}

void board_trade(struct board *b, struct row *r, const struct trade *t, struct mono now)
{
    r->heard = true;
    if (t->time.ms > r->traded.ms)
        r->traded = t->time;
    b->missed = 0;
    pulse_beat(&r->pulse, now);
    pulse_beat(&b->pulse, now);
    judge(b, r, listing_trade(&r->listing, t, b->calendar, wall_now()));
}

void board_snapshot(struct board *b, struct row *r, const struct quote *q, bool streamed)
{
    judge(b, r, listing_snapshot(&r->listing, q, b->calendar, wall_now()));
    if (streamed && r->heard && q->timestamp.ms > r->traded.ms + BEHIND_MS)
        b->missed++;
}

void board_forget_price(struct row *r)
{
    r->listing.good.known = false;
    list_remove(&r->news);
}

bool board_take(struct board *b, struct mono now, struct quote *ret)
{
    struct row *r;

    if (list_empty(&b->news))
        return false;
    r = CONTAINER_OF(b->news.next, struct row, news);
    list_remove(&r->news);
    b->published_at = now;
    *ret = r->listing.good.quote;
    return true;
}

void board_reconnected(struct board *b)
{
    b->missed = 0;
    pulse_pause(&b->pulse);
    for (size_t i = 0; i < b->n; i++) {
        b->rows[i].heard = false;
        pulse_pause(&b->rows[i].pulse);
    }
}

void board_forget_pace(struct board *b)
{
    b->pulse = (struct pulse){.last = b->pulse.last};
    for (size_t i = 0; i < b->n; i++)
        b->rows[i].pulse = (struct pulse){.last = b->rows[i].pulse.last};
}

enum flow board_flow(const struct board *b, struct mono now)
{
    if (b->pulse.last.ns == 0)
        return FLOW_NONE;
    if (mono_before(now, pulse_overdue(&b->pulse)))
        return FLOW_GOOD;
    return pulse_is_learned(&b->pulse) ? FLOW_SILENT : FLOW_NONE;
}

bool board_misses_trades(const struct board *b)
{
    return b->missed >= MISSED_MAX;
}
