#include "gateway/auth/token.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <jwt.h>

#include "common/topic.h"

#include "common/banned.h"

#define SECONDS_MAX 253402300799.0 /* the end of the year 9999 */

/* What each algorithm wants of its key. Those that are not here are refused, "none" among them. */
static const struct algorithm {
    jwt_alg_t alg;
    enum key_family family;
    int bits; /* exactly; 0 for any */
} algorithms[] = {
    {JWT_ALG_HS256, KEY_SECRET, 0}, {JWT_ALG_HS384, KEY_SECRET, 0}, {JWT_ALG_HS512, KEY_SECRET, 0},
    {JWT_ALG_RS256, KEY_RSA, 0},    {JWT_ALG_RS384, KEY_RSA, 0},    {JWT_ALG_RS512, KEY_RSA, 0},
    {JWT_ALG_ES256, KEY_EC, 256},   {JWT_ALG_ES384, KEY_EC, 384},   {JWT_ALG_ES512, KEY_EC, 521},
};

static const struct algorithm *find_algorithm(jwt_alg_t alg)
{
    for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++)
        if (algorithms[i].alg == alg)
            return &algorithms[i];
    return NULL;
}

/* Three parts of base64url with a dot between them: what is none never reaches a parser. */
static bool has_shape(const char *text, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t dots = 0, part = 0;

    if (len > TOKEN_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '.' && part > 0) {
            dots++;
            part = 0;
        } else if (text[i] != '\0' && strchr(digits, text[i]) != NULL) {
            part++;
        } else {
            return false;
        }
    }
    return dots == 2 && part > 0;
}

/* "crit": what a reader must understand (RFC 7515 section 4.1.11); this one knows of none. */
static bool asks_for_more(jwt_t *head)
{
    char *crit = jwt_get_headers_json(head, "crit");
    bool asks = crit != NULL;

    free(crit);
    return asks;
}

/* A key that says its name is for tokens that call it; one that does not is tried for all. */
static bool fits(const struct key *k, const struct algorithm *a, const char *id)
{
    return k->family == a->family && (a->bits == 0 || a->bits == k->bits) &&
           (k->algorithm == NULL || strcmp(k->algorithm, jwt_alg_str(a->alg)) == 0) &&
           (k->id == NULL || id == NULL || strcmp(k->id, id) == 0);
}

/* The token, its signature proved by one of the keys. Returns 0 and *ret for jwt_free(); -ENOKEY.
 */
static int verify_by_any(const struct keyset *keys, const struct algorithm *a, const char *id,
                         const char *text, jwt_t **ret)
{
    for (size_t i = 0; i < keys->n; i++)
        if (fits(&keys->keys[i], a, id) &&
            jwt_decode(ret, text, keys->keys[i].text, (int)keys->keys[i].len) == 0)
            return 0;
    return -ENOKEY;
}

static int verify(const struct keyset *keys, const char *text, jwt_t **ret, const char **ret_reason)
{
    const struct algorithm *a;
    jwt_t *head = NULL; /* what the token says of itself */
    const char *alg;
    int r = -EACCES;

    *ret_reason = "the token is malformed";
    if (jwt_decode(&head, text, NULL, 0) != 0)
        return -EACCES;
    alg = jwt_get_header(head, "alg");
    a = find_algorithm(alg != NULL ? jwt_str_alg(alg) : JWT_ALG_NONE);
    if (a == NULL || asks_for_more(head)) {
        *ret_reason = "the token's algorithm is not allowed";
    } else {
        *ret_reason = "the token is signed with a key that is not known here";
        r = verify_by_any(keys, a, jwt_get_header(head, "kid"), text, ret);
    }
    jwt_free(head);
    return r;
}

/* ---- claims ---- */

static const cJSON *claim(const cJSON *claims, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(claims, name);
}

/* A NumericDate in ms, `absent` when it is not there. Returns whether it is right. */
static bool date_of(const cJSON *claims, const char *name, struct wall absent, struct wall *ret)
{
    const cJSON *c = claim(claims, name);

    *ret = absent;
    if (c == NULL)
        return true;
    if (!cJSON_IsNumber(c) || !(c->valuedouble >= 0 && c->valuedouble <= SECONDS_MAX))
        return false;
    ret->ms = (int64_t)(c->valuedouble * 1000);
    return true;
}

