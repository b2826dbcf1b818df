/*
 * tally -- what became of the rows of a file: each was played or left out for one reason; and what
 * else is worth knowing about those played.
 */
#ifndef TAPECAST_PUBLISHER_REPLAY_TALLY_H
#define TAPECAST_PUBLISHER_REPLAY_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum tally_fact {
    ROW_KEPT,
    /* reasons to leave a row out */
    LEFT_TOO_LONG,
    LEFT_UNCLOSED_QUOTE,
    LEFT_REPEATED_HEADER,
    LEFT_TOO_FEW_FIELDS,
    LEFT_BAD_SYMBOL,
    LEFT_NOT_ASKED_FOR,
    LEFT_TOO_MANY_SYMBOLS,
    LEFT_BAD_TIME,
    LEFT_NO_PRICE,
    LEFT_BAD_NUMBER,
    LEFT_TOO_MANY_DIGITS,
    LEFT_NOT_POSITIVE,
    LEFT_DUPLICATE,
    N_LEFT,
    /* reports on rows that are played */
    SEEN_OUT_OF_ORDER = N_LEFT,
    SEEN_EMPTY_FIELD,
    SEEN_OUTSIDE_RANGE,
    SEEN_ZERO_VOLUME,
    N_FACTS
};

struct tally {
    struct {
        uint64_t n;
        uint64_t line; /* of the first; 0 where lines are not known */
    } facts[N_FACTS];
};

void tally_add(struct tally *t, enum tally_fact fact, uint64_t line);

/* Rows of the file, headers and empty lines not counted: kept or left out. */
uint64_t tally_read(const struct tally *t);
uint64_t tally_left_out(const struct tally *t);

/* The reason for which most rows were left out. */
enum tally_fact tally_main_reason(const struct tally *t);
const char *tally_words(enum tally_fact fact);

/* One fact a line, those that are zero left away. */
void tally_print_left_out(const struct tally *t, FILE *out);
void tally_print_seen(const struct tally *t, FILE *out);

#define TALLY_NUMBER_MAX 28
const char *tally_number(uint64_t n, char buf[TALLY_NUMBER_MAX]); /* "619,040" */

#endif
