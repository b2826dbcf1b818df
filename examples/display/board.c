#include "examples/display/board.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/quote.h"
#include "examples/display/board_internal.h"

#include "common/banned.h"

#define OLDEST_MS (365 * INT64_C(86400000)) /* older than this is this old */

/* ---- rows ------------------------------------------------------------------------------------ */

/* Bytes that a terminal or a line-based display might take for more than a letter become '?'. */
static void make_printable(char *s, char lowest)
{
    for (; *s != '\0'; s++)
        *s = lowest <= *s && *s <= '~' ? *s : '?';
}

static void row_init(struct row *row, const char *symbol)
{
    size_t len = strlen(symbol);

    *row = (struct row){0};
    memcpy(row->symbol, symbol, len);
    memcpy(row->label, symbol, len);
    make_printable(row->label, '!'); /* no blanks: a line's words are its fields */
}

int board_new(const char *const *symbols, size_t n, int64_t stale_ms, struct mono now,
              struct board **ret)
{
    struct board *b;

    if (n > BOARD_MAX_SYMBOLS)
        return -E2BIG;
    b = calloc(1, sizeof(*b));
    if (b == NULL)
        return -ENOMEM;
    b->cap = n > 0 ? n : 32;
    b->rows = calloc(b->cap, sizeof(*b->rows));
    if (b->rows == NULL) {
        board_free(b);
        return -ENOMEM;
    }
    for (size_t i = 0; i < n; i++)
        row_init(&b->rows[i], symbols[i]);
    b->n_rows = n;
    b->fixed = n > 0;
    b->stale_ms = stale_ms;
    b->link_time = now;
    *ret = b;
    return 0;
}

void board_free(struct board *b)
{
    if (b == NULL)
        return;
    free(b->rows);
    free(b);
}

