#include "publisher/feeds/lastgood.h"

#include <math.h>

#include "common/banned.h"

#define JUMP 0.30
#define ALIKE 0.05
#define STANDS_MS 60000 /* a bad trade would have been taken back */
#define PRICE_MAX 1e9   /* of anything */

static bool differ(struct decimal a, struct decimal b, double part)
{
    return fabs(decimal_to_double(a) / decimal_to_double(b) - 1) > part;
}

static bool same_member(const struct quote *a, const struct quote *b, enum quote_field field,
                        struct decimal of_a, struct decimal of_b)
{
    if (((a->known ^ b->known) & field) != 0)
        return false;
    return (a->known & field) == 0 || decimal_cmp(of_a, of_b) == 0;
}

static bool same(const struct quote *a, const struct quote *b)
{
    return a->timestamp.ms == b->timestamp.ms && decimal_cmp(a->price, b->price) == 0 &&
           same_member(a, b, QUOTE_OPEN, a->open, b->open) &&
           same_member(a, b, QUOTE_HIGH, a->high, b->high) &&
           same_member(a, b, QUOTE_LOW, a->low, b->low) &&
           same_member(a, b, QUOTE_PREV_CLOSE, a->prev_close, b->prev_close) &&
           same_member(a, b, QUOTE_VOLUME, a->volume, b->volume);
}

static bool is_same_again(const struct lastgood *l, const struct quote *q)
{
    return l->suspecting && q->timestamp.ms == l->suspect_time.ms &&
           decimal_cmp(q->price, l->suspect) == 0;
}

/* The very same one again is no second one, unless it has stood for a while. */
static bool is_confirmed(const struct lastgood *l, const struct quote *q, struct wall now)
{
    if (!l->suspecting || differ(q->price, l->suspect, ALIKE))
        return false;
    return !is_same_again(l, q) || now.ms - l->suspected_at.ms >= STANDS_MS;
}

static void suspect(struct lastgood *l, const struct quote *q, struct wall now)
{
    if (!is_same_again(l, q))
        l->suspected_at = now;
    l->suspecting = true;
    l->suspect = q->price;
    l->suspect_time = q->timestamp;
}

enum lastgood_verdict lastgood_offer(struct lastgood *l, const struct quote *q, struct wall now)
{
    if (q->timestamp.ms > now.ms + LASTGOOD_FUTURE_MS)
        return LASTGOOD_FUTURE;
    if (l->known && q->timestamp.ms < l->quote.timestamp.ms)
        return LASTGOOD_OLD;
    if (decimal_to_double(q->price) > PRICE_MAX)
        return LASTGOOD_JUMP;
    if (l->known && differ(q->price, l->quote.price, JUMP) && !is_confirmed(l, q, now)) {
        suspect(l, q, now);
        return LASTGOOD_JUMP;
    }
    l->suspecting = false;
    if (l->known && same(q, &l->quote))
        return LASTGOOD_REPEATED;
    l->known = true;
    l->quote = *q;
    return LASTGOOD_NEWS;
}
