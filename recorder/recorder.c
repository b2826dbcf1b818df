/*
 * One thread reads the broker and changes bars; the writer's stores them. A quote costs a few
 * microseconds here and never waits for a disk, so the broker's queue for us stays empty.
 *
 *     quote ──▶ bars of its symbol ──▶ `changed` list ── once a second ──▶ batch ──▶ writer
 *                       └──▶ `unpublished` list ── at most once a second each ──▶ stocks/X/bar/1m
 *
 * While the writer is busy nothing is handed over: bars change where they are, and the next batch
 * has their last state. What may wait like this has a limit, past which quotes are not taken.
 */
#include "recorder/recorder.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/broker.h"
#include "common/hash.h"
#include "common/list.h"
#include "common/log.h"
#include "recorder/bars.h"
#include "recorder/batch.h"
#include "recorder/status.h"
#include "recorder/store.h"
#include "recorder/writer.h"

#include "common/banned.h"

#define FILTER "stocks/+"
#define STORE_EVERY_MS 1000
#define PUBLISH_EVERY_MS 1000 /* of one symbol */
#define PUBLISH_LOOK_MS 100
#define STATUS_EVERY_MS 10000
#define STATUS_SOON_MS 1000
#define STOP_MAX_MS 1500
#define SYMBOLS_LIMIT 100000
#define WAITING_LIMIT 500000 /* changed bars, about 100 MB */
#define FUTURE_MS 60000      /* a quote further ahead of the clock is wrong */

struct symbol {
    struct hash_node node;
    struct list changed;     /* in recorder.changed when something is to be stored */
    struct list unpublished; /* in recorder.unpublished when the minute bar is to be published */
    struct mono next_publish;
    struct bars bars;
    char name[SYMBOL_MAX + 1];
};

struct recorder {
    const struct recorder_config *config;
    struct broker *broker;
    struct store *store;
    struct writer *writer;
    int signal_fd;
    struct mono now; /* of this turn */
    struct mono store_due, publish_due, status_due, stop_by;

    struct hash_table symbols; /* struct symbol */
    struct list changed, unpublished;
    struct batch batch; /* collected, not handed over */
    size_t n_changed;   /* bars */
    bool out_of_memory, dropping;
    struct recorder_counts counts;

    char status_topic[STATUS_TOPIC_MAX];
    bool was_failing;
    int goodbye_id;
    bool goodbye_arrived;
};

/* ---- symbols ---- */

static bool has_name(const struct hash_node *node, const void *key)
{
    return strcmp(CONTAINER_OF(node, const struct symbol, node)->name, key) == 0;
}

static struct symbol *add_symbol(struct recorder *r, const char *name, uint32_t hash)
{
    struct symbol *s = r->symbols.n < SYMBOLS_LIMIT ? calloc(1, sizeof(*s)) : NULL;

    if (s == NULL)
        return NULL;
    snprintf(s->name, sizeof(s->name), "%s", name);
    bars_init(&s->bars, name, r->config->lateness_ms);
    list_init(&s->changed);
    list_init(&s->unpublished);
    if (hash_table_add(&r->symbols, &s->node, hash) < 0) {
        free(s);
        return NULL;
    }
    r->counts.symbols++;
    return s;
}

/* NULL: there are too many, or memory is out. */
static struct symbol *symbol_of(struct recorder *r, const char *name)
{
    uint32_t hash = hash_more(HASH_SEED, name, strlen(name));
    struct hash_node *node = hash_table_find(&r->symbols, hash, has_name, name);

    return node != NULL ? CONTAINER_OF(node, struct symbol, node) : add_symbol(r, name, hash);
}

static void free_symbols(struct recorder *r)
{
    for (size_t i = 0; i < r->symbols.n_buckets; i++) {
        struct hash_node *next;
        for (struct hash_node *n = r->symbols.buckets[i]; n != NULL; n = next) {
            struct symbol *s = CONTAINER_OF(n, struct symbol, node);
            next = n->next;
            bars_release(&s->bars);
            free(s);
        }
    }
    hash_table_release(&r->symbols);
}

/* ---- to the store ---- */

struct collecting {
    struct recorder *recorder;
    const char *symbol;
};

static void collect_bar(void *ctx, enum resolution resolution, const struct bar *bar)
{
    struct collecting *c = ctx;

    if (batch_add_bar(&c->recorder->batch, c->symbol, resolution, bar) < 0)
        c->recorder->out_of_memory = true;
}

static void collect(struct recorder *r, struct symbol *s)
{
    struct collecting c = {r, s->name};

    r->n_changed -= s->bars.n_changed;
    bars_collect(&s->bars, collect_bar, &c);
    if (batch_add_state(&r->batch, s->name, &s->bars.state) < 0)
        r->out_of_memory = true;
    list_remove(&s->changed);
}

