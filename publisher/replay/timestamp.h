/*
 * timestamp -- what time a cell of a market data file says.
 *
 *     2016-04-15   2016/04/15   2016.04.15   20160415           a date: midnight UTC
 *     2016-04-15T13:30:00Z   2016-04-15 09:30-04:00   …13:30:00.123456 UTC
 *     20160415 133000   20160415 13:30:00 140000 (microseconds)   20160415133000
 *     1460727000   1460727000000   1460727000.25                seconds, ms, us or ns since 1970
 *
 * Without a zone a time is UTC. The unit of a number follows from its size: below 10^11 seconds
 * (to the year 5138), below 10^14 ms, below 10^17 us, else ns; eight or fourteen digits that are a
 * date of 1900..2199 are that date. Pure functions, any thread.
 */
#ifndef TAPECAST_PUBLISHER_REPLAY_TIMESTAMP_H
#define TAPECAST_PUBLISHER_REPLAY_TIMESTAMP_H

#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"

enum timestamp_form {
    TIMESTAMP_DATE,
    TIMESTAMP_DATETIME,
    TIMESTAMP_EPOCH_S,
    TIMESTAMP_EPOCH_MS,
    TIMESTAMP_EPOCH_US,
    TIMESTAMP_EPOCH_NS,
};

struct timestamp {
    int64_t ns; /* since 1970-01-01T00:00:00Z; digits beyond are cut off */
    enum timestamp_form form;
};

const char *timestamp_form_name(enum timestamp_form form);

/* Read all `len` bytes. Returns 0; -EINVAL not a time; -ERANGE a time outside 1678..2261, which
 * 64 bits of ns do not hold. */
MUST_CHECK int timestamp_parse(const char *text, size_t len, struct timestamp *ret);

#endif
