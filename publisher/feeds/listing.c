#include "publisher/feeds/listing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/newyork.h"

#include "common/banned.h"

#define OLDEST_MS (24 * INT64_C(3600000)) /* of a trade */
#define CLOSING_MS (10 * INT64_C(60000))  /* after the close */
#define FAR 0.30                          /* from the price: does not stretch the range */
#define ALIKE 0.05                        /* two first prices that confirm each other */

static int32_t day_of(const struct listing *l, struct wall t)
{
    return l->has_hours ? newyork_day(t.ms / 1000) : (int32_t)(t.ms / 86400000);
}

static enum quote_session session_of(const struct listing *l, const struct calendar *c,
                                     struct wall t)
{
    return l->has_hours ? calendar_session(c, t) : SESSION_UNKNOWN;
}

/* The auction at the close is reported some time after it, and is the day's own all the same. */
static enum quote_session session_of_trade(const struct listing *l, const struct calendar *c,
                                           const struct trade *t)
{
    struct wall before = {t->time.ms - CLOSING_MS};

    if (l->has_hours && (t->moves & MOVES_CLOSING) &&
        calendar_session(c, before) == SESSION_REGULAR)
        return SESSION_REGULAR;
    return session_of(l, c, t->time);
}

static void stretch(struct quote *q, struct decimal price)
{
    if ((q->known & QUOTE_HIGH) && decimal_cmp(price, q->high) > 0)
        q->high = price;
    if ((q->known & QUOTE_LOW) && decimal_cmp(price, q->low) < 0)
        q->low = price;
}

static void set_prev_close(struct quote *q, struct decimal close)
{
    q->known |= QUOTE_PREV_CLOSE;
    q->prev_close = close;
}

/* Is the close that we know that of the last trading day before `day`? */
static bool closed_before(const struct listing *l, const struct calendar *c, int32_t day)
{
    return l->has_close && calendar_follows(c, l->close_day, day);
}

static bool add_volume(struct quote *q, struct decimal size)
{
    if (!(q->known & QUOTE_VOLUME))
        return false;
    if (decimal_add(q->volume, size, &q->volume) < 0)
        q->known &= (uint8_t)~QUOTE_VOLUME;
    return true;
}

static bool differ(struct decimal price, struct decimal from, double part)
{
    return fabs(decimal_to_double(price) / decimal_to_double(from) - 1) > part;
}

static bool is_far(struct decimal price, struct decimal from)
{
    return differ(price, from, FAR);
}

/* A trade of today that leaves the price alone may still belong to the day. */
static bool count_only(struct quote *q, const struct trade *t, enum quote_session session)
{
    if ((t->moves & MOVES_RANGE) && session == SESSION_REGULAR && !is_far(t->price, q->price) &&
        !(t->moves & MOVES_EXTENDED))
        stretch(q, t->price);
    return (t->moves & MOVES_VOLUME) && add_volume(q, t->size);
}

/* Returns where `t` is kept; NULL when it has no number, or no memory is left. */
static struct print *keep(struct listing *l, const struct trade *t)
{
    if (!t->has_id)
        return NULL;
    if (l->prints == NULL)
        l->prints = calloc(1, sizeof(*l->prints));
    return l->prints != NULL ? prints_add(l->prints, t) : NULL;
}

/* Was it made before the trade that is shown? */
static bool is_late(const struct listing *l, const struct trade *t)
{
    const struct trade shown = {.time = l->good.quote.timestamp, .time_ns = l->time_ns};

    return l->good.known && trade_cmp_time(t, &shown) < 0;
}

static bool may_move(const struct trade *t, enum quote_session session)
{
    return (t->moves & MOVES_LAST) && !((t->moves & MOVES_EXTENDED) && session == SESSION_REGULAR);
}

static struct quote quote_of(const struct listing *l, const struct trade *t,
                             enum quote_session session)
{
    struct quote q = l->good.quote;