static bool is_writing(struct recorder *r)
{
    struct writer_state state;

    writer_state(r->writer, &state);
    return state.busy;
}

/* Hand everything that changed to the writer, if it is free. */
static void hand_over(struct recorder *r)
{
    if (is_writing(r))
        return;
    while (!list_empty(&r->changed))
        collect(r, CONTAINER_OF(r->changed.next, struct symbol, changed));
    if (!batch_is_empty(&r->batch))
        (void)writer_give(r->writer, &r->batch); /* it is free */
    r->dropping = false;
}

static void keep_storing(struct recorder *r)
{
    if (mono_before(r->now, r->store_due))
        return;
    r->store_due = mono_add_ms(r->now, STORE_EVERY_MS);
    hand_over(r);
}

/* ---- to the broker ---- */

static size_t encode_bar(const struct bar *b, char *buf, size_t cap)
{
    const struct decimal values[] = {b->open, b->high, b->low, b->close, b->volume};
    char texts[ARRAY_SIZE(values)][DECIMAL_TEXT_MAX];
    int n;

    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        decimal_format(values[i], texts[i]);
    n = snprintf(buf, cap, "{\"t\":%lld,\"o\":%s,\"h\":%s,\"l\":%s,\"c\":%s,\"v\":%s}",
                 (long long)b->t, texts[0], texts[1], texts[2], texts[3], texts[4]);
    return (size_t)n;
}

static void publish_bar(struct recorder *r, struct symbol *s)
{
    const struct bar *bar = bars_newest(&s->bars, RESOLUTION_1M);
    char topic[QUOTE_TOPIC_MAX], json[192];

    list_remove(&s->unpublished);
    if (bar == NULL)
        return;
    quote_topic(s->name, "/bar/1m", topic);
    if (broker_publish(r->broker, topic, json, encode_bar(bar, json, sizeof(json)), 0, true) >= 0)
        s->next_publish = mono_add_ms(r->now, PUBLISH_EVERY_MS);
    else
        list_append(&r->unpublished, &s->unpublished);
}

static void want_publish(struct recorder *r, struct symbol *s)
{
    if (list_empty(&s->unpublished))
        list_append(&r->unpublished, &s->unpublished);
}

/* A minute that is over is published whole before the next one takes its place. */
static void close_minute(struct recorder *r, struct symbol *s, const struct quote *q)
{
    const struct bar *bar = bars_newest(&s->bars, RESOLUTION_1M);

    if (bar != NULL && !list_empty(&s->unpublished) && broker_is_up(r->broker) &&
        q->timestamp.ms >= (bar->t + 60) * 1000)
        publish_bar(r, s);
}

static void keep_publishing(struct recorder *r)
{
    struct list todo;

    if (mono_before(r->now, r->publish_due) || !broker_is_up(r->broker))
        return;
    r->publish_due = mono_add_ms(r->now, PUBLISH_LOOK_MS);
    list_init(&todo);
    list_take_all(&todo, &r->unpublished);
    while (!list_empty(&todo)) {
        struct symbol *s = CONTAINER_OF(todo.next, struct symbol, unpublished);
        if (mono_before(r->now, s->next_publish) || !broker_is_drained(r->broker))
            list_move_to_end(&r->unpublished, &s->unpublished);
        else
            publish_bar(r, s);
    }
}

static int send_status(struct recorder *r, bool online)
{
    struct writer_state writer;
    struct recorder_status status = {
        .online = online, .counts = r->counts, .timestamp = wall_now()};
    char json[STATUS_MAX];

    writer_state(r->writer, &writer);
    status.failing = writer.failing;
    status.detail = writer.detail;
    status.bars_written = writer.bars;
    status.bars_waiting = r->n_changed + r->batch.n_bars;
    return broker_publish(r->broker, r->status_topic, json, recorder_status_encode(&status, json),
                          1, true);
}

static void keep_status(struct recorder *r)
{
    struct writer_state writer;

    writer_state(r->writer, &writer);
    if (writer.failing != r->was_failing)
        r->status_due = r->now;
    r->was_failing = writer.failing;
    if (mono_before(r->now, r->status_due) || !broker_is_up(r->broker) || r->goodbye_id != 0)
        return;
    if (send_status(r, true) >= 0)
        r->status_due = mono_add_ms(r->now, STATUS_EVERY_MS);
}

/* ---- quotes ---- */

static void count(struct recorder *r, enum bars_verdict verdict)
{
    r->counts.quotes++;
    r->counts.repeated += verdict == BARS_REPEATED;
    r->counts.late += verdict == BARS_LATE;
    r->counts.too_late += verdict == BARS_TOO_LATE;
}

