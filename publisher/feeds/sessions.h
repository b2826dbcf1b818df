/*
 * sessions -- the session that a price is shown under.
 *
 * It is the one that the price was made in for as long as that lasts and a minute beyond (closing
 * prices are reported late); a price that is older than that is shown under the session of now.
 * When a session ends and no price has come in the next one, the last quote is shown once more,
 * under the next one's name, five seconds after the change; so a display goes to `closed` by
 * itself.
 *
 * Pure; one owner.
 */
#ifndef TAPECAST_PUBLISHER_FEEDS_SESSIONS_H
#define TAPECAST_PUBLISHER_FEEDS_SESSIONS_H

#include "publisher/feeds/calendar.h"

struct sessions {                          /* of US exchanges */
    enum quote_session now, late, closing; /* and 5 s, 60 s ago */
};

struct sessions sessions_at(const struct calendar *c, struct wall t);

/* What a price made in `made` is shown under; SESSION_UNKNOWN stays so. */
enum quote_session sessions_label(const struct sessions *s, enum quote_session made);

/* Is a quote that is shown under `shown` to be shown anew? */
bool sessions_are_over(const struct sessions *s, enum quote_session shown);

#endif
