#include "gateway/auth/keyset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <openssl/bio.h>
#include <openssl/pem.h>

#include "common/log.h"
#include "gateway/auth/jwk.h"

#include "common/banned.h"

#define SECRET_BITS 256 /* RFC 7518 section 3.2 */
#define RSA_BITS 2048   /* section 3.3 */

struct keyset *keyset_new(void)
{
    struct keyset *s = calloc(1, sizeof(*s));

    if (s != NULL)
        atomic_init(&s->refs, 1);
    return s;
}

struct keyset *keyset_ref(struct keyset *s)
{
    if (s != NULL)
        atomic_fetch_add(&s->refs, 1);
    return s;
}

static void key_release(struct key *k)
{
    if (k->text != NULL)
        explicit_bzero(k->text, k->len);
    free(k->text);
    free(k->id);
    free(k->algorithm);
}

void keyset_unref(struct keyset *s)
{
    if (s == NULL || atomic_fetch_sub(&s->refs, 1) > 1)
        return;
    for (size_t i = 0; i < s->n; i++)
        key_release(&s->keys[i]);
    free(s->keys);
    free(s);
}

/* Takes over what *k owns, also when it fails. */
static int add(struct keyset *s, const char *where, struct key *k)
{
    struct key *grown = NULL;
    int r = -E2BIG;

    if (s->n == KEYSET_MAX) {
        log_error("%s: more than %d keys", where, KEYSET_MAX);
    } else {
        grown = realloc(s->keys, (s->n + 1) * sizeof(*grown));
        r = grown != NULL ? 0 : -ENOMEM;
    }
    if (r < 0) {
        key_release(k);
        return r;
    }
    s->keys = grown;
    s->keys[s->n++] = *k;
    return 0;
}

int keyset_add_secret(struct keyset *s, const char *where, const char *secret)
{
    struct key k = {.family = KEY_SECRET, .len = strlen(secret), .bits = (int)strlen(secret) * 8};

    if (k.bits < SECRET_BITS)
        log_warn("%s: a secret of less than %d bytes can be guessed; take a longer one, such as "
                 "from: openssl rand -base64 48",
                 where, SECRET_BITS / 8);
    k.text = (unsigned char *)strdup(secret);
    return k.text != NULL ? add(s, where, &k) : -ENOMEM;
}

/* Fill what a public key is. Returns whether it can be used. */
static bool fill_public(struct key *k, const EVP_PKEY *pkey)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *text;
    long len;
    bool ok;

    k->bits = EVP_PKEY_get_bits(pkey);
    k->family = EVP_PKEY_is_a(pkey, "RSA") ? KEY_RSA : KEY_EC;
    ok = k->family == KEY_RSA ? k->bits >= RSA_BITS : EVP_PKEY_is_a(pkey, "EC") == 1;
    if (ok && out != NULL && PEM_write_bio_PUBKEY(out, pkey) == 1) {
        len = BIO_get_mem_data(out, &text);
        k->text = malloc((size_t)len + 1);
        if (k->text != NULL) {
            memcpy(k->text, text, (size_t)len);
            k->text[len] = '\0';
            k->len = (size_t)len;
        }
    }
    BIO_free(out);
    return k->text != NULL;
}

int keyset_add_pem(struct keyset *s, const char *where, const char *text, size_t len)
{
    BIO *in = BIO_new_mem_buf(text, (int)len);
    EVP_PKEY *pkey = in != NULL ? PEM_read_bio_PUBKEY(in, NULL, NULL, NULL) : NULL;
    struct key k = {0};
    bool ok = pkey != NULL && fill_public(&k, pkey);

    EVP_PKEY_free(pkey);
    BIO_free(in);
    if (ok)
        return add(s, where, &k);
    log_error("%s: no public key that tokens can be checked with (PEM, RSA of %d bits or more, or "
              "EC)",
              where, RSA_BITS);
    return -EINVAL;
}

/* One member of a set. Returns 1 when it was added, 0 when it is none for us, or an error. */
static int add_jwk(struct keyset *s, const char *where, const cJSON *member)
{
    struct key k = {0};
    EVP_PKEY *pkey = NULL;
    bool ok;

    if (!jwk_is_for_signatures(member))
        return 0;
    if (jwk_is_secret(member)) {
        ok = jwk_secret(member, &k.text, &k.len);
        k.bits = (int)k.len * 8;
    } else {
        pkey = jwk_public(member);
        ok = pkey != NULL && fill_public(&k, pkey);
        EVP_PKEY_free(pkey);
    }
    if (!ok) {
        key_release(&k);
        return 0;
    }
    if (!jwk_text(member, "kid", &k.id) || !jwk_text(member, "alg", &k.algorithm)) {
        key_release(&k);
        return -ENOMEM;
    }
    return add(s, where, &k) < 0 ? -E2BIG : 1;
}

int keyset_add_jwks(struct keyset *s, const char *where, const char *text, size_t len)
{
    cJSON *root = cJSON_ParseWithLength(text, len);
    const cJSON *members = cJSON_GetObjectItemCaseSensitive(root, "keys"), *m;
    size_t before = s->n, left_out = 0;
    int r = 0;

    cJSON_ArrayForEach(m, members)
    {
        if (r >= 0)
            r = add_jwk(s, where, m);
        left_out += r == 0;
    }
    cJSON_Delete(root);
    if (r < 0)
        return r;
    if (s->n == before) {
        log_error("%s: no JSON Web Key Set with a key that tokens can be checked with", where);
        return -EINVAL;
    }
    if (left_out > 0)
        log_info("%s: %zu keys are of another kind and are left out", where, left_out);
    return 0;
}
