/*
 * conditions -- what a trade may move, by the codes that the exchange put on it.
 *
 * Not each trade is made at the market's price: an average of the day, an option's delivery, an odd
 * lot or a report that comes late count for the volume and say nothing about the price now. The
 * rules are those of the US consolidated tapes as the services publish them (docs/feeds.md). Of
 * several codes the strictest decides; an unknown one counts for the volume alone.
 *
 * Pure functions.
 */
#ifndef TAPECAST_PUBLISHER_FEEDS_CONDITIONS_H
#define TAPECAST_PUBLISHER_FEEDS_CONDITIONS_H

#include <stdbool.h>

enum trade_moves {
    MOVES_LAST = 1 << 0,
    MOVES_RANGE = 1 << 1, /* the day's high and low */
    MOVES_VOLUME = 1 << 2,
    MOVES_EXTENDED = 1 << 3, /* made outside regular hours: moves only there */
    MOVES_CLOSING = 1 << 4,  /* the auction at the close: part of regular hours, reported after */
    MOVES_ALL = MOVES_LAST | MOVES_RANGE | MOVES_VOLUME,
};

/* What is left of `moves` (at first MOVES_ALL) by one code more: a numeric text of Finnhub's. With
 * `odd_lots` an odd lot moves what a round one does. */
unsigned conditions_finnhub(unsigned moves, const char *code, bool odd_lots);

/* The same by a code of the consolidated tapes as Alpaca gives it, on tape 'A', 'B', 'C' or 'O'. */
unsigned conditions_tape(unsigned moves, const char *code, char tape, bool odd_lots);

#endif
