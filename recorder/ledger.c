#include "recorder/ledger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "recorder/correct.h"
#include "recorder/fill.h"

#include "common/banned.h"

#define SYMBOLS_MAX 100000
#define CORRECTIONS_MAX 1000 /* that wait; further ones are counted as not done */
#define FUTURE_MS 60000      /* a quote further ahead of the clock is wrong */
#define PROGRESS_MS 10000
#define DAY_S 86400

struct pending_correction {
    struct list link;
    struct symbol *symbol;
    struct quote_correction correction;
};

/* ---- symbols ---- */

static bool has_name(const struct hash_node *node, const void *key)
{
    return strcmp(CONTAINER_OF(node, const struct symbol, node)->name, key) == 0;
}

static struct symbol *add_symbol(struct ledger *l, const char *name, uint32_t hash)
{
    struct symbol *s = l->symbols.n < SYMBOLS_MAX ? calloc(1, sizeof(*s)) : NULL;

    if (s == NULL)
        return NULL;
    snprintf(s->name, sizeof(s->name), "%s", name);
    bars_init(&s->bars, name, l->config->lateness_ms);
    s->away = true;
    list_init(&s->changed);
    list_init(&s->unpublished);
    if (hash_table_add(&l->symbols, &s->node, hash) < 0) {
        free(s);
        return NULL;
    }
    l->counts.symbols++;
    return s;
}

/* NULL: there are too many, or memory is out. */
static struct symbol *symbol_of(struct ledger *l, const char *name)
{
    uint32_t hash = hash_more(HASH_SEED, name, strlen(name));
    struct hash_node *node = hash_table_find(&l->symbols, hash, has_name, name);

    return node != NULL ? CONTAINER_OF(node, struct symbol, node) : add_symbol(l, name, hash);
}

static void free_symbols(struct ledger *l)
{
    for (size_t i = 0; i < l->symbols.n_buckets; i++) {
        struct hash_node *next;
        for (struct hash_node *n = l->symbols.buckets[i]; n != NULL; n = next) {
            struct symbol *s = CONTAINER_OF(n, struct symbol, node);
            next = n->next;
            bars_release(&s->bars);
            free(s);
        }
    }
    hash_table_release(&l->symbols);
}

/* ---- going on where the last run stopped ---- */

static int resume_symbol(void *ctx, const struct store_state *stored)
{
    struct ledger *l = ctx;
    struct symbol *s;

    if (!stored->state.heard)
        return 0; /* imported, never recorded */
    s = symbol_of(l, stored->symbol);
    if (s == NULL)
        return -ENOMEM;
    bars_resume(&s->bars, &stored->state);
    return 0;
}

struct resuming {
    struct bars *bars;
    enum resolution resolution;
};

static int resume_bar(void *ctx, const struct bar *bar)
{
    struct resuming *c = ctx;

    return bars_add(c->bars, c->resolution, bar);
}

/* The bars that may still change. */
static int resume_bars(struct ledger *l, struct symbol *s)
{
    int64_t since = bars_open_since(&s->bars.state, l->config->lateness_ms);
    struct store_range range = {.symbol = s->name, .to = INT64_MAX, .max = INT64_MAX};
    struct resuming c = {.bars = &s->bars};
    int result = 0;

    for (int i = 0; result == 0 && i < N_RESOLUTIONS; i++) {
        c.resolution = (enum resolution)i;
        range.from = since - 2 * resolution_seconds(c.resolution);
        range.resolution = c.resolution;
        result = store_bars(l->store, &range, resume_bar, &c);
    }
    bars_resumed(&s->bars);
    return result;
}

static int resume(struct ledger *l)
{
    struct hash_node *n = NULL;
    int result = store_symbols(l->store, "", SYMBOLS_MAX, resume_symbol, l);

    while (result == 0 && (n = hash_table_next(&l->symbols, n)) != NULL)
        result = resume_bars(l, CONTAINER_OF(n, struct symbol, node));
    if (result < 0)
        log_error("cannot read the store %s: %s", l->config->store, store_error(l->store));
    return result;
}

int ledger_open(struct ledger *l, const struct ledger_config *config)
{
    int r;

    *l = (struct ledger){.config = config};
    list_init(&l->changed);
    list_init(&l->corrections);
    r = store_open(config->store, STORE_WRITE, &l->store);
    if (r == 0)
        r = resume(l);
    if (r == 0)
        r = writer_start(l->store, config->keep_s, config->keep_ticks_s, &l->writer);
    if (r == 0 && config->backfill.key != NULL && config->backfill.secret != NULL &&
        config->backfill.days > 0)
        r = backfill_start(&config->backfill, &l->backfill);
    return r;
}

static void free_correction(struct ledger *l, struct pending_correction *p)
{
    list_remove(&p->link);
    l->n_corrections--;
    free(p);
}

void ledger_close(struct ledger *l)
{
    backfill_free(l->backfill);
    free(l->answer.bars);
    if (writer_free(l->writer))
        store_close(l->store);
    batch_release(&l->batch);
    while (l->n_corrections > 0)
        free_correction(l, CONTAINER_OF(l->corrections.next, struct pending_correction, link));
    free_symbols(l);
}

