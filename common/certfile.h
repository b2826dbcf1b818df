/*
 * certfile -- files with certificates and keys, looked at before a library is given them: what it
 * would say of them is little.
 */
#ifndef TAPECAST_COMMON_CERTFILE_H
#define TAPECAST_COMMON_CERTFILE_H

#include <stdbool.h>

#include "common/macros.h"

/* Can `path` be read, and if it is a key, by us alone (a group may be let in)? Returns 0; or a
 * negative errno after one line that begins with `who`. */
MUST_CHECK int certfile_check(const char *who, const char *path, bool is_key);

#endif
