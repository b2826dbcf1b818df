#include "recorder/store.h"

#include <string.h>

#include "common/banned.h"

static const struct {
    const char *scheme;
    const struct store_ops *ops;
} schemes[] = {
    {"postgres://", &store_postgres},
    {"postgresql://", &store_postgres},
    {"", &store_sqlite}, /* any name is a file's */
};

static const struct store_ops *ops_of(const char *url)
{
    size_t i = 0;

    while (strncmp(url, schemes[i].scheme, strlen(schemes[i].scheme)) != 0)
        i++;
    return schemes[i].ops;
}

int store_open(const char *url, enum store_mode mode, struct store **ret)
{
    return ops_of(url)->open(url, mode, ret);
}

void store_close(struct store *s)
{
    if (s != NULL)
        s->ops->close(s);
}

const char *store_error(const struct store *s)
{
    return s->ops->error(s);
}

int store_write(struct store *s, const struct store_batch *batch)
{
    return s->ops->write(s, batch);
}

int store_drop_bar(struct store *s, const char *symbol, enum resolution r, int64_t t)
{
    return s->ops->drop_bar(s, symbol, r, t);
}

int store_prune(struct store *s, enum resolution r, int64_t keep_s)
{
    return s->ops->prune(s, r, keep_s);
}

int store_prune_ticks(struct store *s, int64_t keep_s)
{
    return s->ops->prune_ticks(s, keep_s);
}

int store_ticks(struct store *s, const struct store_tick_range *range, store_tick_fn *fn, void *ctx)
{
    return s->ops->ticks(s, range, fn, ctx);
}

int store_fix_ticks(struct store *s, const char *symbol, const struct quote_correction *c)
{
    return s->ops->fix_ticks(s, symbol, c);
}

int store_bars(struct store *s, const struct store_range *range, store_bar_fn *fn, void *ctx)
{
    return s->ops->bars(s, range, fn, ctx);
}

int store_before(struct store *s, const char *symbol, enum resolution r, int64_t to, size_t n,
                 int64_t *ret_t)
{
    return s->ops->before(s, symbol, r, to, n, ret_t);
}

int store_symbols(struct store *s, const char *prefix, size_t max, store_symbol_fn *fn, void *ctx)
{
    return s->ops->symbols(s, prefix, max, fn, ctx);
}
