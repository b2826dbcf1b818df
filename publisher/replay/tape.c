#include "publisher/replay/tape.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "publisher/replay/naming.h"
#include "publisher/replay/newyork.h"

#include "common/banned.h"

#define SECOND_NS INT64_C(1000000000)
#define DAY_NS (86400 * SECOND_NS)
#define PROGRESS_AFTER_MS 2000
#define PROGRESS_EVERY_MS 250

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

static void close_file(struct tape *t)
{
    textfile_close(t->file);
    t->file = NULL;
    csv_release(&t->csv);
    free(t->fields);
    t->fields = NULL;
}

void tape_release(struct tape *t)
{
    close_file(t);
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
        log_error("replay: %s has no symbol column: say with --symbols which one symbol it holds",
                  t->request.path);
        return -EINVAL;
    }
    return 0;
}

static int learn_layout(struct tape *t, const struct csv_row *row, enum layout_verdict *ret)
{
    bool was_known = t->layout.known;

    *ret = layout_take(&t->layout, row);
    if (*ret == LAYOUT_UNKNOWN) {
        log_error("replay: %s: line %llu does not tell which columns are time and price: begin the "
                  "file with a header such as date,open,high,low,close,volume or time,price,size",
                  t->request.path, (unsigned long long)row->line);
        return -EBADMSG;
    }
    if (was_known || !t->layout.known || t->layout.columns.at[COLUMN_SYMBOL] >= 0)
        return 0;
    return name_symbol(t);
}

static int keep(struct tape *t, const struct row *row, uint64_t line)
{
    int r = series_append(&t->series, row);

    if (r == -EFBIG)
        log_error("replay: %s has more than %d rows: choose some with --symbols, or split it",
                  t->request.path, SERIES_MAX_ROWS);
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

/* On a terminal, how far a long load is. */
struct progress {
    struct mono next;
    bool shown;
};

static void show_progress(struct progress *p, const struct tape *t)
{
    char number[TALLY_NUMBER_MAX];

    if (mono_before(mono_now(), p->next))
        return;
    p->next = mono_add_ms(mono_now(), PROGRESS_EVERY_MS);
    p->shown = true;
    fprintf(stderr, "\rreading %s: %d %%, %s rows", t->request.path, textfile_percent(t->file),
            tally_number(tally_read(&t->tally), number));
}

static void clear_progress(const struct progress *p)
{
    if (p->shown)
        fputs("\r\033[K", stderr);
}

static bool is_stopped(int stop_fd)
{
    struct pollfd p = {.fd = stop_fd, .events = POLLIN};

    return poll(&p, 1, 0) > 0;
}

/* Take the rows in the buffer until more bytes are needed. */
static int take_rows(struct tape *t, bool ended)
{
    int r = 0;

    while (r == 0 && csv_next(&t->csv, ended, t->fields))
        r = tape_take(t, t->fields);
    return r;
}

static int read_failed(const struct tape *t, int r)
{
    log_error("replay: cannot read %s: %s", t->request.path, strerror(-r));
    return r;
}

/* Read one piece of the file. Returns 1 when there is more, 0 at the end, or a negative errno. A
 * line that damage cut off is not a row: its last number may be half of one. */
static int read_piece(struct tape *t)
{
    size_t cap;
    char *space = csv_space(&t->csv, &cap);
    long n = textfile_read(t->file, space, cap);
    int r;

    if (n < 0)
        return read_failed(t, (int)n);
    if (n == 0) {
        t->damage = textfile_damage(t->file);
        return t->damage == NULL ? take_rows(t, true) : 0;
    }
    if (!t->csv.begun && memchr(space, '\0', (size_t)n) != NULL) { /* an archive, or UTF-16 */
        log_error("replay: %s is neither text nor gzip: unpack it, or save it as CSV in UTF-8",
                  t->request.path);
        return -EBADMSG;
    }
    csv_added(&t->csv, (size_t)n);
    r = take_rows(t, false);
    return r < 0 ? r : 1;
}

/* One line when nothing can be played: why. */
static int check_not_empty(const struct tape *t)
{
    char number[TALLY_NUMBER_MAX];
    enum tally_fact reason = tally_main_reason(&t->tally);

    if (t->series.n_order > 0)
        return 0;
    if (tally_read(&t->tally) == 0)
        log_error("replay: %s has no rows%s%s: give --file a CSV file of bars or ticks",
                  t->request.path, t->damage != NULL ? ", " : "",
                  t->damage != NULL ? t->damage : "");
    else
        log_error("replay: %s has no row that can be played: of %s, most were left out for: %s "
                  "(first in line %llu)",
                  t->request.path, tally_number(tally_read(&t->tally), number), tally_words(reason),
                  (unsigned long long)t->tally.facts[reason].line);
    return -EBADMSG;
}

static void log_layout(const struct tape *t)
{
    const struct layout *l = &t->layout;

    if (t->damage != NULL)
        log_warn("replay: %s: %s: playing what could be read", t->request.path, t->damage);
    log_info("replay: %s: %s, %s%s%s%s; times are %s", t->request.path, t->ticks ? "ticks" : "bars",
             l->description, t->symbol[0] != '\0' ? ", symbol is " : "", t->symbol,
             l->google ? " (Google Finance)" : "", timestamp_form_name(t->time_form));
}

static int out_of_memory(const struct tape *t)
{
    log_error("replay: not enough memory for %s: choose some of its rows with --symbols",
              t->request.path);
    return -ENOMEM;
}

static int open_file(struct tape *t)
{
    int r;

    t->fields = malloc(sizeof(*t->fields));
    if (t->fields == NULL || csv_init(&t->csv) < 0)
        return -ENOMEM;
    r = textfile_open(t->request.path, &t->file);
    return r < 0 && r != -ENOMEM ? read_failed(t, r) : r;
}

int tape_open(const struct tape_request *request, struct tape *ret)
{
    struct tape t;
    int r = tape_init(&t, request);

    if (r == 0)
        r = open_file(&t);
    if (r == 0)
        r = read_piece(&t);
    if (r == 0)
        r = check_not_empty(&t); /* nothing at all was read */
    if (r == -ENOMEM)
        out_of_memory(&t);
    if (r < 0) {
        tape_release(&t);
        return r;
    }
    *ret = t;
    return 0;
}

int tape_load(struct tape *t)
{
    struct progress progress = {.next = MONO_NEVER};
    int r;

    if (isatty(STDERR_FILENO))
        progress.next = mono_add_ms(mono_now(), PROGRESS_AFTER_MS);
    do {
        r = is_stopped(t->request.stop_fd) ? -ECANCELED : read_piece(t);
        show_progress(&progress, t);
    } while (r > 0);
    clear_progress(&progress);
    if (r == 0)
        r = tape_finish(t);
    if (r == 0)
        r = check_not_empty(t);
    if (r == 0)
        log_layout(t);
    close_file(t);
    return r == -ENOMEM ? out_of_memory(t) : r;
}
