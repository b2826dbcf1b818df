/*
 * playback -- a record (record.h) in place of the network: what the service said then is said again
 * to the same code, at the moments of then, which the calling thread's clocks follow (clock_hold).
 *
 * What was said in one turn comes in one turn again. An answer comes to the request that it was
 * given to; a message when the feed is connected. What nobody takes for half a minute of that time,
 * because the feed does something else than then, is passed over and counted.
 *
 * Belongs to its feed's thread, but for making and freeing; nothing blocks but playback_wait().
 */
#ifndef TAPECAST_PUBLISHER_NET_PLAYBACK_H
#define TAPECAST_PUBLISHER_NET_PLAYBACK_H

#include <cjson/cJSON.h>

#include "publisher/net/http.h"
#include "publisher/net/websocket.h"

struct playback;

struct playback_counts {
    uint64_t messages, answers, connections;
    uint64_t passed_over; /* that nobody took */
    uint64_t unreadable;  /* lines */
    struct wall first, last;
};

/* Is the file at `path` a record? */
bool playback_is_record(const char *path);

/* `speed` 0 is as fast as possible. Returns 0 and sets *ret, freed with playback_free(); or the
 * logged errno of reading, -EBADMSG for what is no record. Nothing is held of the clock yet. */
MUST_CHECK int playback_new(const char *path, double speed, struct playback **ret);
void playback_free(struct playback *p); /* NULL is allowed */

/* The line that says what was recorded; the playback's own. */
const cJSON *playback_head(const struct playback *p);

/* Hold the calling thread's clocks where the playback is. */
void playback_hold_clock(const struct playback *p);

/* As net_wait(), and -ENODATA at the end of the record. */
MUST_CHECK int playback_wait(struct playback *p, int stop_fd, struct mono deadline);

enum playback_kind { PLAYED_NOTHING, PLAYED_OPEN, PLAYED_MESSAGE, PLAYED_END };

/* The next that a stream said until now: `connected`, or trying to be. `*ret_text` and *ret_end are
 * valid until the next call. */
enum playback_kind playback_take(struct playback *p, bool connected, const char **ret_text,
                                 struct websocket_end *ret_end);

/* The answer to `url`, when it is there by now: -EAGAIN. Its body is valid until the next call. */
MUST_CHECK int playback_answer(struct playback *p, const char *url, struct http_answer *ret);

struct playback_counts playback_count(const struct playback *p);

#endif
