#include "gateway/auth/auth.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/log.h"
#include "gateway/auth/fetch.h"

#include "common/banned.h"

#define LOOK_S 2 /* how often files are looked at */

struct auth {
    struct auth_config config;
    struct grant *anonymous;

    pthread_t keeper;
    bool keeping;
    pthread_mutex_t lock; /* for what follows */
    pthread_cond_t poke;
    struct keyset *keys;
    bool stop, reload;
    bool unknown_key; /* somebody came with one */
};

bool auth_is_configured(const struct auth_config *c)
{
    return c->secret != NULL || c->key != NULL || c->jwks != NULL;
}

/* ---- keys ---- */

static int add_key_file(struct keyset *s, const char *path)
{
    char *text;
    size_t len;
    int r = fetch_file(path, KEYSET_TEXT_MAX, &text, &len);

    if (r == 0) {
        r = keyset_add_pem(s, path, text, len);
        free(text);
    }
    return r;
}

static int add_jwks(struct keyset *s, const struct auth_config *c)
{
    char *text;
    size_t len;
    int r = fetch_is_url(c->jwks) ? fetch_url(c->jwks, c->ca_file, KEYSET_TEXT_MAX, &text, &len)
                                  : fetch_file(c->jwks, KEYSET_TEXT_MAX, &text, &len);

    if (r == 0) {
        r = keyset_add_jwks(s, c->jwks, text, len);
        free(text);
    }
    return r;
}

/* All keys as they are now. Returns 0; or a negative errno after one line. */
static int read_keys(const struct auth_config *c, struct keyset **ret)
{
    struct keyset *s = keyset_new();
    int r = s != NULL ? 0 : -ENOMEM;

    if (r == 0 && c->secret != NULL)
        r = keyset_add_secret(s, "TAPECAST_JWT_SECRET", c->secret);
    if (r == 0 && c->key != NULL)
        r = add_key_file(s, c->key);
    if (r == 0 && c->jwks != NULL)
        r = add_jwks(s, c);
    if (r == 0)
        *ret = s;
    else
        keyset_unref(s);
    return r;
}

static struct keyset *current_keys(struct auth *a)
{
    struct keyset *s;

    pthread_mutex_lock(&a->lock);
    s = keyset_ref(a->keys);
    pthread_mutex_unlock(&a->lock);
    return s;
}

static int renew_keys(struct auth *a)
{
    struct keyset *fresh = NULL, *old;
    int r = read_keys(&a->config, &fresh);

    if (r < 0)
        return r;
    pthread_mutex_lock(&a->lock);
    old = a->keys;
    a->keys = fresh;
    pthread_mutex_unlock(&a->lock);
    keyset_unref(old);
    return 0;
}

/* ---- the keeper ---- */

/* When the files were last changed, all in one number. */
static int64_t file_times(const struct auth_config *c)
{
    const char *paths[] = {c->key, c->jwks != NULL && !fetch_is_url(c->jwks) ? c->jwks : NULL};
    struct stat st;
    int64_t sum = 0;

    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        if (paths[i] != NULL && stat(paths[i], &st) == 0)
            sum +=
                (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec + (int64_t)st.st_ino;
    return sum;
}

/* Sleep for `seconds` or until the end. */
static void rest(struct auth *a, int seconds)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += seconds;
    while (!a->stop && !a->reload && pthread_cond_timedwait(&a->poke, &a->lock, &until) == 0)
        ;
}

static void *keep(void *arg)
{
    struct auth *a = arg;
    bool by_url = a->config.jwks != NULL && fetch_is_url(a->config.jwks), ok = a->keys->n > 0;
    int64_t times = file_times(&a->config);
    struct mono tried = mono_now();

    pthread_mutex_lock(&a->lock);
    for (;;) {
        int64_t age_ms, now_times;
        bool wanted;

        rest(a, LOOK_S);
        if (a->stop)
            break;
        now_times = file_times(&a->config);
        age_ms = (mono_now().ns - tried.ns) / 1000000;
        wanted = by_url && age_ms >= AUTH_RETRY_S * 1000 &&
                 (a->unknown_key || !ok || age_ms >= AUTH_REFRESH_S * 1000);
        if (!a->reload && !wanted && now_times == times)
            continue;
        a->reload = a->unknown_key = false;
        pthread_mutex_unlock(&a->lock);
        times = now_times;
        tried = mono_now();
        ok = renew_keys(a) == 0;
        if (!ok)
            log_warn("the old keys for tokens stay");
        else if (!by_url)
            log_info("keys for tokens read again");
        pthread_mutex_lock(&a->lock);
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

static int start_keeper(struct auth *a)
{
    int r = -pthread_create(&a->keeper, NULL, keep, a);

    a->keeping = r == 0;
    return r;
}

/* ---- life ---- */

static int fill_anonymous(struct auth *a, const char *list)
{
    int r = 0;

    a->anonymous = grant_new();
    if (a->anonymous == NULL)
        return -ENOMEM;
    a->anonymous->anonymous = true;
    if (strcmp(list, "none") != 0)
        r = grant_add_topics(a->anonymous, list);
    if (r < 0)
        log_error("--anonymous takes MQTT filters separated by commas, or none, not \"%s\"", list);
    return r;
}

/* At the start what is behind a URL may be away, a file may not. */
static int first_keys(struct auth *a)
{
    int r = renew_keys(a);

    if (r != -EIO || a->config.jwks == NULL || !fetch_is_url(a->config.jwks))
        return r;
    log_warn("until the keys for tokens can be read, every token is refused");
    a->keys = keyset_new();
    return a->keys != NULL ? 0 : -ENOMEM;
}

static void init_locks(struct auth *a)
{
    pthread_condattr_t attr;

    pthread_mutex_init(&a->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&a->poke, &attr);
    pthread_condattr_destroy(&attr);
}

int auth_new(const struct auth_config *c, struct auth **ret)
{
    struct auth *a = calloc(1, sizeof(*a));
    int r;

    if (a == NULL)
        return -ENOMEM;
    a->config = *c;
    init_locks(a);
    r = fill_anonymous(a, c->anonymous);
    if (r == 0)
        r = first_keys(a);
    if (r == 0)
        r = start_keeper(a);
    if (r == 0)
        *ret = a;
    else
        auth_free(a);
    return r;
}

void auth_free(struct auth *a)
{
    if (a == NULL)
        return;
    if (a->keeping) {
        pthread_mutex_lock(&a->lock);
        a->stop = true;
        pthread_cond_signal(&a->poke);
        pthread_mutex_unlock(&a->lock);
        pthread_join(a->keeper, NULL);
    }
    keyset_unref(a->keys);
    grant_unref(a->anonymous);
    pthread_cond_destroy(&a->poke);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

void auth_reload(struct auth *a)
{
    pthread_mutex_lock(&a->lock);
    a->reload = true;
    pthread_cond_signal(&a->poke);
    pthread_mutex_unlock(&a->lock);
}

struct grant *auth_anonymous(struct auth *a)
{
    return grant_ref(a->anonymous);
}

int auth_check(struct auth *a, const char *token, size_t len, struct wall now, struct grant **ret,
               const char **ret_reason)
{
    struct keyset *keys = current_keys(a);
    int r = token_check(keys, &a->config.rules, token, len, now, ret, ret_reason);

    keyset_unref(keys);
    if (r == -ENOKEY) {
        pthread_mutex_lock(&a->lock);
        a->unknown_key = true; /* perhaps the issuer has a new one */
        pthread_mutex_unlock(&a->lock);
    }
    return r;
}