    memcpy(q.symbol, l->symbol, strlen(l->symbol) + 1);
    q.price = t->price;
    q.timestamp = t->time;
    q.session = (uint8_t)session;
    return q;
}

/* Show `t`, if it is fit to be shown. */
static enum lastgood_verdict offer(struct listing *l, const struct trade *t,
                                   enum quote_session session, const struct calendar *c,
                                   struct wall now, bool *counted)
{
    struct quote q = quote_of(l, t, session);
    int32_t day = day_of(l, t->time);
    bool same_day = l->good.known && day_of(l, l->good.quote.timestamp) == day;
    bool jumps = l->good.known && is_far(t->price, l->good.quote.price);
    enum lastgood_verdict verdict;

    if (!same_day || jumps)
        q.known = 0;
    if (!same_day && !jumps && closed_before(l, c, day))
        set_prev_close(&q, l->close);
    *counted = (t->moves & MOVES_VOLUME) && add_volume(&q, t->size);
    if ((t->moves & MOVES_RANGE) && (session == SESSION_REGULAR || !l->has_hours))
        stretch(&q, t->price);
    verdict = lastgood_offer(&l->good, &q, now);
    if (verdict != LASTGOOD_NEWS)
        return verdict;
    l->time_ns = t->time_ns;
    l->wants_day |= jumps;
    return verdict;
}

/* Nothing is known that `t` could be measured by: it waits, in the place of one that it is not
 * like. */
static bool is_alone(struct listing *l, const struct trade *t, struct wall now)
{
    const struct trade *first = &l->first;

    if (l->good.known || t->time.ms > now.ms + LASTGOOD_FUTURE_MS)
        return false;
    if (l->waits && trade_cmp_time(t, first) == 0 && decimal_cmp(t->price, first->price) == 0)
        return true; /* the very same again */
    if (l->waits && !differ(t->price, first->price, ALIKE))
        return false;
    l->waits = true;
    l->first = *t;
    return true;
}

/* It waits no longer; it is shown if it was made after `than`, the trade that is like it, or, when
 * that is NULL, not before what is shown. */
static enum lastgood_verdict show_first(struct listing *l, const struct trade *than,
                                        const struct calendar *c, struct wall now)
{
    const struct trade *t = &l->first;
    struct print *print =
        l->prints != NULL ? prints_find(l->prints, t->id, t->exchange, t->price) : NULL;
    enum lastgood_verdict verdict = LASTGOOD_OLD;
    bool counted = false;

    if (!l->waits)
        return verdict;
    l->waits = false;
    if (than != NULL ? trade_cmp_time(t, than) > 0 : !is_late(l, t))
        verdict = offer(l, t, session_of_trade(l, c, t), c, now, &counted);
    if (print != NULL) {
        print->fits = !is_far(t->price, l->good.quote.price);
        print->counted = counted;
    }
    return verdict;
}

enum lastgood_verdict listing_trust(struct listing *l, const struct calendar *c, struct wall now)
{
    return l->good.known ? LASTGOOD_OLD : show_first(l, NULL, c, now);
}

enum lastgood_verdict listing_trade(struct listing *l, const struct trade *t,
                                    const struct calendar *c, struct wall now)
{
    enum quote_session session = session_of_trade(l, c, t);
    enum lastgood_verdict verdict = LASTGOOD_OLD;
    bool fits = may_move(t, session), counted = false;
    struct print *print;

    if (t->time.ms < now.ms - OLDEST_MS)
        return LASTGOOD_OLD;
    if (t->has_id && l->prints != NULL && prints_have(l->prints, t))
        return LASTGOOD_REPEATED;
    print = keep(l, t);
    if (fits && is_alone(l, t, now)) {
        verdict = LASTGOOD_ALONE;
        fits = false;
    } else if (fits && !is_late(l, t)) {
        verdict = offer(l, t, session, c, now, &counted);
        fits = verdict == LASTGOOD_NEWS || verdict == LASTGOOD_REPEATED;
    } else if (l->good.known && day_of(l, l->good.quote.timestamp) == day_of(l, t->time)) {
        fits = fits && !is_far(t->price, l->good.quote.price);
        counted = count_only(&l->good.quote, t, session);
    }
    if (print != NULL) {
        print->fits = fits;
        print->counted = counted;
    }
    if (l->good.known)
        show_first(l, t, c, now); /* it may be the newer one of two that are alike */
    return verdict;
}

