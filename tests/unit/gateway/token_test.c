#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jwt.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "gateway/auth/token.h"

#define NOW ((struct wall){1712331900000})
#define SECRET "0123456789abcdef0123456789abcdef"

/*
 * Keys of an issuer, made anew for each run
 */

struct issuer {
    char private_pem[4096], public_pem[2048], jwk[2048];
};

static struct issuer rsa, ec, ec384, stranger;

static void encode(const unsigned char *bytes, size_t len, char *ret)
{
    size_t n = (size_t)EVP_EncodeBlock((unsigned char *)ret, bytes, (int)len);

    for (size_t i = 0; i < n; i++)
        ret[i] = ret[i] == '+' ? '-' : ret[i] == '/' ? '_' : ret[i] == '=' ? '\0' : ret[i];
}

static void number_of(const EVP_PKEY *key, const char *name, size_t bytes, char *ret)
{
    unsigned char buf[512];
    BIGNUM *n = NULL;

    assert_int_equal(EVP_PKEY_get_bn_param(key, name, &n), 1);
    if (bytes == 0)
        bytes = (size_t)BN_num_bytes(n);
    assert_true(BN_bn2binpad(n, buf, (int)bytes) >= 0);
    encode(buf, bytes, ret);
    BN_free(n);
}

static void write_pems(struct issuer *i, EVP_PKEY *key)
{
    BIO *out = BIO_new(BIO_s_mem());

    assert_int_equal(PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
    i->private_pem[BIO_read(out, i->private_pem, sizeof(i->private_pem) - 1)] = '\0';
    assert_int_equal(PEM_write_bio_PUBKEY(out, key), 1);
    i->public_pem[BIO_read(out, i->public_pem, sizeof(i->public_pem) - 1)] = '\0';
    BIO_free(out);
}

static void make_rsa(struct issuer *i, const char *id, size_t bits)
{
    EVP_PKEY *key = EVP_RSA_gen(bits);
    char n[1024], e[32];

    write_pems(i, key);
    number_of(key, OSSL_PKEY_PARAM_RSA_N, 0, n);
    number_of(key, OSSL_PKEY_PARAM_RSA_E, 0, e);
    snprintf(i->jwk, sizeof(i->jwk), "{\"kty\":\"RSA\",\"kid\":\"%s\",\"n\":\"%s\",\"e\":\"%s\"}",
             id, n, e);
    EVP_PKEY_free(key);
}

static void make_ec(struct issuer *i, const char *id, const char *curve, size_t bytes)
{
    EVP_PKEY *key = EVP_EC_gen(curve);
    char x[256], y[256];

    write_pems(i, key);
    number_of(key, OSSL_PKEY_PARAM_EC_PUB_X, bytes, x);
    number_of(key, OSSL_PKEY_PARAM_EC_PUB_Y, bytes, y);
    snprintf(i->jwk, sizeof(i->jwk),
             "{\"kty\":\"EC\",\"kid\":\"%s\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}", id, curve,
             x, y);
    EVP_PKEY_free(key);
}

static int make_issuers(void **state)
{
    (void)state;
    make_rsa(&rsa, "rsa", 2048);
    make_rsa(&stranger, "rsa", 2048);
    make_ec(&ec, "ec", "P-256", 32);
    make_ec(&ec384, "ec384", "P-384", 48);
    return 0;
}

/*
 * Tokens
 */

/* Sign `claims` (JSON) with `key`; `id` is the kid, or NULL. For free(). */
static char *sign(jwt_alg_t alg, const char *key, const char *id, const char *claims)
{
    jwt_t *jwt = NULL;
    char *text;

    assert_int_equal(jwt_new(&jwt), 0);
    assert_int_equal(jwt_add_grants_json(jwt, claims), 0);
    if (id != NULL)
        assert_int_equal(jwt_add_header(jwt, "kid", id), 0);
    assert_int_equal(
        jwt_set_alg(jwt, alg, (const unsigned char *)key, key != NULL ? (int)strlen(key) : 0), 0);
    text = jwt_encode_str(jwt);
    assert_non_null(text);
    jwt_free(jwt);
    return text;
}

static const struct token_rules rules = {.topics = "stocks/#"};

/* Check and free `token`. Returns the result; *ret is NULL unless it is 0. */
static int check_by(const struct keyset *keys, const struct token_rules *r, char *token,
                    struct wall now, struct grant **ret)
{
    const char *reason = NULL;
    int result;

    *ret = NULL;
    result = token_check(keys, r, token, strlen(token), now, ret, &reason);
    if (result < 0)
        assert_non_null(reason);
    free(token);
    return result;
}

static struct keyset *all_keys(void)
{
    struct keyset *s = keyset_new();
    char jwks[8192];

    snprintf(jwks, sizeof(jwks), "{\"keys\":[%s,%s,%s]}", rsa.jwk, ec.jwk, ec384.jwk);
    assert_int_equal(keyset_add_secret(s, "test", SECRET), 0);
    assert_int_equal(keyset_add_jwks(s, "test", jwks, strlen(jwks)), 0);
    assert_int_equal(s->n, 4);
    return s;
}

static int check(char *token, struct grant **ret)
{
    struct keyset *keys = all_keys();
    int r = check_by(keys, &rules, token, NOW, ret);

    keyset_unref(keys);
    return r;
}

/* What a token with `claims`, rightly signed, comes to at NOW. */
static int judge(const struct token_rules *r, const char *claims)
{
    struct keyset *keys = all_keys();
    struct grant *g;
    int result = check_by(keys, r, sign(JWT_ALG_HS256, SECRET, NULL, claims), NOW, &g);

    assert_true((g != NULL) == (result == 0));
    grant_unref(g);
    keyset_unref(keys);
    return result;
}

static void each_algorithm_is_checked_with_its_own_key(void **state)
{
    const struct {
        jwt_alg_t alg;
        const char *key;
    } cases[] = {
        {JWT_ALG_HS256, SECRET},          {JWT_ALG_HS512, SECRET},
        {JWT_ALG_RS256, rsa.private_pem}, {JWT_ALG_RS512, rsa.private_pem},
        {JWT_ALG_ES256, ec.private_pem},  {JWT_ALG_ES384, ec384.private_pem},
    };
    struct grant *g;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(check(sign(cases[i].alg, cases[i].key, NULL, "{\"sub\":\"ann\"}"), &g), 0);
        assert_string_equal(g->subject, "ann");
        grant_unref(g);
    }
}

