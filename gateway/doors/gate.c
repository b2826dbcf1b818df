#include "gateway/doors/gate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/quote.h"
#include "gateway/auth/auth.h"
#include "gateway/doors/watch.h"

#include "common/banned.h"

#define CHALLENGE_INVALID "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n"

/* The token of the request, which may be copied to `buf`; SLICE_NONE. */
static struct slice token_of(const struct http_head *h, char buf[TOKEN_MAX + 1])
{
    static const char scheme[] = "Bearer ";
    struct slice field = http_head_field(h, "Authorization");
    int len;

    if (field.len >= sizeof(scheme) - 1 && strncasecmp(field.at, scheme, sizeof(scheme) - 1) == 0) {
        field.at += sizeof(scheme) - 1;
        field.len -= sizeof(scheme) - 1;
        return field;
    }
    len = http_query_get(h->query, "token", buf, TOKEN_MAX + 1);
    return len == -ENOENT ? SLICE_NONE : (struct slice){buf, len > 0 ? (size_t)len : 0};
}

int gate_check(struct worker *w, struct slice token, struct grant **ret, const char **ret_why)
{
    int r = auth_check(w->shared->auth, token.at, token.len, wall_now(), ret, ret_why);

    if (r == -ENOMEM)
        *ret_why = "there is no memory to check the token";
    if (r < 0)
        w->stats.tokens_refused++;
    return r < 0 ? -EACCES : 0;
}

int gate_ask(const struct http_request *r, struct grant **ret, const char **ret_why)
{
    struct worker *w = worker_of(r->conn);
    char buf[TOKEN_MAX + 1];
    struct slice token;

    *ret = NULL;
    if (w->shared->auth == NULL)
        return 0;
    token = token_of(r->head, buf);
    if (token.at == NULL) {
        *ret = auth_anonymous(w->shared->auth);
        return 0;
    }
    return gate_check(w, token, ret, ret_why);
}

bool gate_open(const struct http_request *r, struct grant **ret)
{
    char detail[160];
    const char *why;

    if (gate_ask(r, ret, &why) == 0)
        return true;
    snprintf(detail, sizeof(detail), "Not let in: %s.", why);
    http_problem(r, 401, CHALLENGE_INVALID, detail);
    return false;
}

bool gate_allows(const struct grant *g, const struct filterset *want)
{
    for (size_t i = 0; i < want->n; i++)
        if (!grant_may_read(g, want->entries[i].filter, want->entries[i].len))
            return false;
    return true;
}

int gate_narrow(const struct grant *g, const struct filterset *have, struct filterset *ret)
{
    struct filterset less = {0};
    int r = 0;

    for (size_t i = 0; i < have->n && r >= 0; i++) {
        const struct filter_entry *e = &have->entries[i];
        if (grant_may_read(g, e->filter, e->len))
            r = filterset_put(&less, e->filter, e->len, e->retain_as_published,
                              grant_interval(g, e->interval_ms));
    }
    if (r < 0 || filterset_equal(&less, have)) {
        filterset_release(&less);
        return r < 0 ? r : 0;
    }
    *ret = less;
    return 1;
}

int gate_status(const struct grant *g)
{
    return g != NULL && g->anonymous ? 401 : 403;
}

bool gate_symbol(const struct http_request *r, const char *symbol)
{
    char filter[QUOTE_TOPIC_MAX];
    int len, status;

    if (r->grant == NULL)
        return true;
    len = watch_filter(slice_of(symbol), filter);
    if (len < 0 || grant_may_read(r->grant, filter, (size_t)len))
        return true; /* what is no symbol is refused for that */
    status = gate_status(r->grant);
    http_problem(r, status, status == 401 ? GATE_CHALLENGE : "", GATE_REFUSED);
    return false;
}
