/*
 * broker -- what /broker needs to know: where the broker is, and whose address lets him in.
 *
 * One for all workers, read only.
 */
#ifndef TAPECAST_GATEWAY_DOORS_BROKER_H
#define TAPECAST_GATEWAY_DOORS_BROKER_H

#include <stdbool.h>

#include "common/broker.h"
#include "common/broker_url.h"
#include "common/macros.h"
#include "gateway/net/ranges.h"

struct broker_access {
    struct broker_url url;
    struct ssl_ctx_st *tls; /* NULL: in the clear */
    struct ranges from;
};

#define BROKER_FROM_LOOPBACK "127.0.0.0/8,::1"

/* `from` is a list as for ranges_parse(). Of the address, user and password are not used: they are
 * the gateway's own. Returns 0 and *ret; or a negative errno after logging. */
MUST_CHECK int broker_access_new(const struct broker_address *a, const char *from,
                                 struct broker_access **ret);
void broker_access_free(struct broker_access *b); /* NULL is allowed */

#endif