/* ---- to the store ---- */

struct collecting {
    struct ledger *ledger;
    const char *symbol;
};

static void collect_bar(void *ctx, enum resolution resolution, const struct bar *bar)
{
    struct collecting *c = ctx;

    if (batch_add_bar(&c->ledger->batch, c->symbol, resolution, bar) < 0)
        c->ledger->out_of_memory = true;
}

static void collect(struct ledger *l, struct symbol *s)
{
    struct collecting c = {l, s->name};

    l->n_changed -= s->bars.n_changed;
    bars_collect(&s->bars, collect_bar, &c);
    if (batch_add_state(&l->batch, s->name, &s->bars.state) < 0)
        l->out_of_memory = true;
    list_remove(&s->changed);
}

/* Its live bars as the store has them now. */
static int reload(struct ledger *l, struct symbol *s)
{
    bars_forget_bars(&s->bars);
    return resume_bars(l, s);
}

static int correct_first(struct ledger *l)
{
    struct pending_correction *p =
        CONTAINER_OF(l->corrections.next, struct pending_correction, link);
    int r = correct(l->store, p->symbol->name, &p->correction), reloaded = 0;

    if (r < 0)
        return r;
    l->counts.corrected += r > 0;
    l->counts.uncorrected += r == 0;
    if (r > 0)
        reloaded = reload(l, p->symbol);
    free_correction(l, p);
    return reloaded;
}

static void tell_progress(struct ledger *l)
{
    struct mono now = mono_now();
    size_t open = backfill_open(l->backfill);

    if (mono_before(now, l->progress_due) && open > 0)
        return;
    l->progress_due = mono_add_ms(now, PROGRESS_MS);
    log_info("%ju minutes filled in from Alpaca, %zu gaps are open",
             (uintmax_t)l->counts.backfilled, open);
}

static int fill_in(struct ledger *l)
{
    struct backfill_answer *a = &l->answer;
    struct symbol *s = symbol_of(l, a->wish.symbol);
    struct filling f = {.symbol = a->wish.symbol,
                        .bars = a->bars,
                        .n = a->n,
                        .counted_s = a->wish.counted_s,
                        .n_new = a->n_new};
    int r = fill(l->store, &f);

    a->n_new = f.n_new; /* for the next try */
    if (r == 0 && f.n_new > 0 && s != NULL)
        r = reload(l, s);
    if (r < 0)
        return r;
    l->counts.backfilled += f.n_new;
    free(a->bars);
    *a = (struct backfill_answer){0};
    tell_progress(l);
    return 0;
}

/* Is there something to be done in the store itself? */
static bool wants_store(struct ledger *l)
{
    if (l->answer.bars == NULL && l->backfill != NULL && backfill_take(l->backfill, &l->answer) &&
        l->answer.bars == NULL)
        tell_progress(l); /* there was no trade */
    return l->n_corrections > 0 || l->answer.bars != NULL;
}

/* The writer is idle: its store is ours for a moment. What the store does not take stays in the
 * batch, and the writer tells why. */
static void work_in_store(struct ledger *l)
{
    const struct store_batch batch = batch_view(&l->batch);
    int r = store_write(l->store, &batch);

    if (r < 0)
        return;
    batch_clear(&l->batch);
    while (r == 0 && l->n_corrections > 0)
        r = correct_first(l);
    if (r == 0 && l->answer.bars != NULL)
        r = fill_in(l);
    if (r < 0)
        log_warn("the store could not be put right, which will be tried again: %s",
                 store_error(l->store));
}

static int by_symbol(const void *a, const void *b)
{
    const struct store_tick *x = a, *y = b;
    int r = strcmp(x->quote.symbol, y->quote.symbol);

    if (r == 0)
        r = (x->run > y->run) - (x->run < y->run);
    return r != 0 ? r : (x->quote.seq > y->quote.seq) - (x->quote.seq < y->quote.seq);
}

void ledger_store(struct ledger *l)
{
    if (writer_is_busy(l->writer))
        return;
    while (!list_empty(&l->changed))
        collect(l, CONTAINER_OF(l->changed.next, struct symbol, changed));
    if (l->batch.n_ticks > 1)
        qsort(l->batch.ticks, l->batch.n_ticks, sizeof(*l->batch.ticks), by_symbol);
    if (wants_store(l))
        work_in_store(l);
    if (!batch_is_empty(&l->batch))
        (void)writer_give(l->writer, &l->batch); /* it is free */
    l->dropping = l->dropping_ticks = false;
}

bool ledger_is_stored(struct ledger *l)
{
    return l->n_changed == 0 && batch_is_empty(&l->batch) && !writer_is_busy(l->writer);
}

size_t ledger_waiting(const struct ledger *l)
{
    return l->n_changed + l->batch.n_bars + l->batch.n_ticks;
}

/* ---- quotes ---- */

