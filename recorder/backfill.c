#include "recorder/backfill.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/backoff.h"
#include "common/list.h"
#include "common/log.h"
#include "publisher/net/http.h"
#include "recorder/alpaca_bars.h"

#include "common/banned.h"

#define FREE_AFTER_S (16 * 60) /* the plan's 15 minutes, and one for a clock that is off */
#define APART_MS 400           /* two requests: 150 a minute */
#define LOOK_MS 1000           /* whether a wish is old enough by now */
#define FAULT_FIRST_MS 1000
#define FAULT_MAX_MS 60000
#define BODY_MAX ((size_t)4 << 20) /* 10,000 bars are about 1 MB */
#define ANSWERS_MAX 4              /* not taken; meanwhile nothing more is asked */

struct wish {
    struct list link;
    struct backfill_wish what;
};

struct answer {
    struct list link;
    struct backfill_answer what;
    size_t cap;
};

struct backfill {
    const struct backfill_config *config;
    struct net *net;
    struct http *http;
    struct backoff faults, limits;
    int stop_fd;
    pthread_t thread;
    bool started;
    bool faulty; /* told */

    pthread_mutex_t lock; /* for what follows */
    struct list wishes, answers;
    size_t n_wishes, n_answers;
    bool told_too_many;
};

/* ---- the thread ---- */

static int64_t now_s(void)
{
    return wall_now().ms / 1000;
}

/* A copy of the first wish that is old enough. */
static bool next_wish(struct backfill *b, struct backfill_wish *ret)
{
    int64_t free_s = now_s() - FREE_AFTER_S;
    bool found = false;

    pthread_mutex_lock(&b->lock);
    for (struct list *l = b->wishes.next; b->n_answers < ANSWERS_MAX && l != &b->wishes && !found;
         l = l->next) {
        const struct backfill_wish *w = &CONTAINER_OF(l, struct wish, link)->what;

        found = w->until_s <= free_s;
        if (found)
            *ret = *w;
    }
    pthread_mutex_unlock(&b->lock);
    return found;
}

/* It is fulfilled, or given up. */
static void remove_wish(struct backfill *b, const struct backfill_wish *done)
{
    pthread_mutex_lock(&b->lock);
    for (struct list *l = b->wishes.next; l != &b->wishes; l = l->next) {
        struct wish *w = CONTAINER_OF(l, struct wish, link);

        if (strcmp(w->what.symbol, done->symbol) == 0 && w->what.from_s == done->from_s &&
            w->what.until_s == done->until_s) {
            list_remove(l);
            free(w);
            b->n_wishes--;
            break;
        }
    }
    pthread_mutex_unlock(&b->lock);
}

static void give_answer(struct backfill *b, struct answer *a)
{
    pthread_mutex_lock(&b->lock);
    list_append(&b->answers, &a->link);
    b->n_answers++;
    pthread_mutex_unlock(&b->lock);
}

static int add_bar(void *ctx, const struct bar *bar)
{
    struct answer *a = ctx;
    struct backfill_answer *w = &a->what;

    if (w->n > 0 && bar->t <= w->bars[w->n - 1].t)
        return 0; /* not ascending: passed over */
    if (w->n == a->cap) {
        size_t cap = a->cap == 0 ? 1024 : a->cap * 2;
        struct bar *bigger = realloc(w->bars, cap * sizeof(*bigger));

        if (bigger == NULL)
            return -ENOMEM;
        w->bars = bigger;
        a->cap = cap;
    }
    w->bars[w->n++] = *bar;
    return 0;
}

/* Returns 0; -ECANCELED. */
static int wait_ms(struct backfill *b, int64_t ms)
{
    struct mono until = mono_add_ms(mono_now(), ms);
    int r = 0;

    while (r == 0 && mono_before(mono_now(), until))
        r = net_wait(b->net, until);
    return r;
}

