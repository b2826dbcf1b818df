/*
 * record -- a file of what a service said to one feed: every message, every answer, with the moment
 * at which the feed took it. JSON, one object a line; docs/feeds.md tells its members.
 *
 * All that the feed took in one turn has the moment of that turn, so that it can be played as it
 * was. Keys never get into it, also when a service repeats them (common/secret.h).
 *
 * Lines are kept back for half a second at most. When the file has its largest size or the disk is
 * full, one line is logged and the record ends there. Belongs to its feed's thread.
 */
#ifndef TAPECAST_PUBLISHER_NET_RECORD_H
#define TAPECAST_PUBLISHER_NET_RECORD_H

#include <cjson/cJSON.h>

#include "publisher/net/http.h"
#include "publisher/net/websocket.h"

#define RECORD_MARK "\"tapecast\":\"record\"" /* in its first line */

struct record;

/* Append to `path`, up to `max_bytes` in all. Returns 0 and sets *ret, freed with record_free();
 * -ENOMEM, or the logged errno of opening. */
MUST_CHECK int record_new(const char *path, uint64_t max_bytes, struct record **ret);
void record_free(struct record *r); /* says that the record ends here; NULL is allowed */

/* The line that says what is recorded: `head` is taken over. */
void record_begin(struct record *r, cJSON *head);

/* It is `now`, for all that follows. */
void record_turn(struct record *r, struct mono now);

/* A stream is connected; says something; has ended, or could not be connected. */
void record_open(struct record *r);
void record_message(struct record *r, const char *text, size_t len);
void record_end(struct record *r, const struct websocket_end *end);

/* A request for `url` is answered. */
void record_answer(struct record *r, const char *url, const struct http_answer *a);

/* What of a URL names the request: what follows the last slash of its path. */
const char *record_request(const char *url);

#endif
