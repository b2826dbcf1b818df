#include "recorder/transfer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/civil.h"
#include "common/clock.h"
#include "common/log.h"
#include "publisher/replay/loader.h"
#include "recorder/batch.h"
#include "recorder/fold.h"
#include "recorder/store.h"

#include "common/banned.h"

#define BARS_PER_BATCH 50000
#define DAY_S 86400

static int exit_status_of(int r)
{
    return r == 0 ? 0 : r == -EINVAL ? 2 : 1;
}

/* ---- import ---- */

struct import {
    const struct transfer *t;
    struct tape tape;
    struct loader loader;
    struct store *store;
    enum resolution resolution; /* of the file's bars */
    uint32_t *rows;             /* indexes into the series: by symbol, then by time */
    struct batch batch;
    const char *symbol; /* whose rows are being folded */
    uint64_t written[N_RESOLUTIONS];
    size_t done; /* rows */
};

static int load(struct import *im)
{
    const struct tape_request request = {im->t->file, &im->t->symbol, im->t->symbol != NULL, true};
    int r = tape_init(&im->tape, &request);

    if (r == 0)
        r = loader_open(&im->loader, &im->tape);
    if (r == 0)
        r = loader_run(&im->loader, -1);
    loader_close(&im->loader);
    return r;
}

/* Which bars the file holds: as told, else by the step between its rows. */
static int choose_resolution(struct import *im)
{
    const struct tape *tape = &im->tape;
    int r;

    if (im->t->resolution != NULL)
        r = resolution_find(im->t->resolution, &im->resolution);
    else if (tape->ticks)
        r = resolution_of_seconds(1, &im->resolution);
    else if (tape->time_form == TIMESTAMP_DATE)
        r = resolution_of_seconds(DAY_S, &im->resolution);
    else
        r = resolution_of_seconds(tape->survey.usual_step_ns / 1000000000, &im->resolution);
    if (r < 0)
        log_error("%s: say with --resolution how long its bars are: 1s, 1m, 5m, 15m, 1h or 1d",
                  im->t->file);
    return r;
}

/* The series is in the order of time; a store is written fastest symbol by symbol. */
static int order_by_symbol(struct import *im)
{
    const struct series *s = &im->tape.series;
    size_t *next = calloc((size_t)s->index.n + 1, sizeof(*next));

    im->rows = calloc(s->n_order, sizeof(*im->rows));
    if (next == NULL || im->rows == NULL) {
        free(next);
        return -ENOMEM;
    }
    for (size_t i = 0; i < s->n_order; i++)
        next[series_at(s, i)->symbol + 1]++;
    for (uint32_t i = 0; i < s->index.n; i++)
        next[i + 1] += next[i];
    for (size_t i = 0; i < s->n_order; i++)
        im->rows[next[series_at(s, i)->symbol]++] = s->order[i];
    free(next);
    return 0;
}

static int flush(struct import *im)
{
    const struct store_batch batch = batch_view(&im->batch);
    int r = store_write(im->store, &batch);

    if (r < 0) {
        log_error("cannot write to %s: %s", im->t->store, store_error(im->store));
        return r;
    }
    batch_clear(&im->batch);
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\rwriting: %zu %%", im->done * 100 / im->tape.series.n_order);
    return 0;
}

static int take_bar(void *ctx, enum resolution r, const struct bar *bar)
{
    struct import *im = ctx;

    im->written[r]++;
    if (batch_add_bar(&im->batch, im->symbol, r, bar) < 0)
        return -ENOMEM;
    return im->batch.n_bars < BARS_PER_BATCH ? 0 : flush(im);
}

static struct decimal value_or(const struct row *row, enum row_value v, struct decimal other)
{
    return row_knows(row, v) ? row_get(row, v) : other;
}

static struct bar bar_of(const struct import *im, const struct row *row)
{
    struct bar b = {.close = row_get(row, ROW_PRICE)};
    bool rising;

    b.open = value_or(row, ROW_OPEN, b.close);
    rising = decimal_cmp(b.open, b.close) < 0;
    b.high = value_or(row, ROW_HIGH, rising ? b.close : b.open);
    b.low = value_or(row, ROW_LOW, rising ? b.open : b.close);
    b.volume = value_or(row, ROW_VOLUME, (struct decimal){0});
    b.first_ms = row->time_ns / 1000000 - (row->time_ns % 1000000 < 0);
    if (im->t->times_are_ends && !im->tape.ticks)
        b.first_ms -= resolution_seconds(im->resolution) * INT64_C(1000);
    b.last_ms = b.first_ms;
    return b;
}

