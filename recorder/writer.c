#include "recorder/writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"

#include "common/banned.h"

#define RETRY_S 1
#define STOP_MS 500
#define PRUNE_EVERY_MS (10 * 60 * 1000)

struct writer {
    struct store *store;
    int64_t keep_s[N_RESOLUTIONS], keep_ticks_s;
    int done_fd;
    pthread_t thread;
    bool started;
    struct mono prune_at; /* the thread's own */

    pthread_mutex_t lock; /* for what follows */
    pthread_cond_t changed;
    bool stop;
    bool ended; /* the thread's last word */
    bool busy;
    struct mono busy_since;
    struct batch batch; /* the thread's own while busy */
    struct writer_state state;
};

/* ---- the thread ---- */

/* Under the lock. */
static void fail(struct writer *w, const char *detail)
{
    if (!w->state.failing)
        log_error("the store takes nothing at present: %s", detail);
    w->state.failing = true;
    snprintf(w->state.detail, sizeof(w->state.detail), "%s", detail);
}

static void tell_failure(struct writer *w, int r)
{
    char detail[WRITER_DETAIL_MAX];

    if (r == -ENOSPC)
        snprintf(detail, sizeof(detail),
                 "the disk is full: make room, recording goes on by itself");
    else
        snprintf(detail, sizeof(detail), "%s", store_error(w->store));
    pthread_mutex_lock(&w->lock);
    fail(w, detail);
    pthread_mutex_unlock(&w->lock);
}

static void tell_success(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    if (w->state.failing)
        log_info("the store takes bars again");
    w->state.failing = false;
    w->state.detail[0] = '\0';
    w->state.batches++;
    w->state.bars += w->batch.n_bars;
    w->state.ticks += w->batch.n_ticks;
    pthread_mutex_unlock(&w->lock);
}

/* Returns whether to try again. */
static bool wait_for_retry(struct writer *w)
{
    struct timespec until;
    bool stop;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += RETRY_S;
    pthread_mutex_lock(&w->lock);
    while (!w->stop && pthread_cond_timedwait(&w->changed, &w->lock, &until) == 0)
        continue;
    stop = w->stop;
    pthread_mutex_unlock(&w->lock);
    return !stop;
}

static void write_batch(struct writer *w)
{
    const struct store_batch batch = batch_view(&w->batch);
    int r;

    for (;;) {
        r = store_write(w->store, &batch);
        if (r == 0)
            break;
        tell_failure(w, r);
        if (!wait_for_retry(w)) {
            log_error("%zu changed bars and %zu ticks were not stored", batch.n_bars,
                      batch.n_ticks);
            return;
        }
    }
    tell_success(w);
}

static void prune(struct writer *w)
{
    int r = 0;

    if (mono_before(mono_now(), w->prune_at))
        return;
    w->prune_at = mono_add_ms(mono_now(), PRUNE_EVERY_MS);
    for (int i = 0; r == 0 && i < N_RESOLUTIONS; i++)
        if (w->keep_s[i] > 0)
            r = store_prune(w->store, (enum resolution)i, w->keep_s[i]);
    if (r == 0 && w->keep_ticks_s > 0)
        r = store_prune_ticks(w->store, w->keep_ticks_s);
    if (r < 0)
        log_warn("old bars could not be deleted: %s", store_error(w->store));
}

/* Wait for a batch. False: there is none and will be none. */
static bool next_batch(struct writer *w)
{
    bool has_one;

    pthread_mutex_lock(&w->lock);
    while (!w->stop && !w->busy)
        pthread_cond_wait(&w->changed, &w->lock);
    has_one = w->busy;
    pthread_mutex_unlock(&w->lock);
    return has_one;
}

static void batch_done(struct writer *w)
{
    uint64_t one = 1;

    pthread_mutex_lock(&w->lock);
    batch_clear(&w->batch);
    w->busy = false;
    pthread_mutex_unlock(&w->lock);
    if (write(w->done_fd, &one, sizeof(one)) < 0)
        log_error("eventfd: %m");
}

static void *run(void *writer)
{
    struct writer *w = writer;

    while (next_batch(w)) {
        write_batch(w);
        prune(w);
        batch_done(w);
    }
    pthread_mutex_lock(&w->lock);
    w->ended = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* ---- the recorder's side ---- */

static void init_condition(pthread_cond_t *c)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(c, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

int writer_start(struct store *store, const int64_t keep_s[N_RESOLUTIONS], int64_t keep_ticks_s,
                 struct writer **ret)
{
    struct writer *w = calloc(1, sizeof(*w));
    int r;

    if (w == NULL)
        return -ENOMEM;
    w->store = store;
    memcpy(w->keep_s, keep_s, sizeof(w->keep_s));
    w->keep_ticks_s = keep_ticks_s;
    w->prune_at = mono_add_ms(mono_now(), PRUNE_EVERY_MS / 10);
    pthread_mutex_init(&w->lock, NULL);
    init_condition(&w->changed);
    w->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r = w->done_fd < 0 ? -errno : -pthread_create(&w->thread, NULL, run, w);
    w->started = r == 0;
    if (r == 0)
        *ret = w;
    else
        writer_free(w);
    return r;
}

bool writer_give(struct writer *w, struct batch *batch)
{
    struct batch empty;
    bool taken;

    pthread_mutex_lock(&w->lock);
    taken = !w->busy;
    if (taken) {
        empty = w->batch;
        w->batch = *batch;
        *batch = empty;
        w->busy = true;
        w->busy_since = mono_now();
        pthread_cond_signal(&w->changed);
    }
    pthread_mutex_unlock(&w->lock);
    return taken;
}

bool writer_is_busy(struct writer *w)
{
    bool busy;

    pthread_mutex_lock(&w->lock);
    busy = w->busy;
    if (busy && !w->state.failing &&
        mono_before(mono_add_ms(w->busy_since, WRITER_HUNG_S * 1000), mono_now()))
        fail(w, "it does not answer");
    pthread_mutex_unlock(&w->lock);
    return busy;
}

void writer_state(struct writer *w, struct writer_state *ret)
{
    pthread_mutex_lock(&w->lock);
    *ret = w->state;
    pthread_mutex_unlock(&w->lock);
}

int writer_fd(const struct writer *w)
{
    return w->done_fd;
}

void writer_seen(struct writer *w)
{
    uint64_t n;

    if (read(w->done_fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
        log_error("eventfd: %m");
}

/* Stop the thread. Returns whether it has ended in time. */
static bool join(struct writer *w)
{
    int64_t until_ns = mono_add_ms(mono_now(), STOP_MS).ns;
    struct timespec until = {.tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000};
    bool ended;

    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->changed);
    while (!w->ended && pthread_cond_timedwait(&w->changed, &w->lock, &until) == 0)
        continue;
    ended = w->ended;
    pthread_mutex_unlock(&w->lock);
    if (ended)
        pthread_join(w->thread, NULL);
    return ended;
}

bool writer_free(struct writer *w)
{
    if (w == NULL)
        return true;
    if (w->started && !join(w)) {
        log_error("the store does not answer: what changed last was not stored");
        return false;
    }
    if (w->done_fd >= 0)
        close(w->done_fd);
    batch_release(&w->batch);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    free(w);
    return true;
}
