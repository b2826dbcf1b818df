/*
 * symbols -- the list of symbols that the user asked for: normalized, distinct, in the order given.
 */
#ifndef TAPECAST_PUBLISHER_SYMBOLS_H
#define TAPECAST_PUBLISHER_SYMBOLS_H

#include <stddef.h>

#include "common/macros.h"
#include "common/topic.h"

#define SYMBOLS_MAX 10000

struct symbols {
    const char **names; /* n of them */
    size_t n;
    size_t duplicates;             /* left out */
    char (*texts)[SYMBOL_MAX + 1]; /* what `names` points into */
};

/* Read "AAPL,MSFT". Returns 0; -EINVAL after logging which symbol is wrong; -E2BIG after logging
 * that there are more than SYMBOLS_MAX; -ENOMEM. Release with symbols_release(). */
MUST_CHECK int symbols_from_list(const char *list, struct symbols *ret);

/* Read a file of one symbol a line; from a tab on, a line is a name for people; empty lines and
 * lines that begin with `#` are skipped. Returns as above, or the logged errno of reading. */
MUST_CHECK int symbols_from_file(const char *path, struct symbols *ret);

void symbols_release(struct symbols *s); /* also of one all zero */

#endif
