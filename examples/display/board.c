#include "examples/display/board.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/decimal.h"
#include "common/quote.h"

#include "common/banned.h"

#define NUMBER_TEXT_MAX (DECIMAL_TEXT_MAX + 4) /* sign, ".00" */
#define AGE_TEXT_MAX 16
#define WHY_MAX 80
#define FLASH_MS 1000                       /* a price that moved is bold for so long */
#define OLDEST_MS (365 * INT64_C(86400000)) /* older than this is this old */
#define NS_PER_MS INT64_C(1000000)

struct row {
    char symbol[SYMBOL_MAX + 1];
    char label[SYMBOL_MAX + 1]; /* the symbol in printable ASCII */
    bool known;                 /* a price has come; the rest means nothing before */
    bool quoted;                /* from a quote, not from a bare price */
    bool has_prev_close;
    bool has_time; /* `time` says when the price was made */
    bool old;      /* the link went away since */
    bool changed;  /* board_next_line() has to tell */
    int8_t move;   /* the last move's sign */
    struct decimal price, prev_close;
    struct mono time, moved;
};

struct board {
    struct row *rows; /* in the order they are shown */
    size_t n_rows, cap;
    bool fixed; /* symbols were asked for: no row is added */
    int64_t stale_ms;
    enum board_link link;
    char why[WHY_MAX];
    struct mono link_time; /* since when the link is as it is */
    struct mono news_time; /* the last message that was not retained */
    bool has_news;         /* ... on this link */
    struct board_counts counts;
    size_t n_changed, next_line;
};

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

/* ---- text ------------------------------------------------------------------------------------ */

/* At least two digits after the point, as prices are read; "+" before what rose when `sign`. */
static void number_text(struct decimal d, bool sign, char buf[NUMBER_TEXT_MAX])
{
    char digits[DECIMAL_TEXT_MAX];

    decimal_format(d, digits);
    snprintf(buf, NUMBER_TEXT_MAX, "%s%s%s%s", sign && d.coef > 0 ? "+" : "", digits,
             d.scale == 0 ? "." : "", &"00"[d.scale < 2 ? d.scale : 2]);
}

static bool row_change(const struct row *row, struct decimal *ret)
{
    return row->known && row->has_prev_close && decimal_sub(row->price, row->prev_close, ret) == 0;
}

/* "+0.20%"; "" when not known. */
static void percent_text(const struct row *row, char buf[NUMBER_TEXT_MAX])
{
    struct decimal change, percent;

    buf[0] = '\0';
    if (!row_change(row, &change) || decimal_percent(change, row->prev_close, 2, &percent) < 0)
        return;
    number_text(percent, true, buf);
    snprintf(buf + strlen(buf), NUMBER_TEXT_MAX - strlen(buf), "%%");
}

/* "5s", "3m", "7h", "2d" */
static void age_text(int64_t ms, char buf[AGE_TEXT_MAX])
{
    int64_t s = ms > 0 ? ms / 1000 : 0;

    if (s < 60)
        snprintf(buf, AGE_TEXT_MAX, "%ds", (int)s);
    else if (s < 3600)
        snprintf(buf, AGE_TEXT_MAX, "%dm", (int)(s / 60));
    else if (s < 48 * 3600)
        snprintf(buf, AGE_TEXT_MAX, "%dh", (int)(s / 3600));
    else
        snprintf(buf, AGE_TEXT_MAX, "%dd", (int)(s / 86400));
}

static int64_t ms_between(struct mono from, struct mono to)
{
    return (to.ns - from.ns) / NS_PER_MS;
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
    percent_text(row, percent);
    return (size_t)snprintf(buf, BOARD_LINE_MAX, "%s %s%s%s%s\n", row->label, price,
                            percent[0] != '\0' ? " " : "", percent, row->old ? " old" : "");
}

/* ---- drawing --------------------------------------------------------------------------------- */

#define GAP 2          /* between columns */
#define PANEL_GAP 4    /* between symbols side by side */
#define ARROW 2        /* before a price, with its space */
#define MIN_COLUMNS 10 /* in fewer only the state is shown */

#define SGR_RESET "\033[0m"
#define SGR_BOLD "\033[1m"
#define SGR_DIM "\033[2m"
#define SGR_RED "\033[31m"
#define SGR_GREEN "\033[32m"
#define SGR_YELLOW "\033[33m"

struct cells {
    char price[NUMBER_TEXT_MAX], change[NUMBER_TEXT_MAX], percent[NUMBER_TEXT_MAX];
    char age[AGE_TEXT_MAX];
};

/* Widths; 0 for a column that is left out. The price column includes its arrow. */
struct layout {
    int symbol, price, change, percent, age;
    int panels, height; /* symbols side by side, and below each other */
    bool headings, foot;
};

