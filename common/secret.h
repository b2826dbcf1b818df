/*
 * secret -- the secrets that this process knows, so that no text that leaves it shows one: a log
 * line, a status, a record. A service may repeat a key in an error, as it is or as JSON or a URL
 * write it.
 *
 * secret_keep() is for the program's beginning, before there are threads; the rest for any thread.
 */
#ifndef TAPECAST_COMMON_SECRET_H
#define TAPECAST_COMMON_SECRET_H

#include <stddef.h>

#include "common/macros.h"

#define SECRETS_MAX 8
#define SECRET_SHORTEST 6 /* bytes; what is shorter is a word like others */

/* Know `text` from now on, up to SECRETS_MAX of them. Returns 0; -ENOMEM. */
MUST_CHECK int secret_keep(const char *text);

/* Put asterisks in the place of each secret in `text`. */
void secret_mask(char *text, size_t len);

#endif
