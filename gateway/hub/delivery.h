/*
 * delivery -- what the readers of a channel are given: the live ones the log, a cohort at a time;
 * who lags, the log from its place on; who is catching up, the newest values.
 *
 * Moves readers between their states (reader.h). A socket that is full says where its reader stops,
 * and nobody waits for it. Part of the hub; only hub/ includes this; one worker thread.
 */
#ifndef TAPECAST_GATEWAY_HUB_DELIVERY_H
#define TAPECAST_GATEWAY_HUB_DELIVERY_H

#include "gateway/hub/channel.h"

/* delivery_flush() of `k` comes next: have what it looks at fetched into the cache. */
void delivery_prepare(const struct cohort *k);

/* Seal the log and give it to readers of `k`, which is behind: to all, or to the first *writes if
 * there are more; *writes is lowered by as many. Then drop what is over the limit. `k` may be gone.
 */
void delivery_flush(struct hub *h, struct cohort *k, unsigned *writes);

/* Send `r`, which is LIVE, what it lacks, out of its turn. */
void delivery_settle(struct hub *h, struct reader *r);

/* Send `r`, which is LAGGING, what the log holds from its place on. */
void delivery_resume(struct hub *h, struct reader *r);

/* Send `r`, which is READY, the newest values that it lacks, at most a batch of them. */
void delivery_catch_up(struct hub *h, struct reader *r);

/* The version that `r` has reached, wherever it is. */
uint64_t delivery_version(const struct hub *h, const struct reader *r);

/* Take `r` out of its list and give up its place in the log. */
void delivery_detach(struct reader *r);

#endif
