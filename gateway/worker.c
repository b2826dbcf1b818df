#include "gateway/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/log.h"
#include "gateway/dial.h"
#include "gateway/doors/broker.h"
#include "gateway/doors/doors.h"
#include "gateway/doors/h2.h"
#include "gateway/doors/http.h"
#include "gateway/letter.h"
#include "gateway/net/tls.h"

#include "common/banned.h"

#define PART_NS 500000    /* of a round: so long the loop looks at nothing else */
#define WRITES_AT_ONCE 16 /* between two looks at the clock */
#define FIGURES_MS 1000
#define STATUS_EVERY 10 /* of those */
#define DRAIN_STEP_MS 10
#define LINGER_MS 700 /* after the last was told */

/* ---- rounds of writes ---- */

static bool write_is_due(const struct worker *w, struct mono now)
{
    bool dirty = hub_is_dirty(w->hub) || !mono_before(now, hub_deadline(w->hub));

    return hub_in_round(w->hub) || (dirty && !mono_before(now, w->rounds.next));
}

/* A part of a round; the next comes when the loop has seen what else there is. */
static void write_some(struct worker *w)
{
    const struct hub_stats *stats = hub_stats(w->hub);
    uint64_t writes = stats->writes, delivered = hub_stats_delivered(stats);
    struct mono begin = mono_now(), end;
    bool over;

    do {
        over = hub_flush(w->hub, begin, WRITES_AT_ONCE);
        end = mono_now();
    } while (!over && end.ns - begin.ns < PART_NS);
    rounds_add(&w->rounds, begin, end, stats->writes - writes,
               hub_stats_delivered(stats) - delivered);
    if (over)
        rounds_end(&w->rounds, end, (int64_t)w->shared->max_delay_us * 1000);
}

static struct mono wake_time(const struct worker *w)
{
    struct mono round = hub_is_dirty(w->hub) ? (struct mono){0} : hub_deadline(w->hub);
    struct mono t =
        mono_earlier(mono_earlier(loop_next_deadline(&w->loop), w->next_figures), w->wake_by);

    if (hub_has_work(w->hub) || hub_in_round(w->hub))
        return w->now;
    if (mono_before(round, w->rounds.next))
        round = w->rounds.next;
    return mono_earlier(mono_earlier(t, round), upstream_deadline(w->upstream));
}

/* ---- figures ---- */

static void publish_figures(struct worker *w)
{
    struct figures f = {
        .doors = w->stats,
        .hub = *hub_stats(w->hub),
        .net = w->net.stats,
        .connections = w->net.n_conns,
        .topics = hub_n_topics(w->hub),
        .channels = hub_n_channels(w->hub),
        .log_bytes = hub_log_bytes(w->hub),
        .rests = w->net.rests,
        .upstream_up = upstream_is_up(w->upstream),
        .ready = upstream_is_synced(w->upstream),
        .upstream_losses = upstream_losses(w->upstream),
        .doubles = upstream_doubles(w->upstream),
        .properties_lost = upstream_properties_lost(w->upstream),
    };

    pthread_mutex_lock(&w->lock);
    w->figures = f;
    pthread_mutex_unlock(&w->lock);
}

/* All members of door_stats before the histogram, and all of hub_stats and net_stats, are counters.
 */
static void add_counters(void *to, const void *from, size_t bytes)
{
    uint64_t *sum = to;
    const uint64_t *more = from;

    for (size_t i = 0; i < bytes / sizeof(uint64_t); i++)
        sum[i] += more[i];
}

static void add_figures(struct figures *to, const struct figures *from)
{
    add_counters(&to->doors, &from->doors, offsetof(struct door_stats, turn));
    add_counters(&to->hub, &from->hub, sizeof(to->hub));
    add_counters(&to->net, &from->net, sizeof(to->net));
    histogram_merge(&to->doors.turn, &from->doors.turn);
    histogram_merge(&to->doors.tick_age, &from->doors.tick_age);
    to->connections += from->connections;
    to->channels += from->channels;
    to->log_bytes += from->log_bytes;
    to->rests += from->rests;
    to->topics = from->topics > to->topics ? from->topics : to->topics; /* each has them all */
    to->upstream_up &= from->upstream_up;
    to->ready &= from->ready;
    to->upstream_losses += from->upstream_losses;
    to->doubles += from->doubles;
    to->properties_lost += from->properties_lost;
}

