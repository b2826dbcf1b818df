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
        free(t->properties);
        free(t->covered);
        free(t->covered_properties);
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
static int cover(struct topic *t)
{
    uint8_t *copy = malloc(t->len);

    if (copy == NULL)
        return -ENOMEM;
    memcpy(copy, t->payload, t->len);
    t->covered = copy;
    t->covered_len = t->len;
    t->covered_properties = t->properties;
    t->properties = NULL;
    return 0;
}

static void uncover(struct topic *t)
{
    free(t->covered);
    free(t->covered_properties);
    t->covered = NULL;
    t->covered_properties = NULL;
    t->covered_len = 0;
}

/* A copy in one piece. */
static struct message_properties *copy_properties(const struct message_properties *p)
{
    struct message_properties *copy = malloc(sizeof(*copy) + p->len);
    uint8_t *block = (uint8_t *)(copy + 1);

    if (copy == NULL)
        return NULL;
    *copy = *p;
    copy->block = block;
    if (p->len > 0)
        memcpy(block, p->block, p->len);
    return copy;
}

static int reserve(struct topic *t, size_t len)
{
    size_t cap = (len + 63) & ~(size_t)63; /* payloads of one topic differ by a few digits */
    uint8_t *bigger;

    if (len <= t->cap)
        return 0;
    bigger = realloc(t->payload, cap);
    if (bigger == NULL)
        return -ENOMEM;
    t->payload = bigger;
    t->cap = (uint32_t)cap;
    return 0;
}

int cache_set(struct cache *c, struct topic *t, const struct message *m)
{
    struct message_properties *properties = NULL;

    if (reserve(t, m->len) < 0)
        return -ENOMEM;
    if (m->properties != NULL) {
        properties = copy_properties(m->properties);
        if (properties == NULL)
            return -ENOMEM;
    }
    if (t->retained && !m->retain && cover(t) < 0) {
        free(properties);
        return -ENOMEM;
    }
    if (m->retain && t->covered != NULL)
        uncover(t);
    if (t->properties != NULL)
        free(t->properties);
    t->properties = properties;
    if (m->len > 0)
        memcpy(t->payload, m->payload, m->len);
    t->len = (uint32_t)m->len;
    t->retained = m->retain && m->len > 0;
    t->version = ++c->version;
    return 0;
}

bool topic_retained(const struct topic *t, struct message *ret)
{
    bool covered = t->covered != NULL;

    *ret = (struct message){
        .topic = t->name,
        .topic_len = t->name_len,
        .payload = covered ? t->covered : t->payload,
        .len = covered ? t->covered_len : t->len,
        .retain = true,
        .properties = covered ? t->covered_properties : t->properties,
    };
    return (t->retained || covered) && !message_expired(ret);
}

struct topic *cache_next(const struct cache *c, const struct topic *t)
{
    return of_node(hash_table_next(&c->topics, t == NULL ? NULL : &t->node));
}