static void a_key_of_a_pem_file_serves_too(void **state)
{
    struct keyset *keys = keyset_new();
    struct grant *g;

    (void)state;
    assert_int_equal(keyset_add_pem(keys, "test", rsa.public_pem, strlen(rsa.public_pem)), 0);
    assert_int_equal(
        check_by(keys, &rules, sign(JWT_ALG_RS256, rsa.private_pem, "any", "{}"), NOW, &g), 0);
    grant_unref(g);
    keyset_unref(keys);
}

static void a_strangers_signature_is_refused(void **state)
{
    struct grant *g;

    (void)state;
    assert_int_equal(check(sign(JWT_ALG_RS256, stranger.private_pem, "rsa", "{}"), &g), -ENOKEY);
    assert_int_equal(check(sign(JWT_ALG_HS256, SECRET "!", NULL, "{}"), &g), -ENOKEY);
    assert_int_equal(check(sign(JWT_ALG_RS256, rsa.private_pem, "other", "{}"), &g), -ENOKEY);
}

static void no_signature_is_refused(void **state)
{
    struct grant *g;

    (void)state;
    assert_int_equal(check(sign(JWT_ALG_NONE, NULL, NULL, "{}"), &g), -EACCES);
    assert_int_equal(check(strdup("eyJhbGciOiJub25lIn0.e30.AA"), &g), -EACCES);
    assert_int_equal(check(strdup("eyJhbGciOiJOb05lIn0.e30.AA"), &g), -EACCES);
}

static void a_public_key_is_no_secret(void **state)
{
    struct keyset *keys = keyset_new();
    struct grant *g;

    (void)state;
    assert_int_equal(keyset_add_pem(keys, "test", rsa.public_pem, strlen(rsa.public_pem)), 0);
    assert_int_equal(
        check_by(keys, &rules, sign(JWT_ALG_HS256, rsa.public_pem, NULL, "{}"), NOW, &g), -ENOKEY);
    keyset_unref(keys);
}

static void a_curve_must_be_the_algorithms(void **state)
{
    struct grant *g;

    (void)state;
    assert_int_equal(check(sign(JWT_ALG_ES256, ec384.private_pem, NULL, "{}"), &g), -ENOKEY);
}

