#include "publisher/replay/naming.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "common/banned.h"

/* The length of `name` without the extensions that data files have. */
static size_t stem_length(const char *name)
{
    static const char *const extensions[] = {".gz", ".csv", ".tsv", ".txt"};
    size_t len = strlen(name);

    for (size_t i = 0; i < ARRAY_SIZE(extensions); i++) {
        size_t n = strlen(extensions[i]);

        if (len > n && strncasecmp(name + len - n, extensions[i], n) == 0)
            len -= n;
    }
    return len;
}

static bool looks_like_symbol(const char *part, size_t len)
{
    bool letter = false;

    for (size_t i = 0; i < len; i++) {
        char c = part[i];

        if (c >= 'A' && c <= 'Z')
            letter = true;
        else if (!(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    return letter && len >= 2;
}

int naming_symbol(const char *path, char ret[SYMBOL_MAX + 1])
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    size_t len = stem_length(name);

    for (size_t begin = 0, n; begin < len; begin += n + 1) {
        n = strcspn(name + begin, "_.");
        if (n > len - begin)
            n = len - begin;
        if (looks_like_symbol(name + begin, n))
            return symbol_normalize(name + begin, n, ret);
    }
    return symbol_normalize(name, len, ret);
}
