/*
 * prints -- the last trades of one symbol that have a number, so that one that comes twice counts
 * once, and one that is taken back is found again.
 *
 * Keeps PRINTS_KEPT of them; the oldest leaves for the newest. Pure; all zero at first.
 */
#ifndef TAPECAST_PUBLISHER_FEEDS_PRINTS_H
#define TAPECAST_PUBLISHER_FEEDS_PRINTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/decimal.h"

struct trade {
    struct decimal price, size; /* price above zero, size not below */
    struct wall time;
    uint32_t time_ns; /* behind the millisecond: 0..999999 */
    unsigned moves;   /* enum trade_moves */
    bool has_id;
    uint64_t id; /* with the exchange, of this symbol and day */
    char exchange;
};

#define PRINTS_KEPT 32

struct print {
    struct trade trade;
    bool fits;    /* moved the price, or came too late to */
    bool counted; /* in the day's volume */
    bool gone;    /* taken back */
};

struct prints {
    struct print ring[PRINTS_KEPT];
    uint32_t n; /* ever added */
};

/* This very trade has come before. */
bool prints_have(const struct prints *p, const struct trade *t);
struct print *prints_add(struct prints *p, const struct trade *t);

/* The newest one with this number and price that stands, or NULL. */
struct print *prints_find(struct prints *p, uint64_t id, char exchange, struct decimal price);

/* The last one, by its time, that fits and stands; or NULL. */
const struct print *prints_last(const struct prints *p);

/* A trade of this time and price has been taken back. */
bool prints_are_gone(const struct prints *p, struct wall time, struct decimal price);

bool prints_stand(const struct prints *p, struct wall time, struct decimal price); /* one stands */

/* <0, 0, >0 as a was made before b, in the same moment, after. */
int trade_cmp_time(const struct trade *a, const struct trade *b);

#endif
