/*
 * files -- the dashboard's files, read into memory once, with their precompressed siblings.
 *
 * `x.js.br` and `x.js.gz` beside `x.js` are its encodings, not files of their own. A name with a
 * content hash in it (`app-4F7K2Q9A.js`) is served for a year, everything else is asked for again
 * each time, which the ETag makes cheap. Immutable after files_load(), so that all workers share
 * it.
 */
#ifndef TAPECAST_GATEWAY_DOORS_FILES_H
#define TAPECAST_GATEWAY_DOORS_FILES_H

#include <stddef.h>

#include "common/macros.h"

#define FILES_MAX_BYTES (64 * 1024 * 1024) /* all together */

struct files;

/* Read all regular files below `dir` but those whose name begins with a dot; symbolic links are not
 * followed. Returns 0 and *ret; or a negative errno after logging. */
MUST_CHECK int files_load(const char *dir, struct files **ret);
void files_free(struct files *f);

#endif
