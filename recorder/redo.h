/*
 * redo -- make a bar that is kept anew, of the next shorter ones that are kept.
 */
#ifndef TAPECAST_RECORDER_REDO_H
#define TAPECAST_RECORDER_REDO_H

#include <stdbool.h>

#include "common/macros.h"
#include "recorder/store.h"

/* The bar of resolution `r` (not the shortest) that the moment `at_s` belongs to. With `volume` its
 * volume becomes the sum of theirs too, and it is added where it is missing; else one that is
 * missing stays so. Without shorter ones it is deleted. Returns 0; a negative errno of the store.
 */
MUST_CHECK int redo_bar(struct store *s, const char *symbol, enum resolution r, int64_t at_s,
                        bool volume);

/* Write one bar. */
MUST_CHECK int redo_write(struct store *s, const char *symbol, enum resolution r,
                          const struct bar *bar);

/* All bars with from <= t < until in one. */
struct redo_sum {
    size_t n;
    struct bar bar;
};
MUST_CHECK int redo_read(struct store *s, const char *symbol, enum resolution r, int64_t from,
                         int64_t until, struct redo_sum *ret);

/* Stretch high and low to `price`. */
void redo_stretch(struct bar *b, struct decimal price);

#endif
