/*
 * A batch is copied into temporary tables and merged from there, in one transaction.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "recorder/stores/postgres_internal.h"

#include "common/banned.h"

#define LINE_MAX_BYTES 512 /* of COPY: a symbol, five decimals, six integers */

static const char stage_sql[] =
    "BEGIN;"
    "CREATE TEMP TABLE IF NOT EXISTS staged_bars(n int, name text, resolution int, t bigint,"
    " open numeric, high numeric, low numeric, close numeric, volume numeric, first_ms bigint,"
    " last_ms bigint) ON COMMIT DELETE ROWS;"
    "CREATE TEMP TABLE IF NOT EXISTS staged_states(n int, name text, newest_ms bigint, seq bigint,"
    " volume_day int, volume numeric, run int) ON COMMIT DELETE ROWS;"
    "CREATE TEMP TABLE IF NOT EXISTS staged_ticks(n int, name text, run int, seq bigint, ms bigint,"
    " mode int, session int, price numeric, open numeric, high numeric, low numeric,"
    " prev_close numeric, volume numeric) ON COMMIT DELETE ROWS";

/* Of one bar or state twice in a batch the last counts. */
static const char merge_sql[] =
    "INSERT INTO symbols(name) SELECT name FROM staged_bars UNION SELECT name FROM staged_states"
    " UNION SELECT name FROM staged_ticks EXCEPT SELECT name FROM symbols ON CONFLICT DO NOTHING;"
    "INSERT INTO bars SELECT DISTINCT ON (id, resolution, t) id, resolution, t, open, high, low,"
    " close, b.volume, first_ms, last_ms FROM staged_bars b JOIN symbols USING(name)"
    " ORDER BY id, resolution, t, n DESC"
    " ON CONFLICT(symbol, resolution, t) DO UPDATE SET open = excluded.open, high = excluded.high,"
    " low = excluded.low, close = excluded.close, volume = excluded.volume,"
    " first_ms = excluded.first_ms, last_ms = excluded.last_ms;"
    "UPDATE symbols s SET newest_ms = u.newest_ms, seq = u.seq, volume_day = u.volume_day,"
    " volume = u.volume, run = u.run FROM (SELECT DISTINCT ON (name) * FROM staged_states"
    " ORDER BY name, n DESC) u WHERE s.name = u.name;"
    "INSERT INTO ticks SELECT DISTINCT ON (id, k.run, k.seq) id, k.run, k.seq, ms, mode, session,"
    " price, open, high, low, prev_close, k.volume FROM staged_ticks k JOIN symbols USING(name)"
    " ORDER BY id, k.run, k.seq, n DESC"
    " ON CONFLICT(symbol, run, seq) DO UPDATE SET ms = excluded.ms, mode = excluded.mode,"
    " session = excluded.session, price = excluded.price, open = excluded.open,"
    " high = excluded.high, low = excluded.low, prev_close = excluded.prev_close,"
    " volume = excluded.volume;"
    "COMMIT";

/* A symbol as COPY takes it. */
static void escape(const char *symbol, char buf[2 * SYMBOL_MAX + 1])
{
    for (; *symbol != '\0'; symbol++) {
        bool special = *symbol == '\\' || *symbol == '\t' || *symbol == '\n' || *symbol == '\r';

        if (special)
            *buf++ = '\\';
        *buf++ = *symbol == '\t' ? 't' : *symbol == '\n' ? 'n' : *symbol == '\r' ? 'r' : *symbol;
    }
    *buf = '\0';
}

static int put_line(struct postgres_store *s, const char *line, int len)
{
    if (PQputCopyData(s->conn, line, len) == 1)
        return 0;
    postgres_note_error(s);
    return -ENOTCONN;
}

static int put_bar(struct postgres_store *s, size_t n, const struct store_bar *b)
{
    const struct bar *bar = &b->bar;
    const struct decimal values[] = {bar->open, bar->high, bar->low, bar->close, bar->volume};
    char name[2 * SYMBOL_MAX + 1], texts[ARRAY_SIZE(values)][DECIMAL_TEXT_MAX];
    char line[LINE_MAX_BYTES];
    int len;

    escape(b->symbol, name);
    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        decimal_format(values[i], texts[i]);
    len = snprintf(line, sizeof(line), "%zu\t%s\t%d\t%lld\t%s\t%s\t%s\t%s\t%s\t%lld\t%lld\n", n,
                   name, resolution_seconds(b->resolution), (long long)bar->t, texts[0], texts[1],
                   texts[2], texts[3], texts[4], (long long)(bar->first_ms - bar->t * 1000),
                   (long long)(bar->last_ms - bar->t * 1000));
    return put_line(s, line, len);
}