/* Is there room? One line when there is none any more. */
static bool has_room(struct ledger *l)
{
    if (l->n_changed + l->batch.n_bars < LEDGER_BARS_MAX)
        return true;
    if (!l->dropping)
        log_error("%d bars wait for the store: recording stops until it takes them",
                  LEDGER_BARS_MAX);
    l->dropping = true;
    return false;
}

static bool has_room_for_tick(struct ledger *l)
{
    if (l->batch.n_ticks < LEDGER_TICKS_MAX)
        return true;
    if (!l->dropping_ticks)
        log_error("%d ticks wait for the store: bars alone are made until it takes them",
                  LEDGER_TICKS_MAX);
    l->dropping_ticks = true;
    l->counts.ticks_dropped++;
    return false;
}

struct symbol *ledger_read(struct ledger *l, const uint8_t *json, size_t len, struct quote *ret)
{
    int64_t latest = wall_now().ms + FUTURE_MS;
    struct symbol *s;

    if (len == 0) /* a retained quote was taken back */
        return NULL;
    if (quote_decode((const char *)json, len, ret) < 0 ||
        (ret->mode != MODE_REPLAY && ret->timestamp.ms > latest)) {
        l->counts.rejected++;
        return NULL;
    }
    s = has_room(l) ? symbol_of(l, ret->symbol) : NULL;
    if (s == NULL)
        l->counts.dropped++;
    else if (ret->mode != MODE_REPLAY && s->bars.state.newest_ms > latest) {
        collect(l, s); /* the clock was ahead, and is right again */
        bars_begin_anew(&s->bars);
    }
    return s;
}

static void count(struct ledger *l, enum bars_verdict verdict)
{
    l->counts.quotes++;
    l->counts.repeated += verdict == BARS_REPEATED;
    l->counts.late += verdict == BARS_LATE;
    l->counts.too_late += verdict == BARS_TOO_LATE;
}

static void note_correction(struct ledger *l, struct symbol *s, const struct quote_correction *c)
{
    struct pending_correction *p = l->n_corrections < CORRECTIONS_MAX ? malloc(sizeof(*p)) : NULL;

    if (p == NULL) {
        l->counts.uncorrected++;
        return;
    }
    p->symbol = s;
    p->correction = *c;
    list_append(&l->corrections, &p->link);
    l->n_corrections++;
}

static void keep_tick(struct ledger *l, const struct symbol *s, const struct quote *q)
{
    const struct store_tick tick = {.run = bars_run(&s->bars), .quote = *q};

    if (l->config->keep_ticks_s > 0 && q->seq > 0 && has_room_for_tick(l) &&
        batch_add_tick(&l->batch, &tick) < 0)
        l->out_of_memory = true;
}

/* Live quotes of US stocks have a history elsewhere. */
static void want_what_was_missed(struct ledger *l, struct symbol *s, const struct quote *q)
{
    struct backfill_wish w = {.from_s = s->bars.state.newest_ms / 60000 * 60,
                              .until_s = q->timestamp.ms / 60000 * 60};
    int64_t oldest_s = w.until_s - l->config->backfill.days * DAY_S;

    if (s->bars.state.heard && q->timestamp.ms <= s->bars.state.newest_ms)
        return; /* what the broker has kept for us, or what is late */
    s->away = false;
    if (l->backfill == NULL || q->mode != MODE_LIVE || s->bars.around_the_clock)
        return;
    if (s->bars.state.heard)
        w.counted_s = w.until_s;
    if (!s->bars.state.heard || w.from_s < oldest_s)
        w.from_s = oldest_s;
    memcpy(w.symbol, s->name, sizeof(w.symbol));
    if (w.from_s < w.until_s)
        backfill_want(l->backfill, &w);
}

void ledger_was_away(struct ledger *l)
{
    struct hash_node *n = NULL;

    while ((n = hash_table_next(&l->symbols, n)) != NULL)
        CONTAINER_OF(n, struct symbol, node)->away = true;
}

bool ledger_take(struct ledger *l, struct symbol *s, const struct quote *q)
{
    uint64_t lost = s->bars.lost, gaps = s->bars.gaps;
    size_t n_changed;
    int verdict;

    if (s->away)
        want_what_was_missed(l, s, q);
    if (bars_goes_back(&s->bars, q))
        collect(l, s);
    n_changed = s->bars.n_changed;
    verdict = bars_take(&s->bars, q);
    if (verdict < 0) {
        l->out_of_memory = true;
        return false;
    }
    l->n_changed += s->bars.n_changed - n_changed;
    l->counts.lost += s->bars.lost - lost;
    l->counts.gaps += s->bars.gaps - gaps;
    count(l, (enum bars_verdict)verdict);
    if (verdict != BARS_REPEATED)
        keep_tick(l, s, q);
    if (q->correction.at.ms != 0)
        note_correction(l, s, &q->correction);
    if (verdict == BARS_TOO_LATE)
        return false;
    if (list_empty(&s->changed))
        list_append(&l->changed, &s->changed);
    return true;
}
