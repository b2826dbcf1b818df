#include "gateway/upstream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/broker.h"
#include "common/log.h"
#include "common/rng.h"
#include "common/topic.h"
#include "common/histogram.h"
#include "gateway/hub/hub.h"
#include "gateway/loop.h"
#include "gateway/subscriptions.h"

#include "common/banned.h"

/* Subscribed after the real filters: its SUBACK comes behind their retained messages. Nothing is
 * published there. */
#define SYNC_FILTER "tapecast/sync"
#define SWEEP_MS                                                                                   \
    3000 /* after that, for brokers that acknowledge before they send: what has not come by then   \
            is gone */

struct upstream {
    const struct upstream_config *config;
    struct hub *hub;
    struct loop *loop;
    struct broker *broker;
    struct source watches[BROKER_POLL_FDS];
    struct subscriptions subscriptions;
    char status_topic[96];
    bool speaks;
    bool mqtt5;
    bool synced;
    bool warned;          /* of doubles */
    int sync_id;          /* of the subscription to SYNC_FILTER, 0 when none is under way */
    struct mono sweep_at; /* MONO_NEVER when there is nothing to sweep */
    uint64_t losses, doubles, properties_lost;
    size_t readers, topics;
    struct histogram *tick_age;
};

bool upstream_topics_valid(const char *topics)
{
    struct subscriptions s;
    int r = subscriptions_init(topics, &s);

    if (r == 0)
        subscriptions_release(&s);
    return r != -EINVAL;
}

/* ---- status ---- */

static size_t write_status(const struct upstream *u, bool up, char *buf, size_t cap)
{
    int n = snprintf(buf, cap,
                     "{\"state\":\"online\",\"upstream\":\"%s\",\"readers\":%zu,\"topics\":%zu,"
                     "\"timestamp\":%lld}",
                     up ? "up" : "down", u->readers, u->topics, (long long)wall_now().ms);

    return (size_t)n;
}

static void publish_status(struct upstream *u)
{
    char status[192];
    size_t len = write_status(u, true, status, sizeof(status));

    if (u->speaks && broker_is_up(u->broker) &&
        broker_publish(u->broker, u->status_topic, status, len, 1, true) < 0)
        log_debug("the status could not be published");
}

void upstream_report(struct upstream *u, size_t readers, size_t topics)
{
    u->readers = readers;
    u->topics = topics;
    publish_status(u);
}

/* The broker cannot tell the readers that it is away: the hub does. */
static void tell_readers_down(struct upstream *u)
{
    char status[192];
    struct message m = {.topic = u->status_topic,
                        .topic_len = strlen(u->status_topic),
                        .payload = (const uint8_t *)status,
                        .len = write_status(u, false, status, sizeof(status)),
                        .retain = true};

    hub_publish(u->hub, &m);
}

/* ---- events ---- */

static void subscribe(struct upstream *u)
{
    for (size_t i = 0; i < u->subscriptions.n; i++) {
        struct subscription *one = &u->subscriptions.list[i];

        one->granted = false;
        one->request = broker_subscribe(u->broker, one->filter, 0,
                                        subscriptions_identifier(&u->subscriptions, i));
        if (one->request < 0)
            log_error("cannot subscribe to %s", one->filter);
    }
    u->sync_id = broker_subscribe(u->broker, SYNC_FILTER, 0, 0);
}

/* Once, for all workers. */
static void warn_of_doubles(struct upstream *u)
{
    if (u->warned || !u->speaks || !subscriptions_overlap(&u->subscriptions) ||
        broker_tells_doubles(u->broker))
        return;
    u->warned = true;
    log_warn("filters of --topics overlap, and this broker has no subscription identifiers: "
             "messages that two of them match may come twice; ask for one filter that holds both");
}

static void on_up(void *ctx, bool mqtt5)
{
    struct upstream *u = ctx;

    u->mqtt5 = mqtt5;
    u->synced = false;
    hub_sync_begin(u->hub);
    publish_status(u); /* before its retained predecessor could come: "offline", the last will */
    warn_of_doubles(u);
    subscribe(u);
}

static void on_down(void *ctx, const char *why)
{
    struct upstream *u = ctx;

    (void)why; /* logged by the broker's connection */
    u->synced = false;
    u->sync_id = 0;
    u->sweep_at = MONO_NEVER;
    u->losses++;
    tell_readers_down(u);
}

/* How old a quote is by its own time. Only a figure, so the number is picked out without reading
 * the whole. */
static void note_age(struct upstream *u, const struct broker_message *b)
{
    static const char key[] = "\"timestamp\":";
    const char *at, *end = (const char *)b->payload + b->len;
    int64_t ms = 0;

    if (b->len == 0 || strncmp(b->topic, "stocks/", 7) != 0)
        return;
    at = memmem(b->payload, b->len, key, sizeof(key) - 1);
    if (at == NULL)
        return;
    for (at += sizeof(key) - 1; at < end && *at >= '0' && *at <= '9' && ms < INT64_MAX / 100; at++)
        ms = ms * 10 + (*at - '0');
    histogram_add(u->tick_age, (double)(wall_now().ms - ms) / 1000);
}

static struct message_properties properties_of(const struct broker_message *b)
{
    return (struct message_properties){
        .block = b->properties,
        .len = (uint16_t)b->properties_len,
        .expires = b->expires ? mono_add_ms(mono_now(), b->expiry_s * INT64_C(1000)) : MONO_NEVER,
    };
}

