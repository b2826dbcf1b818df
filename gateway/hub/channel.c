#include "gateway/hub/channel.h"

#include <errno.h>
#include <stdlib.h>

#include "gateway/hub/hub_internal.h"

#include "common/banned.h"

#define FEW                                                                                        \
    64 /* matches: keeping more in order with each change is cheaper than sorting them when        \
          somebody catches up; for fewer, of channels that few share, it is dear */

uint32_t channel_hash(const struct channel_key *k)
{
    uint32_t h = filterset_hash(k->filters);

    h = hash_more(h, &k->encoding, sizeof(k->encoding));
    return hash_more(h, &k->max_packet, sizeof(k->max_packet));
}

bool channel_has_key(const struct hash_node *node, const void *key)
{
    const struct channel *c = CONTAINER_OF(node, struct channel, node);
    const struct channel_key *k = key;

    return c->log.encoding == k->encoding && c->max_packet == k->max_packet &&
           filterset_equal(&c->filters, k->filters);
}

int8_t channel_pace(const struct channel *c, uint32_t interval_ms)
{
    for (uint8_t i = 0; i < c->n_paces; i++)
        if (c->paces[i].interval_ms == interval_ms)
            return (int8_t)i;
    return -1;
}

static int collect_paces(struct channel *c, const struct filterset *filters)
{
    for (size_t i = 0; i < filters->n; i++) {
        uint32_t interval_ms = filters->entries[i].interval_ms;
        if (interval_ms == 0 || channel_pace(c, interval_ms) >= 0)
            continue;
        if (c->n_paces == CHANNEL_PACES)
            return -EINVAL;
        c->paces[c->n_paces++] = (struct pace){.interval_ms = interval_ms, .due = {INT64_MIN}};
    }
    return 0;
}

int channel_new(const struct encoding *e, size_t max_packet, struct filterset *filters,
                struct chunk_pool *pool, struct channel **ret)
{
    struct channel *c = aligned_alloc(CACHE_LINE, sizeof(*c));
    int r;

    if (c == NULL)
        return -ENOMEM;
    *c = (struct channel){.max_packet = max_packet, .few = true};
    r = collect_paces(c, filters);
    if (r < 0) {
        free(c);
        return r;
    }
    c->filters = *filters;
    *filters = (struct filterset){0};
    list_init(&c->matches);
    list_init(&c->lagging);
    list_init(&c->waiting);
    list_init(&c->paced);
    chunklog_init(&c->log, pool, e);
    *ret = c;
    return 0;
}

void channel_free(struct channel *c)
{
    chunklog_release(&c->log);
    filterset_release(&c->filters);
    free(c);
}

/* ---- its matches ---- */

void channel_add_match(struct channel *c, struct match *m)
{
    list_append(&c->matches, &m->in_channel);
    c->newest_match = m;
    c->few = ++c->n_matches <= FEW;
}

static uint64_t version_of(const struct list *in_channel)
{
    return CONTAINER_OF(in_channel, struct match, in_channel)->topic->version;
}

static bool changed_before(const struct list *a, const struct list *b)
{
    return version_of(a) < version_of(b);
}

void channel_sort(struct channel *c)
{
    list_sort(&c->matches, c->n_matches, changed_before);
    c->unsorted = false;
}

struct list *channel_first_after(struct channel *c, uint64_t version)
{
    struct list *l = &c->matches;

    if (c->unsorted)
        channel_sort(c);
    while (l->prev != &c->matches &&
           CONTAINER_OF(l->prev, struct match, in_channel)->topic->version > version)
        l = l->prev;
    return l;
}

/* ---- its log ---- */

void channel_place(struct reader *r, struct chunk *c, uint32_t offset)
{
    if (c != NULL)
        c->refs++;
    if (r->chunk != NULL)
        r->chunk->refs--;
    r->chunk = c;
    r->offset = offset;
}

void channel_enlist(struct reader *r, enum reader_state state, struct list *list)
{
    list_remove(&r->link);
    list_append(list, &r->link);
    r->state = (uint8_t)state;
}

static uint32_t messages_after(const struct chunk *c, uint32_t offset)
{
    uint32_t n = chunk_messages_before(c, c->sealed) - chunk_messages_before(c, offset);

    for (c = c->next; c != NULL; c = c->next)
        n += chunk_messages_before(c, c->sealed);
    return n;
}

/* How many readers are behind in `chunk`. */
static uint32_t n_lagging_in(const struct channel *c, const struct chunk *chunk)
{
    uint32_t n = 0;

    for (const struct list *l = c->lagging.next; l != &c->lagging; l = l->next)
        n += CONTAINER_OF(l, struct reader, link)->chunk == chunk;
    return n;
}

/* The oldest chunk goes, unless live readers are still to be given it; whoever lags there will
 * catch up from the version that it has reached. Returns whether it went. */
