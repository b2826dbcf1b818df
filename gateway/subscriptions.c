#include "gateway/subscriptions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/topic.h"

#include "common/banned.h"

static bool covers(const struct subscription *a, const struct subscription *b)
{
    return filter_covers(a->filter, a->len, b->filter, b->len);
}

/* Of equal ones the first stays. */
static void add(struct subscriptions *s, const struct subscription *one)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->n; i++)
        if (covers(&s->list[i], one))
            return;
    for (size_t i = 0; i < s->n; i++)
        if (!covers(one, &s->list[i]))
            s->list[kept++] = s->list[i];
    s->list[kept] = *one;
    s->n = kept + 1;
}

static void find_overlaps(struct subscriptions *s)
{
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < i; k++) {
            struct subscription *a = &s->list[i], *b = &s->list[k];

            if (filter_overlaps(a->filter, a->len, b->filter, b->len))
                a->overlaps = b->overlaps = true;
        }
}

int subscriptions_init(const char *topics, struct subscriptions *ret)
{
    struct subscriptions s = {
        .list = calloc(strlen(topics) / 2 + 1, sizeof(*s.list)), /* a filter and a comma each */
        .text = strdup(topics),
    };
    char *rest;
    int r = -ENOMEM;

    if (s.list == NULL || s.text == NULL)
        goto out;
    r = -EINVAL;
    for (char *f = strtok_r(s.text, ", ", &rest); f != NULL; f = strtok_r(NULL, ", ", &rest)) {
        struct subscription one = {.filter = f, .len = strlen(f)};

        if (!filter_valid(f, one.len))
            goto out;
        add(&s, &one);
    }
    if (s.n == 0)
        goto out;
    find_overlaps(&s);
    *ret = s;
    s = (struct subscriptions){0}; /* handed over */
    r = 0;
out:
    subscriptions_release(&s);
    return r;
}

void subscriptions_release(struct subscriptions *s)
{
    free(s->list);
    free(s->text);
}

bool subscriptions_overlap(const struct subscriptions *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->list[i].overlaps)
            return true;
    return false;
}

uint32_t subscriptions_identifier(const struct subscriptions *s, size_t i)
{
    return s->list[i].overlaps ? (uint32_t)i + 1 : 0;
}

void subscriptions_grant(struct subscriptions *s, int request)
{
    for (size_t i = 0; i < s->n; i++)
        s->list[i].granted |= s->list[i].request == request;
}

bool subscriptions_is_double(const struct subscriptions *s, uint32_t identifier, const char *topic,
                             size_t len)
{
    for (size_t i = 0; i < s->n && i + 1 < identifier; i++)
        if (s->list[i].granted && filter_matches(s->list[i].filter, s->list[i].len, topic, len))
            return true;
    return false;
}
