#include "gateway/auth/jwk.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "common/banned.h"

#define BYTES_MAX 2048 /* of a secret, a modulus or a coordinate */

static const char *text_of(const cJSON *jwk, const char *member)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(jwk, member));

    return text != NULL ? text : "";
}

static bool text_is(const cJSON *jwk, const char *member, const char *value)
{
    return strcmp(text_of(jwk, member), value) == 0;
}

static int digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;

    return at != NULL ? (int)(at - digits) : -1;
}

/* base64url without padding (RFC 7515 section 2). Returns the length; 0 when it is none. */
static size_t decode(const char *text, unsigned char ret[BYTES_MAX])
{
    unsigned bits = 0, n_bits = 0;
    size_t len = 0;

    for (; *text != '\0'; text++) {
        int d = digit(*text);
        if (d < 0 || len == BYTES_MAX)
            return 0;
        bits = bits << 6 | (unsigned)d;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            ret[len++] = (unsigned char)(bits >> n_bits);
        }
    }
    return n_bits < 6 ? len : 0;
}

bool jwk_is_for_signatures(const cJSON *jwk)
{
    const cJSON *ops = cJSON_GetObjectItemCaseSensitive(jwk, "key_ops"), *op;
    bool verify = ops == NULL;

    cJSON_ArrayForEach(op, ops)
    {
        const char *text = cJSON_GetStringValue(op);
        verify |= text != NULL && strcmp(text, "verify") == 0;
    }
    return verify && (text_is(jwk, "use", "") || text_is(jwk, "use", "sig"));
}

bool jwk_is_secret(const cJSON *jwk)
{
    return text_is(jwk, "kty", "oct");
}

bool jwk_secret(const cJSON *jwk, unsigned char **ret, size_t *ret_len)
{
    unsigned char bytes[BYTES_MAX];
    size_t len = decode(text_of(jwk, "k"), bytes);
    unsigned char *copy = len > 0 ? malloc(len) : NULL;

    if (copy != NULL) {
        memcpy(copy, bytes, len);
        *ret = copy;
        *ret_len = len;
    }
    explicit_bzero(bytes, sizeof(bytes));
    return copy != NULL;
}

static EVP_PKEY *from_parameters(const char *type, OSSL_PARAM_BLD *build)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *pkey = NULL;

    if (params != NULL && ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return pkey;
}

static EVP_PKEY *public_rsa(const cJSON *jwk)
{
    unsigned char bytes[BYTES_MAX];
    size_t n_len = decode(text_of(jwk, "n"), bytes);
    BIGNUM *n = n_len > 0 ? BN_bin2bn(bytes, (int)n_len, NULL) : NULL;
    size_t e_len = decode(text_of(jwk, "e"), bytes);
    BIGNUM *e = e_len > 0 ? BN_bin2bn(bytes, (int)e_len, NULL) : NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *pkey = NULL;

    if (n != NULL && e != NULL && build != NULL &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        pkey = from_parameters("RSA", build);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    return pkey;
}

static const struct curve {
    const char *name;
    const char *group;
    size_t bytes; /* of a coordinate */
} curves[] = {{"P-256", "prime256v1", 32}, {"P-384", "secp384r1", 48}, {"P-521", "secp521r1", 66}};

static EVP_PKEY *public_on(const cJSON *jwk, const struct curve *curve)
{
    unsigned char x[BYTES_MAX], y[BYTES_MAX], point[1 + 2 * 66] = {4}; /* uncompressed */
    OSSL_PARAM_BLD *build;
    EVP_PKEY *pkey = NULL;

    if (decode(text_of(jwk, "x"), x) != curve->bytes ||
        decode(text_of(jwk, "y"), y) != curve->bytes)
        return NULL;
    memcpy(point + 1, x, curve->bytes);
    memcpy(point + 1 + curve->bytes, y, curve->bytes);
    build = OSSL_PARAM_BLD_new();
    if (build != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point,
                                         1 + 2 * curve->bytes) == 1)
        pkey = from_parameters("EC", build);
    OSSL_PARAM_BLD_free(build);
    return pkey;
}

EVP_PKEY *jwk_public(const cJSON *jwk)
{
    if (text_is(jwk, "kty", "RSA"))
        return public_rsa(jwk);
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
        if (text_is(jwk, "kty", "EC") && text_is(jwk, "crv", curves[i].name))
            return public_on(jwk, &curves[i]);
    return NULL;
}

bool jwk_text(const cJSON *jwk, const char *member, char **ret)
{
    const char *text = text_of(jwk, member);

    *ret = *text != '\0' ? strdup(text) : NULL;
    return *text == '\0' || *ret != NULL;
}
