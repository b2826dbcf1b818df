/*
 * recorder -- the running program: quotes from the broker become bars, bars go to the store, and
 * the current minute bar of each symbol to `stocks/{SYMBOL}/bar/1m`.
 */
#ifndef TAPECAST_RECORDER_RECORDER_H
#define TAPECAST_RECORDER_RECORDER_H

#include "common/broker.h"
#include "common/macros.h"
#include "recorder/ledger.h"

struct recorder_config {
    struct broker_address broker;
    const char *instance; /* on status/recorder/{instance} */
    struct ledger_config ledger;
};

/* Run until SIGINT or SIGTERM. Returns the exit status; what is wrong has been logged. */
MUST_CHECK int recorder_run(const struct recorder_config *config);

#endif
