/*
 * tape -- the rows of a market data file, checked and put in order: what the replay feed plays.
 *
 * Every row of the file is either in the series' order or counted in the tally under the reason for
 * which it was left out. No I/O: `loader` brings the rows of a file.
 */
#ifndef TAPECAST_PUBLISHER_REPLAY_TAPE_H
#define TAPECAST_PUBLISHER_REPLAY_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"
#include "publisher/index.h"
#include "publisher/replay/csv.h"
#include "publisher/replay/layout.h"
#include "publisher/replay/series.h"
#include "publisher/replay/survey.h"
#include "publisher/replay/tally.h"

/* The strings stay where they are as long as the tape. */
struct tape_request {
    const char *path;           /* may name the symbol, and is told in log lines */
    const char *const *symbols; /* those to play, normalized; of a file without a symbol column the
                                   one that it holds */
    size_t n_symbols;           /* 0: all */
    bool imports;               /* log lines speak of an import, and of its options */
};

/* The words for them. */
static inline const char *tape_task(const struct tape_request *r)
{
    return r->imports ? "import" : "replay";
}
static inline const char *tape_option(const struct tape_request *r)
{
    return r->imports ? "--symbol" : "--symbols";
}

struct tape {
    struct tape_request request;
    struct index asked; /* of request.symbols */
    struct layout layout;
    struct series series;
    struct tally tally;
    struct survey survey;
    enum timestamp_form time_form; /* of the first row kept */
    bool ticks;                    /* else bars */
    char symbol[SYMBOL_MAX + 1];   /* of a file without a symbol column */
    uint32_t last_symbol;          /* index of the one read last */
    const char *damage;            /* NULL; or why the file could not be read to its end */
};

/* Returns 0, *t released with tape_release(); -ENOMEM. */
MUST_CHECK int tape_init(struct tape *t, const struct tape_request *request);
void tape_release(struct tape *t); /* also of one all zero */

/* Take the next row of the file. Returns 0; -EBADMSG when the layout cannot be understood, -EINVAL
 * when it cannot be known which symbol the file holds, -EFBIG (all logged); -ENOMEM. */
MUST_CHECK int tape_take(struct tape *t, const struct csv_row *fields);

/* Put the rows in order, once, after the last. Returns 0; -ENOMEM. */
MUST_CHECK int tape_finish(struct tape *t);

#endif
