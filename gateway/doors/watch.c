#include "gateway/doors/watch.h"

#include <errno.h>
#include <string.h>

#include "gateway/codec/http_head.h"

#include "common/banned.h"

#define PREFIX_LEN (sizeof("stocks/") - 1)

int watch_filter(struct slice symbol, char buf[QUOTE_TOPIC_MAX])
{
    char normal[SYMBOL_MAX + 1];

    if (slice_is(symbol, "*")) {
        memcpy(buf, WATCH_ALL, sizeof(WATCH_ALL));
        return sizeof(WATCH_ALL) - 1;
    }
    if (symbol_normalize(symbol.at, symbol.len, normal) < 0)
        return -EINVAL;
    return (int)quote_topic(normal, "", buf);
}

int watch_add(struct filterset *set, struct slice symbols, uint32_t interval_ms)
{
    struct slice symbol;
    int n = 0;

    for (; http_list_next(&symbols, &symbol); n++) {
        char filter[QUOTE_TOPIC_MAX];
        int len = watch_filter(symbol, filter);
        if (len < 0)
            return len;
        if (filterset_put(set, filter, (size_t)len, false, interval_ms) < 0)
            return -ENOMEM;
    }
    return n;
}

int watch_add_query(struct filterset *set, struct slice query, uint32_t interval_ms)
{
    static const char *const names[] = {"symbols", "symbol"};
    char text[HTTP_HEAD_MAX];
    int all = 0;

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        int len = http_query_get(query, names[i], text, sizeof(text)), n;
        if (len == -ENOENT)
            continue;
        n = len < 0 ? -EINVAL : watch_add(set, (struct slice){text, (size_t)len}, interval_ms);
        if (n < 0)
            return n;
        all += n;
    }
    return all;
}

void watch_symbol(const struct filter_entry *e, char buf[SYMBOL_MAX + 1])
{
    const char *level = e->filter + PREFIX_LEN;
    long n;

    if (e->len == sizeof(WATCH_ALL) - 1 && memcmp(e->filter, WATCH_ALL, e->len) == 0)
        n = 1, buf[0] = '*';
    else
        n = topic_level_unescape(level, e->len - PREFIX_LEN, buf, SYMBOL_MAX);
    buf[n > 0 ? n : 0] = '\0';
}

bool watch_brings_quotes(const char *filter, size_t len)
{
    const char *slash = memchr(filter, '/', len);
    size_t first = slash != NULL ? (size_t)(slash - filter) : len, rest = len - first;
    struct slice level = {filter, first};
    const char *second;

    if (slice_is(level, "#"))
        return true;
    if (rest == 0 || (!slice_is(level, "stocks") && !slice_is(level, "+")))
        return false;
    second = memchr(slash + 1, '/', rest - 1);
    return second == NULL ||
           slice_is((struct slice){second, len - (size_t)(second - filter)}, "/#");
}