static bool drop_oldest(struct hub *h, struct channel *c)
{
    struct chunk *oldest = c->log.oldest;

    if (oldest->refs > n_lagging_in(c, oldest))
        return false;
    for (struct list *l = c->lagging.next, *next; l != &c->lagging; l = next) {
        struct reader *r = CONTAINER_OF(l, struct reader, link);
        next = l->next;
        if (r->chunk != oldest)
            continue;
        r->walk = r->live_from = chunk_version_at(oldest, r->offset);
        r->owed_from = c->appended - messages_after(oldest, r->offset);
        channel_place(r, NULL, 0);
        channel_enlist(r, READER_WAITING, &c->waiting);
        h->stats.catch_ups++;
    }
    chunklog_drop_oldest(&c->log);
    return true;
}

/* What slow readers may keep of one channel's log. Readers with subscriptions of their own have
 * channels of their own: together they get no more than readers who share one. */
static size_t log_limit(const struct hub *h)
{
    size_t share = h->limits.max_logs / (h->channels.n > 0 ? h->channels.n : 1);

    if (h->pool.bytes_in_use <= h->limits.max_logs || share > h->limits.max_channel_log)
        return h->limits.max_channel_log;
    return share;
}

void channel_trim(struct channel *c)
{
    chunklog_seal(&c->log);
    chunklog_trim(&c->log);
}

void channel_shorten(struct hub *h, struct channel *c)
{
    channel_trim(c);
    while (c->log.bytes > log_limit(h) && drop_oldest(h, c))
        ;
    chunklog_trim(&c->log);
}

/* ---- what comes in ---- */

uint64_t channel_complete_version(const struct channel *c, uint64_t version)
{
    for (uint8_t i = 0; i < c->n_paces; i++)
        if (c->paces[i].pending && c->paces[i].sent_version < version)
            version = c->paces[i].sent_version;
    return version;
}

bool channel_fits(const struct channel *c, const struct message *msg)
{
    size_t size = c->log.encoding->size(msg);

    return size > 0 && size <= c->max_packet;
}

/* Does anybody read the log? Who is catching up goes by versions. */
static bool log_is_read(const struct channel *c)
{
    return c->n_cohorts > 0 || !list_empty(&c->lagging);
}

static void append(struct hub *h, struct channel *c, struct message *msg)
{
    struct chunk *newest = c->log.newest;
    uint32_t sealed = newest != NULL ? newest->sealed : 0;

    msg->at = (struct position){channel_complete_version(c, h->cache.version), h->run};
    if (!channel_fits(c, msg))
        return;
    if (!log_is_read(c)) {
        c->appended++;
        chunklog_skip(&c->log, msg->at.version);
        return;
    }
    if (chunklog_append(&c->log, msg) < 0) {
        h->stats.lost++;
        return;
    }
    c->appended++;
    if (c->front != NULL) {
        __builtin_prefetch(c->front->readers.next); /* for delivery_prepare() */
        cohort_fall_behind(c->front, newest != NULL ? newest : c->log.oldest, sealed, &h->behind);
    }
    if (newest != NULL && c->log.newest != newest)
        channel_shorten(h, c);
}

struct message match_last_message(const struct match *m)
{
    const struct topic *t = m->topic;

    return (struct message){
        .topic = t->name,
        .topic_len = t->name_len,
        .payload = t->payload,
        .len = t->len,
        .retain = t->retained && m->retain_as_published,
        .properties = t->properties,
    };
}

void channel_note(struct hub *h, struct match *m, const struct message *msg)
{
    struct channel *c = m->channel;
    struct message out = *msg;
    struct pace *p;

    if (c->few)
        c->unsorted = true;
    else
        list_move_to_end(&c->matches, &m->in_channel);
    if (m->pace < 0) {
        out.retain = msg->retain && m->retain_as_published;
        append(h, c, &out);
        return;
    }
    p = &c->paces[m->pace];
    if (!p->pending) {
        p->pending = true;
        p->sent_version = h->cache.version - 1;
        if (list_empty(&c->paced))
            list_append(&h->paced, &c->paced);
    }
}

static void run_pace(struct hub *h, struct channel *c, int8_t index, struct mono now)
{
    struct pace *p = &c->paces[index];

    p->due = mono_add_ms(now, p->interval_ms);
    for (struct list *l = channel_first_after(c, p->sent_version); l != &c->matches; l = l->next) {
        struct match *m = CONTAINER_OF(l, struct match, in_channel);
        struct message msg = match_last_message(m);
        if (m->pace != index)
            continue;
        p->sent_version = m->topic->version; /* what is behind it is still pending */
        if (!message_expired(&msg))
            append(h, c, &msg);
    }
    p->pending = false;
}

void channel_run_paces(struct hub *h, struct channel *c, struct mono now)
{
    bool pending = false;

    for (int8_t i = 0; i < (int8_t)c->n_paces; i++) {
        if (c->paces[i].pending && !mono_before(now, c->paces[i].due))
            run_pace(h, c, i, now);
        pending |= c->paces[i].pending;
    }
    if (!pending)
        list_remove(&c->paced);
}

struct mono channel_due(const struct channel *c)
{
    struct mono due = MONO_NEVER;

    for (uint8_t i = 0; i < c->n_paces; i++)
        if (c->paces[i].pending)
            due = mono_earlier(due, c->paces[i].due);
    return due;
}
