#include "gateway/hub/cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/banned.h"

struct name {
    const char *text;
    size_t len;
};

static struct topic *of_node(const struct hash_node *n)
{
    return n == NULL ? NULL : CONTAINER_OF(n, struct topic, node);
}

static bool has_name(const struct hash_node *node, const void *key)
{
    const struct topic *t = of_node(node);
    const struct name *name = key;

    return t->name_len == name->len && memcmp(t->name, name->text, name->len) == 0;
}

void cache_init(struct cache *c, size_t max_topics)
{
    *c = (struct cache){.max_topics = max_topics};
}

void cache_release(struct cache *c)
{
    struct topic *t = cache_next(c, NULL), *next;

    for (; t != NULL; t = next) {
        next = cache_next(c, t);
        free(t->payload);
        free(t->covered);
        free(t);
    }
    hash_table_release(&c->topics);
}

struct topic *cache_find(const struct cache *c, const char *name, size_t len)
{
    struct name key = {name, len};

    return of_node(hash_table_find(&c->topics, hash_more(HASH_SEED, name, len), has_name, &key));
}

int cache_add(struct cache *c, const char *name, size_t len, struct topic **ret)
{
    struct topic *t;

    if (c->topics.n >= c->max_topics)
        return -ENOSPC;
    t = calloc(1, sizeof(*t) + len);
    if (t == NULL)
        return -ENOMEM;
    list_init(&t->matches);
    t->name_len = (uint16_t)len;
    memcpy(t->name, name, len);
    if (hash_table_add(&c->topics, &t->node, hash_more(HASH_SEED, name, len)) < 0) {
        free(t);
        return -ENOMEM;
    }
    *ret = t;
    return 0;
}

/* A message without the flag covers the retained one, which stays what newcomers are given. */
static int cover(struct cache *c, struct topic *t)
{
    uint8_t *copy = malloc(t->len);

    if (copy == NULL)
        return -ENOMEM;
    memcpy(copy, t->payload, t->len);
    t->covered = copy;
    t->covered_len = t->len;
    c->payload_bytes += t->len;
    return 0;
}

static void uncover(struct cache *c, struct topic *t)
{
    c->payload_bytes -= t->covered_len;
    free(t->covered);
    t->covered = NULL;
    t->covered_len = 0;
}

int cache_set(struct cache *c, struct topic *t, const uint8_t *payload, size_t len, bool retain)
{
    if (len > t->cap) {
        size_t cap = (len + 63) & ~(size_t)63; /* payloads of one topic differ by a few digits */
        uint8_t *bigger = realloc(t->payload, cap);
        if (bigger == NULL)
            return -ENOMEM;
        c->payload_bytes += cap - t->cap;
        t->payload = bigger;
        t->cap = (uint32_t)cap;
    }
    if (t->retained && !retain && cover(c, t) < 0)
        return -ENOMEM;
    if (retain && t->covered != NULL)
        uncover(c, t);
    if (len > 0)
        memcpy(t->payload, payload, len);
    t->len = (uint32_t)len;
    t->retained = retain && len > 0;
    t->version = ++c->version;
    return 0;
}

bool topic_retained(const struct topic *t, struct message *ret)
{
    *ret = (struct message){t->name, t->name_len, t->payload, t->len, true};
    if (t->covered != NULL) {
        ret->payload = t->covered;
        ret->len = t->covered_len;
    }
    return t->retained || t->covered != NULL;
}

struct topic *cache_next(const struct cache *c, const struct topic *t)
{
    return of_node(hash_table_next(&c->topics, t == NULL ? NULL : &t->node));
}
