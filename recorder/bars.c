#include "recorder/bars.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/newyork.h"

#include "common/banned.h"

#define DAY_S 86400

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t seconds_of(int64_t ms)
{
    return floor_div(ms, 1000);
}

static int32_t day_of(const struct bars *b, int64_t ms)
{
    int64_t s = seconds_of(ms);

    return b->around_the_clock ? (int32_t)floor_div(s, DAY_S) : newyork_day(s);
}

void bars_init(struct bars *b, const char *symbol, int64_t lateness_ms)
{
    *b = (struct bars){.lateness_ms = lateness_ms,
                       .around_the_clock = trades_around_the_clock(symbol),
                       .fresh = true};
}

void bars_release(struct bars *b)
{
    for (int r = 0; r < N_RESOLUTIONS; r++)
        free(b->live[r].list);
    memset(b->live, 0, sizeof(b->live));
}

/* ---- the live bars of one resolution ---- */

static struct decimal less(struct decimal a, struct decimal b)
{
    return decimal_cmp(a, b) < 0 ? a : b;
}

static struct decimal more(struct decimal a, struct decimal b)
{
    return decimal_cmp(a, b) > 0 ? a : b;
}

/* a - b; nothing when that has more than 18 digits. */
static struct decimal minus(struct decimal a, struct decimal b)
{
    struct decimal d = {0};

    if (decimal_sub(a, b, &d) < 0)
        return (struct decimal){0};
    return d;
}

static void mark(struct bars *b, struct live_bar *l)
{
    b->n_changed += !l->changed;
    l->changed = true;
}

/* Where the bar of `ms` is, or would have to be. */
static uint32_t place_of(const struct live_bars *lb, int64_t ms)
{
    uint32_t i = lb->n;

    while (i > 0 && lb->list[i - 1].until_ms > ms)
        i--;
    return i;
}

static bool covers(const struct live_bars *lb, uint32_t i, int64_t ms)
{
    return i < lb->n && lb->list[i].from_ms <= ms;
}

static int insert(struct live_bars *lb, uint32_t i, const struct live_bar *bar)
{
    if (lb->n == lb->cap) {
        uint32_t cap = lb->cap == 0 ? 2 : lb->cap * 2;
        struct live_bar *bigger = realloc(lb->list, cap * sizeof(*bigger));
        if (bigger == NULL)
            return -ENOMEM;
        lb->list = bigger;
        lb->cap = cap;
    }
    memmove(&lb->list[i + 1], &lb->list[i], (lb->n - i) * sizeof(*lb->list));
    lb->list[i] = *bar;
    lb->n++;
    return 0;
}

static struct live_bar live_bar_at(const struct bars *b, enum resolution r, int64_t ms)
{
    struct span s = resolution_span(r, seconds_of(ms), b->around_the_clock);

    return (struct live_bar){
        .bar = {.t = s.t}, .from_ms = s.from * 1000, .until_ms = s.until * 1000};
}

/* ---- a quote ---- */

/* What a quote says about the day's volume, as far as bars are concerned. */
struct volume {
    bool known;
    bool counts_anew;     /* it is no continuation of what was before */
    struct decimal start; /* where a bar begins that it is the first quote of */
    struct decimal now;
};

static struct volume read_volume(const struct bars *b, const struct quote *q)
{
    const struct bars_state *s = &b->state;
    struct volume v = {.known = (q->known & QUOTE_VOLUME) != 0, .now = q->volume};
    int32_t day = day_of(b, q->timestamp.ms);
    bool newer = !s->heard || q->timestamp.ms > s->newest_ms;

    v.start = v.now;
    if (!v.known) {
        v.start = v.now = s->volume;
    } else if (!s->has_volume) {
        v.counts_anew = true;
        if (q->mode == MODE_REPLAY && q->seq == 1)
            v.start = (struct decimal){0};
    } else if (day > s->volume_day) {
        v.counts_anew = true;
        v.start = (struct decimal){0};
    } else if (day == s->volume_day && decimal_cmp(v.now, s->volume) >= 0) {
        v.start = s->volume;
    } else {
        v.counts_anew = newer;
    }
    return v;
}

static void begin(struct live_bar *l, const struct quote *q, const struct volume *v)
{
    l->bar.open = l->bar.high = l->bar.low = l->bar.close = q->price;
    l->bar.first_ms = l->bar.last_ms = q->timestamp.ms;
    l->first_seq = l->last_seq = q->seq;
    l->volume_from = v->start;
    l->volume_until = v->now;
}

static void extend_price(struct live_bar *l, const struct quote *q)
{
    struct bar *bar = &l->bar;
    int64_t ms = q->timestamp.ms;

    if (ms < bar->first_ms || (ms == bar->first_ms && q->seq < l->first_seq)) {
        bar->first_ms = ms;
        l->first_seq = q->seq;
        bar->open = q->price;
    }
    if (ms > bar->last_ms || (ms == bar->last_ms && q->seq >= l->last_seq)) {
        bar->last_ms = ms;
        l->last_seq = q->seq;
        bar->close = q->price;
    }
    bar->high = more(bar->high, q->price);
    bar->low = less(bar->low, q->price);
}