static void tell_fault(struct backfill *b, const char *what)
{
    if (!b->faulty)
        log_warn("Alpaca's history cannot be asked at present, which goes on: %s", what);
    b->faulty = true;
}

/* Wait after an answer that may become better. Returns -EAGAIN; -ECANCELED. */
static int wait_for_better(struct backfill *b, const struct http_answer *a)
{
    char what[32];

    if (a->fault == NULL && a->status == 429)
        return wait_ms(b, http_limit_ms(a->retry_after_s, &b->limits)) < 0 ? -ECANCELED : -EAGAIN;
    snprintf(what, sizeof(what), "status %ld", a->status);
    tell_fault(b, a->fault != NULL ? a->fault : what);
    return wait_ms(b, backoff_next_ms(&b->faults)) < 0 ? -ECANCELED : -EAGAIN;
}

/* One page. Returns 0; -EAGAIN to ask again; -EPERM it is refused; -ECANCELED; -ENOMEM. */
static int ask_page(struct backfill *b, const struct backfill_wish *w, struct answer *into,
                    char *token)
{
    char url[ALPACA_URL_MAX];
    struct http_answer a;
    int r;

    alpaca_bars_url(b->config->url, w->symbol, w->from_s, w->until_s - 1, token, url);
    r = http_get(b->http, url);
    while (r == 0 && http_take(b->http, &a) == -EAGAIN)
        r = net_wait(b->net, MONO_NEVER);
    if (r < 0)
        return r;
    if (a.fault != NULL || a.status == 429 || a.status >= 500)
        return wait_for_better(b, &a);
    r = a.status == 200 ? alpaca_bars_read(a.body, w->symbol, add_bar, into, token) : -EPERM;
    if (r == -EBADMSG) {
        tell_fault(b, "an answer that is none of its");
        return wait_ms(b, backoff_next_ms(&b->faults)) < 0 ? -ECANCELED : -EAGAIN;
    }
    if (r == -EPERM)
        log_warn("Alpaca gives no history of %s (status %ld): %.100s", w->symbol, a.status, a.body);
    if (r == 0) {
        b->faulty = false;
        backoff_reset(&b->faults);
        backoff_reset(&b->limits);
    }
    return r;
}

/* All pages. Returns 0; -ECANCELED. */
static int fulfil(struct backfill *b, const struct backfill_wish *w)
{
    struct answer *a = calloc(1, sizeof(*a));
    char token[ALPACA_TOKEN_MAX] = "";
    int r = a == NULL ? -ENOMEM : 0;

    if (a != NULL)
        a->what.wish = *w;
    do {
        if (r != -ENOMEM)
            r = ask_page(b, w, a, token);
        if (wait_ms(b, APART_MS) < 0)
            r = -ECANCELED;
    } while (r == -EAGAIN || (r == 0 && token[0] != '\0'));
    if (r == 0) {
        give_answer(b, a);
        a = NULL;
    }
    if (r != -ECANCELED)
        remove_wish(b, w);
    if (a != NULL)
        free(a->what.bars);
    free(a);
    return r == -ECANCELED ? r : 0;
}

static void *run(void *backfill)
{
    struct backfill *b = backfill;
    struct backfill_wish w;
    int r = 0;

    while (r == 0)
        r = next_wish(b, &w) ? fulfil(b, &w) : wait_ms(b, LOOK_MS);
    return NULL;
}

/* ---- the recorder's side ---- */

static int open_http(struct backfill *b)
{
    const struct backfill_config *c = b->config;
    char key[600], secret[600];
    const char *const headers[] = {key, secret, NULL};
    int r = net_new(b->stop_fd, c->ca_file, &b->net);

    if (r < 0)
        return r;
    snprintf(key, sizeof(key), "APCA-API-KEY-ID: %s", c->key);
    snprintf(secret, sizeof(secret), "APCA-API-SECRET-KEY: %s", c->secret);
    r = http_new(b->net, headers, BODY_MAX, &b->http);
    explicit_bzero(key, sizeof(key));
    explicit_bzero(secret, sizeof(secret));
    return r;
}

