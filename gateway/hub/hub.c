#include "gateway/hub/hub.h"

#include <errno.h>
#include <stdlib.h>

#include "common/rng.h"
#include "common/topic.h"
#include "gateway/hub/delivery.h"
#include "gateway/hub/hub_internal.h"

#include "common/banned.h"

#define SERVE_BATCHES                                                                              \
    32 /* 2 MiB: what is left of a snapshot after that waits for the next turn                     \
        */

int hub_new(const struct hub_limits *limits, struct hub **ret)
{
    struct hub *h = calloc(1, sizeof(*h));
    struct rng random;

    if (h == NULL)
        return -ENOMEM;
    rng_seed_random(&random);
    h->run = (uint32_t)rng_next(&random);
    h->limits = *limits;
    cache_init(&h->cache, limits->max_topics);
    matcher_init(&h->matcher, limits->max_matches);
    list_init(&h->behind);
    list_init(&h->paced);
    list_init(&h->ready);
    *ret = h;
    return 0;
}

void hub_set_limits(struct hub *h, const struct hub_limits *limits)
{
    h->limits = *limits;
    h->cache.max_topics = limits->max_topics;
    h->matcher.max_matches = limits->max_matches;
}

void hub_free(struct hub *h)
{
    if (h == NULL)
        return;
    matcher_release(&h->matcher);
    hash_table_release(&h->channels);
    cache_release(&h->cache);
    chunk_pool_release(&h->pool);
    free(h);
}

/* ---- from upstream ---- */

static struct topic *topic_of(struct hub *h, const struct message *m)
{
    struct topic *t = cache_find(&h->cache, m->topic, m->topic_len);

    if (t != NULL)
        return t;
    if (cache_add(&h->cache, m->topic, m->topic_len, &t) < 0)
        return NULL;
    h->stats.matches_refused += matcher_add_topic(&h->matcher, t);
    return t;
}

static bool same_bytes(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    return a_len == b_len && (a_len == 0 || __builtin_memcmp(a, b, a_len) == 0);
}

/* Their expiry is the same too, but for what clocks make of it. */
static bool same_message(const struct message *a, const struct message *b)
{
    const struct message_properties *p = a->properties, *q = b->properties;

    return same_bytes(a->payload, a->len, b->payload, b->len) && (p == NULL) == (q == NULL) &&
           (p == NULL || same_bytes(p->block, p->len, q->block, q->len));
}

void hub_publish(struct hub *h, const struct message *m)
{
    struct topic *t = topic_of(h, m);
    struct message held;
    bool confirms;

    h->stats.messages_in++;
    if (t == NULL) {
        h->stats.topics_refused++;
        return;
    }
    confirms =
        t->epoch != h->epoch && m->retain && topic_retained(t, &held) && same_message(&held, m);
    t->epoch = h->epoch;
    if (confirms)
        return;
    if (cache_set(&h->cache, t, m) < 0) {
        h->stats.lost++;
        return;
    }
    for (struct list *l = t->matches.next, *next; l != &t->matches; l = next) {
        next = l->next;
        if (next != &t->matches)
            __builtin_prefetch(CONTAINER_OF(next, struct match, in_topic)->channel);
        channel_note(h, CONTAINER_OF(l, struct match, in_topic), m);
    }
}

void hub_sync_begin(struct hub *h)
{
    h->epoch++;
}

void hub_sync_end(struct hub *h)
{
    for (struct topic *t = cache_next(&h->cache, NULL); t != NULL; t = cache_next(&h->cache, t)) {
        struct message gone = {.topic = t->name, .topic_len = t->name_len, .retain = true}, held;
        if (t->epoch != h->epoch && topic_retained(t, &held))
            hub_publish(h, &gone);
    }
}

/* ---- readers ---- */

void hub_enter(struct reader *r)
{
    list_init(&r->link);
    r->state = READER_IDLE;
    r->owed_from = READER_OWED_NOTHING;
}

static void drop_snapshot(struct reader *r)
{
    if (r->snapshot != NULL)
        filterset_release(r->snapshot);
    free(r->snapshot);
    r->snapshot = NULL;
}

