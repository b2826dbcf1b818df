/*
 * board_internal -- what board.c (messages in, lines out) and board_draw.c (the table) share.
 */
#ifndef TAPECAST_DISPLAY_BOARD_INTERNAL_H
#define TAPECAST_DISPLAY_BOARD_INTERNAL_H

#include "common/decimal.h"
#include "examples/display/board.h"

#define NUMBER_TEXT_MAX (DECIMAL_TEXT_MAX + 4) /* sign, ".00", "%" */
#define WHY_MAX 80

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

/* At least two digits after the point, as prices are read; "+" before what rose when `sign`. */
void number_text(struct decimal d, bool sign, char buf[NUMBER_TEXT_MAX]);

/* Against the previous close: false, or "", when that is not known. */
bool row_change(const struct row *row, struct decimal *ret);
void row_percent_text(const struct row *row, char buf[NUMBER_TEXT_MAX]); /* "+0.20%" */

#endif
