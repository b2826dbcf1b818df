#include "gateway/udf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/banned.h"

#define SCALE_BARS 100 /* that tell how many decimals prices have */
#define SCALE_MIN 2
#define SCALE_MAX 9
#define RESOLUTIONS "[\"1S\",\"1\",\"5\",\"15\",\"60\",\"1D\"]"

const char udf_config_without_store[] =
    "{\"supported_resolutions\":[],\"supports_search\":false,\"supports_group_request\":false,"
    "\"supports_marks\":false,\"supports_timescale_marks\":false,\"supports_time\":true}\n";

const char udf_config[] =
    "{\"supported_resolutions\":" RESOLUTIONS ",\"supports_search\":true,"
    "\"supports_group_request\":false,\"supports_marks\":false,\"supports_timescale_marks\":false,"
    "\"supports_time\":true}\n";

/* ---- text ---- */

/* Make room for `n` more bytes. */
static int reserve(struct udf_text *t, size_t n)
{
    size_t cap = t->cap < 4096 ? 4096 : t->cap;
    char *bigger;

    if (t->cap - t->len >= n)
        return 0;
    while (cap - t->len < n)
        cap *= 2;
    bigger = realloc(t->bytes, cap);
    if (bigger == NULL)
        return -ENOMEM;
    t->bytes = bigger;
    t->cap = cap;
    return 0;
}

int udf_append(struct udf_text *t, const void *bytes, size_t len)
{
    int r = reserve(t, len);

    if (r < 0)
        return r;
    memcpy(t->bytes + t->len, bytes, len);
    t->len += len;
    return 0;
}

PRINTF_LIKE(2, 3)
static int append_format(struct udf_text *t, const char *format, ...)
{
    char text[1024];
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return udf_append(t, text, (size_t)n);
}

/* "…" with what JSON wants escaped; a symbol has at most SYMBOL_MAX bytes. */
static void quoted(const char *symbol, char buf[6 * SYMBOL_MAX + 3])
{
    char *p = buf;

    *p++ = '"';
    for (; *symbol != '\0'; symbol++) {
        if ((unsigned char)*symbol < ' ') {
            p += snprintf(p, 7, "\\u%04x", (unsigned)*symbol);
            continue;
        }
        if (*symbol == '"' || *symbol == '\\')
            *p++ = '\\';
        *p++ = *symbol;
    }
    *p++ = '"';
    *p = '\0';
}

/* ---- bars ---- */

#define N_LISTS UDF_LISTS

static const char *const list_heads[N_LISTS] = {
    "{\"s\":\"ok\",\"t\":[", "],\"o\":[", "],\"h\":[", "],\"l\":[", "],\"c\":[", "],\"v\":["};

/* One list of numbers each; the first becomes the answer, the others are appended to it. */
struct lists {
    struct udf_text *texts; /* N_LISTS */
    size_t n;
};

static int lists_begin(struct lists *l)
{
    int r = 0;

    for (int i = 0; r == 0 && i < N_LISTS; i++) {
        l->texts[i].len = 0;
        r = udf_append(&l->texts[i], list_heads[i], strlen(list_heads[i]));
    }
    return r;
}

void udf_room_release(struct udf_room *room)
{
    for (int i = 0; i < N_LISTS; i++)
        free(room->lists[i].bytes);
    *room = (struct udf_room){0};
}

static int add_bar(void *ctx, const struct bar *b)
{
    struct lists *l = ctx;
    const struct decimal values[N_LISTS] = {
        decimal_from_int(b->t), b->open, b->high, b->low, b->close, b->volume};

    if (l->n == UDF_MAX_BARS)
        return -E2BIG;
    for (int i = 0; i < N_LISTS; i++) {
        struct udf_text *t = &l->texts[i];

        if (reserve(t, DECIMAL_TEXT_MAX + 1) < 0)
            return -ENOMEM;
        if (l->n > 0)
            t->bytes[t->len++] = ',';
        t->len += decimal_format(values[i], t->bytes + t->len);
    }
    l->n++;
    return 0;
}

static int join(struct lists *l, struct udf_text *ret)
{
    struct udf_text *t = &l->texts[0];
    size_t len = 3;
    int r;

    for (int i = 1; i < N_LISTS; i++)
        len += l->texts[i].len;
    r = reserve(t, len); /* once */
    for (int i = 1; r == 0 && i < N_LISTS; i++)
        r = udf_append(t, l->texts[i].bytes, l->texts[i].len);
    if (r == 0)
        r = udf_append(t, "]}\n", 3);
    if (r < 0)
        return r;
    t->rows = l->n;
    *ret = *t;
    *t = (struct udf_text){0}; /* handed over */
    return 0;
}

static int no_data(struct store *s, const struct udf_range *range, struct udf_text *ret)
{
    struct udf_text t = {0};
    int64_t before;
    int r = store_before(s, range->symbol, range->resolution, range->from, 1, &before);

    if (r == 0)
        r = append_format(&t, "{\"s\":\"no_data\",\"nextTime\":%lld}\n", (long long)before);
    else if (r == -ENOENT)
        r = append_format(&t, "{\"s\":\"no_data\"}\n");
    if (r == 0)
        *ret = t;
    return r;
}

