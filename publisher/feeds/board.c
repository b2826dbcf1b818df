#include "publisher/feeds/board.h"

#include <errno.h>
#include <stdlib.h>

#include "common/log.h"
#include "publisher/feeds/wellknown.h"

#include "common/banned.h"

#define BEHIND_MS 15000 /* a snapshot that much newer shows a trade that the stream kept */
#define ALONE_MS 3000   /* a first trade waits so long for a second one or a snapshot */
#define MISSED_MAX 3
#define MUTE_FIRST_MS                                                                              \
    60000 /* between connections that were given up for it, from the second on                     \
           */
#define MUTE_MAX_MS 900000
#define RENAME_MS 5000    /* after the last price, which was reported late */
#define CLOCK_OFF_MS 5000 /* the service tells whole seconds, some time ago */

int board_init(struct board *b, const char *service, const struct feed_config *config,
               bool (*has_hours)(const char *symbol))
{
    size_t n = config->n_symbols > 0 ? config->n_symbols : N_DEFAULT_SYMBOLS;
    struct mono now = mono_now();
    int r;

    *b = (struct board){
        .service = service,
        .patience = 1,
        .published_at = now,
        .told = wall_now(),
        .told_at = now,
    };
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
    for (size_t i = 0; i < b->n; i++)
        listing_release(&b->rows[i].listing);
    index_release(&b->index);
    free(b->rows);
    b->rows = NULL;
    b->n = 0;
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

/*
 * What time it is
 */

void board_hear_date(struct board *b, struct wall date, struct mono now)
{
    struct wall local = wall_now();
    int64_t off_ms = date.ms - local.ms;

    b->told = off_ms > CLOCK_OFF_MS || off_ms < -CLOCK_OFF_MS ? date : local;
    b->told_at = now;
}

struct wall board_clock(const struct board *b, struct mono now)
{
    return (struct wall){b->told.ms + (now.ns - b->told_at.ns) / 1000000};
}

/* Of the local and the service's clock the one by which `t` is nearer to now. */
static struct wall nearest_now(const struct board *b, struct wall t, struct mono now)
{
    struct wall local = wall_now(), told = board_clock(b, now);

    return llabs(local.ms - t.ms) < llabs(told.ms - t.ms) ? local : told;
}

/*
 * What comes
 */

static void judge(struct board *b, struct row *r, enum lastgood_verdict verdict, struct mono now)
{
    if (verdict == LASTGOOD_FUTURE)
        board_tell_once(b, r, "left out a price with a time in the future");
    if (verdict == LASTGOOD_JUMP)
        board_tell_once(b, r, "left out a price far off the last, until a second one confirms it");
    if (verdict == LASTGOOD_ALONE) {
        r->alone_at = now;
        r->listing.wants_day = true;
    }
    if (verdict == LASTGOOD_NEWS)
        r->news_at = now;
    if (verdict == LASTGOOD_NEWS && list_empty(&r->news))
        list_append(&b->news, &r->news);
    if (!r->listing.good.known)
        list_remove(&r->news);
    if (r->listing.wants_day)
        b->wants_day = r->wants_day = true;
    r->listing.wants_day = false;
}

static void beat(struct board *b, struct row *r, const struct trade *t, struct mono now)
{
    if (r->heard && t->time.ms <= r->traded.ms)
        return;
    if (t->time.ms > r->traded.ms)
        r->traded = t->time;
    r->heard = true;
    b->missed = b->mute = 0;
    pulse_beat(&r->pulse, now);
    pulse_beat(&b->pulse, now);
}

void board_trade(struct board *b, struct row *r, const struct trade *t, struct mono now)
{
    enum lastgood_verdict verdict =
        listing_trade(&r->listing, t, b->calendar, nearest_now(b, t->time, now));

    if (verdict != LASTGOOD_FUTURE)
        beat(b, r, t, now);
    judge(b, r, verdict, now);
}

void board_revoke(struct board *b, struct row *r, const struct revocation *x, struct mono now)
{
    judge(b, r, listing_revoke(&r->listing, x, b->calendar, board_clock(b, now)), now);
}

void board_snapshot(struct board *b, struct row *r, const struct quote *q, bool streamed,
                    struct mono now)
{
    struct wall heard = r->heard ? r->traded : b->connected_at;

    judge(b, r, listing_snapshot(&r->listing, q, b->calendar, nearest_now(b, q->timestamp, now)),
          now);
    if (streamed && q->timestamp.ms > heard.ms + BEHIND_MS)
        b->missed++;
}

void board_no_snapshot(struct board *b, struct row *r, struct mono now)
{
    if (r->listing.waits)
        judge(b, r,
              listing_trust(&r->listing, b->calendar, nearest_now(b, r->listing.first.time, now)),
              now);
}

void board_trust_first(struct board *b, struct mono now)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->rows[i].listing.waits &&
            !mono_before(now, mono_add_ms(b->rows[i].alone_at, ALONE_MS)))
            board_no_snapshot(b, &b->rows[i], now);
}

bool board_take_wish(struct board *b)
{
    bool wants = b->wants_day;

    b->wants_day = false;
    return wants;
}

bool board_take(struct board *b, const struct sessions *s, struct mono now, struct quote *ret)
{
    struct row *r;

    if (list_empty(&b->news))
        return false;
    r = CONTAINER_OF(b->news.next, struct row, news);
    list_remove(&r->news);
    b->published_at = now;
    *ret = r->listing.good.quote;
    r->listing.good.quote.correction.at.ms = 0; /* told once */
    r->shown = r->news_at.ns == 0 ? s->now : sessions_label(s, (enum quote_session)ret->session);
    r->shown_at = now;
    ret->session = (uint8_t)r->shown;
    ret->heard = r->news_at;
    return true;
}

void board_rename_sessions(struct board *b, const struct sessions *s, struct mono now)
{
    for (size_t i = 0; i < b->n; i++) {
        struct row *r = &b->rows[i];

        if (r->listing.good.known && list_empty(&r->news) && sessions_are_over(s, r->shown) &&
            !mono_before(now, mono_add_ms(r->shown_at, RENAME_MS))) {
            list_append(&b->news, &r->news);
            r->news_at = (struct mono){0}; /* but for its session */
        }
    }
}

void board_reconnected(struct board *b, struct mono now)
{
    b->missed = 0;
    b->connected_at = board_clock(b, now);
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
    if (mono_before(
            now, mono_add_ms(b->pulse.last, b->patience * (int64_t)pulse_patience_ms(&b->pulse))))
        return FLOW_GOOD;
    return pulse_is_learned(&b->pulse) ? FLOW_SILENT : FLOW_NONE;
}

bool board_misses_trades(const struct board *b)
{
    return b->missed >= MISSED_MAX;
}

int64_t board_mute_ms(struct board *b)
{
    int64_t ms = MUTE_MAX_MS;

    if (b->mute++ == 0)
        return 0;
    if (b->mute < 6)
        ms = (int64_t)MUTE_FIRST_MS << (b->mute - 2);
    return ms;
}
