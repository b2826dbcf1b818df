/*
 * auth -- who may do what: the keys that tokens are checked with, kept fresh, and what those
 * without a token may read.
 *
 * One for all workers; auth_check() and auth_anonymous() may be called from any thread and do not
 * block. A key file that changes and a JSON Web Key Set behind a URL are read again by a thread of
 * its own; when that fails the old keys stay, and one line says so.
 */
#ifndef TAPECAST_GATEWAY_AUTH_AUTH_H
#define TAPECAST_GATEWAY_AUTH_AUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "common/clock.h"
#include "common/macros.h"
#include "gateway/auth/grant.h"
#include "gateway/auth/token.h"

struct auth;

struct auth_config {     /* texts are the caller's and outlive the auth */
    const char *secret;  /* of HS256 and its like; NULL */
    const char *key;     /* a PEM file with a public key; NULL */
    const char *jwks;    /* a file, or a https:// URL (http:// of loopback); NULL */
    const char *ca_file; /* whom to trust for the URL; NULL: the system's */
    struct token_rules rules;
    const char *anonymous; /* comma-separated filters that may be read without a token; "none" */
};

#define AUTH_REFRESH_S 300 /* how old the keys behind a URL may be */
#define AUTH_RETRY_S                                                                               \
    10 /* after a token with an unknown key, or a failure: not sooner than this                    \
        */

/* Is there anything to check a token with? Else there is nothing to lock. */
bool auth_is_configured(const struct auth_config *c);

/* Read the keys. Returns 0 and *ret, for auth_free(); or a negative errno after one line: a key
 * that cannot be read or is none, filters that are none. Keys behind a URL that does not answer are
 * no error: until it does nobody's token is taken. */
MUST_CHECK int auth_new(const struct auth_config *c, struct auth **ret);
void auth_free(struct auth *a); /* NULL is allowed; no worker uses it any more */

/* Read everything again soon. */
void auth_reload(struct auth *a);

/* What one without a token may do, a reference. */
struct grant *auth_anonymous(struct auth *a);

/* As token_check(). */
MUST_CHECK int auth_check(struct auth *a, const char *token, size_t len, struct wall now,
                          struct grant **ret, const char **ret_reason);

#endif
