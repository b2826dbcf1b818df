/*
 * A thread and its call outlive whoever has asked, and may outlive the worker: so the dialer is
 * counted, and `worker`, under its lock, says whether there is still somebody to write to.
 */
#include "gateway/dial.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "gateway/letter.h"
#include "gateway/worker.h"

#include "common/banned.h"

struct dialer {
    atomic_uint refs; /* the worker's and each thread's */
    char *host;
    char port[8];
    pthread_mutex_t lock;
    struct worker *worker; /* NULL: it has ended */
    struct list waiting;   /* from here on the worker's own */
    size_t n_calls;
};

struct call {
    struct letter letter;
    struct dialer *dialer;
    struct dial *dial; /* the worker's own; NULL: cancelled */
    int fd;            /* or a negative errno; the thread's, then the worker's */
};

static void dialer_unref(struct dialer *r)
{
    if (atomic_fetch_sub(&r->refs, 1) > 1)
        return;
    pthread_mutex_destroy(&r->lock);
    free(r->host);
    free(r);
}

/* ---- the thread ---- */

/* Wait for a connect under way. */
static int await_connect(int fd, struct mono until)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int64_t left_ms = (until.ns - mono_now().ns) / 1000000;
    int err, n = poll(&p, 1, left_ms > 0 ? (int)left_ms : 0);
    socklen_t len = sizeof(err);

    if (n < 0)
        return -errno;
    if (n == 0)
        return -ETIMEDOUT;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0 ? -errno : -err;
}

static int connect_one(const struct addrinfo *ai, struct mono until)
{
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, ai->ai_protocol);
    int r = 0;

    if (fd < 0)
        return -errno;
    if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0)
        r = errno == EINPROGRESS ? await_connect(fd, until) : -errno;
    if (r == 0)
        return fd;
    close(fd);
    return r;
}

/* A connected socket, or a negative errno. */
static int connect_to(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    struct mono until;
    int fd = -EHOSTUNREACH;

    if (getaddrinfo(host, port, &hints, &found) != 0)
        return -EHOSTUNREACH;
    until = mono_add_ms(mono_now(), DIAL_MAX_MS);
    for (const struct addrinfo *ai = found; ai != NULL && fd < 0; ai = ai->ai_next)
        fd = connect_one(ai, until);
    freeaddrinfo(found);
    return fd;
}

static void call_free(struct call *c)
{
    if (c->fd >= 0)
        close(c->fd);
    free(c);
}

static void *run_call(void *arg)
{
    struct call *c = arg;
    struct dialer *r = c->dialer;

    c->fd = connect_to(r->host, r->port);
    pthread_mutex_lock(&r->lock);
    if (r->worker != NULL)
        worker_post(r->worker, &c->letter);
    else
        call_free(c);
    pthread_mutex_unlock(&r->lock);
    dialer_unref(r);
    return NULL;
}

/* ---- the worker ---- */

static void call_next(struct dialer *r);

static void on_called(struct letter *l, struct worker *w)
{
    struct call *c = CONTAINER_OF(l, struct call, letter);
    struct dialer *r = c->dialer;
    struct dial *d = c->dial;

    if (d != NULL && w != NULL) {
        int fd = c->fd;

        c->fd = -1;
        d->call = NULL;
        d->done(d, fd);
    }
    call_free(c);
    if (w == NULL)
        return; /* nor is there a dialer any more */
    r->n_calls--;
    call_next(r);
}

static int start_call(struct dialer *r, struct dial *d)
{
    struct call *c = calloc(1, sizeof(*c));
    pthread_attr_t attr;
    pthread_t thread;
    int err;

    if (c == NULL)
        return -ENOMEM;
    *c = (struct call){.letter.open = on_called, .dialer = r, .dial = d, .fd = -1};
    list_init(&c->letter.link);
    atomic_fetch_add(&r->refs, 1);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    err = pthread_create(&thread, &attr, run_call, c);
    pthread_attr_destroy(&attr);
    if (err != 0) {
        dialer_unref(r);
        free(c);
        return -err;
    }
    d->call = c;
    r->n_calls++;
    return 0;
}

static void call_next(struct dialer *r)
{
    while (r->n_calls < DIALS_AT_ONCE && !list_empty(&r->waiting)) {
        struct dial *d = CONTAINER_OF(r->waiting.next, struct dial, link);
        int err;

        list_remove(&d->link);
        err = start_call(r, d);
        if (err < 0)
            d->done(d, err);
    }
}

void dial_begin(struct dialer *r, struct dial *d, void (*done)(struct dial *d, int fd))
{
    *d = (struct dial){.done = done};
    list_init(&d->link);
    list_append(&r->waiting, &d->link);
    call_next(r);
}

void dial_cancel(struct dial *d)
{
    if (d->done == NULL)
        return;
    list_remove(&d->link);
    if (d->call != NULL)
        d->call->dial = NULL;
    d->call = NULL;
}

int dialer_new(struct worker *w, const char *host, int port, struct dialer **ret)
{
    struct dialer *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return -ENOMEM;
    atomic_init(&r->refs, 1);
    pthread_mutex_init(&r->lock, NULL);
    r->worker = w;
    list_init(&r->waiting);
    snprintf(r->port, sizeof(r->port), "%d", port);
    r->host = strdup(host);
    if (r->host == NULL) {
        dialer_unref(r);
        return -ENOMEM;
    }
    *ret = r;
    return 0;
}

void dialer_close(struct dialer *r)
{
    if (r == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    r->worker = NULL;
    pthread_mutex_unlock(&r->lock);
    dialer_unref(r);
}