static void any_changed_byte_is_noticed(void **state)
{
    struct keyset *keys = all_keys();
    char *token = sign(JWT_ALG_HS256, SECRET, NULL, "{\"sub\":\"ann\"}");
    size_t len = strlen(token);
    struct grant *g;

    (void)state;
    for (size_t i = 0; i < len - 1; i++) { /* the last digit has bits that mean nothing */
        char *changed = strdup(token);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        assert_true(check_by(keys, &rules, changed, NOW, &g) < 0);
    }
    free(token);
    keyset_unref(keys);
}

static void what_is_no_token_is_refused(void **state)
{
    static const char *const texts[] = {"",           ".",          "..",         "a.b",
                                        "a.b.c.d",    "a..c",       "a.b.",       "e30.e30.!",
                                        "e30.e30.AA", "W10.e30.AA", "e30.W10.AA", " e30.e30.AA"};
    struct grant *g;
    char *huge = malloc(TOKEN_MAX + 3);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        assert_int_equal(check(strdup(texts[i]), &g), -EACCES);
    memset(huge, 'a', TOKEN_MAX + 2);
    huge[1] = huge[3] = '.';
    huge[TOKEN_MAX + 2] = '\0';
    assert_int_equal(check(huge, &g), -EACCES);
}

static void time_is_kept_to_the_second(void **state)
{
    (void)state;
    assert_int_equal(judge(&rules, "{\"exp\":1712331901}"), 0);
    assert_int_equal(judge(&rules, "{\"exp\":1712331900}"), -EACCES);
    assert_int_equal(judge(&rules, "{\"nbf\":1712331900}"), 0);
    assert_int_equal(judge(&rules, "{\"nbf\":1712331901}"), -EACCES);
    assert_int_equal(judge(&rules, "{\"exp\":\"1712331901\"}"), -EACCES);
    assert_int_equal(judge(&rules, "{\"exp\":null}"), -EACCES);
    assert_int_equal(judge(&rules, "{\"exp\":-1}"), -EACCES);
    assert_int_equal(judge(&rules, "{\"exp\":1e300}"), -EACCES);
}

static void an_audience_must_be_ours(void **state)
{
    const struct token_rules ours = {.audience = "tapecast", .topics = "stocks/#"};

    (void)state;
    assert_int_equal(judge(&ours, "{\"aud\":\"tapecast\"}"), 0);
    assert_int_equal(judge(&ours, "{\"aud\":[\"other\",\"tapecast\"]}"), 0);
    assert_int_equal(judge(&ours, "{\"aud\":\"other\"}"), -EACCES);
    assert_int_equal(judge(&ours, "{\"aud\":[]}"), -EACCES);
    assert_int_equal(judge(&ours, "{\"aud\":7}"), -EACCES);
    assert_int_equal(judge(&ours, "{}"), -EACCES);
    assert_int_equal(judge(&rules, "{\"aud\":\"tapecast\"}"), -EACCES);
}

static void an_issuer_must_be_the_one(void **state)
{
    const struct token_rules one = {.issuer = "https://id.example", .topics = "stocks/#"};

    (void)state;
    assert_int_equal(judge(&one, "{\"iss\":\"https://id.example\"}"), 0);
    assert_int_equal(judge(&one, "{\"iss\":\"https://evil.example\"}"), -EACCES);
    assert_int_equal(judge(&one, "{\"iss\":[\"https://id.example\"]}"), -EACCES);
    assert_int_equal(judge(&one, "{}"), -EACCES);
}

static bool may_read(const struct grant *g, const char *filter)
{
    return grant_may_read(g, filter, strlen(filter));
}

static void a_grant_is_what_the_claims_say(void **state)
{
    struct grant *g;

    (void)state;
    assert_int_equal(check(sign(JWT_ALG_HS256, SECRET, NULL,
                                "{\"exp\":1712332000,\"topics\":[\"stocks/AAPL/#\",\"status/+\"],"
                                "\"publish\":[\"charts/+/frame\"],\"max_rate\":4}"),
                           &g),
                     0);
    assert_true(may_read(g, "stocks/AAPL"));
    assert_true(may_read(g, "stocks/AAPL/price"));
    assert_true(may_read(g, "status/+"));
    assert_false(may_read(g, "stocks/+"));
    assert_false(may_read(g, "#"));
    assert_true(grant_may_publish(g, "charts/x/frame", 14));
    assert_false(grant_may_publish(g, "stocks/AAPL", 11));
    assert_int_equal(grant_interval(g, 0), 250);
    assert_int_equal(grant_interval(g, 1000), 1000);
    assert_false(grant_has_ended(g, (struct wall){1712331999999}));
    assert_true(grant_has_ended(g, (struct wall){1712332000000}));
    assert_int_equal(grant_deadline(g, NOW, (struct mono){5}).ns, 5 + 100 * 1000000000LL);
    grant_unref(g);
}

