/*
 * fetch -- a small text from a file or a URL, whole. Blocks (a URL for at most 10 s): not for a
 * worker's thread.
 */
#ifndef TAPECAST_GATEWAY_AUTH_FETCH_H
#define TAPECAST_GATEWAY_AUTH_FETCH_H

#include <stdbool.h>
#include <stddef.h>

#include "common/macros.h"

bool fetch_is_url(const char *where); /* begins with http:// or https:// */

/* Each returns 0 and *ret, malloc'd and NUL-terminated; or a negative errno after one line: -EFBIG
 * longer than `max`, -EACCES an http:// URL that is not on loopback, … */
MUST_CHECK int fetch_file(const char *path, size_t max, char **ret, size_t *ret_len);
MUST_CHECK int fetch_url(const char *url, const char *ca_file, size_t max, char **ret,
                         size_t *ret_len);

#endif