/* The day that a row belongs to: a date is one; a time has one by the symbol's clock. */
static int32_t day_of(const struct import *im, const struct row *row, const struct fold *f,
                      const struct bar *bar)
{
    int64_t at = bar->first_ms / 1000 - (bar->first_ms % 1000 < 0);

    if (im->tape.time_form == TIMESTAMP_DATE)
        return row->day;
    return (int32_t)(resolution_span(RESOLUTION_1D, at, f->around_the_clock).t / DAY_S);
}

/* Fold the rows of the symbol that begins at `i`. */
static int write_symbol(struct import *im, size_t i, size_t *ret_end)
{
    const struct series *s = &im->tape.series;
    uint32_t symbol = s->rows[im->rows[i]].symbol;
    struct fold fold;
    int r = 0;

    im->symbol = s->symbols[symbol].name;
    fold_init(&fold, im->symbol, im->resolution, take_bar, im);
    for (; r == 0 && i < s->n_order && s->rows[im->rows[i]].symbol == symbol; i++) {
        const struct row *row = &s->rows[im->rows[i]];
        struct bar bar = bar_of(im, row);

        im->done = i;
        r = fold_take(&fold, &bar, day_of(im, row, &fold, &bar));
    }
    if (r == 0)
        r = fold_finish(&fold);
    *ret_end = i;
    return r;
}

static int write_all(struct import *im)
{
    int r = order_by_symbol(im);

    for (size_t i = 0; r == 0 && i < im->tape.series.n_order;)
        r = write_symbol(im, i, &i);
    if (r == 0)
        r = flush(im);
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    return r;
}

static void print_summary(const struct import *im, double seconds)
{
    const struct tally *tally = &im->tape.tally;
    char number[TALLY_NUMBER_MAX];

    printf("symbols: %s\n", tally_number(im->tape.series.index.n, number));
    printf("rows read: %s\n", tally_number(tally_read(tally), number));
    printf("left out: %s\n", tally_number(tally_left_out(tally), number));
    tally_print_left_out(tally, stdout);
    for (int i = 0; i < N_RESOLUTIONS; i++)
        if (im->written[i] > 0)
            printf("bars of %s: %s\n", resolution_name((enum resolution)i),
                   tally_number(im->written[i], number));
    printf("rows a second: %s\n",
           tally_number((uint64_t)((double)tally_read(tally) / seconds), number));
    fflush(stdout);
}

int transfer_import(const struct transfer *t)
{
    struct import im = {.t = t};
    struct mono begin = mono_now();
    int r = load(&im);
    bool is_whole = im.tape.damage == NULL;

    if (r == 0)
        r = choose_resolution(&im);
    if (r == 0)
        r = store_open(t->store, STORE_WRITE, &im.store);
    if (r == 0)
        r = write_all(&im);
    if (r == -ENOMEM)
        log_error("out of memory");
    if (r == 0)
        print_summary(&im, (double)(mono_now().ns - begin.ns) / 1e9);
    store_close(im.store);
    batch_release(&im.batch);
    free(im.rows);
    tape_release(&im.tape);
    return r == 0 && !is_whole ? 1 : exit_status_of(r);
}

/* ---- export ---- */

struct export
{
    FILE *out;
    const struct transfer *t;
    bool ticks; /* else bars of: */
    enum resolution resolution;
    const char *symbol;
    char(*symbols)[SYMBOL_MAX + 1];
    size_t n, cap;
    uint64_t written;
};

static int write_line(void *ctx, const struct bar *b)
{
    struct export *e = ctx;
    const struct decimal values[] = {b->open, b->high, b->low, b->close, b->volume};
    char texts[ARRAY_SIZE(values)][DECIMAL_TEXT_MAX], time[CIVIL_TEXT_MAX];

    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        decimal_format(values[i], texts[i]);
    if (e->resolution == RESOLUTION_1D)
        civil_format((int32_t)(b->t / DAY_S), time);
    else
        snprintf(time, sizeof(time), "%lld", (long long)b->t);
    e->written++;
    return fprintf(e->out, "%s,%s,%s,%s,%s,%s,%s\n", time, e->symbol, texts[0], texts[1], texts[2],
                   texts[3], texts[4]) < 0
               ? -EIO
               : 0;
}

