#include "gateway/hub/delivery.h"

#include <stdlib.h>

#include "gateway/hub/hub_internal.h"

#include "common/banned.h"

#define CATCH_UP_BYTES                                                                             \
    65536 /* of one reader in one turn, so that a thousand newcomers take turns */

/* ---- writing from a place on ---- */

/* The reader's socket filled up before `offset` of `c`: its place is the next frame boundary, the
 * rest of the frame is its own affair. */
static uint32_t next_boundary(struct reader *r, const struct chunk *c, uint32_t offset,
                              uint32_t from)
{
    const struct frame_mark *f;

    if (offset == from || offset == c->sealed)
        return offset;
    f = chunk_frame_at(c, offset - 1);
    if (f->end > offset)
        r->ops->stash(r, c->bytes + offset, f->end - offset);
    return f->end;
}

/* Write the sealed bytes from (*chunk, *offset) on, moving both along. Returns whether the reader
 * took them all. */
static bool write_from(struct hub *h, struct reader *r, struct chunk **chunk, uint32_t *offset)
{
    uint8_t counter = r->channel->log.encoding->counter;

    for (;;) {
        struct chunk *c = *chunk;
        uint32_t from = *offset;
        size_t len = c->sealed - from;
        size_t n = len > 0 ? r->ops->write(r, c->bytes + from, len) : 0;

        h->stats.writes += len > 0;
        *offset = next_boundary(r, c, from + (uint32_t)n, from);
        h->stats.delivered[counter] +=
            chunk_messages_before(c, *offset) - chunk_messages_before(c, from);
        h->stats.delivered_bytes[counter] += *offset - from;
        if (n < len)
            return false;
        if (c->next == NULL)
            return true;
        *chunk = c->next;
        *offset = 0;
    }
}

/* `r` has everything that is in the log. */
static void join(struct hub *h, struct reader *r)
{
    struct channel *c = r->channel;

    channel_place(r, NULL, 0);
    chunklog_seal(&c->log);
    if (c->front == NULL)
        c->front = cohort_new(c);
    if (c->front != NULL) {
        cohort_add(c->front, r);
        return;
    }
    r->walk = r->live_from = channel_complete_version(c, h->cache.version);
    channel_enlist(r, READER_READY, &h->ready); /* no memory: it tries again */
}

/* `r` has everything up to here, and its socket is full. */
static void lag(struct reader *r, struct chunk *chunk, uint32_t offset)
{
    cohort_remove(r);
    channel_place(r, chunk, offset);
    channel_enlist(r, READER_LAGGING, &r->channel->lagging);
}

/* ---- who is live, and who lags ---- */

/* The reader of `k` at `l`, if there is one, is the next. */
static void prepare(const struct cohort *k, const struct list *l)
{
    const struct reader *r = CONTAINER_OF(l, struct reader, link);

    if (l == &k->readers)
        return;
    __builtin_prefetch(l->next);
    if (r->ops->prepare != NULL)
        r->ops->prepare(r);
}

void delivery_prepare(const struct cohort *k)
{
    prepare(k, k->readers.next);
}

/* Where readers of `k` go when they have everything: to the front; they become it together if so
 * many writes reach them all. */
static struct cohort *next_of(struct cohort *k, unsigned writes)
{
    struct channel *c = k->channel;

    if (c->front == NULL && k->n > writes)
        c->front = cohort_new(c);
    return c->front != NULL ? c->front : k; /* without memory too: more writes than wanted */
}

static void flush_readers(struct hub *h, struct cohort *k, struct cohort *to, unsigned *writes)
{
    struct list *next;

    for (struct list *l = k->readers.next; l != &k->readers && (to == k || *writes > 0); l = next) {
        struct reader *r = CONTAINER_OF(l, struct reader, link);
        struct chunk *chunk = k->chunk;
        uint32_t offset = k->offset;

        next = l->next;
        prepare(k, next);
        if (!write_from(h, r, &chunk, &offset)) {
            lag(r, chunk, offset);
        } else if (to != k) {
            cohort_remove(r);
            cohort_add(to, r);
        }
        *writes -= *writes > 0;
    }
}

void delivery_flush(struct hub *h, struct cohort *k, unsigned *writes)
{
    struct channel *c = k->channel;
    struct cohort *to = next_of(k, *writes);

    chunklog_seal(&c->log);
    flush_readers(h, k, to, writes);
    to->round = h->round;
    if (to == k)
        cohort_come_up(k);
    else
        cohort_free_if_empty(to); /* all lag */
    cohort_free_if_empty(k);
    channel_shorten(h, c);
}

