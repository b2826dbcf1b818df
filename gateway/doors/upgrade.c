#include "gateway/doors/upgrade.h"

#include "gateway/doors/origin.h"
#include "gateway/doors/pace.h"
#include "gateway/doors/visitor.h"
#include "gateway/worker.h"

#include "common/banned.h"

bool upgrade_check(const struct http_request *r, const char *protocol, struct upgrade *ret)
{
    struct ws_handshake hs;
    const char *why;
    int err = ws_handshake_check(r->head, protocol, &hs, &why);

    if (err < 0) {
        http_problem(r, -err, ws_refusal_fields(-err), why);
        return false;
    }
    if (!origin_allowed(worker_of(r->conn)->shared, r->head, hs.origin)) {
        http_problem(r, 403, "", ORIGIN_REFUSED);
        return false;
    }
    if (pace_of_query(r->head->query, &ret->interval_ms) < 0) {
        http_problem(r, 400, "", PACE_RULE ".");
        return false;
    }
    if (!visitor_stays(r))
        return false;
    ret->len = ws_handshake_answer(&hs, ret->answer);
    if (ret->len == 0)
        http_problem(r, 503, "", "The gateway has no SHA-1, or no memory, to begin a WebSocket.");
    return ret->len > 0;
}