int backfill_start(const struct backfill_config *config, struct backfill **ret)
{
    struct backfill *b;
    int r;

    if (!http_is_base(config->url)) {
        log_error("--alpaca-url %s is no address that begins with https://", config->url);
        return -EINVAL;
    }
    b = calloc(1, sizeof(*b));
    if (b == NULL)
        return -ENOMEM;
    b->config = config;
    list_init(&b->wishes);
    list_init(&b->answers);
    pthread_mutex_init(&b->lock, NULL);
    backoff_init(&b->faults, FAULT_FIRST_MS, FAULT_MAX_MS);
    backoff_init(&b->limits, HTTP_LIMIT_FIRST_MS, HTTP_LIMIT_MAX_MS);
    b->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r = b->stop_fd < 0 ? -errno : open_http(b);
    if (r == 0)
        r = -pthread_create(&b->thread, NULL, run, b);
    b->started = r == 0;
    if (r == 0)
        *ret = b;
    else
        backfill_free(b);
    return r;
}

static void stop(struct backfill *b)
{
    uint64_t one = 1;

    if (!b->started)
        return;
    if (write(b->stop_fd, &one, sizeof(one)) < 0)
        log_error("eventfd: %m");
    pthread_join(b->thread, NULL);
}

void backfill_free(struct backfill *b)
{
    struct backfill_answer a;

    if (b == NULL)
        return;
    stop(b);
    while (backfill_take(b, &a))
        free(a.bars);
    while (!list_empty(&b->wishes)) {
        struct wish *w = CONTAINER_OF(b->wishes.next, struct wish, link);
        list_remove(&w->link);
        free(w);
    }
    http_free(b->http);
    net_free(b->net);
    if (b->stop_fd >= 0)
        close(b->stop_fd);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

static void add_wish(struct backfill *b, const struct backfill_wish *wish)
{
    struct wish *w = wish->from_s < wish->until_s ? calloc(1, sizeof(*w)) : NULL;

    if (w == NULL)
        return;
    w->what = *wish;
    pthread_mutex_lock(&b->lock);
    if (b->n_wishes < BACKFILL_WISHES_MAX) {
        list_append(&b->wishes, &w->link);
        b->n_wishes++;
        w = NULL;
    }
    pthread_mutex_unlock(&b->lock);
    if (w != NULL && !b->told_too_many)
        log_warn("more than %d gaps of history are open: some are not filled", BACKFILL_WISHES_MAX);
    b->told_too_many |= w != NULL;
    free(w);
}

/* What is free already is asked for at once, the rest when it is. */
void backfill_want(struct backfill *b, const struct backfill_wish *wish)
{
    struct backfill_wish early = *wish, late = *wish;
    int64_t free_s = now_s() - FREE_AFTER_S;

    free_s -= free_s % 60;
    if (wish->from_s < free_s && free_s < wish->until_s) {
        early.until_s = late.from_s = free_s;
        add_wish(b, &early);
    }
    add_wish(b, &late);
}

bool backfill_take(struct backfill *b, struct backfill_answer *ret)
{
    struct answer *a = NULL;

    pthread_mutex_lock(&b->lock);
    if (!list_empty(&b->answers)) {
        a = CONTAINER_OF(b->answers.next, struct answer, link);
        list_remove(&a->link);
        b->n_answers--;
    }
    pthread_mutex_unlock(&b->lock);
    if (a == NULL)
        return false;
    *ret = a->what;
    free(a);
    return true;
}

size_t backfill_open(struct backfill *b)
{
    size_t n;

    pthread_mutex_lock(&b->lock);
    n = b->n_wishes + b->n_answers;
    pthread_mutex_unlock(&b->lock);
    return n;
}