void delivery_settle(struct hub *h, struct reader *r)
{
    struct cohort *k = r->cohort;
    struct chunk *chunk = k->chunk;
    uint32_t offset = k->offset;

    if (chunk == NULL)
        return;
    chunklog_seal(&r->channel->log);
    if (write_from(h, r, &chunk, &offset)) {
        cohort_remove(r);
        join(h, r);
    } else {
        lag(r, chunk, offset);
    }
    cohort_free_if_empty(k);
    chunklog_trim(&r->channel->log);
}

void delivery_resume(struct hub *h, struct reader *r)
{
    struct chunklog *log = &r->channel->log;
    struct chunk *chunk = r->chunk;
    uint32_t offset = r->offset;

    chunklog_seal(log);
    if (write_from(h, r, &chunk, &offset))
        join(h, r);
    else
        channel_place(r, chunk, offset);
    chunklog_trim(log);
}

/* ---- catching up ---- */

/* Is the last message of `m` something that `r` lacks? Fills *ret with it as `r` is to see it. */
static bool lacks(const struct reader *r, const struct match *m, struct message *ret)
{
    const struct topic *t = m->topic;

    *ret = match_last_message(m);
    if (t->version > r->live_from && !message_expired(ret))
        return true;
    return topic_retained(t, ret) && r->snapshot != NULL &&
           filterset_matches(r->snapshot, t->name, t->name_len);
}

/* Encode what `r` lacks into `batch`, oldest change first, until it is full. Returns where to go
 * on, the list's head at the end; *ret_version is what the reader has reached with it. */
static struct list *gather(const struct hub *h, const struct reader *r, struct chunklog *batch,
                           uint64_t *ret_version)
{
    struct channel *c = r->channel;
    struct list *l = channel_first_after(c, r->walk);
    size_t bytes = 0;

    for (; l != &c->matches && bytes < CATCH_UP_BYTES; l = l->next) {
        struct match *m = CONTAINER_OF(l, struct match, in_channel);
        struct message msg;
        bool lacking = lacks(r, m, &msg);
        msg.at = (struct position){m->topic->version, h->run};
        if (lacking && channel_fits(c, &msg)) {
            if (chunklog_append(batch, &msg) < 0)
                break;
            bytes += c->log.encoding->size(&msg);
        }
        *ret_version = m->topic->version;
    }
    return l;
}

static void caught_up(struct hub *h, struct reader *r)
{
    struct channel *c = r->channel;

    if (r->snapshot != NULL) {
        filterset_release(r->snapshot);
        free(r->snapshot);
        r->snapshot = NULL;
    }
    if (c->appended > r->owed_from)
        h->stats.conflated += c->appended - r->owed_from;
    r->owed_from = READER_OWED_NOTHING;
    join(h, r);
}

void delivery_catch_up(struct hub *h, struct reader *r)
{
    struct channel *c = r->channel;
    uint64_t *delivered = &h->stats.delivered[c->log.encoding->counter];
    uint64_t reached = r->walk, sent = *delivered;
    struct chunklog batch;
    struct chunk *chunk;
    uint32_t offset = 0;
    bool at_end, full;

    chunklog_init(&batch, &h->pool, c->log.encoding);
    batch.version = r->walk;
    at_end = gather(h, r, &batch, &reached) == &c->matches;
    chunklog_seal(&batch);
    chunk = batch.oldest;
    full = chunk != NULL && !write_from(h, r, &chunk, &offset);
    sent = *delivered - sent;
    h->stats.caught_up += sent;
    if (r->owed_from != READER_OWED_NOTHING)
        r->owed_from += sent;
    if (full) {
        r->walk = chunk_version_at(chunk, offset);
        channel_enlist(r, READER_WAITING, &c->waiting);
    } else {
        r->walk = reached;
        if (at_end)
            caught_up(h, r);
        else
            channel_enlist(r, READER_READY, &h->ready); /* behind the others */
    }
    if (r->walk > r->live_from)
        r->live_from = r->walk;
    chunklog_release(&batch);
}

/* ---- whatever its state ---- */

uint64_t delivery_version(const struct hub *h, const struct reader *r)
{
    switch ((enum reader_state)r->state) {
    case READER_LAGGING:
        return chunk_version_at(r->chunk, r->offset);
    case READER_READY:
    case READER_WAITING:
        return r->live_from;
    case READER_LIVE:
        return channel_complete_version(r->channel, h->cache.version);
    case READER_IDLE:
        break;
    }
    return h->cache.version;
}

void delivery_detach(struct reader *r)
{
    struct cohort *k = r->cohort;

    channel_place(r, NULL, 0);
    if (k != NULL) {
        cohort_remove(r);
        cohort_free_if_empty(k);
    }
    list_remove(&r->link);
    r->state = READER_IDLE;
    if (r->channel != NULL)
        channel_trim(r->channel);
}