/* The row of `symbol`, or where it would be inserted. */
static size_t row_place(const struct board *b, const char *symbol, bool *ret_found)
{
    size_t low = 0, high = b->n_rows;

    *ret_found = false;
    if (b->fixed) { /* in the order asked for, usually a handful */
        for (low = 0; low < b->n_rows && !*ret_found; low++)
            *ret_found = strcmp(b->rows[low].symbol, symbol) == 0;
        return *ret_found ? low - 1 : low;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(b->rows[middle].symbol, symbol);

        if (order == 0)
            *ret_found = true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct row *row_insert(struct board *b, size_t place, const char *symbol)
{
    if (b->n_rows == b->cap) {
        struct row *rows = reallocarray(b->rows, b->cap * 2, sizeof(*rows));

        if (rows == NULL)
            return NULL;
        b->rows = rows;
        b->cap *= 2;
    }
    memmove(&b->rows[place + 1], &b->rows[place], (b->n_rows - place) * sizeof(*b->rows));
    b->n_rows++;
    row_init(&b->rows[place], symbol);
    return &b->rows[place];
}

/* The row that takes a price for `symbol`; NULL when the board has no place for it. */
static struct row *row_for(struct board *b, const char *symbol)
{
    bool found;
    size_t place = row_place(b, symbol, &found);
    struct row *row = NULL;

    if (found)
        return &b->rows[place];
    if (b->fixed)
        return NULL;
    if (b->n_rows < BOARD_MAX_SYMBOLS)
        row = row_insert(b, place, symbol);
    if (row == NULL)
        b->counts.over++;
    return row;
}

static void row_changed(struct board *b, struct row *row)
{
    if (!row->changed)
        b->n_changed++;
    row->changed = true;
}

static void row_set_price(struct board *b, struct row *row, struct decimal price, struct mono now)
{
    int order = row->known ? decimal_cmp(price, row->price) : 0;

    if (order != 0) {
        row->move = order < 0 ? -1 : 1;
        row->moved = now;
    }
    row->price = price;
    row->known = true;
    row->old = false;
    row_changed(b, row);
}

/* ---- messages -------------------------------------------------------------------------------- */

enum topic_kind { TOPIC_OTHER, TOPIC_QUOTE, TOPIC_PRICE, TOPIC_BAD };

/* `stocks/{SYMBOL}` or `stocks/{SYMBOL}/price`; sets `symbol` for these two. */
static enum topic_kind topic_read(const char *topic, size_t len, char symbol[SYMBOL_MAX + 1])
{
    static const char prefix[] = "stocks/", price[] = "/price";
    enum topic_kind kind = TOPIC_QUOTE;
    char raw[SYMBOL_ESCAPED_MAX];
    const char *level, *end;
    size_t level_len;
    long raw_len;

    if (len < strlen(prefix) || memcmp(topic, prefix, strlen(prefix)) != 0)
        return TOPIC_OTHER;
    level = topic + strlen(prefix);
    level_len = len - strlen(prefix);
    end = memchr(level, '/', level_len);
    if (end != NULL) {
        if (level_len - (size_t)(end - level) != strlen(price) ||
            memcmp(end, price, strlen(price)) != 0)
            return TOPIC_OTHER;
        level_len = (size_t)(end - level);
        kind = TOPIC_PRICE;
    }
    raw_len = topic_level_unescape(level, level_len, raw, sizeof(raw));
    if (raw_len < 0 || symbol_normalize(raw, (size_t)raw_len, symbol) < 0)
        return TOPIC_BAD;
    return kind;
}

/* When a retained quote was made, on our clock: a value that the broker kept must not look fresh.
 * A replay's times are of another day and say nothing. */
static bool retained_time(const struct quote *q, const struct board_message *m, struct mono *ret)
{
    int64_t age_ms = 0;

    if (q->mode == MODE_REPLAY)
        return false;
    if (q->timestamp.ms < m->wall.ms - OLDEST_MS)
        age_ms = OLDEST_MS;
    else if (q->timestamp.ms < m->wall.ms)
        age_ms = m->wall.ms - q->timestamp.ms;
    *ret = mono_add_ms(m->now, -age_ms);
    return true;
}

static bool take_quote(struct board *b, const struct board_message *m, const char *symbol)
{
    struct quote q;
    struct row *row;

    if (quote_decode(m->payload, m->len, &q) < 0 || strcmp(q.symbol, symbol) != 0) {
        b->counts.bad++;
        return false;
    }
    row = row_for(b, symbol);
    if (row == NULL)
        return false;
    row_set_price(b, row, q.price, m->now);
    row->quoted = true;
    row->has_prev_close = (q.known & QUOTE_PREV_CLOSE) != 0;
    row->prev_close = q.prev_close;
    row->time = m->now;
    row->has_time = !m->retained || retained_time(&q, m, &row->time);
    return true;
}

static bool take_price(struct board *b, const struct board_message *m, const char *symbol)
{
    struct decimal price;
    struct row *row;

    if (decimal_parse(m->payload, m->len, &price) < 0) {
        b->counts.bad++;
        return false;
    }
    row = row_for(b, symbol);
    if (row == NULL)
        return false;
    if (row->quoted && !row->old && decimal_cmp(price, row->price) == 0)
        return true; /* the twin of the quote we have: nothing new */
    row_set_price(b, row, price, m->now);
    row->time = m->now;
    row->has_time = !m->retained;
    return true;
}

void board_message(struct board *b, const struct board_message *m)
{
    char symbol[SYMBOL_MAX + 1];
    bool shown = false;

    b->counts.messages++;
    switch (topic_read(m->topic, m->topic_len, symbol)) {
    case TOPIC_QUOTE:
        shown = take_quote(b, m, symbol);
        break;
    case TOPIC_PRICE:
        shown = take_price(b, m, symbol);
        break;
    case TOPIC_BAD:
        b->counts.bad++;
        break;
    case TOPIC_OTHER:
        break;
    }
    if (!shown)
        return;
    b->counts.shown++;
    if (!m->retained) {
        b->news_time = m->now;
        b->has_news = true;
    }
}

void board_link(struct board *b, enum board_link link, const char *why, struct mono now)
{
    if (link != b->link)
        b->link_time = now;
    if (link == BOARD_AWAY && b->link == BOARD_UP) {
        b->has_news = false;
        for (size_t i = 0; i < b->n_rows; i++) {
            b->rows[i].old = true;
            if (b->rows[i].known)
                row_changed(b, &b->rows[i]);
        }
    }
    b->link = link;
    snprintf(b->why, sizeof(b->why), "%s", why);
    make_printable(b->why, ' ');
}

struct board_counts board_counts(const struct board *b)
{
    return b->counts;
}

/* ---- lines ----------------------------------------------------------------------------------- */

void number_text(struct decimal d, bool sign, char buf[NUMBER_TEXT_MAX])
{
    char digits[DECIMAL_TEXT_MAX];

    decimal_format(d, digits);
    snprintf(buf, NUMBER_TEXT_MAX, "%s%s%s%s", sign && d.coef > 0 ? "+" : "", digits,
             d.scale == 0 ? "." : "", &"00"[d.scale < 2 ? d.scale : 2]);
}

bool row_change(const struct row *row, struct decimal *ret)
{
    return row->known && row->has_prev_close && decimal_sub(row->price, row->prev_close, ret) == 0;
}

void row_percent_text(const struct row *row, char buf[NUMBER_TEXT_MAX])
{
    struct decimal change, percent;

    buf[0] = '\0';
    if (!row_change(row, &change) || decimal_percent(change, row->prev_close, 2, &percent) < 0)
        return;
    number_text(percent, true, buf);
    snprintf(buf + strlen(buf), NUMBER_TEXT_MAX - strlen(buf), "%%");
}

bool board_has_line(const struct board *b)
{
    return b->n_changed > 0;
}

size_t board_next_line(struct board *b, char buf[BOARD_LINE_MAX])
{
    char price[NUMBER_TEXT_MAX], percent[NUMBER_TEXT_MAX];
    struct row *row;

    if (b->n_changed == 0)
        return 0;
    do { /* round and round, so that a busy symbol does not keep the others from being told */
        row = &b->rows[b->next_line++ % b->n_rows];
    } while (!row->changed);
    row->changed = false;
    b->n_changed--;
    number_text(row->price, false, price);
    row_percent_text(row, percent);
    return (size_t)snprintf(buf, BOARD_LINE_MAX, "%s %s%s%s%s\n", row->label, price,
                            percent[0] != '\0' ? " " : "", percent, row->old ? " old" : "");
}
