/*
 * tape -- a market data file read whole, checked and put in order: what the replay feed plays.
 *
 * Every row of the file is either in the series' order or counted in the tally under the reason for
 * which it was left out.
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
#include "publisher/replay/textfile.h"

struct tape_request {
    const char *path;
    const char *const *symbols; /* those to play, normalized; for a file without a symbol column
                                   the one that it holds */
    size_t n_symbols;           /* 0: all */
    int stop_fd;                /* loading ends when it is readable; -1 for none */
};

struct tape {
    struct tape_request request;
    struct index asked; /* of request.symbols */
    struct layout layout;
    struct series series;
    struct tally tally;
    struct survey survey;
    enum timestamp_form time_form; /* of the first row played */
    bool ticks;                    /* else bars */
    char symbol[SYMBOL_MAX + 1];   /* of a file without a symbol column */
    uint32_t last_symbol;          /* index of the row read last */

    struct textfile *file; /* from tape_open() to tape_load() */
    struct csv csv;
    struct csv_row *fields;
    const char *damage; /* NULL; or why the file could not be read to its end */
};

/* Open the file and read so much of it that its layout is known. Returns 0, *ret released with
 * tape_release(); or a negative errno after logging one line that says what to do. The strings of
 * `request` are not copied. */
MUST_CHECK int tape_open(const struct tape_request *request, struct tape *ret);
void tape_release(struct tape *t);

/* Read the rest, which may take seconds; on a terminal the progress is shown. Logs one line about
 * how the file was understood. Returns 0 with at least one row to play; -ECANCELED when stopped; or
 * another negative errno after logging one line. */
MUST_CHECK int tape_load(struct tape *t);

/* The steps of it, for rows from elsewhere: an empty tape, each row, the end. tape_take() returns
 * 0; -EINVAL when the layout cannot be understood or the file's symbol is not known (logged);
 * -EFBIG (logged); -ENOMEM. */
MUST_CHECK int tape_init(struct tape *t, const struct tape_request *request); /* 0 or -ENOMEM */
MUST_CHECK int tape_take(struct tape *t, const struct csv_row *fields);
MUST_CHECK int tape_finish(struct tape *t); /* 0 or -ENOMEM */

#endif
