#include "publisher/replay/tape.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/log.h"
#include "publisher/replay/naming.h"
#include "common/newyork.h"

#include "common/banned.h"

#define SECOND_NS INT64_C(1000000000)
#define DAY_NS (86400 * SECOND_NS)

int tape_init(struct tape *t, const struct tape_request *request)
{
    *t = (struct tape){.request = *request};
    if (series_init(&t->series) < 0 ||
        index_init(&t->asked, (uint32_t)request->n_symbols + 1) < 0) {
        tape_release(t);
        return -ENOMEM;
    }
    for (size_t i = 0; i < request->n_symbols; i++)
        if (index_find(&t->asked, request->symbols[i]) == INDEX_NONE)
            index_add(&t->asked, request->symbols[i]);
    return 0;
}

void tape_release(struct tape *t)
{
    series_release(&t->series);
    index_release(&t->asked);
}

/* --- one row --- */

static bool is_asked_for(const struct tape *t, const char *name)
{
    return t->asked.n == 0 || index_find(&t->asked, name) != INDEX_NONE;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int32_t trading_day(const struct timestamp *time)
{
    if (time->form == TIMESTAMP_DATE)
        return (int32_t)floor_div(time->ns, DAY_NS);
    return newyork_day(floor_div(time->ns, SECOND_NS));
}

/* What people and programs write where they have no number. */
static bool is_empty(const struct csv_field *f)
{
    static const char *const words[] = {"null", "nan", "na", "n/a", "none", "-"};

    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (f->len == strlen(words[i]) && strncasecmp(f->text, words[i], f->len) == 0)
            return true;
    return f->len == 0;
}

/* What follows returns ROW_KEPT or the reason to leave the row out. */

/* Read one number into `row`; an empty field leaves it unknown. */
static enum tally_fact read_value(const struct tape *t, const struct csv_row *fields,
                                  enum column column, enum row_value v, struct row *row)
{
    struct csv_field f = layout_field(&t->layout, fields, column);
    struct decimal d;
    int r;

    if (is_empty(&f))
        return ROW_KEPT;
    r = decimal_parse(f.text, f.len, &d);
    if (r < 0)
        return r == -ERANGE ? LEFT_TOO_MANY_DIGITS : LEFT_BAD_NUMBER;
    if (d.coef < 0 && v == ROW_VOLUME)
        return LEFT_BAD_NUMBER;
    if (d.coef <= 0 && v == ROW_PRICE)
        return LEFT_NOT_POSITIVE;
    if (d.coef > 0 || v == ROW_VOLUME) /* a zero open, high or low is one that is not known */
        row_set(row, v, d);
    return ROW_KEPT;
}

static enum tally_fact read_values(const struct tape *t, const struct csv_row *fields,
                                   struct row *row)
{
    static const struct {
        enum column column;
        enum row_value value;
    } pairs[] = {
        {COLUMN_PRICE, ROW_PRICE}, {COLUMN_OPEN, ROW_OPEN},     {COLUMN_HIGH, ROW_HIGH},
        {COLUMN_LOW, ROW_LOW},     {COLUMN_VOLUME, ROW_VOLUME},
    };

    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        enum tally_fact fact = read_value(t, fields, pairs[i].column, pairs[i].value, row);

        if (fact != ROW_KEPT)
            return fact;
    }
    return row_knows(row, ROW_PRICE) ? ROW_KEPT : LEFT_NO_PRICE;
}

static bool outside(const struct row *row, enum row_value v)
{
    struct decimal d = row_get(row, v);

    if (!row_knows(row, v))
        return false;
    return (row_knows(row, ROW_LOW) && decimal_cmp(d, row_get(row, ROW_LOW)) < 0) ||
           (row_knows(row, ROW_HIGH) && decimal_cmp(d, row_get(row, ROW_HIGH)) > 0);
}

static bool lacks(const struct tape *t, const struct row *row, enum column c, enum row_value v)
{
    return t->layout.columns.at[c] >= 0 && !row_knows(row, v);
}

static void note_oddities(struct tape *t, const struct row *row, uint64_t line)
{
    struct series_symbol *symbol = &t->series.symbols[row->symbol];

    if (symbol->seen && row->time_ns < symbol->last_ns)
        tally_add(&t->tally, SEEN_OUT_OF_ORDER, line);
    symbol->seen = true;
    symbol->last_ns = row->time_ns;
    if (lacks(t, row, COLUMN_OPEN, ROW_OPEN) || lacks(t, row, COLUMN_HIGH, ROW_HIGH) ||
        lacks(t, row, COLUMN_LOW, ROW_LOW) || lacks(t, row, COLUMN_VOLUME, ROW_VOLUME))
        tally_add(&t->tally, SEEN_EMPTY_FIELD, line);
    if (outside(row, ROW_OPEN) || outside(row, ROW_PRICE))
        tally_add(&t->tally, SEEN_OUTSIDE_RANGE, line);
    if (row_knows(row, ROW_VOLUME) && row->coef[ROW_VOLUME] == 0)
        tally_add(&t->tally, SEEN_ZERO_VOLUME, line);
}

