#include "gateway/hub/matcher.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/topic.h"
#include "gateway/hub/cache.h"
#include "gateway/hub/channel.h"

#include "common/banned.h"

/* A distinct filter and the channels that have it. */
struct filter {
    struct hash_node node;
    struct list wildcard; /* in matcher.wildcards */
    struct list members;
    uint16_t len;
    char text[];
};

struct member {
    struct list link; /* in filter.members */
    struct channel *channel;
    const struct filter_entry *entry; /* in channel.filters */
};

static struct filter *of_node(const struct hash_node *n)
{
    return n == NULL ? NULL : CONTAINER_OF(n, struct filter, node);
}

static bool has_text(const struct hash_node *node, const void *key)
{
    const struct filter *f = of_node(node);
    const struct filter_entry *e = key;

    return f->len == e->len && memcmp(f->text, e->filter, e->len) == 0;
}

static struct filter *find_filter(const struct matcher *m, const struct filter_entry *e)
{
    return of_node(
        hash_table_find(&m->filters, hash_more(HASH_SEED, e->filter, e->len), has_text, e));
}

void matcher_init(struct matcher *m, size_t max_matches)
{
    *m = (struct matcher){.max_matches = max_matches};
    list_init(&m->wildcards);
}

void matcher_release(struct matcher *m)
{
    hash_table_release(&m->filters);
}

static struct filter *add_filter(struct matcher *m, const struct filter_entry *e)
{
    struct filter *f = malloc(sizeof(*f) + e->len);

    if (f == NULL)
        return NULL;
    list_init(&f->wildcard);
    list_init(&f->members);
    f->len = e->len;
    memcpy(f->text, e->filter, e->len);
    if (hash_table_add(&m->filters, &f->node, hash_more(HASH_SEED, e->filter, e->len)) < 0) {
        free(f);
        return NULL;
    }
    if (filter_has_wildcard(e->filter, e->len))
        list_append(&m->wildcards, &f->wildcard);
    return f;
}

static int add_member(struct matcher *m, struct channel *c, const struct filter_entry *e)
{
    struct filter *f = find_filter(m, e);
    struct member *member;

    if (f == NULL)
        f = add_filter(m, e);
    member = f == NULL ? NULL : malloc(sizeof(*member));
    if (member == NULL)
        return -ENOMEM; /* a filter without members goes with remove_member() */
    *member = (struct member){.channel = c, .entry = e};
    list_append(&f->members, &member->link);
    return 0;
}

static void remove_member(struct matcher *m, const struct channel *c, const struct filter_entry *e)
{
    struct filter *f = find_filter(m, e);

    if (f == NULL)
        return;
    for (struct list *l = f->members.next, *next; l != &f->members; l = next) {
        struct member *member = CONTAINER_OF(l, struct member, link);
        next = l->next;
        if (member->channel == c) {
            list_remove(l);
            free(member);
        }
    }
    if (list_empty(&f->members)) {
        list_remove(&f->wildcard);
        hash_table_remove(&m->filters, &f->node);
        free(f);
    }
}

/* The match that an overlapping filter of `c` has just made with `t`. */
static struct match *find_match(const struct topic *t, const struct channel *c)
{
    /* While a channel is added, its match with a topic is the topic's last; while a topic is added,
     * it is the channel's newest. */
    struct match *last = CONTAINER_OF(t->matches.prev, struct match, in_topic);

    if (!list_empty(&t->matches) && last->channel == c)
        return last;
    return c->newest_match != NULL && c->newest_match->topic == t ? c->newest_match : NULL;
}

/* Link `t` and `c` because of `e`; when they are linked already, the more generous terms hold. */
static int add_match(struct matcher *m, struct topic *t, struct channel *c,
                     const struct filter_entry *e)
{
    struct match *match = find_match(t, c);
    int8_t pace = channel_pace(c, e->interval_ms);

    if (match != NULL) {
        match->retain_as_published |= e->retain_as_published;
        if (match->pace >= 0 && (pace < 0 || e->interval_ms < c->paces[match->pace].interval_ms))
            match->pace = pace;
        return 0;
    }
    if (m->n_matches >= m->max_matches)
        return -ENOSPC;
    match = malloc(sizeof(*match));
    if (match == NULL)
        return -ENOMEM;
    *match = (struct match){
        .topic = t,
        .channel = c,
        .retain_as_published = e->retain_as_published,
        .pace = pace,
    };
    list_append(&t->matches, &match->in_topic);
    channel_add_match(c, match);
    m->n_matches++;
    return 0;
}

static int match_all_topics(struct matcher *m, const struct cache *cache, struct channel *c,
                            const struct filter_entry *e)
{
    int r = 0;

    for (struct topic *t = cache_next(cache, NULL); t != NULL && r == 0; t = cache_next(cache, t))
        if (filter_matches(e->filter, e->len, t->name, t->name_len))
            r = add_match(m, t, c, e);
    return r;
}

static int match_filter(struct matcher *m, const struct cache *cache, struct channel *c,
                        const struct filter_entry *e)
{
    struct topic *t;

    if (filter_has_wildcard(e->filter, e->len))
        return match_all_topics(m, cache, c, e);
    t = cache_find(cache, e->filter, e->len);
    return t == NULL ? 0 : add_match(m, t, c, e);
}

int matcher_add_channel(struct matcher *m, const struct cache *cache, struct channel *c)
{
    int r = 0;

    for (size_t i = 0; i < c->filters.n && r == 0; i++) {
        r = add_member(m, c, &c->filters.entries[i]);
        if (r == 0)
            r = match_filter(m, cache, c, &c->filters.entries[i]);
    }
    if (r < 0)
        matcher_remove_channel(m, c);
    else
        channel_sort(c);
    return r;
}

void matcher_remove_channel(struct matcher *m, struct channel *c)
{
    while (!list_empty(&c->matches)) {
        struct match *match = CONTAINER_OF(c->matches.next, struct match, in_channel);
        list_remove(&match->in_channel);
        list_remove(&match->in_topic);
        free(match);
        m->n_matches--;
    }
    for (size_t i = 0; i < c->filters.n; i++)
        remove_member(m, c, &c->filters.entries[i]);
}

/* Link a new topic with the channels of one filter that matches it. */
static size_t match_members(struct matcher *m, struct topic *t, const struct filter *f)
{
    size_t left_out = 0;

    for (struct list *l = f->members.next; l != &f->members; l = l->next) {
        struct member *member = CONTAINER_OF(l, struct member, link);
        left_out += add_match(m, t, member->channel, member->entry) < 0;
    }
    return left_out;
}

size_t matcher_add_topic(struct matcher *m, struct topic *t)
{
    struct filter_entry name = {.filter = t->name, .len = t->name_len};
    struct filter *exact = find_filter(m, &name);
    size_t left_out = exact != NULL ? match_members(m, t, exact) : 0;

    for (struct list *l = m->wildcards.next; l != &m->wildcards; l = l->next) {
        struct filter *f = CONTAINER_OF(l, struct filter, wildcard);
        if (filter_matches(f->text, f->len, t->name, t->name_len))
            left_out += match_members(m, t, f);
    }
    return left_out;
}