static void cells_of(const struct row *row, struct mono now, struct cells *ret)
{
    struct decimal change;

    *ret = (struct cells){.price = "-"};
    if (!row->known)
        return;
    number_text(row->price, false, ret->price);
    if (row_change(row, &change))
        number_text(change, true, ret->change);
    percent_text(row, ret->percent);
    if (row->old)
        snprintf(ret->age, sizeof(ret->age), "old");
    else if (row->has_time)
        age_text(ms_between(row->time, now), ret->age);
}

static int wider(int width, const char *text)
{
    int len = (int)strlen(text);

    return len > width ? len : width;
}

static int layout_width(const struct layout *l)
{
    int width = l->symbol + GAP + l->price;

    width += l->change > 0 ? GAP + l->change : 0;
    width += l->percent > 0 ? GAP + l->percent : 0;
    return width + (l->age > 0 ? GAP + l->age : 0);
}

/* Leave out columns until a row fits, the least needed first; then cut the symbol. */
static void layout_narrow(struct layout *l, int columns)
{
    int *const least_first[] = {&l->age, &l->change, &l->percent};
    int excess;

    for (size_t i = 0; i < ARRAY_SIZE(least_first) && layout_width(l) > columns; i++)
        *least_first[i] = 0;
    excess = layout_width(l) - columns;
    if (excess > 0) {
        int cut = excess < l->symbol - 1 ? excess : l->symbol - 1;

        l->symbol -= cut;
        l->price -= excess - cut;
    }
}

static void layout_make(const struct board *b, const struct board_view *v, struct layout *ret)
{
    struct layout l = {.symbol = 6, .price = 6, .age = 4};
    int n_rows = (int)b->n_rows, room;

    for (size_t i = 0; i < b->n_rows; i++) {
        struct cells c;

        cells_of(&b->rows[i], v->now, &c);
        l.symbol = wider(l.symbol, b->rows[i].label);
        l.price = wider(l.price, c.price);
        l.change = wider(l.change, c.change);
        l.percent = wider(l.percent, c.percent);
        l.age = wider(l.age, c.age);
    }
    l.price += ARROW;
    l.change = l.change > 0 ? wider(l.change, "CHANGE") : 0;
    layout_narrow(&l, v->columns);

    l.headings = v->lines >= 5 && n_rows > 0;
    l.foot = v->lines >= 3;
    room = v->lines - 1 - (l.headings ? 1 : 0) - (l.foot ? 1 : 0);
    room = room > 0 ? room : 0;
    l.panels = (v->columns + PANEL_GAP) / (layout_width(&l) + PANEL_GAP);
    if (room > 0 && l.panels > (n_rows + room - 1) / room)
        l.panels = (n_rows + room - 1) / room;
    l.panels = l.panels > 1 ? l.panels : 1;
    l.height = (n_rows + l.panels - 1) / l.panels;
    l.height = l.height < room ? l.height : room;
    *ret = l;
}

static void put_sgr(const struct board_view *v, FILE *out, const char *sgr)
{
    if (v->colour)
        fputs(sgr, out);
}

/* A number that does not fit is not cut, since the rest of it would be another number. */
static void put_number(FILE *out, const char *text, int width)
{
    if ((int)strlen(text) <= width)
        fprintf(out, "%*s", width, text);
    else
        for (int i = 0; i < width; i++)
            fputc('#', out);
}

/* The day's direction; for a bare price that of its last move. */
static int row_direction(const struct row *row)
{
    struct decimal change;

    if (row_change(row, &change))
        return (change.coef > 0) - (change.coef < 0);
    return row->move;
}

static const char *arrow(const struct board_view *v, int direction)
{
    if (direction == 0)
        return " ";
    if (v->utf8)
        return direction > 0 ? "▲" : "▼";
    return direction > 0 ? "^" : "v";
}

static void put_row_colour(const struct board *b, const struct row *row, const struct board_view *v,
                           FILE *out, int direction)
{
    bool stale = row->has_time && ms_between(row->time, v->now) >= b->stale_ms;

    if (row->old || stale || !row->known)
        put_sgr(v, out, SGR_DIM);
    else if (direction != 0)
        put_sgr(v, out, direction > 0 ? SGR_GREEN : SGR_RED);
}

