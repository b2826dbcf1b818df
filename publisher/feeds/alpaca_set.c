/*
 * Which symbols the stream tells trades of: those wanted are named, and the service answers each
 * frame with the full set.
 *
 * All are named in one frame. If the service refuses that (a symbol that it does not like: 400;
 * more than the plan has: 405), half of them are, and so on: no frame is sent twice, and what is
 * wrong is found in a few steps. What the set lacks all the same is named again later, at growing
 * intervals; meanwhile it is asked for by request.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "publisher/feeds/alpaca.h"

#include "common/banned.h"

#define FRAME_MAX 1000 /* symbols */
#define AGAIN_FIRST_MS 1000
#define AGAIN_MAX_MS 300000

size_t set_wanted(const struct feed *f)
{
    size_t n = 0;

    for (size_t i = 0; i < f->live.board.n; i++)
        n += !f->set.wants[i].refused;
    return n;
}

/* Write the next symbols to name, as JSON, and move set->next behind them. Returns how many. */
static size_t list_symbols(struct set *set, const struct board *b, size_t most, FILE *out)
{
    size_t n = 0;

    for (; set->next < b->n && n < most; set->next++) {
        const struct want *w = &set->wants[set->next];

        if (w->refused || w->active)
            continue;
        fprintf(out, "%s\"%s\"", n++ > 0 ? "," : "", b->rows[set->next].listing.symbol);
        set->last = set->next;
    }
    return n;
}

/* The next frame, NULL when there is nothing to name (or no memory). */
static char *make_frame(struct set *set, const struct board *b)
{
    size_t room = set->most > set->active ? set->most - set->active : 0;
    size_t most = set->step < room ? set->step : room, len = 0;
    char *text = NULL;
    FILE *out = open_memstream(&text, &len);

    if (out == NULL)
        return NULL;
    set->first = set->next;
    fputs("{\"action\":\"subscribe\",\"trades\":[", out);
    set->named = list_symbols(set, b, most, out);
    fputs("]}", out);
    if (fclose(out) != 0 || set->named == 0) {
        free(text);
        set->named = 0;
        return NULL;
    }
    return text;
}

static void tell_limit(struct set *set)
{
    if (!set->limit_told)
        log_warn("alpaca: the plan streams no more than %zu symbols: the others are asked for",
                 set->most);
    set->limit_told = true;
}

/* Symbols that the set lacks though it has room for them are named again later. */
static void finish(struct feed *f)
{
    struct set *set = &f->set;

    if (set->active >= set->most)
        tell_limit(set);
    set->complete = true;
    set->next = f->live.board.n;
    set->again_at = MONO_NEVER;
    if (set->active < set_wanted(f) && set->active < set->most)
        set->again_at = mono_add_ms(f->now, backoff_next_ms(&set->again));
    else
        backoff_reset(&set->again);
}

static void name_next(struct feed *f)
{
    char *text = make_frame(&f->set, &f->live.board);

    if (text == NULL) {
        finish(f);
        return;
    }
    session_await(f);
    session_send(f, text);
    free(text);
}

static void name_all(struct feed *f)
{
    struct set *set = &f->set;

    set->step = FRAME_MAX;
    set->next = 0;
    name_next(f);
}

static void clear(struct set *set, size_t n)
{
    set->active = 0;
    for (size_t i = 0; i < n; i++)
        set->wants[i].active = false;
}

void set_begin(struct feed *f)
{
    struct set *set = &f->set;

    if (set->most == 0)
        set->most = SIZE_MAX; /* others may have taken all at that time */
    clear(set, f->live.board.n);
    name_all(f);
}

void set_run(struct feed *f)
{
    if (f->set.complete && f->set.named == 0 && !mono_before(f->now, f->set.again_at))
        name_all(f);
}

struct mono set_deadline(const struct feed *f)
{
    return f->set.complete ? f->set.again_at : MONO_NEVER;
}

void set_told(struct feed *f, const char *symbol)
{
    struct set *set = &f->set;
    const struct row *r = symbol != NULL ? board_find(&f->live.board, symbol) : NULL;
    struct want *w;

    set->told = true;
    if (symbol == NULL)
        clear(set, f->live.board.n);
    if (r == NULL)
        return;
    w = &set->wants[board_number(&f->live.board, r)];
    set->active += !w->active;
    w->active = true;
}

void set_reconcile(struct feed *f)
{
    struct set *set = &f->set;

    set->told = false;
    f->session.fault[0] = '\0';
    snapshots_soon(f); /* what happened before is told by no stream */
    if (set->named > 0) {
        set->named = 0;
        set->step *= 2;
        name_next(f);
    } else if (set->complete) {
        finish(f);
    }
}

/* Name a part of the last frame. */
static void name_fewer(struct feed *f)
{
    struct set *set = &f->set;

    set->step = set->named / 2;
    set->next = set->first;
    name_next(f);
}

void set_refuse(struct feed *f, struct row *r)
{
    f->set.wants[board_number(&f->live.board, r)].refused = true;
    log_warn("alpaca: %s is no symbol of this service", r->listing.symbol);
}

bool set_has(const struct feed *f, const struct row *r)
{
    return f->set.complete && f->set.wants[board_number(&f->live.board, r)].active;
}

bool set_has_refused(const struct feed *f, const struct row *r)
{
    return f->set.wants[board_number(&f->live.board, r)].refused;
}

void set_symbol_refused(struct feed *f)
{
    struct set *set = &f->set;

    if (set->named == 1) {
        set_refuse(f, &f->live.board.rows[set->last]);
        name_next(f);
    } else if (set->named > 1) {
        name_fewer(f);
    }
}

void set_full(struct feed *f)
{
    struct set *set = &f->set;

    if (set->named == 0)
        return;
    set->most = set->active + set->named - 1;
    if (set->named > 1) {
        name_fewer(f);
        return;
    }
    set->named = 0;
    finish(f);
}

int set_open(struct feed *f)
{
    struct set *set = &f->set;

    set->most = SIZE_MAX;
    set->again_at = MONO_NEVER;
    backoff_init(&set->again, AGAIN_FIRST_MS, AGAIN_MAX_MS);
    set->wants = calloc(f->live.board.n, sizeof(*set->wants));
    if (set->wants == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < f->live.board.n; i++)
        set->wants[i].refused = strpbrk(f->live.board.rows[i].listing.symbol, "\"\\") != NULL;
    return 0;
}

void set_close(struct feed *f)
{
    free(f->set.wants);
}
