#include "publisher/publish.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "publisher/index.h"
#include "publisher/pace.h"
#include "publisher/symbols.h"

#include "common/banned.h"

struct entry {
    struct pace_item turn;
    bool numbered; /* `newest` has been sent at least once, as number newest.seq */
    struct quote newest;
};

struct publish {
    struct publish_sink sink;
    struct pace pace;
    struct publish_counts counts;
    struct index index;
    struct entry *entries; /* by number in `index`; SYMBOLS_MAX, touched as they are needed */
};

int publish_new(int64_t interval_ms, const struct publish_sink *sink, struct publish **ret)
{
    struct publish *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return -ENOMEM;
    p->sink = *sink;
    pace_init(&p->pace, interval_ms);
    p->entries = calloc(SYMBOLS_MAX, sizeof(*p->entries));
    if (p->entries == NULL || index_init(&p->index, SYMBOLS_MAX) < 0) {
        publish_free(p);
        return -ENOMEM;
    }
    *ret = p;
    return 0;
}

void publish_free(struct publish *p)
{
    if (p == NULL)
        return;
    index_release(&p->index);
    free(p->entries);
    free(p);
}

static bool positive(struct decimal d)
{
    return d.coef > 0;
}

static void forget_unless(struct quote *q, enum quote_field field, bool sane)
{
    if (!sane)
        q->known &= (uint8_t)~field;
}

const char *publish_check(struct quote *q)
{
    char normal[SYMBOL_MAX + 1];

    if (symbol_normalize(q->symbol, strnlen(q->symbol, sizeof(q->symbol)), normal) < 0 ||
        strcmp(normal, q->symbol) != 0)
        return "not a symbol";
    if (!positive(q->price))
        return "a price that is not above zero";

    forget_unless(q, QUOTE_OPEN, positive(q->open));
    forget_unless(q, QUOTE_PREV_CLOSE, positive(q->prev_close));
    forget_unless(q, QUOTE_VOLUME, q->volume.coef >= 0);
    forget_unless(q, QUOTE_HIGH, decimal_cmp(q->high, q->price) >= 0);
    forget_unless(q, QUOTE_LOW, positive(q->low) && decimal_cmp(q->low, q->price) <= 0);
    return NULL;
}

static void reject(struct publish *p, const struct quote *q, const char *why)
{
    if (p->counts.rejected++ == 0)
        log_warn("not published: %.*s: %s (the first of its kind; more are counted in the status)",
                 SYMBOL_MAX, q->symbol, why);
}

static struct entry *entry_of(struct publish *p, const struct quote *q)
{
    uint32_t i = index_find(&p->index, q->symbol);
    struct entry *e;

    if (i != INDEX_NONE)
        return &p->entries[i];
    if (p->counts.symbols == SYMBOLS_MAX)
        return NULL;
    e = &p->entries[p->counts.symbols++];
    memcpy(e->newest.symbol, q->symbol, sizeof(q->symbol));
    index_add(&p->index, e->newest.symbol);
    return e;
}

void publish_quote(struct publish *p, const struct quote *q)
{
    struct quote checked = *q;
    const char *wrong = publish_check(&checked);
    struct entry *e;

    if (wrong != NULL) {
        reject(p, q, wrong);
        return;
    }
    e = entry_of(p, q);
    if (e == NULL) {
        reject(p, q, "more symbols than a publisher holds");
        return;
    }
    checked.seq = e->newest.seq;
    if (checked.correction.at.ms == 0 && !e->numbered) /* what has not been told yet still is */
        checked.correction = e->newest.correction;
    e->newest = checked;
    if (!pace_news(&p->pace, &e->turn) && !e->numbered)
        p->counts.conflated++;
    e->numbered = false;
}

/* Returns >= 0 when both messages of `q` are with the sink. */
static int send_quote(const struct publish_sink *sink, const struct quote *q)
{
    char topic[QUOTE_TOPIC_MAX], json[QUOTE_PACKET_MAX], price[DECIMAL_TEXT_MAX];
    int r;

    quote_topic(q->symbol, "", topic);
    r = sink->send(sink->ctx, topic, json, quote_encode(q, json));
    if (r < 0)
        return r;
    quote_topic(q->symbol, "/price", topic);
    return sink->send(sink->ctx, topic, price, decimal_format(q->price, price));
}

/* Returns false when the sink takes nothing now. */
static bool send_first(struct publish *p, struct entry *e, struct mono now)
{
    struct quote q = e->newest;
    int r;

    if (!e->numbered)
        q.seq++;
    r = send_quote(&p->sink, &q);
    if (r == -ENOTCONN)
        return false;
    if (r < 0) {
        reject(p, &q, strerror(-r));
    } else if (!e->numbered) {
        p->counts.published++;
        e->newest.seq = q.seq;
        e->numbered = true;
        if (p->sink.sent != NULL)
            p->sink.sent(p->sink.ctx, q.heard);
    }
    pace_sent(&p->pace, now);
    return true;
}

void publish_run(struct publish *p, struct mono now)
{
    struct pace_item *turn;

    while ((turn = pace_first(&p->pace, now)) != NULL && p->sink.takes(p->sink.ctx))
        if (!send_first(p, CONTAINER_OF(turn, struct entry, turn), now))
            return;
}

struct mono publish_deadline(const struct publish *p)
{
    return pace_deadline(&p->pace);
}

bool publish_is_blocked(const struct publish *p)
{
    return p->pace.ready.first != NULL;
}

void publish_again(struct publish *p)
{
    for (uint32_t i = 0; i < p->counts.symbols; i++)
        pace_news(&p->pace, &p->entries[i].turn);
}

void publish_finish(struct publish *p)
{
    pace_finish(&p->pace);
}

bool publish_is_idle(const struct publish *p)
{
    return pace_is_idle(&p->pace);
}

struct publish_counts publish_counts(const struct publish *p)
{
    return p->counts;
}
