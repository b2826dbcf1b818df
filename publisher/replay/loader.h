/*
 * loader -- brings the rows of a file to a tape, so quickly that nobody waits for a file that
 * cannot be played: opening it reads as much as tells how it is laid out, the rest follows.
 */
#ifndef TAPECAST_PUBLISHER_REPLAY_LOADER_H
#define TAPECAST_PUBLISHER_REPLAY_LOADER_H

#include "common/macros.h"
#include "publisher/replay/csv.h"
#include "publisher/replay/tape.h"
#include "publisher/replay/textfile.h"

struct loader {
    struct tape *tape;
    struct textfile *file;
    struct csv csv;
    struct csv_row *fields;
};

/* Open the file of the tape's request and take its first rows. Returns 0, *l released with
 * loader_close(); or, after logging one line that says what to do, -EINVAL when the options do not
 * tell what is needed, else another negative errno. */
MUST_CHECK int loader_open(struct loader *l, struct tape *tape);
void loader_close(struct loader *l); /* also of one all zero */

/* Take the rest and finish the tape, which may take seconds: on a terminal the progress is shown.
 * Logs one line about how the file was understood. Returns 0 with at least one row to play;
 * -ECANCELED once `stop_fd` is readable; or another negative errno after logging one line. */
MUST_CHECK int loader_run(struct loader *l, int stop_fd);

#endif
