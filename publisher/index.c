#include "publisher/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/banned.h"

int index_init(struct index *x, uint32_t max)
{
    uint32_t n_slots = 16;

    while (n_slots < 2 * max)
        n_slots *= 2;
    *x = (struct index){.mask = n_slots - 1, .max = max};
    x->texts = calloc(max, sizeof(*x->texts));
    x->slots = calloc(n_slots, sizeof(*x->slots));
    if (x->texts != NULL && x->slots != NULL)
        return 0;
    index_release(x);
    return -ENOMEM;
}

void index_release(struct index *x)
{
    free(x->texts);
    free(x->slots);
    *x = (struct index){0};
}

static uint32_t hash(const char *text) /* FNV-1a */
{
    uint32_t h = 2166136261;

    for (; *text != '\0'; text++)
        h = (h ^ (unsigned char)*text) * 16777619;
    return h ^ (h >> 15);
}

/* The slot that holds `text`, or the free one where it belongs. */
static uint32_t *slot_of(const struct index *x, const char *text)
{
    uint32_t i = hash(text) & x->mask;

    while (x->slots[i] != 0 && strcmp(x->texts[x->slots[i] - 1], text) != 0)
        i = (i + 1) & x->mask;
    return &x->slots[i];
}

uint32_t index_find(const struct index *x, const char *text)
{
    return *slot_of(x, text) - 1; /* a free slot gives INDEX_NONE */
}

uint32_t index_add(struct index *x, const char *text)
{
    if (x->n == x->max)
        return INDEX_NONE;
    x->texts[x->n] = text;
    *slot_of(x, text) = ++x->n;
    return x->n - 1;
}
