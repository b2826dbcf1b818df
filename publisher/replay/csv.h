/*
 * csv -- rows out of bytes: RFC 4180, with whatever separates the fields.
 *
 * Bytes go in as they come, in pieces of any size; rows come out the same however they were cut.
 * The separator is the most frequent of tab, `;` and `,` in the first line. Quoted fields may hold
 * separators, newlines and `""`; lines end in LF or CRLF; a byte order mark is skipped, and so are
 * empty lines. A quote that does not close within CSV_MAX_ROW costs its own line only. No I/O.
 *
 *   0 ...... start ........ end ........ CSV_BUFFER
 *   |  done  |  to be read  |  free      |
 */
#ifndef TAPECAST_PUBLISHER_REPLAY_CSV_H
#define TAPECAST_PUBLISHER_REPLAY_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"

#define CSV_MAX_ROW ((size_t)64 * 1024)
#define CSV_MAX_FIELDS 256 /* further ones of a row are not given */
#define CSV_BUFFER (4 * CSV_MAX_ROW)

enum csv_fault {
    CSV_OK,
    CSV_UNCLOSED_QUOTE, /* the fields are those of the first line, quotes taken as they are */
    CSV_TOO_LONG,       /* over CSV_MAX_ROW; no fields */
};

struct csv_field {
    const char *text; /* not NUL-terminated; blanks at both ends removed */
    size_t len;
};

struct csv_row {
    struct csv_field fields[CSV_MAX_FIELDS];
    size_t n;
    uint64_t line; /* where it begins, from 1 */
    enum csv_fault fault;
};

struct csv {
    char *buf;
    size_t start, end;
    uint64_t line;     /* of `start` */
    char separator;    /* '\0' until the first line is complete */
    bool begun;        /* a byte order mark has been looked for */
    uint64_t skipping; /* 0, or the line of the overlong row that is being skipped */
};

/* Returns 0; -ENOMEM. Released with csv_release(). */
MUST_CHECK int csv_init(struct csv *c);
void csv_release(struct csv *c);

/* Where to put the next bytes: call when csv_next() asks for more, write up to *ret_cap (>= 1) and
 * say how many with csv_added(). Fields given before are gone. */
char *csv_space(struct csv *c, size_t *ret_cap);
void csv_added(struct csv *c, size_t n);

/* The next row, valid until the next call. False: more bytes are needed, or, with `ended` (no more
 * will come), there is none. */
MUST_CHECK bool csv_next(struct csv *c, bool ended, struct csv_row *ret);

#endif
