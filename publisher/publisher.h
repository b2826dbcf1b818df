/*
 * publisher -- the program's one loop: a feed's quotes in, the broker's messages out, the status.
 */
#ifndef TAPECAST_PUBLISHER_PUBLISHER_H
#define TAPECAST_PUBLISHER_PUBLISHER_H

#include <stdint.h>

#include "common/broker.h"
#include "common/macros.h"
#include "publisher/feed.h"

struct publisher_config {
    struct broker_address broker;
    const char *instance;
    uint64_t interval_ms;
    const struct feed_ops *feed;
    struct feed_config feed_config; /* but for stop_fd */
};

/* Publish until the feed has ended or SIGINT or SIGTERM comes (which it blocks and reads). What the
 * feed has to tell at its end goes to stdout. Returns the program's exit status. */
int publisher_run(const struct publisher_config *config);

#endif
