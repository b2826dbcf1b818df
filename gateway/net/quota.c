/*
 * A place remembers of each kind when what was done so far is paid for, at one per 1/per_s: in the
 * past for who has been modest, at most QUOTA_BURST_S ahead. (The generic cell rate algorithm: a
 * token bucket in one number, that nobody has to refill.)
 */
#include "gateway/net/quota.h"

#include <stdlib.h>
#include <string.h>

#include "common/banned.h"

#define NS_PER_S INT64_C(1000000000)

struct place {
    struct hash_node node;
    struct list by_age;
    int64_t paid_at[QUOTA_KINDS]; /* ns of the monotonic clock */
    uint8_t len;
    uint8_t key[QUOTA_KEY_MAX];
};

struct key {
    const void *at;
    size_t len;
};

void quotas_init(struct quotas *q, size_t max)
{
    *q = (struct quotas){.max = max};
    list_init(&q->by_age);
}

static void forget(struct quotas *q, struct place *p)
{
    hash_table_remove(&q->table, &p->node);
    list_remove(&p->by_age);
    free(p);
}

void quotas_release(struct quotas *q)
{
    if (q->by_age.next == NULL)
        return;
    while (!list_empty(&q->by_age))
        forget(q, CONTAINER_OF(q->by_age.next, struct place, by_age));
    hash_table_release(&q->table);
}

static bool is_at(const struct hash_node *node, const void *key)
{
    const struct place *p = CONTAINER_OF(node, struct place, node);
    const struct key *k = key;

    return p->len == k->len && memcmp(p->key, k->at, k->len) == 0;
}

/* NULL when memory is out. */
static struct place *make_place(struct quotas *q, const struct key *k, uint32_t hash)
{
    struct place *p;

    if (q->table.n >= q->max)
        forget(q, CONTAINER_OF(q->by_age.next, struct place, by_age));
    p = calloc(1, sizeof(*p));
    if (p == NULL)
        return NULL;
    memcpy(p->key, k->at, k->len);
    p->len = (uint8_t)k->len;
    if (hash_table_add(&q->table, &p->node, hash) < 0) {
        free(p);
        return NULL;
    }
    list_init(&p->by_age);
    return p;
}

static struct place *place_of(struct quotas *q, const void *key, size_t len)
{
    struct key k = {key, len < QUOTA_KEY_MAX ? len : QUOTA_KEY_MAX};
    uint32_t hash = hash_more(HASH_SEED, k.at, k.len);
    struct hash_node *node = hash_table_find(&q->table, hash, is_at, &k);
    struct place *p = node != NULL ? CONTAINER_OF(node, struct place, node) : NULL;

    if (p == NULL)
        p = make_place(q, &k, hash);
    if (p != NULL)
        list_move_to_end(&q->by_age, &p->by_age);
    return p;
}

unsigned quota_take(struct quotas *q, enum quota_kind kind, uint32_t per_s, const void *key,
                    size_t len, struct mono now)
{
    struct place *p = per_s > 0 ? place_of(q, key, len) : NULL;
    int64_t paid_at, ahead;

    if (p == NULL)
        return 0;
    paid_at = p->paid_at[kind] > now.ns ? p->paid_at[kind] : now.ns;
    paid_at += NS_PER_S / per_s;
    ahead = paid_at - now.ns - QUOTA_BURST_S * NS_PER_S;
    if (ahead > 0)
        return (unsigned)((ahead + NS_PER_S - 1) / NS_PER_S);
    p->paid_at[kind] = paid_at;
    return 0;
}
