#include "publisher/source.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/log.h"

#include "common/banned.h"

/*
 * `ready_fd` is readable exactly while `signalled`, which changes under the lock only: as soon as
 * the queue holds something, or, with `ready`, something that it has left; until the queue is
 * empty, and for ever once `result` is set. `stop_fd` becomes readable once and stays so.
 */
#define BATCH_MAX 64 /* quotes: then the first of them have waited long enough */

struct source {
    const struct feed_ops *ops;
    struct source_owner owner;
    struct feed *feed;
    int ready_fd, stop_fd;
    bool started;
    pthread_t thread;

    pthread_mutex_t lock;
    pthread_cond_t room; /* the queue is no longer full, or `stopping` */
    bool stopping, signalled;
    int result; /* why the thread ended; 0 while it runs */
    size_t first, count;
    struct quote queue[SOURCE_QUEUE_MAX];
};

static void signal_fd(int fd)
{
    if (eventfd_write(fd, 1) < 0)
        log_error("eventfd: %m"); /* cannot happen: the counter never nears its end */
}

/* With the lock. */
static void signal_ready(struct source *s)
{
    if (!s->signalled)
        signal_fd(s->ready_fd);
    s->signalled = true;
}

static bool is_direct(const struct source *s)
{
    return s->ops->has_more != NULL && s->owner.ready != NULL;
}

/* Returns false when the publisher stops. */
static bool put(struct source *s, const struct quote *q)
{
    bool stopping;

    pthread_mutex_lock(&s->lock);
    while (s->count == SOURCE_QUEUE_MAX && !s->stopping)
        pthread_cond_wait(&s->room, &s->lock);
    stopping = s->stopping;
    if (!stopping)
        s->queue[(s->first + s->count++) % SOURCE_QUEUE_MAX] = *q;
    if (s->count > 0 && !is_direct(s))
        signal_ready(s);
    pthread_mutex_unlock(&s->lock);
    return !stopping;
}

/* Let the owner take them here and now; what it leaves is for its own thread. */
static void hand_over(struct source *s)
{
    s->owner.ready(s->owner.ctx);
    pthread_mutex_lock(&s->lock);
    if (s->count > 0)
        signal_ready(s);
    pthread_mutex_unlock(&s->lock);
}

static void *run(void *arg)
{
    struct source *s = arg;
    size_t waiting = 0;
    struct quote q;
    int r;

    do {
        r = s->ops->next(s->feed, MONO_NEVER, &q);
        if (r == 0 && !put(s, &q))
            r = -ECANCELED;
        if (r == 0 && is_direct(s) && (++waiting == BATCH_MAX || !s->ops->has_more(s->feed))) {
            hand_over(s);
            waiting = 0;
        }
    } while (r == 0 || r == -ETIMEDOUT);

    pthread_mutex_lock(&s->lock);
    s->result = r;
    signal_ready(s);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

int source_start(const struct feed_ops *ops, const struct feed_config *config,
                 const struct source_owner *owner, struct source **ret)
{
    struct source *s = calloc(1, sizeof(*s));
    struct feed_config with_stop = *config;
    int r;

    if (s == NULL)
        return -ENOMEM;
    s->ops = ops;
    s->owner = *owner;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->room, NULL);
    s->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->ready_fd < 0 || s->stop_fd < 0) {
        r = -errno;
        log_error("eventfd: %m");
        goto out;
    }
    with_stop.stop_fd = s->stop_fd;
    r = ops->open(&with_stop, &s->feed);
    if (r < 0)
        goto out;
    r = -pthread_create(&s->thread, NULL, run, s);
    if (r < 0) {
        log_error("cannot start the feed's thread");
        goto out;
    }
    s->started = true;
    *ret = s;
    s = NULL; /* handed over */
out:
    source_free(s);
    return r;
}

void source_stop(struct source *s)
{
    if (!s->started)
        return;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    signal_fd(s->stop_fd);
    pthread_cond_signal(&s->room);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    s->started = false;
}

void source_free(struct source *s)
{
    if (s == NULL)
        return;
    source_stop(s);
    if (s->feed != NULL)
        s->ops->close(s->feed);
    if (s->ready_fd >= 0)
        close(s->ready_fd);
    if (s->stop_fd >= 0)
        close(s->stop_fd);
    pthread_cond_destroy(&s->room);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

int source_fd(const struct source *s)
{
    return s->ready_fd;
}

int source_take(struct source *s, struct quote *ret)
{
    eventfd_t ignored;
    int r = 0;

    pthread_mutex_lock(&s->lock);
    if (s->count > 0) {
        *ret = s->queue[s->first];
        s->first = (s->first + 1) % SOURCE_QUEUE_MAX;
        if (s->count-- == SOURCE_QUEUE_MAX)
            pthread_cond_signal(&s->room);
        if (s->count == 0 && s->result == 0 && s->signalled) {
            eventfd_read(s->ready_fd, &ignored);
            s->signalled = false;
        }
    } else {
        r = s->result != 0 ? s->result : -EAGAIN;
    }
    pthread_mutex_unlock(&s->lock);
    return r;
}

void source_state(struct source *s, struct feed_state *ret)
{
    s->ops->state(s->feed, ret);
}

void source_summary(struct source *s, uint64_t published, FILE *out)
{
    if (s->ops->summary == NULL)
        return;
    source_stop(s); /* the thread has ended or ends now */
    s->ops->summary(s->feed, published, out);
}