/* One reader fewer; the last one takes the channel with it. */
static void leave_channel(struct hub *h, struct channel *c)
{
    if (c == NULL || --c->n_readers > 0)
        return;
    matcher_remove_channel(&h->matcher, c);
    hash_table_remove(&h->channels, &c->node);
    list_remove(&c->paced);
    channel_free(c);
}

void hub_leave(struct hub *h, struct reader *r)
{
    drop_snapshot(r);
    delivery_detach(r);
    leave_channel(h, r->channel);
    r->channel = NULL;
}

static int make_channel(struct hub *h, const struct channel_key *k, struct filterset *want,
                        struct channel **ret)
{
    struct channel *c;
    int r = channel_new(k->encoding, k->max_packet, want, &h->pool, &c);

    if (r < 0)
        return r == -EINVAL ? -ENOSPC : r;
    r = matcher_add_channel(&h->matcher, &h->cache, c);
    if (r < 0)
        goto out;
    r = hash_table_add(
        &h->channels, &c->node,
        channel_hash(&(struct channel_key){c->log.encoding, c->max_packet, &c->filters}));
    if (r < 0) {
        matcher_remove_channel(&h->matcher, c);
        goto out;
    }
    *ret = c;
    c = NULL; /* handed over */
out:
    if (c != NULL)
        channel_free(c);
    return r;
}

/* The channel for what is wanted, new or shared. */
static int find_channel(struct hub *h, const struct channel_key *k, struct filterset *want,
                        struct channel **ret)
{
    struct hash_node *node = hash_table_find(&h->channels, channel_hash(k), channel_has_key, k);

    if (node == NULL)
        return make_channel(h, k, want, ret);
    *ret = CONTAINER_OF(node, struct channel, node);
    return 0;
}

/* Remember whose retained messages `r` is to be sent, with those that it still waits for. */
static int keep_snapshot(struct reader *r, struct filterset *snapshot)
{
    if (snapshot->n == 0)
        return 0;
    if (r->snapshot == NULL) {
        r->snapshot = calloc(1, sizeof(*r->snapshot));
        if (r->snapshot == NULL)
            return -ENOMEM;
    }
    r->walk = 0;
    return filterset_merge(r->snapshot, snapshot);
}

/* Everything that is there for `r` is offered to its socket, so that one that keeps up misses
 * nothing by the change of channel. */
static void settle(struct hub *h, struct reader *r)
{
    if (r->state == READER_LIVE)
        delivery_settle(h, r);
}

static void enter_channel(struct hub *h, struct reader *r, struct channel *c)
{
    bool full = r->state == READER_LAGGING || r->state == READER_WAITING;

    c->n_readers++; /* before the old one is left: they may be the same */
    delivery_detach(r);
    leave_channel(h, r->channel);
    r->channel = c;
    r->owed_from = READER_OWED_NOTHING;
    r->state = full ? READER_WAITING : READER_READY;
    list_append(full ? &c->waiting : &h->ready, &r->link);
}

int hub_subscribe(struct hub *h, struct reader *r, const struct encoding *e, size_t max_packet,
                  struct filterset *want, struct filterset *snapshot)
{
    struct channel_key key = {e, max_packet, want};
    struct channel *c = NULL;
    uint64_t version;
    int err = 0;

    settle(h, r);
    version = delivery_version(h, r);
    if (want->n > 0)
        err = find_channel(h, &key, want, &c);
    if (err < 0)
        goto out;
    if (r->state != READER_READY && r->state != READER_WAITING)
        r->walk = r->live_from = version;
    err = keep_snapshot(r, snapshot);
    if (err < 0) {
        if (c != NULL) {
            c->n_readers++; /* nobody may be in it: it goes the way of all channels */
            leave_channel(h, c);
        }
        goto out;
    }
    if (c != NULL) {
        enter_channel(h, r, c);
    } else {
        hub_leave(h, r);
    }
out:
    filterset_release(want);
    filterset_release(snapshot);
    return err;
}

int hub_resume(struct hub *h, struct reader *r, const struct encoding *e, size_t max_packet,
               struct filterset *want, uint64_t version)
{
    struct filterset none = {0};
    int err = hub_subscribe(h, r, e, max_packet, want, &none);

