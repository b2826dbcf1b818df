#include "publisher/replay/layout.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/decimal.h"

#include "common/banned.h"

#define SECOND_NS INT64_C(1000000000)

static bool begins_with(const struct csv_field *f, const char *prefix)
{
    size_t n = strlen(prefix);

    return f->len >= n && memcmp(f->text, prefix, n) == 0;
}

static void learn(struct layout *l, const struct columns *columns, const struct csv_row *header)
{
    l->known = true;
    l->columns = *columns;
    l->n_needed = 0;
    for (size_t i = 0; i < N_COLUMNS; i++)
        if (columns->at[i] >= (int)l->n_needed)
            l->n_needed = (size_t)columns->at[i] + 1;
    columns_describe(columns, header, l->description, sizeof(l->description));
}

/* NAME=value, with `=` or, as Google writes some, %3D. */
static bool is_directive(const struct csv_field *f)
{
    return memchr(f->text, '=', f->len) != NULL || memmem(f->text, f->len, "%3D", 3) != NULL;
}

static int whole_number(const char *text, size_t len, int64_t *ret)
{
    struct decimal d;

    if (decimal_parse(text, len, &d) < 0 || d.scale > 0)
        return -EINVAL;
    *ret = d.coef;
    return 0;
}

static void take_directive(struct layout *l, const struct csv_row *row)
{
    static const char columns_word[] = "COLUMNS=", interval_word[] = "INTERVAL=";
    const struct csv_field *f = &row->fields[0];
    int64_t interval;

    l->google = true;
    if (begins_with(f, interval_word)) {
        size_t n = sizeof(interval_word) - 1;

        if (whole_number(f->text + n, f->len - n, &interval) == 0 && interval > 0)
            l->interval_s = interval;
    } else if (begins_with(f, columns_word)) {
        struct csv_row names = *row;
        struct columns columns;

        names.fields[0].text += sizeof(columns_word) - 1;
        names.fields[0].len -= sizeof(columns_word) - 1;
        if (columns_by_name(&names, &columns) == 0)
            learn(l, &columns, &names);
    }
}

enum layout_verdict layout_take(struct layout *l, const struct csv_row *row)
{
    struct columns columns;

    if (l->known && !l->google)
        return LAYOUT_DATA;
    if (row->fault != CSV_OK)
        return l->known ? LAYOUT_DATA : LAYOUT_UNKNOWN;
    if (!l->google && columns_by_name(row, &columns) == 0) {
        learn(l, &columns, row);
        return LAYOUT_SKIP;
    }
    if (is_directive(&row->fields[0]) && (l->known || row->line <= LAYOUT_PREAMBLE_MAX)) {
        take_directive(l, row);
        return LAYOUT_SKIP;
    }
    if (!l->known && !l->google && columns_by_shape(row, &columns) == 0)
        learn(l, &columns, NULL);
    return l->known ? LAYOUT_DATA : LAYOUT_UNKNOWN;
}

bool layout_is_header(const struct csv_row *row)
{
    struct columns columns;

    return columns_by_name(row, &columns) == 0;
}

struct csv_field layout_field(const struct layout *l, const struct csv_row *row, enum column c)
{
    if (l->columns.at[c] < 0)
        return (struct csv_field){"", 0};
    return row->fields[l->columns.at[c]];
}

static int google_time(struct layout *l, const struct csv_field *f, struct timestamp *ret)
{
    int64_t n, s, ns;

    if (f->len > 1 && f->text[0] == 'a') {
        if (whole_number(f->text + 1, f->len - 1, &n) < 0)
            return -EINVAL;
        l->base_s = n;
        s = n;
    } else {
        if (l->base_s == 0 || whole_number(f->text, f->len, &n) < 0)
            return -EINVAL;
        if (__builtin_mul_overflow(n, l->interval_s, &s) ||
            __builtin_add_overflow(s, l->base_s, &s))
            return -ERANGE;
    }
    if (__builtin_mul_overflow(s, SECOND_NS, &ns))
        return -ERANGE;
    *ret = (struct timestamp){ns, TIMESTAMP_EPOCH_S};
    return 0;
}

/* Date and time of day from two columns, read as one text. */
static int joined_time(const struct csv_field *date, const struct csv_field *clock,
                       struct timestamp *ret)
{
    char text[64];
    int n = snprintf(text, sizeof(text), "%.*s %.*s", (int)date->len, date->text, (int)clock->len,
                     clock->text);

    if (n < 0 || (size_t)n >= sizeof(text))
        return -EINVAL;
    return timestamp_parse(text, (size_t)n, ret);
}

int layout_time(struct layout *l, const struct csv_row *row, struct timestamp *ret)
{
    struct csv_field date = layout_field(l, row, COLUMN_TIME);
    struct csv_field clock = layout_field(l, row, COLUMN_CLOCK);
    struct timestamp t;
    int r;

    if (l->google)
        return google_time(l, &date, ret);
    r = timestamp_parse(date.text, date.len, &t);
    if (r == 0 && t.form == TIMESTAMP_DATE && clock.len > 0)
        r = joined_time(&date, &clock, &t);
    if (r == 0)
        *ret = t;
    return r;
}
