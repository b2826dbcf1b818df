#include "gateway/hub/filterset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/topic.h"

#include "common/banned.h"

static int compare(const struct filter_entry *e, const char *filter, size_t len)
{
    int r = memcmp(e->filter, filter, e->len < len ? e->len : len);

    return r != 0 ? r : (e->len > len) - (e->len < len);
}

/* Where `filter` is or belongs; *ret_found says which. */
static size_t find(const struct filterset *s, const char *filter, size_t len, bool *ret_found)
{
    size_t low = 0, high = s->n;

    *ret_found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int r = compare(&s->entries[middle], filter, len);
        if (r == 0) {
            *ret_found = true;
            return middle;
        }
        if (r < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void filterset_release(struct filterset *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->entries[i].filter);
    free(s->entries);
    *s = (struct filterset){0};
}

int filterset_put(struct filterset *s, const char *filter, size_t len, bool retain_as_published,
                  uint32_t interval_ms)
{
    bool found;
    size_t at = find(s, filter, len, &found);
    struct filter_entry *entries;
    char *text;

    if (!found) {
        text = malloc(len);
        if (text == NULL)
            return -ENOMEM;
        entries = realloc(s->entries, (s->n + 1) * sizeof(*entries));
        if (entries == NULL) {
            free(text);
            return -ENOMEM;
        }
        s->entries = entries;
        memcpy(text, filter, len);
        memmove(&entries[at + 1], &entries[at], (s->n - at) * sizeof(*entries));
        s->n++;
        entries[at] = (struct filter_entry){.filter = text, .len = (uint16_t)len};
    }
    s->entries[at].retain_as_published = retain_as_published;
    s->entries[at].interval_ms = interval_ms;
    return found;
}

bool filterset_remove(struct filterset *s, const char *filter, size_t len)
{
    bool found;
    size_t at = find(s, filter, len, &found);

    if (found) {
        free(s->entries[at].filter);
        s->n--;
        memmove(&s->entries[at], &s->entries[at + 1], (s->n - at) * sizeof(*s->entries));
    }
    return found;
}

int filterset_merge(struct filterset *s, const struct filterset *from)
{
    for (size_t i = 0; i < from->n; i++) {
        const struct filter_entry *e = &from->entries[i];
        if (filterset_put(s, e->filter, e->len, e->retain_as_published, e->interval_ms) < 0)
            return -ENOMEM;
    }
    return 0;
}

int filterset_copy(const struct filterset *from, struct filterset *ret)
{
    struct filterset copy = {0};

    if (filterset_merge(&copy, from) < 0) {
        filterset_release(&copy);
        return -ENOMEM;
    }
    *ret = copy;
    return 0;
}

bool filterset_equal(const struct filterset *a, const struct filterset *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        const struct filter_entry *x = &a->entries[i], *y = &b->entries[i];
        if (compare(x, y->filter, y->len) != 0 || x->interval_ms != y->interval_ms ||
            x->retain_as_published != y->retain_as_published)
            return false;
    }
    return true;
}

uint32_t filterset_hash(const struct filterset *s)
{
    uint32_t h = HASH_SEED;

    for (size_t i = 0; i < s->n; i++) {
        const struct filter_entry *e = &s->entries[i];
        h = hash_more(h, e->filter, e->len);
        h = hash_more(h, &e->interval_ms, sizeof(e->interval_ms));
        h = hash_more(h, &e->retain_as_published, 1);
    }
    return h;
}

bool filterset_matches(const struct filterset *s, const char *topic, size_t len)
{
    for (size_t i = 0; i < s->n; i++)
        if (filter_matches(s->entries[i].filter, s->entries[i].len, topic, len))
            return true;
    return false;
}

bool filter_has_wildcard(const char *filter, size_t len)
{
    return memchr(filter, '+', len) != NULL || memchr(filter, '#', len) != NULL;
}
