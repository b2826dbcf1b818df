#include "gateway/auth/grant.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/topic.h"

#include "common/banned.h"

struct grant *grant_new(void)
{
    struct grant *g = calloc(1, sizeof(*g));

    if (g != NULL) {
        atomic_init(&g->refs, 1);
        g->expires = GRANT_FOREVER;
    }
    return g;
}

struct grant *grant_ref(struct grant *g)
{
    if (g != NULL)
        atomic_fetch_add(&g->refs, 1);
    return g;
}

void grant_unref(struct grant *g)
{
    if (g == NULL || atomic_fetch_sub(&g->refs, 1) > 1)
        return;
    filterset_release(&g->topics);
    filterset_release(&g->publish);
    free(g->subject);
    free(g);
}

int grant_add_topics(struct grant *g, const char *list)
{
    for (const char *p = list; *p != '\0'; p += *p == ',') {
        size_t len = strcspn(p, ",");
        int r;

        if (g->topics.n == GRANT_FILTERS_MAX)
            return -E2BIG;
        if (!filter_valid(p, len))
            return -EINVAL;
        r = filterset_put(&g->topics, p, len, false, 0);
        if (r < 0)
            return r;
        p += len;
    }
    return 0;
}

static bool any_covers(const struct filterset *s, const char *filter, size_t len)
{
    for (size_t i = 0; i < s->n; i++)
        if (filter_covers(s->entries[i].filter, s->entries[i].len, filter, len))
            return true;
    return false;
}

bool grant_may_read(const struct grant *g, const char *filter, size_t len)
{
    return g == NULL || any_covers(&g->topics, filter, len);
}

bool grant_may_publish(const struct grant *g, const char *topic, size_t len)
{
    return g != NULL && filterset_matches(&g->publish, topic, len);
}

bool grant_allows_all(const struct grant *g)
{
    return any_covers(&g->topics, "#", 1) && any_covers(&g->publish, "#", 1) && g->interval_ms == 0;
}

uint32_t grant_interval(const struct grant *g, uint32_t interval_ms)
{
    return g != NULL && g->interval_ms > interval_ms ? g->interval_ms : interval_ms;
}

bool grant_has_ended(const struct grant *g, struct wall now)
{
    return g != NULL && now.ms >= g->expires.ms;
}

struct mono grant_deadline(const struct grant *g, struct wall wall, struct mono mono)
{
    if (g == NULL || g->expires.ms == GRANT_FOREVER.ms)
        return MONO_NEVER;
    return g->expires.ms > wall.ms ? mono_add_ms(mono, g->expires.ms - wall.ms) : mono;
}
