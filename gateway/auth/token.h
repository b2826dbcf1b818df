/*
 * token -- a JSON Web Token (RFC 7519) checked, and the grant that it carries.
 *
 * Claims: `exp` and `nbf` in seconds; `aud` and `iss` as the rules want; `sub`, a name for logs;
 * `topics`, filters that may be read, a list or one text; `publish`, the same for what may be
 * written; `max_rate`, messages a second of each topic at most. Any thread; nothing blocks.
 */
#ifndef TAPECAST_GATEWAY_AUTH_TOKEN_H
#define TAPECAST_GATEWAY_AUTH_TOKEN_H

#include <stddef.h>

#include "common/clock.h"
#include "common/macros.h"
#include "gateway/auth/grant.h"
#include "gateway/auth/keyset.h"

#define TOKEN_MAX 8192

struct token_rules {
    const char *audience; /* must be among the token's; NULL: the token must name none (section
                             4.1.3) */
    const char *issuer;   /* must be the token's; NULL: any */
    const char *topics;   /* comma-separated filters for a token without `topics` */
};

/* Returns 0 and *ret, a reference for grant_unref(); -ENOKEY no key fits, perhaps not yet; -EACCES
 * it is refused; both with *ret_reason, half a sentence that may be told to whoever sent it;
 * -ENOMEM.
 */
MUST_CHECK int token_check(const struct keyset *keys, const struct token_rules *rules,
                           const char *text, size_t len, struct wall now, struct grant **ret,
                           const char **ret_reason);

#endif
