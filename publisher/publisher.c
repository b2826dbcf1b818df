/*
 * Each feed has a thread that fills the queue of its `source`; this one does everything else in one
 * loop. The way out is the same whether all feeds have ended or a signal came:
 *
 *     RUNNING    quotes are taken from the feeds
 *     FINISHING  none are taken any more; what is here goes out
 *     GOODBYE    the last status is on its way, with QoS 1: since the broker handles what comes on
 *                a connection in order, its acknowledgement shows that every quote has arrived too
 *     CLOSING    DISCONNECT is on its way, so that the broker forgets the will
 *     DONE
 *
 * A connection lost before the acknowledgement leads back to FINISHING. After a signal all this has
 * STOP_MAX_MS; after it, and when a feed has failed, no broker that is away is waited for; feeds
 * that have come to their end have all the time they need.
 */
#include "publisher/publisher.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/broker.h"
#include "common/log.h"
#include "publisher/burst.h"
#include "publisher/choice.h"
#include "publisher/metrics.h"
#include "publisher/publish.h"
#include "publisher/sources.h"
#include "publisher/status.h"

#include "common/banned.h"

#define STATUS_EVERY_MS 10000
#define STATUS_SOON_MS 1000 /* after a change: with the first counts */
#define LOOK_MS 200         /* how soon a change of a feed's condition or a silence is seen */
#define STOP_MAX_MS 1500
#define QUOTES_PER_TURN 256 /* then the broker and signals have their turn */

enum phase { RUNNING, FINISHING, GOODBYE, CLOSING, DONE };

struct publisher {
    const struct publisher_config *config;
    struct broker *broker;
    struct sources sources;
    struct choice *choice;
    struct publish *publish;
    struct burst burst;
    struct metrics metrics;
    int signal_fd;

    enum phase phase;
    int feed_result; /* why the feeds ended; 0 while one goes on */
    struct mono now; /* the only clock read of a turn */
    struct mono stop_by;

    char status_topic[STATUS_TOPIC_MAX];
    struct mono look_due, status_due;
    uint32_t n_stale; /* symbols, as last told */
    bool status_changed;
    int goodbye_id;
    bool goodbye_arrived;
};

/*
 * Status
 */

static int send_status(struct publisher *p, bool online)
{
    struct status status = {
        .online = online,
        .sources = &p->sources,
        .choice = p->choice,
        .counts = publish_counts(p->publish),
        .delays = &p->burst.delays,
        .now = p->now,
        .timestamp = wall_now(),
    };
    char *json = status_encode(&status);
    int r = -ENOMEM;

    if (json != NULL)
        r = broker_publish(p->broker, p->status_topic, json, strlen(json), 1, true);
    free(json);
    metrics_write(&p->metrics, &status);
    return r;
}

static void change_status(struct publisher *p)
{
    p->status_due = p->now;
    p->status_changed = true;
}

static void tell_feed_state(struct publisher *p, const struct running *r)
{
    static const struct {
        enum log_level level;
        const char *words;
    } news[] = {
        [FEED_STARTING] = {LOG_INFO, "is starting"}, [FEED_LIVE] = {LOG_INFO, "is live"},
        [FEED_WAITING] = {LOG_INFO, "is waiting"},   [FEED_FAULT] = {LOG_WARN, "has a fault"},
        [FEED_FAILED] = {LOG_WARN, "has failed"},    [FEED_ENDED] = {LOG_INFO, "has ended"},
    };
    const struct feed_state *s = &r->state;

    change_status(p);
    log_write(news[s->condition].level, "feed %s %s%s%s", r->feed->name, news[s->condition].words,
              s->detail[0] != '\0' ? ": " : "", s->detail);
}

static void look_at_feeds(struct publisher *p)
{
    for (size_t i = 0; i < p->sources.n; i++) {
        const struct running *r = &p->sources.feeds[i];

        if (sources_look(&p->sources, i))
            tell_feed_state(p, r);
        choice_feed_state(p->choice, i, &r->state, p->now);
    }
}

static void look_at_symbols(struct publisher *p)
{
    int64_t set_ms = choice_look(p->choice, p->now, wall_now());
    uint32_t n_stale = choice_count(p->choice, p->now).states[FRESH_STALE];

    if (set_ms != 0)
        log_warn("the clock was set %s by %.0f s, or this machine slept",
                 set_ms > 0 ? "forward" : "back", fabs((double)set_ms) / 1000);
    if (n_stale != p->n_stale)
        change_status(p);
    p->n_stale = n_stale;
}

static void look(struct publisher *p)
{
    p->look_due = mono_add_ms(p->now, LOOK_MS);
    look_at_feeds(p);
    if (p->phase == RUNNING)
        look_at_symbols(p);
}

