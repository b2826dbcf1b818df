/*
 * OpenSSL meets the connection in a BIO of our own: it reads the socket and hands what is to be
 * sent to the owner, whose buffer is the only one. With OpenSSL's own socket BIO a record that the
 * socket takes half of would have to be offered again, by a caller who may no longer have its
 * bytes.
 */
#include "gateway/net/tls.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/certfile.h"
#include "common/log.h"

#include "common/banned.h"

/* What one call reads of the socket at most, whatever the records hold: ten thousand empty ones are
 * not dealt with in one turn. A little more than a record. */
#define WIRE_BYTES_PER_READ (TLS_RECORD_MAX + 1024)

struct tls {
    SSL *ssl;
    int fd;
    bool broken;  /* OpenSSL must not be called any more */
    bool sending; /* … nor now: the owner is being handed bytes, and may find the socket broken */
    size_t may_read;
    void (*send)(void *owner, const uint8_t *bytes, size_t len);
    void *owner;
};

void tls_library_init(void)
{
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}

/* ---- the context ---- */

/* What OpenSSL complained of first, for people. */
static const char *complaint(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());

    return reason != NULL ? reason : "it is not understood";
}

static int unusable(const char *what, const char *path)
{
    log_error("TLS: cannot use %s as %s: %s", path, what, complaint());
    return -EINVAL;
}

/* In place of asking at the terminal. */
static int no_pass_phrase(char *buf, int size, int writing, void *ctx)
{
    (void)buf, (void)size, (void)writing, (void)ctx;
    return -1;
}

static int use_certificate(SSL_CTX *ctx, const char *cert, const char *key)
{
    int r = certfile_check("TLS", cert, false);

    if (r == 0)
        r = certfile_check("TLS", key, true);
    if (r < 0)
        return r;
    SSL_CTX_set_default_passwd_cb(ctx, no_pass_phrase);
    if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
        return unusable("the certificate", cert);
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
        return unusable("the certificate's key", key);
    return SSL_CTX_check_private_key(ctx) == 1 ? 0 : unusable("the certificate's key", key);
}

static int ask_clients(SSL_CTX *ctx, const struct tls_files *f)
{
    STACK_OF(X509_NAME) * names;
    int r;

    if (f->client_ca == NULL)
        return 0;
    r = certfile_check("TLS", f->client_ca, false);
    if (r < 0)
        return r;
    names = SSL_load_client_CA_file(f->client_ca);
    if (names == NULL || SSL_CTX_load_verify_file(ctx, f->client_ca) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return unusable("the authority of clients", f->client_ca);
    }
    SSL_CTX_set_client_CA_list(ctx, names);
    SSL_CTX_set_verify(
        ctx, SSL_VERIFY_PEER | (f->client_may_lack ? 0 : SSL_VERIFY_FAIL_IF_NO_PEER_CERT), NULL);
    return 0;
}

static int choose_protocol(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
                           const unsigned char *offered, unsigned int len, void *arg)
{
    static const unsigned char ours[] = "\x02h2\x08http/1.1";
    unsigned char *chosen;

    (void)ssl, (void)arg;
    if (SSL_select_next_proto(&chosen, ret_len, ours, sizeof(ours) - 1, offered, len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* Forward secrecy and authenticated ciphers only; tickets instead of a cache of sessions, so that
 * memory does not grow with clients that have gone. */
static int set_policy(SSL_CTX *ctx)
{
    static const unsigned char name[] = "tapecast";

    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                 SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1 ||
        SSL_CTX_set_session_id_context(ctx, name, sizeof(name) - 1) != 1)
        return -ENOTSUP;
    return 0;
}

static void tell_validity(const SSL_CTX *ctx, const char *path)
{
    const ASN1_TIME *end = X509_get0_notAfter(SSL_CTX_get0_certificate(ctx));
    char day[16] = "?";
    struct tm tm;

    if (ASN1_TIME_to_tm(end, &tm) == 1)
        strftime(day, sizeof(day), "%Y-%m-%d", &tm);
    if (X509_cmp_current_time(end) < 0)
        log_warn("TLS: the certificate %s has expired on %s; clients will refuse it", path, day);
    else
        log_info("TLS: the certificate %s is valid until %s", path, day);
}

int tls_context_load(const struct tls_files *f, struct ssl_ctx_st **ret)
{
    SSL_CTX *ctx;
    int r;

    ERR_clear_error();
    ctx = SSL_CTX_new(TLS_server_method());
    if (ctx == NULL)
        return -ENOMEM;
    r = set_policy(ctx);
    if (r < 0)
        log_error("TLS: this OpenSSL cannot do it: %s", complaint());
    if (r == 0)
        r = use_certificate(ctx, f->cert, f->key);
    if (r == 0)
        r = ask_clients(ctx, f);
    if (r == 0) {
        tell_validity(ctx, f->cert);
        *ret = ctx;
        ctx = NULL; /* handed over */
    }
    SSL_CTX_free(ctx);
    return r;
}

static int trust_servers(SSL_CTX *ctx, const char *ca)
{
    int r = ca != NULL ? certfile_check("TLS", ca, false) : 0;

    if (r < 0)
        return r;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    if (ca != NULL && SSL_CTX_load_verify_file(ctx, ca) != 1)
        return unusable("the authority of servers", ca);
    if (ca == NULL && SSL_CTX_set_default_verify_paths(ctx) != 1)
        return unusable("authorities", "the system's certificates");
    return 0;
}

int tls_client_context_load(const struct tls_client_files *f, struct ssl_ctx_st **ret)
{
    SSL_CTX *ctx;
    int r;

    ERR_clear_error();
    ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1) {
        SSL_CTX_free(ctx);
        return -ENOMEM;
    }
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    r = trust_servers(ctx, f->ca);
    if (r == 0 && f->cert != NULL)
        r = use_certificate(ctx, f->cert, f->key);
    if (r == 0) {
        *ret = ctx;
        ctx = NULL; /* handed over */
    }
    SSL_CTX_free(ctx);
    return r;
}

struct ssl_ctx_st *tls_context_ref(struct ssl_ctx_st *ctx)
{
    if (ctx != NULL)
        SSL_CTX_up_ref(ctx);
    return ctx;
}

void tls_context_unref(struct ssl_ctx_st *ctx)
{
    SSL_CTX_free(ctx);
}

/* ---- the BIO ---- */

static int bio_read(BIO *bio, char *buf, int len)
{
    struct tls *t = BIO_get_data(bio);
    size_t cap = (size_t)len < t->may_read ? (size_t)len : t->may_read;
    ssize_t n = -1;

    BIO_clear_retry_flags(bio);
    errno = EAGAIN;
    if (cap > 0)
        n = recv(t->fd, buf, cap, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_read(bio);
    if (n > 0)
        t->may_read -= (size_t)n;
    return (int)n;
}

static int bio_write(BIO *bio, const char *bytes, int len)
{
    struct tls *t = BIO_get_data(bio);

    t->sending = true;
    t->send(t->owner, (const uint8_t *)bytes, (size_t)len);
    t->sending = false;
    return len;
}

static long bio_ctrl(BIO *bio, int command, long number, void *arg)
{
    (void)bio, (void)number, (void)arg;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method;

static void make_bio_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "connection");

    if (m == NULL)
        return;
    BIO_meth_set_read(m, bio_read);
    BIO_meth_set_write(m, bio_write);
    BIO_meth_set_ctrl(m, bio_ctrl);
    bio_method = m;
}

static BIO *new_bio(struct tls *t)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    BIO *bio;

    pthread_once(&once, make_bio_method);
    bio = bio_method != NULL ? BIO_new(bio_method) : NULL;
    if (bio == NULL)
        return NULL;
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    return bio;
}

