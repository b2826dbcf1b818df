#include <errno.h>
#include <stdio.h>

#include "recorder/stores/postgres_internal.h"

#include "common/banned.h"

static int read_bar(const PGresult *rows, int row, struct bar *ret)
{
    struct bar b = {.t = postgres_integer(rows, row, 0)};
    struct decimal *const values[] = {&b.open, &b.high, &b.low, &b.close, &b.volume};

    b.first_ms = b.t * 1000 + postgres_integer(rows, row, 6);
    b.last_ms = b.t * 1000 + postgres_integer(rows, row, 7);
    for (int i = 0; i < (int)ARRAY_SIZE(values); i++)
        if (postgres_decimal(rows, row, 1 + i, values[i]) < 0)
            return -EBADMSG;
    *ret = b;
    return 0;
}

int postgres_bars(struct store *store, const struct store_range *range, store_bar_fn *fn, void *ctx)
{
    struct postgres_store *s = (struct postgres_store *)store;
    char resolution[16], from[24], to[24], max[24];
    const char *const values[] = {range->symbol, resolution, from, to, max};
    PGresult *rows = NULL;
    struct bar bar;
    int r = postgres_ensure_connected(s);

    snprintf(resolution, sizeof(resolution), "%d", resolution_seconds(range->resolution));
    snprintf(from, sizeof(from), "%lld", (long long)range->from);
    snprintf(to, sizeof(to), "%lld", (long long)range->to);
    snprintf(max, sizeof(max), "%zu", range->max);
    if (r == 0)
        r = postgres_query(
            s,
            "SELECT t, open, high, low, close, volume, first_ms, last_ms FROM bars"
            " WHERE symbol = (SELECT id FROM symbols WHERE name = $1) AND resolution = $2"
            " AND t >= $3 AND t < $4 ORDER BY t LIMIT $5",
            5, values, &rows);
    for (int i = 0; r == 0 && i < PQntuples(rows); i++) {
        r = read_bar(rows, i, &bar);
        if (r == 0)
            r = fn(ctx, &bar);
    }
    PQclear(rows);
    return r;
}

int postgres_before(struct store *store, const char *symbol, enum resolution r, int64_t to,
                    size_t n, int64_t *ret_t)
{
    struct postgres_store *s = (struct postgres_store *)store;
    char resolution[16], until[24], count[24];
    const char *const values[] = {symbol, resolution, until, count};
    PGresult *rows = NULL;
    int result = postgres_ensure_connected(s);

    snprintf(resolution, sizeof(resolution), "%d", resolution_seconds(r));
    snprintf(until, sizeof(until), "%lld", (long long)to);
    snprintf(count, sizeof(count), "%zu", n);
    if (result == 0)
        result = postgres_query(s,
                                "SELECT min(t) FROM (SELECT t FROM bars"
                                " WHERE symbol = (SELECT id FROM symbols WHERE name = $1)"
                                " AND resolution = $2 AND t < $3 ORDER BY t DESC LIMIT $4) b",
                                4, values, &rows);
    if (result == 0 && PQgetisnull(rows, 0, 0))
        result = -ENOENT;
    if (result == 0)
        *ret_t = postgres_integer(rows, 0, 0);
    PQclear(rows);
    return result;
}

int postgres_drop_bar(struct store *store, const char *symbol, enum resolution r, int64_t t)
{
    struct postgres_store *s = (struct postgres_store *)store;
    char resolution[16], at[24];
    const char *const values[] = {symbol, resolution, at};
    PGresult *rows = NULL;
    int result = postgres_ensure_connected(s);

    snprintf(resolution, sizeof(resolution), "%d", resolution_seconds(r));
    snprintf(at, sizeof(at), "%lld", (long long)t);
    if (result == 0)
        result = postgres_query(
            s,
            "DELETE FROM bars WHERE symbol = (SELECT id FROM symbols WHERE name = $1)"
            " AND resolution = $2 AND t = $3",
            3, values, &rows);
    PQclear(rows);
    return result;
}

int postgres_prune(struct store *store, enum resolution r, int64_t keep_s)
{
    struct postgres_store *s = (struct postgres_store *)store;
    char resolution[16], keep[24];
    const char *const values[] = {resolution, keep};
    PGresult *rows = NULL;
    int result = postgres_ensure_connected(s);

    snprintf(resolution, sizeof(resolution), "%d", resolution_seconds(r));
    snprintf(keep, sizeof(keep), "%lld", (long long)keep_s);
    if (result == 0)
        result =
            postgres_query(s,
                           "DELETE FROM bars b USING (SELECT id, (SELECT max(t) FROM bars WHERE"
                           " symbol = id AND resolution = $1) AS newest FROM symbols"
                           " WHERE newest_ms IS NOT NULL) n WHERE b.symbol = n.id"
                           " AND b.resolution = $1 AND b.t < n.newest - $2::bigint",
                           2, values, &rows);
    PQclear(rows);
    return result;
}