static void extend_volume(struct live_bar *l, const struct volume *v)
{
    if (v->counts_anew) { /* what the bar has stays */
        l->volume_from = minus(v->start, minus(l->volume_until, l->volume_from));
        l->volume_until = v->now;
    } else if (v->known) {
        l->volume_until = more(l->volume_until, v->now);
    }
}

/* A late quote's volume was traded before the next bar began. */
static void move_border(struct bars *b, struct live_bars *lb, uint32_t i)
{
    struct live_bar *l = &lb->list[i], *next = &lb->list[i + 1];

    if (i + 1 >= lb->n || day_of(b, l->from_ms) != day_of(b, next->from_ms))
        return;
    l->volume_until = less(l->volume_until, next->volume_until);
    if (decimal_cmp(next->volume_from, l->volume_until) < 0) {
        next->volume_from = l->volume_until;
        next->bar.volume = minus(next->volume_until, next->volume_from);
        mark(b, next);
    }
}

/* A bar that nobody knew of, between others: it begins where the one before ended. */
static void join(struct bars *b, struct live_bars *lb, uint32_t i)
{
    struct live_bar *l = &lb->list[i];

    if (i + 1 >= lb->n)
        return;
    if (day_of(b, l->from_ms) == day_of(b, lb->list[i + 1].from_ms))
        l->volume_from = lb->list[i + 1].volume_from;
    if (i > 0 && day_of(b, l->from_ms) == day_of(b, lb->list[i - 1].from_ms))
        l->volume_from = lb->list[i - 1].volume_until;
    l->volume_until = more(l->volume_until, l->volume_from);
}

static int take_into(struct bars *b, enum resolution r, const struct quote *q,
                     const struct volume *v)
{
    struct live_bars *lb = &b->live[r];
    uint32_t i = place_of(lb, q->timestamp.ms);
    struct live_bar *l;

    if (covers(lb, i, q->timestamp.ms)) {
        extend_price(&lb->list[i], q);
        extend_volume(&lb->list[i], v);
    } else {
        struct live_bar bar = live_bar_at(b, r, q->timestamp.ms);

        begin(&bar, q, v);
        if (insert(lb, i, &bar) < 0)
            return -ENOMEM;
        join(b, lb, i);
    }
    move_border(b, lb, i);
    l = &lb->list[i];
    l->bar.volume = minus(l->volume_until, l->volume_from);
    mark(b, l);
    return 0;
}

/* ---- judging ---- */

/* One that is older than lateness explains can only be the first of another publisher's. */
static bool begins_again(const struct bars *b, const struct quote *q)
{
    return q->mode != MODE_LIVE && (b->fresh || q->seq == 1);
}

static enum bars_verdict judge(const struct bars *b, const struct quote *q)
{
    const struct bars_state *s = &b->state;
    bool too_old = q->timestamp.ms < s->newest_ms - b->lateness_ms;

    if (!s->heard || (begins_again(b, q) && too_old))
        return BARS_TAKEN;
    if (too_old)
        return BARS_TOO_LATE;
    if (q->timestamp.ms == s->newest_ms && q->seq == s->seq)
        return BARS_REPEATED;
    return q->timestamp.ms < s->newest_ms ? BARS_LATE : BARS_TAKEN;
}

/* The one whose count is the nearest before `seq`, within `reach`; NULL: there is none. */
static struct sequence *nearest(struct bars *b, uint64_t seq, uint64_t reach)
{
    struct sequence *found = NULL;

    for (int i = 0; i < BARS_PUBLISHERS; i++) {
        struct sequence *s = &b->sequences[i];

        if (s->run != 0 && s->seq < seq && seq - s->seq <= reach &&
            (found == NULL || s->seq > found->seq))
            found = s;
    }
    return found;
}

/* A publisher that is not known yet, in the place of the one not heard for the longest time. */
static struct sequence *add_sequence(struct bars *b, uint64_t seq)
{
    struct sequence *s = &b->sequences[BARS_PUBLISHERS - 1];

    *s = (struct sequence){.run = ++b->state.run, .seq = seq - 1};
    return s;
}

static void move_to_front(struct bars *b, const struct sequence *s)
{
    struct sequence front = *s;

    memmove(&b->sequences[1], &b->sequences[0], (size_t)(s - b->sequences) * sizeof(front));
    b->sequences[0] = front;
}

/* The publisher that a quote is of; NULL: one heard before that comes again, or out of order. */
static struct sequence *publisher_of(struct bars *b, const struct quote *q)
{
    bool newer = !b->state.heard || q->timestamp.ms > b->state.newest_ms;
    struct sequence *s = q->seq == 1 ? NULL : nearest(b, q->seq, 1);