/* ---- the session ---- */

int tls_new(struct ssl_ctx_st *ctx, int fd,
            void (*send)(void *owner, const uint8_t *bytes, size_t len), void *owner,
            struct tls **ret)
{
    struct tls *t = calloc(1, sizeof(*t));
    BIO *bio;

    if (t == NULL)
        return -ENOMEM;
    t->fd = fd;
    t->send = send;
    t->owner = owner;
    t->ssl = SSL_new(ctx);
    bio = new_bio(t);
    if (t->ssl == NULL || bio == NULL) {
        BIO_free(bio);
        tls_free(t);
        return -ENOMEM;
    }
    SSL_set_bio(t->ssl, bio, bio);
    SSL_set_accept_state(t->ssl);
    *ret = t;
    return 0;
}

/* Whose certificate it is to be; only names are told to the server. */
static bool expect_host(SSL *ssl, const char *host)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

    if (X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1)
        return true;
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

int tls_new_client(struct ssl_ctx_st *ctx, int fd, const char *host,
                   void (*send)(void *owner, const uint8_t *bytes, size_t len), void *owner,
                   struct tls **ret)
{
    struct tls *t;
    int r = tls_new(ctx, fd, send, owner, &t);

    if (r < 0)
        return r;
    SSL_set_connect_state(t->ssl);
    if (!expect_host(t->ssl, host)) {
        tls_free(t);
        return -ENOMEM;
    }
    *ret = t;
    return 0;
}

void tls_free(struct tls *t)
{
    if (t == NULL)
        return;
    SSL_free(t->ssl);
    free(t);
}

/* Before a call of OpenSSL: its queue of errors is the thread's, and others have used it. */
static bool may_call(struct tls *t)
{
    ERR_clear_error();
    t->may_read = WIRE_BYTES_PER_READ;
    return !t->broken;
}

/* What a call that returned `n` <= 0 means: 0 the peer has said goodbye; -EAGAIN; -EPROTO. */
static int meaning_of(struct tls *t, int n)
{
    switch (SSL_get_error(t->ssl, n)) {
    case SSL_ERROR_WANT_READ:
        return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        t->broken = true;
        return -EPROTO;
    }
}

int tls_handshake(struct tls *t)
{
    int n, r;

    if (!may_call(t))
        return -EPROTO;
    n = SSL_do_handshake(t->ssl);
    if (n == 1)
        return 0;
    r = meaning_of(t, n);
    if (r == -EPROTO && ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST)
        return -EPROTOTYPE;
    return r == 0 ? -EPROTO : r;
}

long tls_read(struct tls *t, uint8_t *buf, size_t cap)
{
    int n;

    if (!may_call(t))
        return -EPROTO;
    n = SSL_read(t->ssl, buf, (int)cap);
    return n > 0 ? n : meaning_of(t, n);
}

int tls_write(struct tls *t, const uint8_t *bytes, size_t len)
{
    int n;

    if (!may_call(t))
        return -EPROTO;
    n = SSL_write(t->ssl, bytes, (int)len);
    if (n == (int)len)
        return 0;
    t->broken = true;
    return -EPROTO;
}

void tls_say_goodbye(struct tls *t)
{
    if (!t->sending && may_call(t) && !(SSL_get_shutdown(t->ssl) & SSL_SENT_SHUTDOWN))
        (void)SSL_shutdown(t->ssl);
}
