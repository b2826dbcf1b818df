/*
 * textfile -- the bytes of a file, plain or gzip, whatever its name. The only file that includes
 * <zlib.h>.
 */
#ifndef TAPECAST_PUBLISHER_REPLAY_TEXTFILE_H
#define TAPECAST_PUBLISHER_REPLAY_TEXTFILE_H

#include <stddef.h>

#include "common/macros.h"

struct textfile;

/* Returns 0 and sets *ret, freed with textfile_close(); -ENOMEM; or the negative errno of opening.
 */
MUST_CHECK int textfile_open(const char *path, struct textfile **ret);
void textfile_close(struct textfile *t); /* NULL is allowed */

/* Read up to `cap` bytes (1..1 GiB). Returns how many, 0 at the end; or the negative errno of
 * reading. Damaged gzip data is an end: textfile_damage() then tells. */
MUST_CHECK long textfile_read(struct textfile *t, char *buf, size_t cap);

/* NULL; or what is wrong with the gzip data beyond what was read, in words. */
const char *textfile_damage(const struct textfile *t);

/* How much of the file has been read, 0..100; 0 when it has no size. */
int textfile_percent(const struct textfile *t);

#endif
