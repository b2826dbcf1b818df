#include "publisher/symbols.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "common/log.h"
#include "publisher/index.h"

#include "common/banned.h"

struct reader {
    struct symbols *list;
    struct index seen;
};

static int reader_init(struct reader *r, struct symbols *list)
{
    *r = (struct reader){.list = list};
    list->names = calloc(SYMBOLS_MAX, sizeof(*list->names));
    list->texts = calloc(SYMBOLS_MAX, sizeof(*list->texts));
    if (list->names == NULL || list->texts == NULL)
        return -ENOMEM;
    return index_init(&r->seen, SYMBOLS_MAX);
}

static int add(struct reader *r, const char *text, size_t len)
{
    struct symbols *list = r->list;
    char symbol[SYMBOL_MAX + 1];

    if (symbol_normalize(text, len, symbol) < 0) {
        log_error("\"%.*s\" cannot be a symbol: 1 to %d bytes of UTF-8", (int)len, text,
                  SYMBOL_MAX);
        return -EINVAL;
    }
    if (index_find(&r->seen, symbol) != INDEX_NONE) {
        list->duplicates++;
        return 0;
    }
    if (list->n == SYMBOLS_MAX) {
        log_error("more than %d symbols: split them over several publishers", SYMBOLS_MAX);
        return -E2BIG;
    }
    memcpy(list->texts[list->n], symbol, sizeof(symbol));
    list->names[list->n] = list->texts[list->n];
    index_add(&r->seen, list->names[list->n]);
    list->n++;
    return 0;
}

/* Add what lies between `text` and `end` but for the blanks around it, if anything. */
static int add_trimmed(struct reader *r, const char *text, const char *end)
{
    while (text < end && strchr(" \t\r\n", *text) != NULL)
        text++;
    while (text < end && strchr(" \t\r\n", end[-1]) != NULL)
        end--;
    return text == end ? 0 : add(r, text, (size_t)(end - text));
}

static int finish(struct reader *r, int result, struct symbols *ret)
{
    index_release(&r->seen);
    if (result < 0)
        symbols_release(r->list);
    else
        *ret = *r->list;
    return result;
}

int symbols_from_list(const char *list, struct symbols *ret)
{
    struct symbols symbols = {0};
    struct reader reader;
    int r = reader_init(&reader, &symbols);

    while (r == 0) {
        const char *end = strchrnul(list, ',');

        r = add_trimmed(&reader, list, end);
        if (*end == '\0')
            break;
        list = end + 1;
    }
    return finish(&reader, r, ret);
}

static int add_line(struct reader *r, const char *line, size_t len)
{
    const char *tab = memchr(line, '\t', len);

    if (line[0] == '#')
        return 0;
    return add_trimmed(r, line, tab != NULL ? tab : line + len);
}

int symbols_from_file(const char *path, struct symbols *ret)
{
    struct symbols symbols = {0};
    struct reader reader;
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    FILE *f = fopen(path, "re");
    int r;

    if (f == NULL) {
        r = -errno;
        log_error("cannot read the symbols in %s: %m", path);
        return r;
    }
    r = reader_init(&reader, &symbols);
    while (r == 0 && (len = getline(&line, &cap, f)) >= 0)
        r = add_line(&reader, line, (size_t)len);
    if (r == 0 && ferror(f)) {
        r = -EIO;
        log_error("cannot read the symbols in %s", path);
    }
    free(line);
    fclose(f);
    return finish(&reader, r, ret);
}

void symbols_release(struct symbols *s)
{
    free(s->names);
    free(s->texts);
    *s = (struct symbols){0};
}