    if (err == 0 && r->state == READER_READY)
        r->walk = r->live_from = version;
    return err;
}

void hub_serve(struct hub *h, struct reader *r)
{
    for (int i = 0; i < SERVE_BATCHES && r->state == READER_READY; i++)
        delivery_catch_up(h, r);
}

const struct filterset *hub_filters(const struct reader *r)
{
    static const struct filterset none;

    return r->channel != NULL ? &r->channel->filters : &none;
}

uint64_t hub_lag(const struct hub *h, const struct reader *r)
{
    return h->cache.version - delivery_version(h, r);
}

void hub_writable(struct hub *h, struct reader *r)
{
    if (r->state == READER_LAGGING) {
        delivery_resume(h, r);
    } else if (r->state == READER_WAITING) {
        r->state = READER_READY;
        list_move_to_end(&h->ready, &r->link);
    }
}

void hub_catch_up(struct hub *h)
{
    struct list turn;

    list_init(&turn);
    list_take_all(&turn, &h->ready); /* who is not done comes again in the next turn */
    while (!list_empty(&turn))
        delivery_catch_up(h, CONTAINER_OF(turn.next, struct reader, link));
}

static void begin_round(struct hub *h, struct mono now)
{
    for (struct list *l = h->paced.next, *next; l != &h->paced; l = next) {
        next = l->next;
        channel_run_paces(h, CONTAINER_OF(l, struct channel, paced), now);
    }
    h->in_round = true;
    h->round++;
    h->stats.rounds += !list_empty(&h->behind);
}

/* Whose turn is it in this round? NULL when it is over. */
static struct cohort *next_cohort(const struct hub *h)
{
    struct cohort *k = CONTAINER_OF(h->behind.next, struct cohort, behind);

    return list_empty(&h->behind) || k->round == h->round ? NULL : k;
}

bool hub_flush(struct hub *h, struct mono now, unsigned writes)
{
    struct cohort *k;

    if (!h->in_round)
        begin_round(h, now);
    while ((k = next_cohort(h)) != NULL && writes > 0) {
        const struct list *next = k->behind.next;
        if (next != &h->behind)
            delivery_prepare(CONTAINER_OF(next, struct cohort, behind));
        delivery_flush(h, k, &writes);
    }
    h->in_round = k != NULL;
    return k == NULL;
}

bool hub_has_work(const struct hub *h)
{
    return !list_empty(&h->ready);
}

bool hub_is_dirty(const struct hub *h)
{
    return !list_empty(&h->behind);
}

bool hub_in_round(const struct hub *h)
{
    return h->in_round;
}

struct mono hub_deadline(const struct hub *h)
{
    struct mono due = MONO_NEVER;

    for (struct list *l = h->paced.next; l != &h->paced; l = l->next)
        due = mono_earlier(due, channel_due(CONTAINER_OF(l, struct channel, paced)));
    return due;
}

/* ---- questions ---- */

void hub_each_retained(const struct hub *h, const char *filter,
                       void (*each)(void *ctx, const struct message *m), void *ctx)
{
    size_t len = __builtin_strlen(filter);

    for (struct topic *t = cache_next(&h->cache, NULL); t != NULL; t = cache_next(&h->cache, t)) {
        struct message m;
        if (topic_retained(t, &m) && filter_matches(filter, len, t->name, t->name_len))
            each(ctx, &m);
    }
}

bool hub_retains(const struct hub *h, const char *topic, size_t len)
{
    const struct topic *t = cache_find(&h->cache, topic, len);
    struct message m;

    return t != NULL && topic_retained(t, &m);
}

struct position hub_position(const struct hub *h)
{
    return (struct position){h->cache.version, h->run};
}

const struct hub_stats *hub_stats(const struct hub *h)
{
    return &h->stats;
}

size_t hub_n_topics(const struct hub *h)
{
    return h->cache.topics.n;
}

size_t hub_n_channels(const struct hub *h)
{
    return h->channels.n;
}

size_t hub_log_bytes(const struct hub *h)
{
    return h->pool.bytes_in_use;
}