static void keep_status(struct publisher *p)
{
    if (!mono_before(p->now, p->look_due))
        look(p);
    if (mono_before(p->now, p->status_due) || !broker_is_up(p->broker) || p->phase > FINISHING)
        return;
    if (send_status(p, true) < 0)
        return;
    p->status_due = mono_add_ms(p->now, p->status_changed ? STATUS_SOON_MS : STATUS_EVERY_MS);
    p->status_changed = false;
}

/*
 * Quotes
 */

static void feeds_ended(struct publisher *p, int result)
{
    p->feed_result = result != 0 ? result : -ENODATA;
    p->phase = FINISHING;
    publish_finish(p->publish);
    look(p);
}

static void take_quotes(struct publisher *p)
{
    struct quote q;
    size_t feed;
    int result;

    for (int i = 0; i < QUOTES_PER_TURN && p->phase == RUNNING; i++) {
        if (sources_take(&p->sources, publish_is_blocked(p->publish), &q, &feed) < 0)
            break;
        choice_offer(p->choice, feed, &q, p->now);
        publish_run(p->publish, p->now);
    }
    if (p->phase == RUNNING && sources_ended(&p->sources, &result))
        feeds_ended(p, result);
}

static void on_chosen(void *ctx, const struct quote *q)
{
    struct publisher *p = ctx;

    publish_quote(p->publish, q);
}

/*
 * The way out
 */

static void stop(struct publisher *p)
{
    struct signalfd_siginfo info;

    if (read(p->signal_fd, &info, sizeof(info)) < 0 || p->stop_by.ns != MONO_NEVER.ns)
        return;
    log_info("stopping: %s", strsignal((int)info.ssi_signo));
    p->stop_by = mono_add_ms(p->now, STOP_MAX_MS);
    if (p->phase == RUNNING)
        p->phase = FINISHING;
    publish_finish(p->publish);
}

/* Nobody waits for a broker that is away to tell it the end, but a file that has been played: its
 * last quotes are still to come. */
static bool may_leave_unheard(const struct publisher *p)
{
    bool failed = p->feed_result != 0 && p->feed_result != -ENODATA;

    return failed || p->stop_by.ns != MONO_NEVER.ns;
}

static void advance(struct publisher *p)
{
    bool in_a_hurry = p->stop_by.ns != MONO_NEVER.ns;

    if (p->phase == FINISHING && publish_is_idle(p->publish) && broker_is_up(p->broker)) {
        p->goodbye_arrived = false;
        p->goodbye_id = send_status(p, false);
        if (p->goodbye_id > 0)
            p->phase = GOODBYE;
    }
    if (p->phase == GOODBYE && p->goodbye_arrived) {
        broker_close(p->broker);
        p->phase = CLOSING;
    }
    if (p->phase == CLOSING && broker_is_closed(p->broker))
        p->phase = DONE;
    if (in_a_hurry && !mono_before(p->now, p->stop_by))
        p->phase = DONE;
    if (may_leave_unheard(p) && p->phase < CLOSING && !broker_is_up(p->broker))
        p->phase = DONE;
}

/*
 * The broker
 */

static void on_up(void *ctx, bool mqtt5)
{
    struct publisher *p = ctx;

    (void)mqtt5;
    change_status(p);
    publish_again(p->publish);
}

static void on_down(void *ctx, const char *why)
{
    struct publisher *p = ctx;

    (void)why;
    if (p->phase == GOODBYE)
        p->phase = FINISHING;
}

static void on_acknowledged(void *ctx, int id)
{
    struct publisher *p = ctx;

    p->goodbye_arrived |= p->phase == GOODBYE && id == p->goodbye_id;
}

static const struct broker_events events = {
    .up = on_up,
    .down = on_down,
    .acknowledged = on_acknowledged,
};

static bool sink_takes(void *ctx)
{
    struct publisher *p = ctx;

    return broker_is_up(p->broker) && broker_is_drained(p->broker);
}

static int sink_send(void *ctx, const char *topic, const void *payload, size_t len)
{
    struct publisher *p = ctx;

    burst_begin(&p->burst, p->broker);
    return broker_publish(p->broker, topic, payload, len, 0, true);
}

static void sink_sent(void *ctx, struct mono heard)
{
    struct publisher *p = ctx;

    if (p->config->interval_ms > 0)
        heard = (struct mono){0}; /* it has waited for its turn */
    burst_add(&p->burst, p->broker, heard);
}

/*
 * The loop
 */

