#include "publisher/replay/columns.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "publisher/replay/timestamp.h"

#include "common/banned.h"

#define NAME_MAX_LEN 24 /* of a folded name; longer ones are no names of ours */
#define MAX_NAMES 16

/* Roles pick in this order, and no column serves two: `s` is the size unless there is a better one,
 * then the symbol. */
static const struct {
    enum column column;
    const char *names[MAX_NAMES];
} roles[] = {
    {COLUMN_TIME,
     {"datetime", "timestamp", "epoch", "unix", "unixtime", "ts", "t", "recvtimes", "recvtime",
      "opentime", "date", "day", "time", "tradetime", "exchangetime"}},
    {COLUMN_CLOCK, {"time", "timeofday"}},
    {COLUMN_OPEN, {"open", "o", "openprice"}},
    {COLUMN_HIGH, {"high", "h", "highprice"}},
    {COLUMN_LOW, {"low", "l", "lowprice"}},
    {COLUMN_PRICE,
     {"close", "price", "last", "p", "c", "closelast", "lastprice", "closeprice", "tradeprice",
      "px", "mid", "adjclose", "adjustedclose", "bid", "bidprice", "b"}},
    {COLUMN_VOLUME, {"volume", "vol", "v", "size", "amount", "qty", "quantity", "s"}},
    {COLUMN_SYMBOL, {"symbol", "ticker", "sym", "stock", "instrument", "name", "s"}},
};

/* `Adj. Close` becomes `adjclose`. */
static void fold(const struct csv_field *f, char ret[NAME_MAX_LEN])
{
    size_t n = 0;

    ret[0] = '\0';
    for (size_t i = 0; i < f->len; i++) {
        if (!isalnum((unsigned char)f->text[i]))
            continue;
        if (n + 1 == NAME_MAX_LEN) {
            ret[0] = '\0';
            return;
        }
        ret[n++] = (char)tolower((unsigned char)f->text[i]);
        ret[n] = '\0';
    }
}

static bool taken(const struct columns *c, int index)
{
    for (size_t i = 0; i < N_COLUMNS; i++)
        if (c->at[i] == index)
            return true;
    return false;
}

static int find(const struct columns *c, char folded[][NAME_MAX_LEN], size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(folded[i], name) == 0 && !taken(c, (int)i))
            return (int)i;
    return -1;
}

static void clear(struct columns *c)
{
    for (size_t i = 0; i < N_COLUMNS; i++)
        c->at[i] = -1;
}

int columns_by_name(const struct csv_row *header, struct columns *ret)
{
    char folded[CSV_MAX_FIELDS][NAME_MAX_LEN];
    struct columns c;

    clear(&c);
    for (size_t i = 0; i < header->n; i++)
        fold(&header->fields[i], folded[i]);
    for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
        int *at = &c.at[roles[i].column];

        for (size_t k = 0; k < MAX_NAMES && roles[i].names[k] != NULL && *at < 0; k++)
            *at = find(&c, folded, header->n, roles[i].names[k]);
    }
    if (c.at[COLUMN_PRICE] < 0 || c.at[COLUMN_TIME] < 0)
        return -ENOENT;
    *ret = c;
    return 0;
}

/* How many fields at the start of a row are its time: 1, 2 (date and time of day) or 0. */
static size_t time_fields(const struct csv_row *row)
{
    const struct csv_field *f = row->fields;
    struct timestamp t;

    if (row->n < 2 || timestamp_parse(f[0].text, f[0].len, &t) < 0)
        return 0;
    return t.form == TIMESTAMP_DATE && memchr(f[1].text, ':', f[1].len) != NULL ? 2 : 1;
}

int columns_by_shape(const struct csv_row *first, struct columns *ret)
{
    static const enum column ticks[] = {COLUMN_PRICE, COLUMN_VOLUME};
    static const enum column bars[] = {COLUMN_OPEN, COLUMN_HIGH, COLUMN_LOW, COLUMN_PRICE,
                                       COLUMN_VOLUME};
    size_t n_time = time_fields(first);
    size_t n_values = first->n - n_time;
    const enum column *values = n_values <= 2 ? ticks : bars;
    struct columns c;

    if (n_time == 0 || n_values < 1 || n_values == 3 || n_values > 5)
        return -ENOENT;
    clear(&c);
    c.at[COLUMN_TIME] = 0;
    if (n_time == 2)
        c.at[COLUMN_CLOCK] = 1;
    for (size_t i = 0; i < n_values; i++)
        c.at[values[i]] = (int)(n_time + i);
    *ret = c;
    return 0;
}

bool columns_are_bars(const struct columns *c)
{
    return c->at[COLUMN_OPEN] >= 0 || c->at[COLUMN_HIGH] >= 0 || c->at[COLUMN_LOW] >= 0;
}

void columns_describe(const struct columns *c, const struct csv_row *header, char *buf, size_t cap)
{
    static const char *const words[N_COLUMNS] = {"time", "time of day", "price",  "open",
                                                 "high", "low",         "volume", "symbol"};
    size_t n = 0;

    buf[0] = '\0';
    for (size_t i = 0; i < N_COLUMNS && n < cap; i++) {
        int at = c->at[i];

        if (at < 0)
            continue;
        n += (size_t)snprintf(buf + n, cap - n, "%s%s=", n == 0 ? "" : " ", words[i]);
        if (n >= cap)
            return;
        if (header == NULL)
            n += (size_t)snprintf(buf + n, cap - n, "column %d", at + 1);
        else
            n += (size_t)snprintf(buf + n, cap - n, "%.*s", (int)header->fields[at].len,
                                  header->fields[at].text);
    }
}