static void take_quote(struct recorder *r, struct symbol *s, const struct quote *q)
{
    uint64_t lost = s->bars.lost, gaps = s->bars.gaps;
    size_t n_changed;
    int verdict;

    if (bars_goes_back(&s->bars, q))
        collect(r, s);
    close_minute(r, s, q);
    n_changed = s->bars.n_changed;
    verdict = bars_take(&s->bars, q);
    if (verdict < 0) {
        r->out_of_memory = true;
        return;
    }
    r->n_changed += s->bars.n_changed - n_changed;
    r->counts.lost += s->bars.lost - lost;
    r->counts.gaps += s->bars.gaps - gaps;
    count(r, (enum bars_verdict)verdict);
    if (verdict == BARS_TOO_LATE)
        return;
    if (list_empty(&s->changed))
        list_append(&r->changed, &s->changed);
    want_publish(r, s);
}

static bool is_from_the_future(const struct quote *q)
{
    return q->mode != MODE_REPLAY && q->timestamp.ms > wall_now().ms + FUTURE_MS;
}

/* Is there room? One line when there is none any more. */
static bool has_room(struct recorder *r)
{
    if (r->n_changed + r->batch.n_bars < WAITING_LIMIT)
        return true;
    if (!r->dropping)
        log_error("%d bars wait for the store: recording stops until it takes them", WAITING_LIMIT);
    r->dropping = true;
    return false;
}

static void on_message(void *ctx, const struct broker_message *m)
{
    struct recorder *r = ctx;
    struct symbol *s;
    struct quote q;

    if (m->len == 0) /* a retained quote was taken back */
        return;
    if (quote_decode((const char *)m->payload, m->len, &q) < 0 || is_from_the_future(&q)) {
        r->counts.rejected++;
        return;
    }
    s = has_room(r) ? symbol_of(r, q.symbol) : NULL;
    if (s == NULL)
        r->counts.dropped++;
    else
        take_quote(r, s, &q);
}

static void on_up(void *ctx, bool mqtt5)
{
    struct recorder *r = ctx;
    struct hash_node *n = NULL;

    (void)mqtt5;
    if (broker_subscribe(r->broker, FILTER, 0) < 0)
        log_error("cannot subscribe to " FILTER);
    while ((n = hash_table_next(&r->symbols, n)) != NULL) /* the broker may have forgotten */
        want_publish(r, CONTAINER_OF(n, struct symbol, node));
    r->status_due = r->now;
}

static void on_acknowledged(void *ctx, int id)
{
    struct recorder *r = ctx;

    r->goodbye_arrived |= id == r->goodbye_id;
}

static const struct broker_events events = {
    .up = on_up, .message = on_message, .acknowledged = on_acknowledged};

/* ---- going on where the last run stopped ---- */

static int resume_symbol(void *ctx, const struct store_state *stored)
{
    struct recorder *r = ctx;
    struct symbol *s;

    if (!stored->state.heard)
        return 0; /* imported, never recorded */
    s = symbol_of(r, stored->symbol);
    if (s == NULL)
        return -ENOMEM;
    bars_resume(&s->bars, &stored->state);
    return 0;
}

struct resuming {
    struct bars *bars;
    enum resolution resolution;
};

static int resume_bar(void *ctx, const struct bar *bar)
{
    struct resuming *c = ctx;

    return bars_add(c->bars, c->resolution, bar);
}

static int resume_bars(struct recorder *r, struct symbol *s)
{
    int64_t since = bars_open_since(&s->bars.state, r->config->lateness_ms);
    struct store_range range = {.symbol = s->name, .to = INT64_MAX, .max = INT64_MAX};
    struct resuming c = {.bars = &s->bars};
    int result = 0;

    for (int i = 0; result == 0 && i < N_RESOLUTIONS; i++) {
        c.resolution = (enum resolution)i;
        range.from = since - 2 * resolution_seconds(c.resolution);
        range.resolution = c.resolution;
        result = store_bars(r->store, &range, resume_bar, &c);
    }
    bars_resumed(&s->bars);
    return result;
}

static int resume(struct recorder *r)
{
    struct hash_node *n = NULL;
    int result = store_symbols(r->store, "", SYMBOLS_LIMIT, resume_symbol, r);

    while (result == 0 && (n = hash_table_next(&r->symbols, n)) != NULL)
        result = resume_bars(r, CONTAINER_OF(n, struct symbol, node));
    if (result < 0)
        log_error("cannot read the store %s: %s", r->config->store, store_error(r->store));
    return result;
}

/* ---- the loop ---- */

