/*
 * One thread reads the broker and changes bars in the ledger, whose writer stores them.
 *
 *     quote ──▶ ledger ── once a second ──▶ batch ──▶ writer
 *                 └──▶ `unpublished` list ── at most once a second each ──▶ stocks/X/bar/1m
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
#include "common/list.h"
#include "common/log.h"
#include "recorder/ledger.h"
#include "recorder/status.h"

#include "common/banned.h"

#define FILTER "stocks/+"
#define STORE_EVERY_MS 1000
#define PUBLISH_EVERY_MS 1000 /* of one symbol */
#define PUBLISH_LOOK_MS 100
#define STATUS_EVERY_MS 10000
#define STOP_MAX_MS 1500

struct recorder {
    const struct recorder_config *config;
    struct broker *broker;
    struct ledger ledger;
    int signal_fd;
    struct mono now; /* of this turn */
    struct mono store_due, publish_due, status_due, stop_by;

    struct list unpublished; /* struct symbol */

    char status_topic[STATUS_TOPIC_MAX];
    bool was_failing;
    int goodbye_id;
    bool goodbye_arrived;
};

static void keep_storing(struct recorder *r)
{
    if (mono_before(r->now, r->store_due))
        return;
    r->store_due = mono_add_ms(r->now, STORE_EVERY_MS);
    ledger_store(&r->ledger);
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
        .online = online, .counts = r->ledger.counts, .timestamp = wall_now()};
    char json[STATUS_MAX];

    writer_state(r->ledger.writer, &writer);
    status.failing = writer.failing;
    status.detail = writer.detail;
    status.bars_written = writer.bars;
    status.ticks_written = writer.ticks;
    status.waiting = ledger_waiting(&r->ledger);
    status.backfill_open = r->ledger.backfill != NULL ? backfill_open(r->ledger.backfill) : 0;
    return broker_publish(r->broker, r->status_topic, json, recorder_status_encode(&status, json),
                          1, true);
}

static void keep_status(struct recorder *r)
{
    struct writer_state writer;

    writer_state(r->ledger.writer, &writer);
    if (writer.failing != r->was_failing)
        r->status_due = r->now;
    r->was_failing = writer.failing;
    if (mono_before(r->now, r->status_due) || !broker_is_up(r->broker) || r->goodbye_id != 0)
        return;
    if (send_status(r, true) >= 0)
        r->status_due = mono_add_ms(r->now, STATUS_EVERY_MS);
}

static void on_message(void *ctx, const struct broker_message *m)
{
    struct recorder *r = ctx;
    struct quote q;
    struct symbol *s = ledger_read(&r->ledger, m->payload, m->len, &q);

    if (s == NULL)
        return;
    close_minute(r, s, &q);
    if (ledger_take(&r->ledger, s, &q))
        want_publish(r, s);
}

static void on_up(void *ctx, bool mqtt5)
{
    struct recorder *r = ctx;
    struct hash_node *n = NULL;

    (void)mqtt5;
    ledger_was_away(&r->ledger);
    if (broker_subscribe(r->broker, FILTER, 0, 0) < 0)
        log_error("cannot subscribe to " FILTER);
    while ((n = hash_table_next(&r->ledger.symbols, n)) != NULL) /* the broker may have forgotten */
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
        {.fd = writer_fd(r->ledger.writer), .events = POLLIN},
    };
    size_t n = 2 + broker_poll(r->broker, fds + 2);
    int ready = poll(fds, n, mono_timeout_ms(deadline(r), mono_now()));

    r->now = mono_now();
    if (ready < 0 && errno != EINTR) {
        log_error("poll: %m");
        return -EIO;
    }
    if (fds[1].revents != 0)
        writer_seen(r->ledger.writer);
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
    if (r->ledger.out_of_memory) {
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
        if (ledger_is_stored(&r->ledger) && told)
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
        result = ledger_open(&r->ledger, &r->config->ledger);
    if (result == 0)
        result = open_broker(r);
    if (result == -ENOMEM)
        log_error("out of memory");
    return result;
}

static void close_all(struct recorder *r)
{
    broker_free(r->broker);
    ledger_close(&r->ledger);
    if (r->signal_fd >= 0)
        close(r->signal_fd);
}

int recorder_run(const struct recorder_config *config)
{
    struct recorder r = {
        .config = config, .signal_fd = -1, .now = mono_now(), .stop_by = MONO_NEVER};
    int result;

    list_init(&r.ledger.changed);
    list_init(&r.ledger.corrections);
    list_init(&r.unpublished);
    r.store_due = r.publish_due = r.status_due = r.now;
    result = open_all(&r);
    if (result == 0) {
        log_info("recording %s into %s, %ju symbols known", FILTER, config->ledger.store,
                 (uintmax_t)r.ledger.counts.symbols);
        do
            result = turn(&r);
        while (result == 0);
        if (result > 0)
            stop(&r);
    }
    close_all(&r);
    return result == -EINVAL ? 2 : result < 0 ? 1 : 0;
}
