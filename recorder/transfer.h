/*
 * transfer -- history from files, and to files.
 *
 * Import reads what the replay feed reads: CSV and TSV of bars or ticks, also .gz, columns found by
 * name or shape. A row of bars becomes a bar of the file's own resolution and a part of all longer
 * ones; a tick a part of all. Bars that are there already are replaced, longer ones too: import
 * whole days. Export writes such a file.
 */
#ifndef TAPECAST_RECORDER_TRANSFER_H
#define TAPECAST_RECORDER_TRANSFER_H

#include <stdbool.h>

#include "common/macros.h"
#include "recorder/resolution.h"

struct transfer {
    const char *file; /* export: "-" is standard output */
    const char *store;
    const char *symbol;     /* NULL: all, or what the file says; else normalized */
    const char *resolution; /* NULL: import: the file's step; export: 1m */
    bool times_are_ends;    /* import: a bar's time is its end, not its beginning */
};

/* Return the exit status; what is wrong has been logged, what was done is told on standard output
 * (import) or in the log (export). A damaged file gives what can be read of it, and 1. */
MUST_CHECK int transfer_import(const struct transfer *t);
MUST_CHECK int transfer_export(const struct transfer *t);

#endif
