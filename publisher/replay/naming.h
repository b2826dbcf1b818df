/*
 * naming -- the symbol that a file's name tells, for a file without a symbol column.
 */
#ifndef TAPECAST_PUBLISHER_REPLAY_NAMING_H
#define TAPECAST_PUBLISHER_REPLAY_NAMING_H

#include "common/macros.h"
#include "common/topic.h"

/* The first part of the base name, cut at `_` and `.`, that is two or more of A-Z 0-9 -, one of
 * them a letter: us_1min_AAPL_2016.csv.gz is AAPL. Else the base name without .csv and such, in
 * upper case. Returns 0; -EINVAL when that is no symbol. */
MUST_CHECK int naming_symbol(const char *path, char ret[SYMBOL_MAX + 1]);

#endif