static struct mono deadline(const struct recorder *r)
{
    struct mono t = mono_earlier(r->store_due, broker_deadline(r->broker));

    if (broker_is_up(r->broker) && !list_empty(&r->unpublished))
        t = mono_earlier(t, r->publish_due);
    return mono_earlier(t, r->stop_by);
}

static int wait_for_work(struct recorder *r, bool *ret_signal)
{
    struct pollfd fds[2 + BROKER_POLL_FDS] = {
        {.fd = r->signal_fd, .events = POLLIN},
        {.fd = writer_fd(r->writer), .events = POLLIN},
    };
    size_t n = 2 + broker_poll(r->broker, fds + 2);
    int ready = poll(fds, n, mono_timeout_ms(deadline(r), mono_now()));

    r->now = mono_now();
    if (ready < 0 && errno != EINTR) {
        log_error("poll: %m");
        return -EIO;
    }
    if (fds[1].revents != 0)
        writer_seen(r->writer);
    *ret_signal = fds[0].revents != 0;
    return 0;
}

/* Returns 0; 1 when a signal asks for the end; a negative errno. */
static int turn(struct recorder *r)
{
    bool signalled = false;
    int result = wait_for_work(r, &signalled);

    if (result < 0)
        return result;
    broker_run(r->broker, r->now);
    keep_storing(r);
    keep_publishing(r);
    keep_status(r);
    if (r->out_of_memory) {
        log_error("out of memory");
        return -ENOMEM;
    }
    return signalled;
}

/* Store what is here and say goodbye, both within STOP_MAX_MS. */
static void stop(struct recorder *r)
{
    struct signalfd_siginfo info;

    if (read(r->signal_fd, &info, sizeof(info)) > 0)
        log_info("stopping: %s", strsignal((int)info.ssi_signo));
    r->now = mono_now();
    r->stop_by = mono_add_ms(r->now, STOP_MAX_MS);
    r->store_due = (struct mono){0};
    if (broker_is_up(r->broker))
        r->goodbye_id = send_status(r, false);
    while (mono_before(r->now, r->stop_by)) {
        bool told = !broker_is_up(r->broker) || r->goodbye_arrived;
        if (r->n_changed == 0 && batch_is_empty(&r->batch) && !is_writing(r) && told)
            break;
        if (turn(r) < 0)
            return;
        r->store_due = r->now;
    }
    broker_close(r->broker);
    while (mono_before(r->now, r->stop_by) && !broker_is_closed(r->broker))
        if (turn(r) < 0)
            return;
}

static int open_signals(int *ret_fd)
{
    sigset_t set;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        log_error("signalfd: %m");
        return -errno;
    }
    *ret_fd = fd;
    return 0;
}

static int open_broker(struct recorder *r)
{
    const struct recorder_config *c = r->config;
    char client_id[INSTANCE_MAX + 40];

    snprintf(client_id, sizeof(client_id), "tapecast-recorder-%s-%ld", c->instance, (long)getpid());
    recorder_status_topic(c->instance, r->status_topic);
    return broker_new(&(struct broker_config){.address = c->broker,
                                              .client_id = client_id,
                                              .will_topic = r->status_topic,
                                              .will_payload = STATUS_WILL,
                                              .events = &events,
                                              .ctx = r},
                      &r->broker);
}

static int open_all(struct recorder *r)
{
    int result = open_signals(&r->signal_fd); /* first: threads inherit the mask */

    if (result == 0)
        result = store_open(r->config->store, STORE_WRITE, &r->store);
    if (result == 0)
        result = resume(r);
    if (result == 0)
        result = writer_start(r->store, r->config->keep_s, &r->writer);
    if (result == 0)
        result = open_broker(r);
    if (result == -ENOMEM)
        log_error("out of memory");
    return result;
}

static void close_all(struct recorder *r)
{
    broker_free(r->broker);
    writer_free(r->writer);
    store_close(r->store);
    batch_release(&r->batch);
    free_symbols(r);
    if (r->signal_fd >= 0)
        close(r->signal_fd);
}

int recorder_run(const struct recorder_config *config)
{
    struct recorder r = {
        .config = config, .signal_fd = -1, .now = mono_now(), .stop_by = MONO_NEVER};
    int result;

    list_init(&r.changed);
    list_init(&r.unpublished);
    r.store_due = r.publish_due = r.status_due = r.now;
    result = open_all(&r);
    if (result == 0) {
        log_info("recording %s into %s, %ju symbols known", FILTER, config->store,
                 (uintmax_t)r.counts.symbols);
        do
            result = turn(&r);
        while (result == 0);
        if (result > 0)
            stop(&r);
    }
    close_all(&r);
    return result == -EINVAL ? 2 : result < 0 ? 1 : 0;
}