void worker_figures(struct worker *w, struct figures *ret)
{
    struct figures sum = {.upstream_up = true, .ready = true};

    publish_figures(w);
    for (size_t i = 0; i < w->shared->n_workers; i++) {
        struct worker *other = &w->shared->workers[i];
        pthread_mutex_lock(&other->lock);
        add_figures(&sum, &other->figures);
        pthread_mutex_unlock(&other->lock);
    }
    *ret = sum;
}

static size_t readers_of(const struct figures *f)
{
    size_t n = 0;

    for (unsigned i = 0; i < DOORS; i++)
        n += f->doors.readers[i];
    return n;
}

static void run_figures(struct worker *w)
{
    static _Thread_local unsigned n;
    struct figures all;

    if (mono_before(w->now, w->next_figures))
        return;
    w->next_figures = mono_add_ms(w->now, FIGURES_MS);
    publish_figures(w);
    if (w->shared->auth != NULL)
        doors_end_expired(&w->net, wall_now());
    if (w->index == 0 && n++ % STATUS_EVERY == 0) {
        worker_figures(w, &all);
        upstream_report(w->upstream, readers_of(&all), all.topics);
    }
}

/* ---- the loop ---- */

static void turn(struct worker *w)
{
    loop_wait(&w->loop, wake_time(w), &w->now);
    upstream_run(w->upstream, w->now);
    loop_run_deadlines(&w->loop, w->now);
    if (!hub_in_round(w->hub))
        hub_catch_up(w->hub);
    if (write_is_due(w, mono_now()))
        write_some(w);
    h2_flush(w);
    net_reap(&w->net); /* nothing is freed while events may still name it */
    net_reap(&w->uplinks);
    run_figures(w);
    histogram_add(&w->stats.turn, (double)(mono_now().ns - w->now.ns) / 1e9);
}

/* How many of `total` are due `elapsed` into a window. */
static size_t share_of(size_t total, int64_t elapsed_ns, int64_t window_ns)
{
    if (elapsed_ns >= window_ns)
        return total;
    return (size_t)((double)total * (double)elapsed_ns / (double)window_ns) + 1;
}

/* Tell the readers that the gateway stops, a few at a time over the drain window, so that they do
 * not all come back at once to whoever is left; say goodbye to the broker; then give what is under
 * way a moment. */
static void drain(struct worker *w)
{
    struct mono begin = w->now, end = mono_add_ms(begin, w->shared->drain_ms + LINGER_MS);
    size_t total = w->net.n_conns, told = 0;

    net_stop_listening(&w->net);
    upstream_close(w->upstream);
    while (mono_before(w->now, end) &&
           (!upstream_is_closed(w->upstream) || w->net.n_conns + w->uplinks.n_conns > 0)) {
        size_t due = share_of(total, w->now.ns - begin.ns, w->shared->drain_ms * INT64_C(1000000));
        if (due > told)
            told += doors_say_goodbye(&w->net, due - told);
        w->wake_by = mono_add_ms(w->now, DRAIN_STEP_MS);
        turn(w);
    }
}

static void take_settings(struct worker *w)
{
    struct ssl_ctx_st *tls;

    pthread_mutex_lock(&w->lock);
    w->limits = w->next_limits;
    tls = w->next_tls;
    w->next_tls = NULL;
    pthread_mutex_unlock(&w->lock);
    w->net.limits = w->limits.net;
    hub_set_limits(w->hub, &w->limits.hub);
    if (tls != NULL)
        net_set_tls(&w->net, tls);
    tls_context_unref(tls);
}

void *worker_run(void *worker)
{
    struct worker *w = worker;

    while (!atomic_load(&w->stop)) {
        if (atomic_exchange(&w->reload, false))
            take_settings(w);
        turn(w);
    }
    drain(w);
    return NULL;
}

/* Open what was posted to `w`; `reader` is itself, or NULL when it has ended. */
static void open_letters(struct worker *w, struct worker *reader)
{
    struct list letters;

    list_init(&letters);
    pthread_mutex_lock(&w->lock);
    list_take_all(&letters, &w->letters);
    pthread_mutex_unlock(&w->lock);
    while (!list_empty(&letters)) {
        struct letter *l = CONTAINER_OF(letters.next, struct letter, link);
        list_remove(&l->link);
        l->open(l, reader);
    }
}

