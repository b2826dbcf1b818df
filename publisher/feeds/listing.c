#include "publisher/feeds/listing.h"

#include <math.h>
#include <string.h>

#include "common/newyork.h"

#include "common/banned.h"

#define OLDEST_MS (24 * INT64_C(3600000)) /* of a trade */
#define FAR 0.30                          /* from the price: does not stretch the range */

static int32_t day_of(const struct listing *l, struct wall t)
{
    return l->has_hours ? newyork_day(t.ms / 1000) : (int32_t)(t.ms / 86400000);
}

static enum quote_session session_of(const struct listing *l, const struct calendar *c,
                                     struct wall t)
{
    return l->has_hours ? calendar_session(c, t) : SESSION_UNKNOWN;
}

/* The auction at the close is reported some seconds after it, and is the day's own all the same. */
static enum quote_session session_of_trade(const struct listing *l, const struct calendar *c,
                                           const struct trade *t)
{
    if (l->has_hours && !(t->moves & MOVES_EXTENDED) && calendar_is_close(c, t->time))
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

static void add_volume(struct quote *q, struct decimal size)
{
    if ((q->known & QUOTE_VOLUME) && decimal_add(q->volume, size, &q->volume) < 0)
        q->known &= (uint8_t)~QUOTE_VOLUME;
}

/* A trade of today that leaves the price alone may still belong to the day. */
static void count_only(struct quote *q, const struct trade *t, enum quote_session session)
{
    double off = fabs(decimal_to_double(t->price) / decimal_to_double(q->price) - 1);

    if (t->moves & MOVES_VOLUME)
        add_volume(q, t->size);
    if ((t->moves & MOVES_RANGE) && session == SESSION_REGULAR && off <= FAR &&
        !(t->moves & MOVES_EXTENDED))
        stretch(q, t->price);
}

enum lastgood_verdict listing_trade(struct listing *l, const struct trade *t,
                                    const struct calendar *c, struct wall now)
{
    enum quote_session session = session_of_trade(l, c, t);
    bool extended = t->moves & MOVES_EXTENDED, same_day;
    int32_t day = day_of(l, t->time);
    struct quote q = l->good.quote;

    if (t->time.ms < now.ms - OLDEST_MS)
        return LASTGOOD_OLD;
    same_day = l->good.known && day_of(l, q.timestamp) == day;
    if (!(t->moves & MOVES_LAST) || (extended && session == SESSION_REGULAR) ||
        (l->good.known && t->time.ms < q.timestamp.ms)) {
        if (same_day)
            count_only(&l->good.quote, t, session);
        return LASTGOOD_OLD;
    }
    if (!same_day)
        q.known = 0;
    if (!same_day && closed_before(l, c, day))
        set_prev_close(&q, l->close);
    memcpy(q.symbol, l->symbol, strlen(l->symbol) + 1);
    q.price = t->price;
    q.timestamp = t->time;
    q.session = (uint8_t)session;
    if (t->moves & MOVES_VOLUME)
        add_volume(&q, t->size);
    if ((t->moves & MOVES_RANGE) && (session == SESSION_REGULAR || !l->has_hours))
        stretch(&q, t->price);
    return lastgood_offer(&l->good, &q, now);
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

enum lastgood_verdict listing_snapshot(struct listing *l, const struct quote *q,
                                       const struct calendar *c, struct wall now)
{
    const struct quote *good = &l->good.quote;
    struct quote news = *q;

    memcpy(news.symbol, l->symbol, strlen(l->symbol) + 1);
    news.session = (uint8_t)session_of(l, c, q->timestamp);
    note_close(l, &news, c);
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
    return lastgood_offer(&l->good, &news, now);
}

bool listing_is_us(const char *symbol)
{
    const char *dot = strrchr(symbol, '.');

    return strpbrk(symbol, ":/") == NULL && (dot == NULL || strlen(dot + 1) <= 1);
}