    if (s != NULL)
        return s;
    if (!newer && q->seq <= b->sequences[0].seq && (q->seq > 1 || b->sequences[0].seq == 1))
        return NULL;
    s = q->seq == 1 ? NULL : nearest(b, q->seq, UINT64_MAX);
    return s != NULL ? s : add_sequence(b, q->seq);
}

static void follow_seq(struct bars *b, const struct quote *q)
{
    struct sequence *s = q->seq > 0 ? publisher_of(b, q) : NULL;

    if (s == NULL)
        return;
    if (!b->fresh && q->seq > s->seq + 1) {
        b->gaps++;
        b->lost += q->seq - s->seq - 1;
    }
    s->seq = q->seq;
    if (s->run == b->state.run)
        b->state.seq = q->seq;
    move_to_front(b, s);
}

uint32_t bars_run(const struct bars *b)
{
    return b->sequences[0].run;
}

static void follow(struct bars *b, const struct quote *q, const struct volume *v)
{
    struct bars_state *s = &b->state;
    bool late = s->heard && q->timestamp.ms < s->newest_ms;

    follow_seq(b, q);
    if (v->counts_anew || (v->known && !late && decimal_cmp(v->now, s->volume) > 0)) {
        s->has_volume = true;
        s->volume = v->now;
        s->volume_day = day_of(b, q->timestamp.ms);
    }
    if (!s->heard || q->timestamp.ms > s->newest_ms)
        s->newest_ms = q->timestamp.ms;
    s->heard = true;
    b->fresh = false;
}

void bars_forget_bars(struct bars *b)
{
    b->n_changed = 0;
    for (int r = 0; r < N_RESOLUTIONS; r++)
        b->live[r].n = 0;
}

/* The clock went back by more than lateness explains. Its bars are new ones. */
void bars_begin_anew(struct bars *b)
{
    b->state.heard = b->state.has_volume = false;
    bars_forget_bars(b);
}

bool bars_goes_back(const struct bars *b, const struct quote *q)
{
    return b->state.heard && begins_again(b, q) &&
           q->timestamp.ms < b->state.newest_ms - b->lateness_ms;
}

int bars_take(struct bars *b, const struct quote *q)
{
    enum bars_verdict verdict = judge(b, q);
    struct volume v;
    int r = 0;

    if (verdict == BARS_TOO_LATE) {
        follow_seq(b, q);
        return (int)verdict;
    }
    if (bars_goes_back(b, q))
        bars_begin_anew(b);
    v = read_volume(b, q);
    for (int i = 0; i < N_RESOLUTIONS && r == 0; i++)
        r = take_into(b, (enum resolution)i, q, &v);
    if (r < 0)
        return r;
    follow(b, q, &v);
    return (int)verdict;
}

/* ---- storing and resuming ---- */

static void forget_final(struct live_bars *lb, int64_t open_since_ms)
{
    uint32_t n = 0;

    while (n + 1 < lb->n && lb->list[n].until_ms <= open_since_ms)
        n++;
    lb->n -= n;
    memmove(lb->list, lb->list + n, lb->n * sizeof(*lb->list));
}

void bars_collect(struct bars *b, bars_sink *sink, void *ctx)
{
    for (int r = 0; r < N_RESOLUTIONS; r++) {
        struct live_bars *lb = &b->live[r];

        for (uint32_t i = 0; i < lb->n; i++) {
            if (lb->list[i].changed)
                sink(ctx, (enum resolution)r, &lb->list[i].bar);
            lb->list[i].changed = false;
        }
        forget_final(lb, b->state.newest_ms - b->lateness_ms);
    }
    b->n_changed = 0;
}

const struct bar *bars_newest(const struct bars *b, enum resolution r)
{
    const struct live_bars *lb = &b->live[r];

    return lb->n > 0 ? &lb->list[lb->n - 1].bar : NULL;
}

int64_t bars_open_since(const struct bars_state *state, int64_t lateness_ms)
{
    return seconds_of(state->newest_ms - lateness_ms);
}

void bars_resume(struct bars *b, const struct bars_state *state)
{
    b->state = *state;
    b->sequences[0] = (struct sequence){.run = state->run, .seq = state->seq};
}

int bars_add(struct bars *b, enum resolution r, const struct bar *bar)
{
    struct live_bar l = live_bar_at(b, r, bar->first_ms);

    l.bar = *bar;
    if (bar->last_ms == b->state.newest_ms)
        l.last_seq = b->state.seq;
    return insert(&b->live[r], b->live[r].n, &l);
}

/* The newest bar ends where the day's volume stands, each other one where the next begins. */
void bars_resumed(struct bars *b)
{
    for (int r = 0; r < N_RESOLUTIONS; r++) {
        struct decimal end = b->state.volume;

        for (uint32_t i = b->live[r].n; i-- > 0;) {
            struct live_bar *l = &b->live[r].list[i];

            l->volume_until = end;
            l->volume_from = end = minus(end, l->bar.volume);
        }
    }
}
