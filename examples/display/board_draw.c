#include <inttypes.h>
#include <string.h>

#include "examples/display/board_internal.h"

#include "common/banned.h"

#define GAP 2          /* between columns */
#define PANEL_GAP 4    /* between symbols side by side */
#define ARROW 2        /* before a price, with its space */
#define MIN_COLUMNS 10 /* in fewer only the state is shown */

#define AGE_TEXT_MAX 16
#define FLASH_MS 1000 /* a price that moved is bold for so long */

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

static int64_t ms_between(struct mono from, struct mono to)
{
    return (to.ns - from.ns) / 1000000;
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

static void cells_of(const struct row *row, struct mono now, struct cells *ret)
{
    struct decimal change;

    *ret = (struct cells){.price = "-"};
    if (!row->known)
        return;
    number_text(row->price, false, ret->price);
    if (row_change(row, &change))
        number_text(change, true, ret->change);
    row_percent_text(row, ret->percent);
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
