#include "gateway/history.h"

#include <errno.h>
#include <libdeflate.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/log.h"
#include "gateway/ticks.h"
#include "gateway/worker.h"

#include "common/banned.h"

#define REOPEN_MS 1000
#define STOP_S 1       /* how long the end waits for an answer of the store */
#define GZIP_FROM 1024 /* shorter answers are not worth it */
#define GZIP_LEVEL 1   /* twice as fast as the next, 2 % longer */

struct history {
    const char *url;
    struct store *store;                      /* the thread's; NULL until opened */
    struct libdeflate_compressor *compressor; /* NULL: out of memory, answers stay plain */
    struct udf_room room;
    bool failing;
    struct mono open_at; /* not before: each failure to open is logged */
    pthread_t thread;
    bool started;

    pthread_mutex_t lock; /* for what follows */
    pthread_cond_t changed;
    struct list waiting; /* struct inquiry */
    size_t n_waiting;
    struct history_stats stats;
    bool stop;
    bool ended; /* the thread's last word */
    bool lost;  /* the thread hangs in a store that does not answer: all of this is its alone */
};

void inquiry_free(struct inquiry *q)
{
    free(q->answer.bytes);
    free(q);
}

/* ---- the thread ---- */

/* Told once when it begins and once when it is over. */
static void note_trouble(struct history *h, int r)
{
    bool failing = r < 0 && r != -ENOENT && r != -E2BIG && r != -EAGAIN;

    if (failing && !h->failing)
        log_error("history cannot be read: %s",
                  h->store != NULL ? store_error(h->store) : strerror(-r));
    if (!failing && h->failing)
        log_info("history can be read again");
    h->failing = failing;
}

static int ask_store(struct history *h, struct inquiry *q)
{
    switch (q->question) {
    case ASK_BARS:
        return udf_history(h->store, &q->range, &h->room, &q->answer);
    case ASK_SEARCH:
        return udf_search(h->store, q->query, q->limit, &q->answer);
    case ASK_TICKS:
        return ticks_answer(h->store, &q->ticks, &q->answer);
    case ASK_SYMBOL:
        return udf_symbol(h->store, q->range.symbol, &q->answer);
    }
    return -EINVAL;
}

/* Returns whether `t` is gzip now. */
static bool compress_text(struct history *h, struct udf_text *t)
{
    struct udf_text packed = {0};

    if (t->len < GZIP_FROM || h->compressor == NULL)
        return false;
    packed.cap = libdeflate_gzip_compress_bound(h->compressor, t->len);
    packed.bytes = malloc(packed.cap);
    if (packed.bytes != NULL)
        packed.len =
            libdeflate_gzip_compress(h->compressor, t->bytes, t->len, packed.bytes, packed.cap);
    if (packed.len == 0) {
        free(packed.bytes);
        return false;
    }
    free(t->bytes);
    *t = packed;
    return true;
}

static int ensure_open(struct history *h)
{
    int r;

    if (h->store != NULL)
        return 0;
    if (mono_before(mono_now(), h->open_at))
        return -ENOTCONN;
    r = store_open(h->url, STORE_READ, &h->store);
    if (r < 0 && r != -ENOENT)
        h->open_at = mono_add_ms(mono_now(), REOPEN_MS);
    return r == -ENOENT ? -EAGAIN : r; /* no store yet is not the same as no such symbol */
}

static void count(struct history *h, const struct inquiry *q, int r)
{
    pthread_mutex_lock(&h->lock);
    h->stats.requests++;
    h->stats.errors += h->failing;
    h->stats.rows += r == 0 ? q->answer.rows : 0;
    histogram_add(&h->stats.latency, (double)(mono_now().ns - q->asked_at.ns) / 1e9);
    pthread_mutex_unlock(&h->lock);
}

