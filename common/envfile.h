/*
 * envfile -- the `.env` file: KEY=VALUE lines, `#` comments, optional `export `, single or double
 * quotes. It means what a shell would make of it, but that nothing is expanded: inside double
 * quotes a backslash takes the special meaning from `"`, `\`, `$` and `` ` ``.
 *
 * Values never enter the process environment; they are looked up, so that a child process does not
 * inherit them.
 */
#ifndef TAPECAST_COMMON_ENVFILE_H
#define TAPECAST_COMMON_ENVFILE_H

#include <stddef.h>

#include "common/macros.h"

struct envfile;

/* Read `path`. A missing file is an empty one. Returns 0 and sets *ret, freed with envfile_free();
 * -ENOMEM; -EBADMSG with *ret_line the first line that is not KEY=VALUE; -EFBIG over 64 KiB; or a
 * negative errno of reading. */
MUST_CHECK int envfile_read(const char *path, struct envfile **ret, size_t *ret_line);
void envfile_free(struct envfile *e);

/* The value of `key`, or NULL. The last line with a key wins. `e` may be NULL. */
const char *envfile_get(const struct envfile *e, const char *key);

#endif