/*
 * What is taken back
 */

/* The day without a trade at `price`; `p` is NULL when we do not know it. What it may have
 * stretched is not known until a snapshot tells. */
static void take_out(struct quote *q, struct decimal price, struct print *p)
{
    if ((q->known & QUOTE_HIGH) && decimal_cmp(q->high, price) == 0)
        q->known &= (uint8_t)~QUOTE_HIGH;
    if ((q->known & QUOTE_LOW) && decimal_cmp(q->low, price) == 0)
        q->known &= (uint8_t)~QUOTE_LOW;
    if (p == NULL) {
        q->known &= (uint8_t)~QUOTE_VOLUME;
        return;
    }
    p->gone = true;
    if (p->counted && (q->known & QUOTE_VOLUME) &&
        decimal_sub(q->volume, p->trade.size, &q->volume) < 0)
        q->known &= (uint8_t)~QUOTE_VOLUME;
}

/* The trade that is shown is gone: the one before it returns, if it is known. */
static enum lastgood_verdict fall_back(struct listing *l, const struct print *last,
                                       const struct calendar *c)
{
    struct quote q;

    if (last == NULL) {
        l->good.known = false;
        return LASTGOOD_OLD;
    }
    q = quote_of(l, &last->trade, session_of_trade(l, c, &last->trade));
    if (day_of(l, q.timestamp) != day_of(l, l->good.quote.timestamp))
        q.known = 0;
    l->good = (struct lastgood){.known = true, .quote = q};
    l->time_ns = last->trade.time_ns;
    return LASTGOOD_NEWS;
}

/* Is the price that is shown that of `x`, by number or, if it came without one, by price? */
static bool is_shown(const struct listing *l, const struct revocation *x, const struct print *p)
{
    const struct quote *q = &l->good.quote;

    if (decimal_cmp(q->price, x->price) != 0)
        return false;
    if (p != NULL)
        return p->trade.time.ms == q->timestamp.ms;
    return l->prints == NULL || !prints_stand(l->prints, q->timestamp, q->price);
}

/* Readers that have kept the trade are told with the next quote, which is due for that alone. */
static enum lastgood_verdict tell_correction(struct listing *l, const struct revocation *x,
                                             const struct print *p)
{
    l->good.quote.correction = (struct quote_correction){
        .at = p->trade.time, .wrong = x->price, .right = x->other.price, .has_right = x->has_other};
    return LASTGOOD_NEWS;
}

enum lastgood_verdict listing_revoke(struct listing *l, const struct revocation *x,
                                     const struct calendar *c, struct wall now)
{
    struct print *p =
        l->prints != NULL ? prints_find(l->prints, x->id, x->exchange, x->price) : NULL;
    struct quote *q = &l->good.quote;
    enum lastgood_verdict verdict = LASTGOOD_OLD;
    struct trade other = x->other;
    bool shown;

    l->wants_day = true;
    if (!l->good.known) {
        l->waits &= l->first.id != x->id || decimal_cmp(l->first.price, x->price) != 0;
        return verdict;
    }
    shown = is_shown(l, x, p);
    other.time = p != NULL ? p->trade.time : q->timestamp;
    other.time_ns = p != NULL ? p->trade.time_ns : 0;
    take_out(q, x->price, p);
    if (shown)
        verdict = fall_back(l, p != NULL ? prints_last(l->prints) : NULL, c);
    if (x->has_other && (p != NULL || shown) && listing_trade(l, &other, c, now) == LASTGOOD_NEWS)
        verdict = LASTGOOD_NEWS;
    return p != NULL && p->fits && l->good.known ? tell_correction(l, x, p) : verdict;
}