static void answer(struct history *h, struct inquiry *q)
{
    int r = ensure_open(h);

    if (r == 0)
        r = ask_store(h, q);
    note_trouble(h, r);
    if (h->failing && h->store != NULL) { /* a file that was replaced, a server that restarted */
        store_close(h->store);
        h->store = NULL;
    }
    count(h, q, r);
    q->gzip = r == 0 && q->gzip && compress_text(h, &q->answer);
    q->result = r;
}

/* Wait for a question; NULL when there will be none. */
static struct inquiry *next_inquiry(struct history *h)
{
    struct inquiry *q = NULL;

    pthread_mutex_lock(&h->lock);
    while (!h->stop && list_empty(&h->waiting))
        pthread_cond_wait(&h->changed, &h->lock);
    if (!h->stop) {
        q = CONTAINER_OF(h->waiting.next, struct inquiry, letter.link);
        list_remove(&q->letter.link);
        h->n_waiting--;
    }
    pthread_mutex_unlock(&h->lock);
    return q;
}

static void give_back(struct history *h, struct inquiry *q)
{
    bool lost;

    pthread_mutex_lock(&h->lock);
    h->stats.open--;
    lost = h->lost;
    pthread_mutex_unlock(&h->lock);
    if (!lost)
        worker_post(q->worker, &q->letter);
}

static void *run(void *history)
{
    struct history *h = history;
    struct inquiry *q;

    while ((q = next_inquiry(h)) != NULL) {
        if (!atomic_load(q->gone))
            answer(h, q);
        give_back(h, q);
    }
    pthread_mutex_lock(&h->lock);
    h->ended = true;
    pthread_cond_signal(&h->changed);
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

/* ---- the workers' side ---- */

int history_start(const char *store_url, struct history **ret)
{
    struct history *h = calloc(1, sizeof(*h));
    int r;

    if (h == NULL)
        return -ENOMEM;
    h->url = store_url;
    h->compressor = libdeflate_alloc_compressor(GZIP_LEVEL);
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->changed, NULL);
    list_init(&h->waiting);
    r = -pthread_create(&h->thread, NULL, run, h);
    h->started = r == 0;
    if (r == 0)
        *ret = h;
    else
        history_free(h);
    return r;
}

int history_ask(struct history *h, struct inquiry *q)
{
    bool full;

    q->asked_at = mono_now();
    pthread_mutex_lock(&h->lock);
    full = h->n_waiting == HISTORY_MAX_WAITING;
    if (!full) {
        list_append(&h->waiting, &q->letter.link);
        h->n_waiting++;
        h->stats.open++;
        pthread_cond_signal(&h->changed);
    }
    h->stats.refused += full;
    pthread_mutex_unlock(&h->lock);
    return full ? -EAGAIN : 0;
}

void history_stats(struct history *h, struct history_stats *ret)
{
    pthread_mutex_lock(&h->lock);
    *ret = h->stats;
    pthread_mutex_unlock(&h->lock);
}

void history_stop(struct history *h)
{
    struct timespec until;
    bool lost;

    if (h == NULL || !h->started)
        return;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += STOP_S;
    pthread_mutex_lock(&h->lock);
    h->stop = true;
    pthread_cond_signal(&h->changed);
    while (!h->ended && pthread_cond_clockwait(&h->changed, &h->lock, CLOCK_MONOTONIC, &until) == 0)
        continue;
    lost = h->lost = !h->ended;
    pthread_mutex_unlock(&h->lock);
    h->started = false;
    if (lost)
        log_warn("the store of history does not answer, it is not waited for");
    else
        pthread_join(h->thread, NULL);
}

void history_free(struct history *h)
{
    if (h == NULL)
        return;
    history_stop(h);
    if (h->lost) /* the program ends */
        return;
    while (!list_empty(&h->waiting)) {
        struct inquiry *q = CONTAINER_OF(h->waiting.next, struct inquiry, letter.link);
        list_remove(&q->letter.link);
        inquiry_free(q);
    }
    store_close(h->store);
    libdeflate_free_compressor(h->compressor);
    udf_room_release(&h->room);
    pthread_cond_destroy(&h->changed);
    pthread_mutex_destroy(&h->lock);
    free(h);
}