static int write_tick(void *ctx, const struct store_tick *t)
{
    struct export *e = ctx;
    const struct quote *q = &t->quote;
    char price[DECIMAL_TEXT_MAX], volume[DECIMAL_TEXT_MAX] = "";

    decimal_format(q->price, price);
    if (q->known & QUOTE_VOLUME)
        decimal_format(q->volume, volume);
    e->written++;
    return fprintf(e->out, "%lld,%s,%s,%s,%u,%llu\n", (long long)q->timestamp.ms, q->symbol, price,
                   volume, t->run, (unsigned long long)q->seq) < 0
               ? -EIO
               : 0;
}

static int export_ticks(struct export *e, struct store *store)
{
    const struct store_tick_range all = {
        .symbol = e->symbol, .from_ms = INT64_MIN, .to_ms = INT64_MAX};
    int r = store_ticks(store, &all, write_tick, e);

    return r == -ENOENT ? 0 : r;
}

static int note_symbol(void *ctx, const struct store_state *s)
{
    struct export *e = ctx;

    if (e->t->symbol != NULL && strcmp(e->t->symbol, s->symbol) != 0)
        return 0;
    if (e->n == e->cap) {
        size_t cap = e->cap == 0 ? 64 : e->cap * 2;
        void *bigger = realloc(e->symbols, cap * sizeof(*e->symbols));
        if (bigger == NULL)
            return -ENOMEM;
        e->symbols = bigger;
        e->cap = cap;
    }
    snprintf(e->symbols[e->n++], SYMBOL_MAX + 1, "%s", s->symbol);
    return 0;
}

static int export_all(struct export *e, struct store *store)
{
    struct store_range range = {
        .resolution = e->resolution, .from = INT64_MIN, .to = INT64_MAX, .max = INT64_MAX};
    int r =
        store_symbols(store, e->t->symbol != NULL ? e->t->symbol : "", INT64_MAX, note_symbol, e);

    if (r == 0 && fputs(e->ticks ? "time,symbol,price,day_volume,run,seq\n"
                                 : "date,symbol,open,high,low,close,volume\n",
                        e->out) < 0)
        r = -EIO;
    for (size_t i = 0; r == 0 && i < e->n; i++) {
        e->symbol = range.symbol = e->symbols[i];
        r = e->ticks ? export_ticks(e, store) : store_bars(store, &range, write_line, e);
    }
    if (r == 0 && fflush(e->out) != 0)
        r = -errno;
    return r;
}

static int open_output(const struct transfer *t, FILE **ret)
{
    FILE *out = strcmp(t->file, "-") == 0 ? stdout : fopen(t->file, "w");

    if (out == NULL) {
        log_error("cannot write %s: %m", t->file);
        return -EIO;
    }
    *ret = out;
    return 0;
}

int transfer_export(const struct transfer *t)
{
    struct export e = {.t = t};
    struct store *store = NULL;
    const char *wanted = t->resolution != NULL ? t->resolution : "1m";
    int r = 0;

    e.ticks = strcmp(wanted, "tick") == 0;
    if (!e.ticks)
        r = resolution_find(wanted, &e.resolution);
    if (r < 0) {
        log_error("--resolution is one of tick, 1s, 1m, 5m, 15m, 1h, 1d");
        return 2;
    }
    r = store_open(t->store, STORE_READ, &store);
    if (r == -ENOENT)
        log_error("there is no store %s", t->store);
    if (r == 0)
        r = open_output(t, &e.out);
    if (r == 0) {
        r = export_all(&e, store);
        if (r < 0)
            log_error("cannot export to %s: %s", t->file, strerror(-r));
        else
            log_info("%llu %s of %zu symbols exported", (unsigned long long)e.written,
                     e.ticks ? "ticks" : "bars", e.n);
    }
    if (e.out != NULL && e.out != stdout && fclose(e.out) != 0 && r == 0) {
        log_error("cannot write %s: %m", t->file);
        r = -EIO;
    }
    store_close(store);
    free(e.symbols);
    return exit_status_of(r);
}
