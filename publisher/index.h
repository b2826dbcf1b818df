/*
 * index -- from a symbol to its number: 0, 1, 2 … in the order of adding.
 *
 * A hash table of fixed size; the texts belong to the owner and must stay where they are.
 */
#ifndef TAPECAST_PUBLISHER_INDEX_H
#define TAPECAST_PUBLISHER_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"

struct index {
    const char **texts; /* by number */
    uint32_t *slots;    /* number + 1, 0 is free; open addressing, at most half full */
    uint32_t mask, n, max;
};

MUST_CHECK int index_init(struct index *x, uint32_t max); /* 0 or -ENOMEM */
void index_release(struct index *x);                      /* also of one all zero */

#define INDEX_NONE UINT32_MAX
uint32_t index_find(const struct index *x, const char *text);

/* Add what index_find() does not find. Returns its number; INDEX_NONE when there are `max`. */
uint32_t index_add(struct index *x, const char *text);

#endif