static void on_message(void *ctx, const struct broker_message *b)
{
    struct upstream *u = ctx;
    /* MQTT 3.1.1 hides the flag of live messages; the ticker's topics are retained. */
    struct message m = {
        .topic = b->topic,
        .topic_len = strlen(b->topic),
        .payload = b->payload,
        .len = b->len,
        .retain = b->retain || !u->mqtt5,
    };
    struct message_properties p;

    if (subscriptions_is_double(&u->subscriptions, b->identifier, m.topic, m.topic_len)) {
        u->doubles++;
        return;
    }
    if (b->properties != NULL) {
        p = properties_of(b);
        m.properties = &p;
    }
    u->properties_lost += b->properties_lost;
    note_age(u, b);
    hub_publish(u->hub, &m);
}

static void on_subscribed(void *ctx, int id)
{
    struct upstream *u = ctx;

    subscriptions_grant(&u->subscriptions, id);
    if (id != u->sync_id)
        return;
    u->synced = true;
    u->sweep_at = mono_add_ms(mono_now(), SWEEP_MS);
}

static const struct broker_events events = {
    .up = on_up, .down = on_down, .message = on_message, .subscribed = on_subscribed};

/* ---- in the loop ---- */

static void on_ready(struct source *s, uint32_t ready)
{
    (void)s; /* waking the loop is all: upstream_run() follows in every turn */
    (void)ready;
}

static uint32_t epoll_events(short poll_events)
{
    return (poll_events & POLLIN ? (uint32_t)EPOLLIN : 0) |
           (poll_events & POLLOUT ? (uint32_t)EPOLLOUT : 0);
}

/* Watch in the loop what the broker's connection wants watched now. */
static void watch(struct upstream *u)
{
    struct pollfd fds[BROKER_POLL_FDS];
    size_t n = broker_poll(u->broker, fds);

    for (size_t i = 0; i < BROKER_POLL_FDS; i++) {
        struct source *s = &u->watches[i];
        if (i >= n || s->fd != fds[i].fd)
            loop_remove(u->loop, s);
        if (i >= n || fds[i].fd < 0)
            continue;
        if (s->fd >= 0)
            loop_change(u->loop, s, epoll_events(fds[i].events));
        else if (loop_add(u->loop, s, fds[i].fd, epoll_events(fds[i].events)) < 0)
            log_error("cannot watch the broker's connection: %s", strerror(errno));
    }
}

void upstream_run(struct upstream *u, struct mono now)
{
    broker_run(u->broker, now);
    watch(u);
    if (!mono_before(now, u->sweep_at)) {
        u->sweep_at = MONO_NEVER;
        hub_sync_end(u->hub);
    }
}

struct mono upstream_deadline(const struct upstream *u)
{
    return mono_earlier(broker_deadline(u->broker), u->sweep_at);
}

int upstream_new(const struct upstream_config *config, struct hub *hub, struct loop *loop,
                 unsigned worker, struct histogram *tick_age, struct upstream **ret)
{
    struct upstream *u = calloc(1, sizeof(*u));
    struct rng rng;
    char client_id[64];
    struct broker_config broker = {
        .address = config->broker, .client_id = client_id, .events = &events, .ctx = u};
    int r;

    if (u == NULL)
        return -ENOMEM;
    u->config = config;
    u->hub = hub;
    u->loop = loop;
    u->speaks = worker == 0;
    u->tick_age = tick_age;
    u->sweep_at = MONO_NEVER;
    for (size_t i = 0; i < BROKER_POLL_FDS; i++)
        u->watches[i] = (struct source){.fd = -1, .ready = on_ready};
    snprintf(u->status_topic, sizeof(u->status_topic), "status/gateway/%s", config->instance);
    rng_seed_random(&rng);
    snprintf(client_id, sizeof(client_id), "tapecast-gateway-%u-%08x", worker,
             (unsigned)rng_next(&rng));
    if (u->speaks) {
        broker.will_topic = u->status_topic;
        broker.will_payload = "{\"state\":\"offline\"}";
    }
    r = subscriptions_init(config->topics, &u->subscriptions);
    if (r == 0)
        r = broker_new(&broker, &u->broker);
    if (r < 0) {
        upstream_free(u);
        return r;
    }
    *ret = u;
    return 0;
}

void upstream_free(struct upstream *u)
{
    if (u == NULL)
        return;
    for (size_t i = 0; i < BROKER_POLL_FDS; i++)
        loop_remove(u->loop, &u->watches[i]);
    broker_free(u->broker);
    subscriptions_release(&u->subscriptions);
    free(u);
}

bool upstream_is_up(const struct upstream *u)
{
    return broker_is_up(u->broker);
}

bool upstream_is_synced(const struct upstream *u)
{
    return u->synced;
}

uint64_t upstream_losses(const struct upstream *u)
{
    return u->losses;
}

uint64_t upstream_doubles(const struct upstream *u)
{
    return u->doubles;
}

uint64_t upstream_properties_lost(const struct upstream *u)
{
    return u->properties_lost;
}

void upstream_close(struct upstream *u)
{
    static const char offline[] = "{\"state\":\"offline\"}";

    if (u->speaks && broker_is_up(u->broker) &&
        broker_publish(u->broker, u->status_topic, offline, sizeof(offline) - 1, 1, true) < 0)
        log_debug("the status could not be published");
    broker_close(u->broker);
}

bool upstream_is_closed(const struct upstream *u)
{
    return broker_is_closed(u->broker);
}