static void on_poke(struct source *s, uint32_t events)
{
    struct worker *w = CONTAINER_OF(s, struct worker, poke);
    uint64_t n;

    (void)events;
    if (read(s->fd, &n, sizeof(n)) < 0) /* cannot be: it is readable */
        return;
    open_letters(w, w);
}

static void poke(struct worker *w)
{
    uint64_t one = 1;

    if (w->poke.fd >= 0 && write(w->poke.fd, &one, sizeof(one)) < 0)
        log_error("cannot wake worker %u: %s", w->index, strerror(errno));
}

void worker_stop(struct worker *w)
{
    atomic_store(&w->stop, true);
    poke(w);
}

void worker_set_limits(struct worker *w, const struct gateway_limits *limits)
{
    pthread_mutex_lock(&w->lock);
    w->next_limits = *limits;
    pthread_mutex_unlock(&w->lock);
    atomic_store(&w->reload, true);
    poke(w);
}

void worker_set_tls(struct worker *w, struct ssl_ctx_st *tls)
{
    struct ssl_ctx_st *unused;

    pthread_mutex_lock(&w->lock);
    unused = w->next_tls;
    w->next_tls = tls_context_ref(tls);
    pthread_mutex_unlock(&w->lock);
    tls_context_unref(unused);
    atomic_store(&w->reload, true);
    poke(w);
}

void worker_post(struct worker *w, struct letter *l)
{
    pthread_mutex_lock(&w->lock);
    list_append(&w->letters, &l->link);
    pthread_mutex_unlock(&w->lock);
    poke(w);
}

static int watch_poke(struct worker *w)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    return fd < 0 ? -errno : loop_add(&w->loop, &w->poke, fd, EPOLLIN);
}

/* What /broker needs. */
static int open_uplinks(struct worker *w)
{
    const struct net_limits limits = {.handshake_ms = DIAL_MAX_MS};
    const struct broker_access *b = w->shared->broker;
    int r = net_init(&w->uplinks, &w->loop, &limits, w);

    if (r < 0 || b == NULL)
        return r;
    net_set_tls(&w->uplinks, b->tls);
    return dialer_new(w, b->url.host, b->url.port, &w->dialer);
}

int worker_init(struct worker *w, struct shared *shared, const struct gateway_limits *limits,
                unsigned index)
{
    int r;

    *w = (struct worker){
        .shared = shared, .limits = *limits, .next_limits = *limits, .index = index};
    w->poke = (struct source){.fd = -1, .ready = on_poke};
    w->wake_by = MONO_NEVER;
    w->loop.epoll_fd = -1;
    w->now = w->next_figures = mono_now();
    rng_seed_random(&w->rng);
    pthread_mutex_init(&w->lock, NULL);
    list_init(&w->letters);
    list_init(&w->unflushed);
    r = loop_init(&w->loop);
    if (r < 0)
        goto out;
    r = watch_poke(w);
    if (r < 0)
        goto out;
    r = hub_new(&limits->hub, &w->hub);
    if (r < 0)
        goto out;
    r = open_uplinks(w);
    if (r < 0)
        goto out;
    r = net_open(&w->net, &w->loop, shared->listen, &limits->net, &http_protocol, w,
                 shared->n_workers > 1);
    if (r < 0)
        return r; /* logged */
    net_set_tls(&w->net, shared->tls);
    w->net.proxies = &shared->proxies;
    return upstream_new(&shared->upstream, w->hub, &w->loop, index, &w->stats.tick_age,
                        &w->upstream);
out:
    if (r < 0)
        log_error("cannot set up worker %u: %s", index, strerror(-r));
    return r;
}

void worker_hang_up(struct worker *w)
{
    net_close(&w->net);
    net_close(&w->uplinks);
    dialer_close(w->dialer);
}

void worker_release(struct worker *w)
{
    int poke_fd = w->poke.fd;

    tls_context_unref(w->next_tls);
    open_letters(w, NULL);
    hash_table_release(&w->mqtt_clients);
    upstream_free(w->upstream);
    hub_free(w->hub);
    loop_remove(&w->loop, &w->poke);
    if (poke_fd >= 0)
        close(poke_fd);
    loop_release(&w->loop);
    pthread_mutex_destroy(&w->lock);
}