void listing_release(struct listing *l)
{
    free(l->prints);
    l->prints = NULL;
}

static void note_close(struct listing *l, const struct quote *q, const struct calendar *c)
{
    if (!l->has_hours || !calendar_is_close(c, q->timestamp))
        return;
    l->has_close = true;
    l->close_day = day_of(l, q->timestamp);
    l->close = q->price;
}

/* Take over what `news` tells of the day of `q`, which has the newer price. */
static void merge_day(struct quote *q, struct quote news)
{
    if (q->known & QUOTE_HIGH)
        stretch(&news, q->high);
    if (q->known & QUOTE_LOW)
        stretch(&news, q->low);
    if ((q->known & QUOTE_VOLUME) && (news.known & QUOTE_VOLUME) &&
        decimal_cmp(news.volume, q->volume) < 0)
        news.known &= (uint8_t)~QUOTE_VOLUME;
    if (news.known & QUOTE_OPEN)
        q->open = news.open;
    if (news.known & QUOTE_HIGH)
        q->high = news.high;
    if (news.known & QUOTE_LOW)
        q->low = news.low;
    if (news.known & QUOTE_PREV_CLOSE)
        q->prev_close = news.prev_close;
    if (news.known & QUOTE_VOLUME)
        q->volume = news.volume;
    q->known |= news.known;
}

/* What an older snapshot adds to the price that is shown. */
static enum lastgood_verdict look_back(struct listing *l, const struct quote *news,
                                       const struct calendar *c, struct wall now)
{
    struct quote q = l->good.quote;
    int32_t day = day_of(l, news->timestamp), shown = day_of(l, q.timestamp);

    if (day == shown)
        merge_day(&q, *news);
    else if (!(q.known & QUOTE_PREV_CLOSE) && closed_before(l, c, shown))
        set_prev_close(&q, l->close);
    else
        return LASTGOOD_OLD;
    return lastgood_offer(&l->good, &q, now);
}

static enum lastgood_verdict show_snapshot(struct listing *l, const struct quote *q,
                                           struct wall now)
{
    enum lastgood_verdict verdict = lastgood_offer(&l->good, q, now);

    if (verdict == LASTGOOD_NEWS)
        l->time_ns = 0;
    return verdict;
}

static enum lastgood_verdict take_snapshot(struct listing *l, const struct quote *q,
                                           const struct calendar *c, struct wall now)
{
    const struct quote *good = &l->good.quote;
    struct quote news = *q;

    memcpy(news.symbol, l->symbol, strlen(l->symbol) + 1);
    news.session = (uint8_t)session_of(l, c, q->timestamp);
    note_close(l, &news, c);
    if (l->prints != NULL && prints_are_gone(l->prints, q->timestamp, q->price))
        return l->good.known ? look_back(l, &news, c, now) : LASTGOOD_OLD;
    if (l->good.known && q->timestamp.ms < good->timestamp.ms)
        return look_back(l, &news, c, now);
    if (l->good.known &&
        day_of(l, q->timestamp) ==
            day_of(l, good->timestamp)) { /* trades may have told more of the day than it does */
        if (good->known & QUOTE_HIGH)
            stretch(&news, good->high);
        if (good->known & QUOTE_LOW)
            stretch(&news, good->low);
    }
    return show_snapshot(l, &news, now);
}

enum lastgood_verdict listing_snapshot(struct listing *l, const struct quote *q,
                                       const struct calendar *c, struct wall now)
{
    enum lastgood_verdict verdict = take_snapshot(l, q, c, now);

    if (l->good.known && show_first(l, NULL, c, now) == LASTGOOD_NEWS) /* now it can be measured */
        verdict = LASTGOOD_NEWS;
    return verdict;
}

bool listing_is_us(const char *symbol)
{
    const char *dot = strrchr(symbol, '.');

    return strpbrk(symbol, ":/") == NULL && (dot == NULL || strlen(dot + 1) <= 1);
}