static struct mono deadline(const struct publisher *p)
{
    struct mono t = mono_earlier(p->look_due, broker_deadline(p->broker));

    if (broker_is_up(p->broker))
        t = mono_earlier(t, mono_earlier(p->status_due, publish_deadline(p->publish)));
    return mono_earlier(t, p->stop_by);
}

static bool wait_for_work(struct publisher *p)
{
    struct pollfd fds[1 + FEEDS_MAX + BROKER_POLL_FDS] = {{.fd = p->signal_fd, .events = POLLIN}};
    size_t n = 1;
    int r;

    if (p->phase == RUNNING)
        n += sources_poll(&p->sources, publish_is_blocked(p->publish), fds + n);
    n += broker_poll(p->broker, fds + n);
    r = poll(fds, n, mono_timeout_ms(deadline(p), mono_now()));
    p->now = mono_now();
    if (r < 0 && errno != EINTR) {
        log_error("poll: %m");
        p->feed_result = -EIO;
        return false;
    }
    return true;
}

static bool turn(struct publisher *p)
{
    if (!wait_for_work(p))
        return false;
    broker_run(p->broker, p->now);
    publish_run(p->publish, p->now);
    take_quotes(p);
    burst_end(&p->burst, p->broker);
    keep_status(p);
    stop(p);
    advance(p);
    return p->phase != DONE;
}

static int open_signals(int *ret_fd)
{
    sigset_t set;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        int r = -errno;

        log_error("signalfd: %m");
        return r;
    }
    *ret_fd = fd;
    return 0;
}

static int open_broker(struct publisher *p)
{
    const struct publisher_config *c = p->config;
    char client_id[INSTANCE_MAX + 40];
    char *will = status_encode_will(c->lineup);
    int r;

    /* With the process in it: two publishers that go by one name would otherwise throw each other
     * off the broker for ever, and Mosquitto 2.0 does not tell why. */
    snprintf(client_id, sizeof(client_id), "tapecast-publisher-%s-%ld", c->instance,
             (long)getpid());
    status_topic(c->instance, p->status_topic);
    r = will == NULL ? -ENOMEM
                     : broker_new(&(struct broker_config){.address = c->broker,
                                                          .client_id = client_id,
                                                          .will_topic = p->status_topic,
                                                          .will_payload = will,
                                                          .events = &events,
                                                          .ctx = p},
                                  &p->broker);
    free(will);
    return r;
}

static int open_all(struct publisher *p)
{
    const struct publisher_config *c = p->config;
    const struct publish_sink sink = {
        .takes = sink_takes, .send = sink_send, .sent = sink_sent, .ctx = p};
    int r = open_signals(&p->signal_fd); /* first: threads inherit the mask */

    if (r == 0)
        r = open_broker(p);
    if (r == 0)
        r = publish_new((int64_t)c->interval_ms, &sink, &p->publish);
    if (r == 0)
        r = choice_new(
            &(struct choice_config){
                .lineup = c->lineup, .calendar = c->calendar, .give = on_chosen, .ctx = p},
            &p->choice);
    if (r == 0)
        r = sources_start(c->lineup, c->calendar, &p->sources);
    return r;
}

static void close_all(struct publisher *p)
{
    sources_release(&p->sources);
    broker_free(p->broker);
    choice_free(p->choice);
    publish_free(p->publish);
    if (p->signal_fd >= 0)
        close(p->signal_fd);
}

static void print_summary(struct publisher *p)
{
    struct publish_counts counts = publish_counts(p->publish);
    struct choice_counts chosen = choice_count(p->choice, p->now);

    if (p->sources.n == 1)
        chosen.given[0] = counts.published;
    if (!sources_print_summaries(&p->sources, chosen.given, stdout))
        return;
    if (counts.conflated > 0)
        printf("replaced by a newer one before their turn: %llu\n",
               (unsigned long long)counts.conflated);
    if (counts.rejected > 0)
        printf("left out by the publisher: %llu\n", (unsigned long long)counts.rejected);
    fflush(stdout);
}

int publisher_run(const struct publisher_config *config)
{
    struct publisher p = {
        .config = config,
        .signal_fd = -1,
        .metrics = {.path = config->metrics_file},
        .now = mono_now(),
        .stop_by = MONO_NEVER,
    };
    int r = open_all(&p), exit_status = 1;

    if (r == -ENOMEM)
        log_error("out of memory");
    if (r == -EINVAL)
        exit_status = 2;
    if (r == 0) {
        while (turn(&p))
            continue;
        print_summary(&p);
        exit_status = p.feed_result == 0 || p.feed_result == -ENODATA ? 0 : 1;
    }
    close_all(&p);
    return exit_status;
}
