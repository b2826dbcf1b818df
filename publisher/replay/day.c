#include "publisher/replay/day.h"

#include "common/banned.h"

static void begin(struct day *d, int32_t day)
{
    if (d->begun)
        d->prev_close = d->last;
    d->known = d->begun ? QUOTE_PREV_CLOSE : 0;
    d->begun = true;
    d->day = day;
}

static void set(struct day *d, enum quote_field field, struct decimal *member, struct decimal value)
{
    *member = value;
    d->known = (uint8_t)(d->known | field);
}

/* Widen high (`sign` 1) or low (-1) by the row's own, or, where it has none, by its price when
 * there is something to widen: one price alone is no day's range. */
static void widen(struct day *d, enum quote_field field, struct decimal *member, int sign,
                  const struct row *row, enum row_value v)
{
    struct decimal value = row_get(row, row_knows(row, v) ? v : ROW_PRICE);
    bool have = (d->known & field) != 0;

    if (have ? sign * decimal_cmp(value, *member) > 0 : row_knows(row, v))
        set(d, field, member, value);
}

static void add_volume(struct day *d, struct decimal volume)
{
    struct decimal sum = volume;

    if ((d->known & QUOTE_VOLUME) != 0 && decimal_add(d->volume, volume, &sum) < 0)
        return; /* beyond 18 digits: the sum so far stands */
    set(d, QUOTE_VOLUME, &d->volume, sum);
}

void day_play(struct day *d, const struct row *row, bool ticks)
{
    struct row r = *row;
    bool first = !d->begun || d->day != row->day;

    if (ticks) {
        row_set(&r, ROW_OPEN, row_get(row, ROW_PRICE));
        row_set(&r, ROW_HIGH, row_get(row, ROW_PRICE));
        row_set(&r, ROW_LOW, row_get(row, ROW_PRICE));
    }
    if (first)
        begin(d, row->day);
    if (first && row_knows(&r, ROW_OPEN))
        set(d, QUOTE_OPEN, &d->open, row_get(&r, ROW_OPEN));
    widen(d, QUOTE_HIGH, &d->high, 1, &r, ROW_HIGH);
    widen(d, QUOTE_LOW, &d->low, -1, &r, ROW_LOW);
    if (row_knows(&r, ROW_VOLUME))
        add_volume(d, row_get(&r, ROW_VOLUME));
    d->last = row_get(&r, ROW_PRICE);
}

void day_fill(const struct day *d, struct quote *q)
{
    q->known = d->known;
    q->open = d->open;
    q->high = d->high;
    q->low = d->low;
    q->volume = d->volume;
    q->prev_close = d->prev_close;
}
