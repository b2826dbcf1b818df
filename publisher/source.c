#include "publisher/source.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/log.h"

#include "common/banned.h"

/*
 * `ready_fd` is readable exactly while the queue holds something or `result` is set: both change
 * under the lock only, together with it. `stop_fd` becomes readable once and stays so.
 */
struct source {
    const struct feed_ops *ops;
    struct feed *feed;
    int ready_fd, stop_fd;
    bool started;
    pthread_t thread;

    pthread_mutex_t lock;
    pthread_cond_t room; /* the queue is no longer full, or `stopping` */
    bool stopping;
    int result; /* why the thread ended; 0 while it runs */
    size_t first, count;
    struct quote queue[SOURCE_QUEUE_MAX];
};

static void signal_fd(int fd)
{
    if (eventfd_write(fd, 1) < 0)
        log_error("eventfd: %m"); /* cannot happen: the counter never nears its end */
}

/* Returns false when the publisher stops. */
static bool put(struct source *s, const struct quote *q)
{
    bool stopping;

    pthread_mutex_lock(&s->lock);
    while (s->count == SOURCE_QUEUE_MAX && !s->stopping)
        pthread_cond_wait(&s->room, &s->lock);
    stopping = s->stopping;
    if (!stopping) {
        s->queue[(s->first + s->count) % SOURCE_QUEUE_MAX] = *q;
        if (s->count++ == 0)
            signal_fd(s->ready_fd);
    }
    pthread_mutex_unlock(&s->lock);
    return !stopping;
}

static void *run(void *arg)
{
    struct source *s = arg;
    struct quote q;
    int r;

    do {
        r = s->ops->next(s->feed, MONO_NEVER, &q);
        if (r == 0 && !put(s, &q))
            r = -ECANCELED;
    } while (r == 0 || r == -ETIMEDOUT);

    pthread_mutex_lock(&s->lock);
    s->result = r;
    signal_fd(s->ready_fd);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

int source_start(const struct feed_ops *ops, const struct feed_config *config, struct source **ret)
{
    struct source *s = calloc(1, sizeof(*s));
    struct feed_config with_stop = *config;
    int r;

    if (s == NULL)
        return -ENOMEM;
    s->ops = ops;
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
        if (s->count == 0 && s->result == 0)
            eventfd_read(s->ready_fd, &ignored);
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
