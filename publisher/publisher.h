/*
 * publisher -- the program's one loop: the feeds' quotes in, the broker's messages out, the status.
 */
#ifndef TAPECAST_PUBLISHER_PUBLISHER_H
#define TAPECAST_PUBLISHER_PUBLISHER_H

#include <stdint.h>

#include "common/broker.h"
#include "common/macros.h"
#include "publisher/lineup.h"

struct publisher_config {
    struct broker_address broker;
    const char *instance;
    uint64_t interval_ms;
    const struct lineup *lineup;
    struct calendar *calendar; /* of US exchanges */
    const char *metrics_file;  /* or NULL */
};

/* Publish until all feeds have ended or SIGINT or SIGTERM comes (which it blocks and reads). What
 * feeds have to tell at their end goes to stdout. Returns the program's exit status. */
int publisher_run(const struct publisher_config *config);

#endif
