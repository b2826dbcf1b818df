/*
 * status -- what the recorder says about itself on `status/recorder/{instance}`: JSON, one line.
 *
 *     {"state":"online","condition":"recording","detail":"","symbols":20,"quotes":4711,"lost":0,
 *      "gaps":0,"repeated":1,"late":0,"too_late":0,"rejected":0,"dropped":0,
 *      "ticks_dropped":0,"corrected":0,"uncorrected":0,"bars":9120,"ticks":0,"waiting":131,"backfilled":0,"backfill_open":0,
 *      "timestamp":1712331900000}
 *
 * `lost` counts the quotes that gaps in `seq` tell of; `dropped` those that came while too much
 * waited for the store, `ticks_dropped` those whose bars alone were made; `bars` and `ticks` are
 * written so far, `waiting` is what is not; `uncorrected` counts corrections of what is not kept,
 * `backfilled` minutes that came from elsewhere, `backfill_open` gaps that are asked for.
 */
#ifndef TAPECAST_RECORDER_STATUS_H
#define TAPECAST_RECORDER_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "recorder/ledger.h"

#define STATUS_MAX 1024
#define STATUS_WILL "{\"state\":\"offline\"}"

struct recorder_status {
    bool online, failing;
    const char *detail; /* "" when all is well */
    struct ledger_counts counts;
    uint64_t bars_written, ticks_written, waiting, backfill_open;
    struct wall timestamp;
};

/* Returns the length. */
size_t recorder_status_encode(const struct recorder_status *s, char buf[STATUS_MAX]);

#define INSTANCE_MAX 64
#define STATUS_TOPIC_MAX (16 + 3 * INSTANCE_MAX + 1)
/* "status/recorder/{INSTANCE}", NUL-terminated. `instance` has 1..INSTANCE_MAX bytes. */
void recorder_status_topic(const char *instance, char buf[STATUS_TOPIC_MAX]);

#endif