static void a_token_without_topics_may_read_the_usual_ones(void **state)
{
    struct grant *g;

    (void)state;
    assert_int_equal(check(sign(JWT_ALG_HS256, SECRET, NULL, "{}"), &g), 0);
    assert_true(may_read(g, "stocks/#"));
    assert_false(may_read(g, "status/#"));
    assert_false(grant_may_publish(g, "stocks/AAPL", 11));
    assert_int_equal(grant_deadline(g, NOW, (struct mono){5}).ns, MONO_NEVER.ns);
    grant_unref(g);
    assert_int_equal(check(sign(JWT_ALG_HS256, SECRET, NULL, "{\"topics\":[]}"), &g), 0);
    assert_false(may_read(g, "stocks/AAPL"));
    grant_unref(g);
}

static void claims_that_are_none_are_refused(void **state)
{
    (void)state;
    assert_int_equal(judge(&rules, "{\"topics\":[\"a/#/b\"]}"), -EACCES);
    assert_int_equal(judge(&rules, "{\"topics\":7}"), -EACCES);
    assert_int_equal(judge(&rules, "{\"topics\":[null]}"), -EACCES);
    assert_int_equal(judge(&rules, "{\"publish\":{\"a\":1}}"), -EACCES);
    assert_int_equal(judge(&rules, "{\"max_rate\":0}"), -EACCES);
    assert_int_equal(judge(&rules, "{\"max_rate\":\"4\"}"), -EACCES);
    assert_int_equal(judge(&rules, "{\"sub\":7}"), -EACCES);
}

static void a_key_set_leaves_out_what_it_cannot_use(void **state)
{
    struct keyset *keys = keyset_new();
    struct issuer weak;
    char jwks[8192];

    (void)state;
    make_rsa(&weak, "weak", 1024);
    snprintf(jwks, sizeof(jwks),
             "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"},%s,"
             "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"},"
             "{\"kty\":\"oct\",\"k\":\"AAAA\",\"use\":\"enc\"},7,null,%s]}",
             weak.jwk, ec.jwk);
    assert_int_equal(keyset_add_jwks(keys, "test", jwks, strlen(jwks)), 0);
    assert_int_equal(keys->n, 1);
    assert_int_equal(keys->keys[0].family, KEY_EC);
    assert_int_equal(keyset_add_jwks(keys, "test", "{\"keys\":[]}", 11), -EINVAL);
    assert_int_equal(keyset_add_jwks(keys, "test", "<html>", 6), -EINVAL);
    assert_int_equal(keyset_add_pem(keys, "test", "junk", 4), -EINVAL);
    assert_int_equal(keyset_add_pem(keys, "test", weak.public_pem, strlen(weak.public_pem)),
                     -EINVAL);
    keyset_unref(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_algorithm_is_checked_with_its_own_key),
        cmocka_unit_test(a_key_of_a_pem_file_serves_too),
        cmocka_unit_test(a_strangers_signature_is_refused),
        cmocka_unit_test(no_signature_is_refused),
        cmocka_unit_test(a_public_key_is_no_secret),
        cmocka_unit_test(a_curve_must_be_the_algorithms),
        cmocka_unit_test(any_changed_byte_is_noticed),
        cmocka_unit_test(what_is_no_token_is_refused),
        cmocka_unit_test(time_is_kept_to_the_second),
        cmocka_unit_test(an_audience_must_be_ours),
        cmocka_unit_test(an_issuer_must_be_the_one),
        cmocka_unit_test(a_grant_is_what_the_claims_say),
        cmocka_unit_test(a_token_without_topics_may_read_the_usual_ones),
        cmocka_unit_test(claims_that_are_none_are_refused),
        cmocka_unit_test(a_key_set_leaves_out_what_it_cannot_use),
    };

    return cmocka_run_group_tests(tests, make_issuers, NULL);
}
