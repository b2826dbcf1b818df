#include "common/url.h"

#include <ctype.h>
#include <string.h>

#include "common/banned.h"

void url_escape(const char *text, char *buf, size_t cap)
{
    static const char hex[] = "0123456789ABCDEF";
    char *p = buf;

    for (; *text != '\0' && (size_t)(p - buf) + 3 < cap; text++) {
        unsigned char c = (unsigned char)*text;

        if (isalnum(c) || strchr("-._~", c) != NULL) {
            *p++ = (char)c;
        } else {
            *p++ = '%';
            *p++ = hex[c >> 4];
            *p++ = hex[c & 15];
        }
    }
    *p = '\0';
}