static int put_state(struct postgres_store *s, size_t n, const struct store_state *p)
{
    const struct bars_state *b = &p->state;
    char name[2 * SYMBOL_MAX + 1], volume[DECIMAL_TEXT_MAX] = "\\N", line[LINE_MAX_BYTES];
    int len;

    escape(p->symbol, name);
    if (b->has_volume)
        decimal_format(b->volume, volume);
    len = snprintf(line, sizeof(line), "%zu\t%s\t%lld\t%lld\t%d\t%s\t%u\n", n, name,
                   (long long)b->newest_ms, (long long)b->seq, b->volume_day, volume, b->run);
    return put_line(s, line, len);
}

/* A value as COPY takes it. */
static void format_known(const struct quote *q, enum quote_field field, struct decimal value,
                         char buf[DECIMAL_TEXT_MAX])
{
    if (q->known & field)
        decimal_format(value, buf);
    else
        memcpy(buf, "\\N", sizeof("\\N"));
}

static int put_tick(struct postgres_store *s, size_t n, const struct store_tick *t)
{
    const struct quote *q = &t->quote;
    char name[2 * SYMBOL_MAX + 1], texts[6][DECIMAL_TEXT_MAX], line[LINE_MAX_BYTES];
    int len;

    escape(q->symbol, name);
    decimal_format(q->price, texts[0]);
    format_known(q, QUOTE_OPEN, q->open, texts[1]);
    format_known(q, QUOTE_HIGH, q->high, texts[2]);
    format_known(q, QUOTE_LOW, q->low, texts[3]);
    format_known(q, QUOTE_PREV_CLOSE, q->prev_close, texts[4]);
    format_known(q, QUOTE_VOLUME, q->volume, texts[5]);
    len = snprintf(line, sizeof(line), "%zu\t%s\t%u\t%lld\t%lld\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n",
                   n, name, t->run, (long long)q->seq, (long long)q->timestamp.ms, q->mode,
                   q->session, texts[0], texts[1], texts[2], texts[3], texts[4], texts[5]);
    return put_line(s, line, len);
}

/* End a COPY and take its result. */
static int end_copy(struct postgres_store *s)
{
    PGresult *result;
    int r = 0;

    if (PQputCopyEnd(s->conn, NULL) != 1) {
        postgres_note_error(s);
        return -ENOTCONN;
    }
    while ((result = PQgetResult(s->conn)) != NULL) {
        if (r == 0)
            r = postgres_result(s, result);
        PQclear(result);
    }
    return r;
}

static int stage_bars(struct postgres_store *s, const struct store_batch *batch)
{
    int r = batch->n_bars > 0 ? postgres_run(s, "COPY staged_bars FROM STDIN") : 0;

    for (size_t i = 0; r == 0 && i < batch->n_bars; i++)
        r = put_bar(s, i, &batch->bars[i]);
    return r == 0 && batch->n_bars > 0 ? end_copy(s) : r;
}

static int stage_states(struct postgres_store *s, const struct store_batch *batch)
{
    int r = batch->n_states > 0 ? postgres_run(s, "COPY staged_states FROM STDIN") : 0;

    for (size_t i = 0; r == 0 && i < batch->n_states; i++)
        r = put_state(s, i, &batch->states[i]);
    return r == 0 && batch->n_states > 0 ? end_copy(s) : r;
}

static int stage_ticks(struct postgres_store *s, const struct store_batch *batch)
{
    int r = batch->n_ticks > 0 ? postgres_run(s, "COPY staged_ticks FROM STDIN") : 0;

    for (size_t i = 0; r == 0 && i < batch->n_ticks; i++)
        r = put_tick(s, i, &batch->ticks[i]);
    return r == 0 && batch->n_ticks > 0 ? end_copy(s) : r;
}

static int stage(struct postgres_store *s, const struct store_batch *batch)
{
    int r = postgres_run(s, stage_sql);

    if (r == 0)
        r = stage_bars(s, batch);
    if (r == 0)
        r = stage_states(s, batch);
    return r == 0 ? stage_ticks(s, batch) : r;
}

int postgres_write(struct store *store, const struct store_batch *batch)
{
    struct postgres_store *s = (struct postgres_store *)store;
    int r = postgres_ensure_connected(s);

    if (r == 0)
        r = stage(s, batch);
    return r == 0 ? postgres_run(s, merge_sql) : r;
}
