/*
 * board -- the table of symbols that the display shows: takes messages, gives a frame for a
 * terminal or lines for a plain display.
 *
 * Pure: no I/O, no clock, no threads. Messages are bytes from strangers: what is not a quote or a
 * price is counted and left out, and nothing but printable ASCII and our own colours ever comes
 * out, whatever went in.
 */
#ifndef TAPECAST_DISPLAY_BOARD_H
#define TAPECAST_DISPLAY_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/macros.h"
#include "common/topic.h"

/* Rows a board holds; symbols beyond are counted. A row takes about 100 bytes. */
#define BOARD_MAX_SYMBOLS 1000

enum board_link {
    BOARD_CONNECTING, /* never been up */
    BOARD_UP,
    BOARD_AWAY, /* was up, or could not come up; tries again */
};

struct board_message {
    const char *topic;
    size_t topic_len;
    const void *payload;
    size_t len;
    bool retained; /* the broker's last known value, sent on subscribing: not news */
    struct mono now;
    struct wall wall; /* the same moment; tells how old a retained quote is */
};

struct board_counts {
    uint64_t messages; /* all */
    uint64_t shown;    /* those that became part of the table */
    uint64_t bad;      /* on a topic of ours, yet neither a quote nor a price */
    uint64_t over;     /* for symbols that no longer fit the table */
};

struct board;

/* A board of `n` normalized, distinct symbols in this order, none added later; or with `n` 0, of
 * whatever symbols come, in alphabetical order. Values count as old after `stale_ms` without news.
 * Returns 0 and sets *ret, freed with board_free(); -E2BIG over BOARD_MAX_SYMBOLS; -ENOMEM. */
MUST_CHECK int board_new(const char *const *symbols, size_t n, int64_t stale_ms, struct mono now,
                         struct board **ret);
void board_free(struct board *b); /* NULL is allowed */

/* Take one message; what it was is in the counts. */
void board_message(struct board *b, const struct board_message *m);

/* The link changed; `why` ("" for none) is shown while it is away. BOARD_AWAY marks every value as
 * old until a message brings it again. */
void board_link(struct board *b, enum board_link link, const char *why, struct mono now);

struct board_counts board_counts(const struct board *b);

struct board_view {
    int columns, lines; /* of the terminal */
    bool colour;        /* green, red, dim, bold by SGR escapes; else plain text */
    bool utf8;          /* real arrows; else + and - do */
    struct mono now;
};

/* Write at most view->lines lines, none wider than view->columns, without a newline after the last:
 * a state line, headings, the symbols (side by side where they fit), what was left out. */
void board_draw(const struct board *b, const struct board_view *view, FILE *out);

/* For a display that takes one line for each update: `AAPL 189.45 +0.20%`, the percentage left out
 * when unknown, ` old` at the end while the link is away. */
#define BOARD_LINE_MAX (SYMBOL_MAX + 64)

/* The next symbol that changed since its last line; of several changes the newest. Returns the
 * length with the newline; 0 when all is said. */
size_t board_next_line(struct board *b, char buf[BOARD_LINE_MAX]);
bool board_has_line(const struct board *b);

#endif
