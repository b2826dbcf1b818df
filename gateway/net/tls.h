/*
 * tls -- TLS 1.2 and 1.3 for accepted connections, and for those that we make to a server. Its .c
 * is the only one that includes <openssl/ssl.h>.
 *
 * A session reads its socket itself; what it has to send it hands to its owner, who takes all of it
 * and keeps what the socket does not take. So a write is never half done, and nothing here waits.
 *
 * A context may be shared by threads; a session belongs to one.
 */
#ifndef TAPECAST_GATEWAY_NET_TLS_H
#define TAPECAST_GATEWAY_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"

/* To be called before anything else uses OpenSSL: at the program's end it must not clean up under
 * threads that are still connecting somewhere. */
void tls_library_init(void);

#define TLS_RECORD_MAX 16384 /* bytes that one record carries */

struct ssl_ctx_st; /* OpenSSL's SSL_CTX: the certificate, and what is asked of clients; counted */

struct tls_files {
    const char *cert;      /* PEM: the server's certificate, then those between it and the root */
    const char *key;       /* PEM, without a pass phrase, not for everybody to read */
    const char *client_ca; /* PEM: who signs clients' certificates; NULL: none is asked for */
    bool client_may_lack;  /* … a certificate; a wrong one is refused all the same */
};

/* Read the files. Returns 0 and *ret, given back with tls_context_unref(); or a negative errno
 * after logging one line. */
MUST_CHECK int tls_context_load(const struct tls_files *f, struct ssl_ctx_st **ret);

/* Who we are to a server, and whom we trust: all may be NULL. */
struct tls_client_files {
    const char *ca;   /* PEM; NULL: the system's authorities */
    const char *cert; /* PEM, with its key: what is shown to the server */
    const char *key;
};

/* As tls_context_load(), for tls_new_client(). */
MUST_CHECK int tls_client_context_load(const struct tls_client_files *f, struct ssl_ctx_st **ret);

struct ssl_ctx_st *tls_context_ref(struct ssl_ctx_st *ctx); /* NULL is allowed in both */
void tls_context_unref(struct ssl_ctx_st *ctx);

struct tls;

/* Begin a session on the connected socket `fd`, which stays the owner's. `send` takes whatever is
 * to go out. Returns 0; -ENOMEM. */
MUST_CHECK int tls_new(struct ssl_ctx_st *ctx, int fd,
                       void (*send)(void *owner, const uint8_t *bytes, size_t len), void *owner,
                       struct tls **ret);

/* The same as the client of a server that must show a certificate for `host`, a name or an address.
 * The handshake begins with the first call of tls_handshake(). */
MUST_CHECK int tls_new_client(struct ssl_ctx_st *ctx, int fd, const char *host,
                              void (*send)(void *owner, const uint8_t *bytes, size_t len),
                              void *owner, struct tls **ret);
void tls_free(struct tls *t); /* NULL is allowed */

/* Go on with the handshake. Returns 0 when it is complete; -EAGAIN more must come in; -EPROTOTYPE
 * the peer speaks plain HTTP; -EPROTO it failed, the peer has been told why. */
MUST_CHECK int tls_handshake(struct tls *t);

/* Read. Returns how many bytes; with room for TLS_RECORD_MAX none is left behind in the session. 0
 * at the end; -EAGAIN nothing now, but the socket may hold more; -EPROTO. */
MUST_CHECK long tls_read(struct tls *t, uint8_t *buf, size_t cap);

/* Send 1..TLS_RECORD_MAX bytes as one record. Returns 0; -EPROTO. */
MUST_CHECK int tls_write(struct tls *t, const uint8_t *bytes, size_t len);

/* Tell the peer that nothing more comes. Twice is once. */
void tls_say_goodbye(struct tls *t);

#endif