int udf_history(struct store *s, const struct udf_range *range, struct udf_room *room,
                struct udf_text *ret)
{
    struct store_range wanted = {.symbol = range->symbol,
                                 .resolution = range->resolution,
                                 .from = range->from,
                                 .to = range->to,
                                 .max = UDF_MAX_BARS + 1,
                                 .without_times = true};
    struct lists lists = {.texts = room->lists};
    int r = lists_begin(&lists);

    if (r == 0 && range->countback > 0)
        r = store_before(s, range->symbol, range->resolution, range->to, range->countback,
                         &wanted.from);
    if (r == 0)
        r = store_bars(s, &wanted, add_bar, &lists);
    if (r == 0 || r == -ENOENT)
        r = lists.n > 0 ? join(&lists, ret) : no_data(s, range, ret);
    return r;
}

/* ---- symbols ---- */

static const char *type_of(const char *symbol)
{
    return trades_around_the_clock(symbol) ? "crypto" : "stock";
}

static int add_found(void *ctx, const struct store_state *s)
{
    char name[6 * SYMBOL_MAX + 3];
    struct udf_text *t = ctx;

    quoted(s->symbol, name);
    t->rows++;
    return append_format(t,
                         "%s{\"symbol\":%s,\"full_name\":%s,\"ticker\":%s,\"description\":\"\","
                         "\"exchange\":\"\",\"type\":\"%s\"}",
                         t->len > 1 ? "," : "", name, name, name, type_of(s->symbol));
}

int udf_search(struct store *s, const char *query, uint32_t limit, struct udf_text *ret)
{
    struct udf_text t = {0};
    int r = udf_append(&t, "[", 1);

    if (r == 0)
        r = store_symbols(s, query, limit, add_found, &t);
    if (r == 0)
        r = udf_append(&t, "]\n", 2);
    if (r < 0)
        free(t.bytes);
    else
        *ret = t;
    return r;
}

static int note_scale(void *ctx, const struct bar *b)
{
    const struct decimal prices[] = {b->open, b->high, b->low, b->close};
    uint8_t *scale = ctx;

    for (size_t i = 0; i < ARRAY_SIZE(prices); i++)
        *scale = prices[i].scale > *scale ? prices[i].scale : *scale;
    return 0;
}

/* How many decimals the newest prices of a symbol have, two at least. */
static int find_scale(struct store *s, const char *symbol, uint8_t *ret)
{
    static const enum resolution looked_at[] = {RESOLUTION_1M, RESOLUTION_1D};
    struct store_range range = {
        .symbol = symbol, .to = INT64_MAX, .max = SCALE_BARS, .without_times = true};
    int r = 0;

    *ret = SCALE_MIN;
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(looked_at); i++) {
        range.resolution = looked_at[i];
        r = store_before(s, symbol, range.resolution, range.to, range.max, &range.from);
        if (r == 0)
            r = store_bars(s, &range, note_scale, ret);
        if (r == -ENOENT)
            r = 0;
    }
    *ret = *ret > SCALE_MAX ? SCALE_MAX : *ret;
    return r;
}

static int describe(struct udf_text *t, const char *symbol, uint8_t scale)
{
    bool always = trades_around_the_clock(symbol);
    char name[6 * SYMBOL_MAX + 3];

    quoted(symbol, name);
    return append_format(
        t,
        "{\"name\":%s,\"ticker\":%s,\"description\":%s,\"type\":\"%s\",\"session\":\"%s\","
        "\"timezone\":\"%s\",\"exchange\":\"\",\"listed_exchange\":\"\",\"format\":\"price\","
        "\"minmov\":1,\"pricescale\":1%0*d,\"has_intraday\":true,\"has_seconds\":true,"
        "\"has_daily\":true,\"seconds_multipliers\":[\"1\"],"
        "\"intraday_multipliers\":[\"1\",\"5\",\"15\",\"60\"],\"supported_"
        "resolutions\":" RESOLUTIONS ",\"data_status\":\"streaming\"}\n",
        name, name, name, type_of(symbol), always ? "24x7" : "0400-2000:23456",
        always ? "Etc/UTC" : "America/New_York", scale, 0);
}

struct finding {
    const char *symbol;
    bool found;
};

static int is_it(void *ctx, const struct store_state *s)
{
    struct finding *f = ctx;

    f->found |= strcmp(s->symbol, f->symbol) == 0;
    return 0;
}

int udf_symbol(struct store *s, const char *symbol, struct udf_text *ret)
{
    struct finding f = {.symbol = symbol};
    struct udf_text t = {.rows = 1};
    uint8_t scale;
    int r = store_symbols(s, symbol, 1, is_it, &f); /* itself comes before what is longer */

    if (r == 0 && !f.found)
        r = -ENOENT;
    if (r == 0)
        r = find_scale(s, symbol, &scale);
    if (r == 0)
        r = describe(&t, symbol, scale);
    if (r == 0)
        *ret = t;
    return r;
}
