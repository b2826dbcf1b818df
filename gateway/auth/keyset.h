/*
 * keyset -- the keys that tokens may be signed with, from a secret, a PEM public key, or a JSON Web
 * Key Set (RFC 7517, RFC 7518 section 6).
 *
 * A key is for one family of algorithms only, so that the text of a public key can never serve as
 * a secret. Immutable and counted; any thread.
 */
#ifndef TAPECAST_GATEWAY_AUTH_KEYSET_H
#define TAPECAST_GATEWAY_AUTH_KEYSET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/macros.h"

enum key_family { KEY_SECRET, KEY_RSA, KEY_EC };

struct key {
    enum key_family family;
    int bits;            /* of the modulus, the curve, or the secret */
    char *id;            /* "kid", NULL when it has none */
    char *algorithm;     /* the only one, such as "RS256"; NULL when any of the family */
    unsigned char *text; /* the secret, or the public key as PEM */
    size_t len;
};

struct keyset {
    atomic_uint refs;
    struct key *keys;
    size_t n;
};

#define KEYSET_MAX 64
#define KEYSET_TEXT_MAX (256 * 1024) /* of a PEM file or a JWKS */

struct keyset *keyset_new(void); /* empty, one reference; NULL when memory is out */
struct keyset *keyset_ref(struct keyset *s);
void keyset_unref(struct keyset *s); /* NULL is allowed; wipes secrets */

/* Each adds to `s` and returns 0; or after one log line, naming `where` and never the key: -EINVAL
 * what it is given is no such key, -E2BIG too many, -ENOMEM. */
MUST_CHECK int keyset_add_secret(struct keyset *s, const char *where, const char *secret);
MUST_CHECK int keyset_add_pem(struct keyset *s, const char *where, const char *text, size_t len);

/* Adds all keys of the set that are for signatures and of a kind that can be used; the others are
 * left out, as RFC 7517 section 5 wants. -EINVAL also when none is left. */
MUST_CHECK int keyset_add_jwks(struct keyset *s, const char *where, const char *text, size_t len);

#endif
