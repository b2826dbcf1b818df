#include "common/hash.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#include "common/banned.h"

static uint32_t seed;
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void draw_seed(void)
{
    if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
        seed = 2166136261u;
}

uint32_t hash_seed(void)
{
    pthread_once(&seed_once, draw_seed);
    return seed;
}

uint32_t hash_more(uint32_t h, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;

    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * 16777619u;
    return h ^ h >> 15;
}

void hash_table_release(struct hash_table *t)
{
    free(t->buckets);
    *t = (struct hash_table){0};
}

static struct hash_node **bucket(const struct hash_table *t, uint32_t hash)
{
    return &t->buckets[hash & (t->n_buckets - 1)];
}

struct hash_node *hash_table_find(const struct hash_table *t, uint32_t hash, hash_equal *equal,
                                  const void *key)
{
    if (t->n_buckets == 0)
        return NULL;
    for (struct hash_node *n = *bucket(t, hash); n != NULL; n = n->next)
        if (n->hash == hash && equal(n, key))
            return n;
    return NULL;
}

static int grow(struct hash_table *t)
{
    struct hash_table bigger = {.n_buckets = t->n_buckets == 0 ? 64 : t->n_buckets * 2, .n = t->n};
    struct hash_node *next;

    bigger.buckets = calloc(bigger.n_buckets, sizeof(struct hash_node *));
    if (bigger.buckets == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < t->n_buckets; i++) {
        for (struct hash_node *n = t->buckets[i]; n != NULL; n = next) {
            next = n->next;
            n->next = *bucket(&bigger, n->hash);
            *bucket(&bigger, n->hash) = n;
        }
    }
    free(t->buckets);
    *t = bigger;
    return 0;
}

int hash_table_add(struct hash_table *t, struct hash_node *node, uint32_t hash)
{
    if (t->n >= t->n_buckets && grow(t) < 0 && t->n_buckets == 0)
        return -ENOMEM;
    node->hash = hash;
    node->next = *bucket(t, hash);
    *bucket(t, hash) = node;
    t->n++;
    return 0;
}

void hash_table_remove(struct hash_table *t, struct hash_node *node)
{
    struct hash_node **p = bucket(t, node->hash);

    while (*p != node)
        p = &(*p)->next;
    *p = node->next;
    t->n--;
}

struct hash_node *hash_table_next(const struct hash_table *t, const struct hash_node *node)
{
    size_t i = 0;

    if (node != NULL) {
        if (node->next != NULL)
            return node->next;
        i = (node->hash & (t->n_buckets - 1)) + 1;
    }
    for (; i < t->n_buckets; i++)
        if (t->buckets[i] != NULL)
            return t->buckets[i];
    return NULL;
}