/* The symbol of a row: its column's, or the file's. */
static enum tally_fact read_symbol(struct tape *t, const struct csv_row *fields, uint32_t *ret)
{
    struct csv_field f = layout_field(&t->layout, fields, COLUMN_SYMBOL);
    char column[SYMBOL_MAX + 1];
    const char *name = t->symbol;

    if (name[0] == '\0') {
        if (symbol_normalize(f.text, f.len, column) < 0)
            return LEFT_BAD_SYMBOL;
        name = column;
    }
    /* most rows have the symbol of the one before */
    if (t->series.index.n == 0 || strcmp(t->series.symbols[t->last_symbol].name, name) != 0) {
        uint32_t i;

        if (!is_asked_for(t, name))
            return LEFT_NOT_ASKED_FOR;
        i = series_symbol(&t->series, name);
        if (i == INDEX_NONE)
            return LEFT_TOO_MANY_SYMBOLS;
        t->last_symbol = i;
    }
    *ret = t->last_symbol;
    return ROW_KEPT;
}

static enum tally_fact read_row(struct tape *t, const struct csv_row *fields, struct row *ret)
{
    struct row row = {0};
    struct timestamp time;
    enum tally_fact fact;

    if (fields->fault != CSV_OK)
        return fields->fault == CSV_TOO_LONG ? LEFT_TOO_LONG : LEFT_UNCLOSED_QUOTE;
    if (fields->n < t->layout.n_needed)
        return LEFT_TOO_FEW_FIELDS;
    if (layout_time(&t->layout, fields, &time) < 0)
        return layout_is_header(fields) ? LEFT_REPEATED_HEADER : LEFT_BAD_TIME;
    fact = read_symbol(t, fields, &row.symbol);
    if (fact != ROW_KEPT)
        return fact;
    fact = read_values(t, fields, &row);
    if (fact != ROW_KEPT)
        return fact;
    if (t->series.n_rows == 0)
        t->time_form = time.form;
    row.time_ns = time.ns;
    row.day = trading_day(&time);
    *ret = row;
    return ROW_KEPT;
}

/* --- the whole file --- */

/* A file without a symbol column holds one symbol: the only one asked for, else its name's. */
static int name_symbol(struct tape *t)
{
    if (t->asked.n == 1) {
        snprintf(t->symbol, sizeof(t->symbol), "%s", t->asked.texts[0]);
        return 0;
    }
    if (naming_symbol(t->request.path, t->symbol) < 0 || !is_asked_for(t, t->symbol)) {
        log_error("%s: %s has no symbol column: say with %s which one symbol it holds",
                  tape_task(&t->request), t->request.path, tape_option(&t->request));
        return -EINVAL;
    }
    return 0;
}

static int learn_layout(struct tape *t, const struct csv_row *row, enum layout_verdict *ret)
{
    bool was_known = t->layout.known;

    *ret = layout_take(&t->layout, row);
    if (*ret == LAYOUT_UNKNOWN) {
        log_error("%s: %s: line %llu does not tell which columns are time and price: begin the "
                  "file with a header such as date,open,high,low,close,volume or time,price,size",
                  tape_task(&t->request), t->request.path, (unsigned long long)row->line);
        return -EBADMSG;
    }
    if (was_known || !t->layout.known || t->layout.columns.at[COLUMN_SYMBOL] >= 0)
        return 0;
    return name_symbol(t);
}

static int keep(struct tape *t, const struct row *row, uint64_t line)
{
    char limit[TALLY_NUMBER_MAX];
    int r = series_append(&t->series, row);

    if (r == -EFBIG)
        log_error("%s: %s has more than %s rows: choose some with %s, or split it",
                  tape_task(&t->request), t->request.path, tally_number(SERIES_MAX_ROWS, limit),
                  tape_option(&t->request));
    if (r == 0)
        note_oddities(t, row, line);
    return r;
}

int tape_take(struct tape *t, const struct csv_row *fields)
{
    enum layout_verdict verdict = LAYOUT_DATA;
    enum tally_fact fact;
    struct row row;
    int r = learn_layout(t, fields, &verdict);

    if (r < 0 || verdict == LAYOUT_SKIP)
        return r;
    fact = read_row(t, fields, &row);
    if (fact == ROW_KEPT) {
        r = keep(t, &row, fields->line);
        if (r < 0)
            return r;
    }
    tally_add(&t->tally, fact, fields->line);
    return 0;
}

int tape_finish(struct tape *t)
{
    size_t dropped;
    int r;

    /* The close of a day is no tick: a file of dates and closes does not tell open, high or low. */
    t->ticks = !columns_are_bars(&t->layout.columns) && t->time_form != TIMESTAMP_DATE;
    r = series_sort(&t->series, !t->ticks, &dropped);
    if (r < 0)
        return r;
    t->tally.facts[ROW_KEPT].n -= dropped;
    t->tally.facts[LEFT_DUPLICATE].n = dropped;
    return survey_series(&t->series, !t->ticks, &t->survey);
}