static bool names(const cJSON *c, const char *text)
{
    const cJSON *member;

    if (cJSON_IsString(c))
        return strcmp(c->valuestring, text) == 0;
    cJSON_ArrayForEach(member, c) if (cJSON_IsString(member) &&
                                      strcmp(member->valuestring, text) == 0) return true;
    return false;
}

static const char *judge(const cJSON *claims, const struct token_rules *rules, struct wall now)
{
    struct wall exp, nbf;

    if (!date_of(claims, "exp", GRANT_FOREVER, &exp) ||
        !date_of(claims, "nbf", (struct wall){0}, &nbf))
        return "the token's exp or nbf is no time";
    if (now.ms >= exp.ms)
        return "the token has expired";
    if (now.ms < nbf.ms)
        return "the token is not valid yet";
    if (rules->audience != NULL ? !names(claim(claims, "aud"), rules->audience)
                                : claim(claims, "aud") != NULL)
        return "the token is for another audience";
    if (rules->issuer != NULL &&
        (!cJSON_IsString(claim(claims, "iss")) || !names(claim(claims, "iss"), rules->issuer)))
        return "the token is from another issuer";
    return NULL;
}

static int put_filter(struct filterset *s, const cJSON *c)
{
    const char *text = cJSON_GetStringValue(c);
    int r;

    if (text == NULL || !filter_valid(text, strlen(text)) || s->n == GRANT_FILTERS_MAX)
        return -EACCES;
    r = filterset_put(s, text, strlen(text), false, 0);
    return r < 0 ? r : 0;
}

/* Returns 0; -EACCES it is no list of filters; -ENOMEM. */
static int put_filters(struct filterset *s, const cJSON *c)
{
    const cJSON *member;
    int r = 0;

    if (c == NULL || !cJSON_IsArray(c))
        return c == NULL ? 0 : put_filter(s, c);
    cJSON_ArrayForEach(member, c) if (r == 0) r = put_filter(s, member);
    return r;
}

static int put_rate(struct grant *g, const cJSON *c)
{
    if (c == NULL)
        return 0;
    if (!cJSON_IsNumber(c) || !(c->valuedouble >= 0.001 && c->valuedouble <= 1e6))
        return -EACCES;
    g->interval_ms = (uint32_t)lround(1000 / c->valuedouble);
    return 0;
}

static int put_subject(struct grant *g, const cJSON *c)
{
    if (c == NULL)
        return 0;
    if (!cJSON_IsString(c))
        return -EACCES;
    g->subject = strdup(c->valuestring);
    return g->subject != NULL ? 0 : -ENOMEM;
}

static int fill_grant(struct grant *g, const cJSON *claims, const struct token_rules *rules)
{
    int r = put_filters(&g->topics, claim(claims, "topics"));

    if (r == 0 && claim(claims, "topics") == NULL)
        r = grant_add_topics(g, rules->topics);
    if (r == 0)
        r = put_filters(&g->publish, claim(claims, "publish"));
    if (r == 0)
        r = put_rate(g, claim(claims, "max_rate"));
    if (r == 0)
        r = put_subject(g, claim(claims, "sub"));
    (void)date_of(claims, "exp", GRANT_FOREVER, &g->expires); /* judged before */
    return r;
}

int token_check(const struct keyset *keys, const struct token_rules *rules, const char *text,
                size_t len, struct wall now, struct grant **ret, const char **ret_reason)
{
    struct grant *g = NULL;
    cJSON *claims = NULL;
    jwt_t *jwt = NULL;
    char *copy, *json;
    int r = -EACCES;

    *ret_reason = "the token is malformed";
    if (!has_shape(text, len))
        return -EACCES;
    copy = strndup(text, len);
    if (copy == NULL)
        return -ENOMEM;
    r = verify(keys, copy, &jwt, ret_reason);
    if (r < 0)
        goto out;
    json = jwt_get_grants_json(jwt, NULL);
    claims = json != NULL ? cJSON_Parse(json) : NULL;
    free(json);
    g = grant_new();
    r = -ENOMEM;
    if (claims == NULL || g == NULL)
        goto out;
    *ret_reason = judge(claims, rules, now);
    r = *ret_reason == NULL ? fill_grant(g, claims, rules) : -EACCES;
    if (r == 0) {
        *ret = grant_ref(g);
    } else if (*ret_reason == NULL) {
        *ret_reason = "the token's topics, publish, max_rate or sub is malformed";
        r = r == -ENOMEM ? r : -EACCES;
    }
out:
    grant_unref(g);
    cJSON_Delete(claims);
    jwt_free(jwt);
    free(copy);
    return r;
}
