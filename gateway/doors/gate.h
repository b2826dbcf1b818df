/*
 * gate -- who is asking: from a token to what its bearer may do.
 *
 * A token comes with the request (RFC 6750: the field `Authorization: Bearer`, or `?token=` in the
 * query for browsers' WebSockets and EventSource, which can set no field; a query may end up in
 * somebody's log, so it is the last resort), or later by the door's own protocol. Without keys
 * (shared.auth NULL) there is nothing to check and everything may be read.
 */
#ifndef TAPECAST_GATEWAY_DOORS_GATE_H
#define TAPECAST_GATEWAY_DOORS_GATE_H

#include <stdbool.h>

#include "common/macros.h"
#include "gateway/auth/grant.h"
#include "gateway/codec/slice.h"
#include "gateway/doors/http.h"
#include "gateway/hub/filterset.h"
#include "gateway/worker.h"

/* The grant of the request's token, or of the anonymous. Returns true and *ret, a reference (NULL:
 * everything may be read); false: the request has been answered. */
MUST_CHECK bool gate_open(const struct http_request *r, struct grant **ret);

/* The same for a door that has other words for a refusal: 0 and *ret; -EACCES and half a sentence
 * why.
 */
MUST_CHECK int gate_ask(const struct http_request *r, struct grant **ret, const char **ret_why);

/* The grant of a token. Returns 0 and *ret, a reference; -EACCES and half a sentence why. Counts
 * refusals. */
MUST_CHECK int gate_check(struct worker *w, struct slice token, struct grant **ret,
                          const char **ret_why);

/* May it subscribe to all of `want`? */
bool gate_allows(const struct grant *g, const struct filterset *want);

/* What of `have` a new grant still allows. Returns 0 all of it; 1 less, and *ret; -ENOMEM. */
MUST_CHECK int gate_narrow(const struct grant *g, const struct filterset *have,
                           struct filterset *ret);

/* The status for a request that asks for more than is granted: 401 for one without a token, 403. */
int gate_status(const struct grant *g);
#define GATE_CHALLENGE "WWW-Authenticate: Bearer\r\n" /* with 401 */
#define GATE_REFUSED "This needs a token that grants these topics."

/* May quotes of `symbol` be read? If not, it has been answered. */
MUST_CHECK bool gate_symbol(const struct http_request *r, const char *symbol);

#endif
