/*
 * sources -- the feeds of a lineup, running: each in a thread of its own (source), all taken from
 * in turns, so that a loud one does not keep the others waiting.
 *
 * One that does not start, fails or ends leaves the others alone. All calls are for the publisher's
 * thread; none blocks but sources_free() and sources_print_summaries().
 */
#ifndef TAPECAST_PUBLISHER_SOURCES_H
#define TAPECAST_PUBLISHER_SOURCES_H

#include <poll.h>

#include "publisher/lineup.h"

struct source;
struct source_owner;

struct running {
    const struct lineup_feed *feed;
    struct source *source; /* NULL when it did not start */
    struct feed_state state;
    bool lossless;
    int result; /* why it ended; 0 while it goes on */
    uint64_t taken;
};

struct sources {
    const struct lineup *lineup;
    size_t n, turn;
    struct running feeds[FEEDS_MAX];
};

/* Start what can be started; `owner` may be told in any feed's thread. Returns 0; -EINVAL when the
 * options of one are wrong (logged); or the errno of the first when none has started. Release with
 * sources_release() in either case. */
MUST_CHECK int sources_start(const struct lineup *lineup, struct calendar *calendar,
                             const struct source_owner *owner, struct sources *ret);
void sources_release(struct sources *s); /* also of one all zero */

/* What to poll for: FEEDS_MAX of them at most. `blocked`: what must not be lost cannot be sent now,
 * so lossless feeds wait. Returns how many. */
size_t sources_poll(const struct sources *s, bool blocked, struct pollfd *fds);

/* The next quote, of feed number *ret_feed, its mode set. Returns 0; -EAGAIN none now. */
MUST_CHECK int sources_take(struct sources *s, bool blocked, struct quote *ret, size_t *ret_feed);

/* Look at the state of feed `i`. Returns whether it has changed. */
bool sources_look(struct sources *s, size_t i);

/* All of them in one: the state of a single one, else the best condition and what the others say.
 */
struct feed_state sources_state(const struct sources *s);

/* Has every feed ended? Then *ret is 0 when none has failed, else why one did. */
bool sources_ended(const struct sources *s, int *ret);

/* What the feeds tell about themselves at their end. Returns whether one had something to tell. */
bool sources_print_summaries(struct sources *s, const uint64_t *published, FILE *out);

#endif
