/*
 * fill -- minutes from elsewhere into what is kept, where nothing is.
 *
 * A minute that is there stays, whatever its source. A longer bar is made anew when it is new or
 * made of minutes that are kept; one that stands alone (a daily bar that was imported) stays too.
 */
#ifndef TAPECAST_RECORDER_FILL_H
#define TAPECAST_RECORDER_FILL_H

#include "common/macros.h"
#include "recorder/store.h"

/* `bars` are minutes in ascending order. Blocks as the store does. Returns 0 and how many were
 * missing; a negative errno of the store, when it may be tried again; -ENOMEM. */
MUST_CHECK int fill(struct store *s, const char *symbol, const struct bar *bars, size_t n,
                    size_t *ret_new);

#endif
