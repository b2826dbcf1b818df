/*
 * lineup -- the feeds that the user asked for, the preferred one first, each with its symbols.
 *
 *     finnhub alpaca:crypto=BTC/USD,ETH/USD sim
 *
 * A feed is NAME, NAME:VARIANT (of alpaca) and may be followed by `=` and symbols of its own. Feeds
 * are parted by blanks or commas; behind a list of symbols a comma goes on with that list unless a
 * feed's name (in lower case) follows. A feed without a list takes those of the common one that
 * are of its kind, if there are several feeds, else all of them.
 */
#ifndef TAPECAST_PUBLISHER_LINEUP_H
#define TAPECAST_PUBLISHER_LINEUP_H

#include "publisher/feed.h"
#include "publisher/symbols.h"

#define FEEDS_MAX 8
#define FEED_NAME_MAX 32

struct lineup_feed {
    const struct feed_ops *ops;
    char name[FEED_NAME_MAX];    /* "alpaca:crypto", as the user gave it */
    struct feed_options options; /* with its variant */
    struct symbols symbols;      /* none: the feed's own choice */
    char *record;                /* FILE.NAME, where several feeds are recorded; or NULL */
};

struct lineup {
    size_t n;
    struct lineup_feed feeds[FEEDS_MAX];
};

/* Read such a text. `common` (n 0 for none) is copied from; `options` are those of all feeds.
 * Returns 0 and fills *ret, released with lineup_release(); or a negative errno after logging one
 * line that says what is wrong: -EINVAL for what the user can mend. */
MUST_CHECK int lineup_read(const char *text, const struct symbols *common,
                           const struct feed_options *options, struct lineup *ret);
void lineup_release(struct lineup *l); /* also of one all zero */

#endif
