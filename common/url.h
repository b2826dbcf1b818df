/*
 * url -- texts in URLs. Pure; any thread.
 */
#ifndef TAPECAST_COMMON_URL_H
#define TAPECAST_COMMON_URL_H

#include <stddef.h>

/* `text` as a URL's query takes it, NUL-terminated, cut at `cap` - 1 bytes: give 3 times its length
 * and one more. */
void url_escape(const char *text, char *buf, size_t cap);

#endif