static void draw_row(const struct board *b, const struct row *row, const struct layout *l,
                     const struct board_view *v, FILE *out)
{
    int direction = row->known ? row_direction(row) : 0;
    bool flash = !row->old && row->move != 0 && ms_between(row->moved, v->now) < FLASH_MS;
    struct cells c;

    cells_of(row, v->now, &c);
    fprintf(out, "%-*.*s%*s", l->symbol, l->symbol, row->label, GAP, "");
    put_row_colour(b, row, v, out, direction);
    if (flash)
        put_sgr(v, out, SGR_BOLD);
    if (l->price > ARROW)
        fprintf(out, "%s ", arrow(v, direction));
    put_number(out, c.price, l->price - ARROW);
    if (l->change > 0)
        fprintf(out, "%*s%*s", GAP, "", l->change, c.change);
    if (l->percent > 0)
        fprintf(out, "%*s%*s", GAP, "", l->percent, c.percent);
    put_sgr(v, out, SGR_RESET);
    if (l->age > 0) {
        put_sgr(v, out, SGR_DIM);
        fprintf(out, "%*s%*s", GAP, "", l->age, c.age);
        put_sgr(v, out, SGR_RESET);
    }
}

static void draw_headings(const struct layout *l, const struct board_view *v, FILE *out)
{
    put_sgr(v, out, SGR_DIM);
    for (int panel = 0; panel < l->panels; panel++) {
        fprintf(out, "%*s%-*.*s%*s%*.*s", panel > 0 ? PANEL_GAP : 0, "", l->symbol, l->symbol,
                "SYMBOL", GAP, "", l->price, l->price, "PRICE");
        if (l->change > 0)
            fprintf(out, "%*s%*s", GAP, "", l->change, "CHANGE");
        if (l->percent > 0)
            fprintf(out, "%*s%*s", GAP, "", l->percent, "%");
        if (l->age > 0)
            fprintf(out, "%*s%*s", GAP, "", l->age, "AGE");
    }
    put_sgr(v, out, SGR_RESET);
}

/* What the first line says, and the colour that goes with it. */
static const char *state_text(const struct board *b, struct mono now, char *buf, size_t cap)
{
    struct mono since = b->has_news ? b->news_time : b->link_time;
    char age[AGE_TEXT_MAX];

    age_text(ms_between(b->link == BOARD_UP ? since : b->link_time, now), age);
    switch (b->link) {
    case BOARD_CONNECTING:
        snprintf(buf, cap, "connecting to %s", b->why);
        return SGR_YELLOW;
    case BOARD_AWAY:
        snprintf(buf, cap, "disconnected for %s, retrying: %s", age, b->why);
        return SGR_RED;
    case BOARD_UP:
        break;
    }
    if (ms_between(since, now) >= b->stale_ms) {
        snprintf(buf, cap, "no data for %s", age);
        return SGR_YELLOW;
    }
    snprintf(buf, cap, "%s", b->has_news ? "live" : "connected, waiting for prices");
    return b->has_news ? SGR_GREEN : SGR_YELLOW;
}

static void draw_state(const struct board *b, const struct board_view *v, FILE *out)
{
    char text[WHY_MAX + 64];
    const char *colour = state_text(b, v->now, text, sizeof(text));

    put_sgr(v, out, colour);
    fprintf(out, "%.*s", v->columns, text);
    put_sgr(v, out, SGR_RESET);
}

/* What the table does not show; no line when that is nothing. */
static void draw_foot(const struct board *b, const struct layout *l, const struct board_view *v,
                      FILE *out)
{
    size_t places = (size_t)l->panels * (size_t)l->height;
    char text[192];
    int len = 0;

    text[0] = '\0';
    if (b->n_rows > places)
        len = snprintf(text, sizeof(text), "%zu more in a larger window  ", b->n_rows - places);
    if (b->counts.bad > 0)
        len += snprintf(text + len, sizeof(text) - (size_t)len, "%" PRIu64 " not understood  ",
                        b->counts.bad);
    if (b->counts.over > 0)
        snprintf(text + len, sizeof(text) - (size_t)len,
                 "%" PRIu64 " for symbols beyond the first %d", b->counts.over, BOARD_MAX_SYMBOLS);
    if (text[0] == '\0')
        return;
    put_sgr(v, out, SGR_DIM);
    fprintf(out, "\n%.*s", v->columns, text);
    put_sgr(v, out, SGR_RESET);
}

void board_draw(const struct board *b, const struct board_view *view, FILE *out)
{
    struct layout l;

    draw_state(b, view, out);
    if (view->columns < MIN_COLUMNS || view->lines < 2)
        return;
    layout_make(b, view, &l);
    if (l.headings) {
        fputc('\n', out);
        draw_headings(&l, view, out);
    }
    for (int line = 0; line < l.height; line++) {
        fputc('\n', out);
        for (int panel = 0; panel < l.panels; panel++) {
            size_t i = (size_t)(panel * l.height + line);

            if (i >= b->n_rows)
                break;
            fprintf(out, "%*s", panel > 0 ? PANEL_GAP : 0, "");
            draw_row(b, &b->rows[i], &l, view, out);
        }
    }
    if (l.foot)
        draw_foot(b, &l, view, out);
}
