/*
 * outlet -- the quotes' way out: from the feeds (sources) by what counts (choice) and when it is
 * due (publish) onto the broker's socket, in bursts.
 *
 * One thread at a time: the publisher's, or, as long as nothing is paced, that of the feed that has
 * just heard a price, which publishes it itself (source.h). Nothing blocks but outlet_release().
 */
#ifndef TAPECAST_PUBLISHER_OUTLET_H
#define TAPECAST_PUBLISHER_OUTLET_H

#include "common/broker.h"
#include "publisher/burst.h"
#include "publisher/choice.h"
#include "publisher/publish.h"
#include "publisher/sources.h"

struct outlet { /* to be read; all zero at first */
    struct sources sources;
    struct choice *choice;
    struct publish *publish;
    struct broker *broker; /* its owner's */
    struct burst burst;
    bool paced; /* a quote may wait for its symbol's turn */
};

struct outlet_config {
    const struct lineup *lineup;
    struct calendar *calendar;
    uint64_t interval_ms;
    struct broker *broker;            /* outlives the outlet */
    const struct source_owner *owner; /* copied; as sources_start() has it */
};

/* Returns 0; -EINVAL or another errno as sources_start(); -ENOMEM. Release in any case. */
MUST_CHECK int outlet_open(struct outlet *o, const struct outlet_config *config);
void outlet_release(struct outlet *o); /* stops the feeds; also one all zero */

/* Publish what the feeds have given, as far as the broker takes it; a few hundred at most. */
void outlet_take(struct outlet *o, struct mono now);

/* Publish what waits for its turn or for the broker. */
void outlet_run(struct outlet *o, struct mono now);

/* What to poll for to outlet_take(); FEEDS_MAX of them at most. */
size_t outlet_poll(const struct outlet *o, struct pollfd *fds);

#endif
