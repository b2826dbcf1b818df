#include "gateway/ticks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/banned.h"

struct ticks {
    struct store_tick *list;
    size_t n, cap;
};

/* Those kept twice are counted below, so there is room for some more. */
static int keep(void *ctx, const struct store_tick *tick)
{
    struct ticks *t = ctx;

    if (t->n == 2 * TICKS_MAX)
        return -E2BIG;
    if (t->n == t->cap) {
        size_t cap = t->cap == 0 ? 256 : t->cap * 2;
        struct store_tick *bigger = realloc(t->list, cap * sizeof(*bigger));

        if (bigger == NULL)
            return -ENOMEM;
        t->list = bigger;
        t->cap = cap;
    }
    t->list[t->n++] = *tick;
    return 0;
}

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int by_run_and_seq(const void *a, const void *b)
{
    const struct store_tick *x = a, *y = b;
    int r = compare(x->run, y->run);

    return r != 0 ? r : compare(x->quote.seq, y->quote.seq);
}

static int by_time(const void *a, const void *b)
{
    const struct store_tick *x = a, *y = b;
    int r = (x->quote.timestamp.ms > y->quote.timestamp.ms) -
            (x->quote.timestamp.ms < y->quote.timestamp.ms);

    return r != 0 ? r : by_run_and_seq(a, b);
}

static void drop_doubles(struct ticks *t)
{
    size_t n = 0;

    if (t->n > 1)
        qsort(t->list, t->n, sizeof(*t->list), by_run_and_seq);
    for (size_t i = 0; i < t->n; i++)
        if (n == 0 || by_run_and_seq(&t->list[n - 1], &t->list[i]) != 0)
            t->list[n++] = t->list[i];
    t->n = n;
}

static uint32_t run_of(const struct ticks *t, const struct store_tick_range *range)
{
    return t->n > 0 ? t->list[t->n - 1].run : range->run;
}

static int write_all(const struct ticks *t, const struct store_tick_range *range,
                     struct udf_text *ret)
{
    char head[96];
    int n = snprintf(head, sizeof(head), "{\"s\":\"ok\",\"run\":%u,", run_of(t, range));
    int r;

    if (range->by_seq && range->to_seq < INT64_MAX)
        n += snprintf(head + n, sizeof(head) - (size_t)n, "\"missing\":%llu,",
                      (unsigned long long)(range->to_seq - range->from_seq + 1 - t->n));
    n += snprintf(head + n, sizeof(head) - (size_t)n, "\"ticks\":[");
    r = udf_append(ret, head, (size_t)n);
    for (size_t i = 0; r == 0 && i < t->n; i++) {
        char json[QUOTE_PACKET_MAX + 1] = ",";
        size_t len = 1 + quote_encode(&t->list[i].quote, json + 1);

        r = udf_append(ret, i > 0 ? json : json + 1, i > 0 ? len : len - 1);
    }
    return r == 0 ? udf_append(ret, "]}\n", 3) : r;
}

int ticks_answer(struct store *s, const struct store_tick_range *range, struct udf_text *ret)
{
    struct udf_text text = {0};
    struct ticks t = {0};
    int r = store_ticks(s, range, keep, &t);

    if (r == 0) {
        drop_doubles(&t);
        if (!range->by_seq && t.n > 1)
            qsort(t.list, t.n, sizeof(*t.list), by_time);
        r = t.n > TICKS_MAX ? -E2BIG : write_all(&t, range, &text);
    }
    text.rows = t.n;
    free(t.list);
    if (r < 0)
        free(text.bytes);
    else
        *ret = text;
    return r;
}
