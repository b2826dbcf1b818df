/*
 * Each feed has a thread that fills the queue of its `source`, and, for live prices, publishes what
 * it has filled in; this one does everything else in one loop. The way out is the same whether all
 * feeds have ended or a signal came:
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
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/broker.h"
#include "common/log.h"
#include "publisher/outlet.h"
#include "publisher/report.h"
#include "publisher/source.h"

#include "common/banned.h"

#define STOP_MAX_MS 1500

enum phase { RUNNING, FINISHING, GOODBYE, CLOSING, DONE };

struct publisher {
    const struct publisher_config *config;
    struct broker *broker;
    struct outlet outlet;
    struct report report;
    int signal_fd;

    enum phase phase;
    int feed_result; /* why the feeds ended; 0 while one goes on */
    struct mono now; /* the only clock read of a turn */
    struct mono stop_by;
    int goodbye_id;
    bool goodbye_arrived;

    /* Of all of the above: a feed's thread publishes what it has just heard while this one sleeps
     * (on_ready). Held by this thread at all other times. */
    pthread_mutex_t lock;
};

/*
 * Quotes
 */

static void feeds_ended(struct publisher *p, int result)
{
    p->feed_result = result != 0 ? result : -ENODATA;
    p->phase = FINISHING;
    publish_finish(p->outlet.publish);
    report_look(&p->report, false, p->now);
}

static void take_quotes(struct publisher *p)
{
    int result;

    if (p->phase != RUNNING)
        return;
    outlet_take(&p->outlet, p->now);
    if (sources_ended(&p->outlet.sources, &result))
        feeds_ended(p, result);
}

/* In a feed's thread: it waits for nobody, and what it leaves the other thread is woken for. */
static void on_ready(void *ctx)
{
    struct publisher *p = ctx;

    if (pthread_mutex_trylock(&p->lock) != 0)
        return;
    if (p->phase == RUNNING)
        outlet_take(&p->outlet, mono_now());
    pthread_mutex_unlock(&p->lock);
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
    publish_finish(p->outlet.publish);
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

    if (p->phase == FINISHING && publish_is_idle(p->outlet.publish) && broker_is_up(p->broker)) {
        p->goodbye_arrived = false;
        p->goodbye_id = report_send(&p->report, false, p->now);
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
    report_changed(&p->report, p->now);
    publish_again(p->outlet.publish);
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

/*
 * The loop
 */

static struct mono deadline(const struct publisher *p)
{
    struct mono t = mono_earlier(report_deadline(&p->report), broker_deadline(p->broker));

    if (broker_is_up(p->broker))
        t = mono_earlier(t, publish_deadline(p->outlet.publish));
    return mono_earlier(t, p->stop_by);
}

/* The only place where the feeds' threads may have the publisher. */
static int sleep_until(struct publisher *p, struct pollfd *fds, size_t n, struct mono t)
{
    int r;

    pthread_mutex_unlock(&p->lock);
    r = poll(fds, n, mono_timeout_ms(t, mono_now()));
    pthread_mutex_lock(&p->lock);
    return r;
}

static bool wait_for_work(struct publisher *p)
{
    struct pollfd fds[1 + FEEDS_MAX + BROKER_POLL_FDS] = {{.fd = p->signal_fd, .events = POLLIN}};
    size_t n = 1;
    int r;

    if (p->phase == RUNNING)
        n += outlet_poll(&p->outlet, fds + n);
    n += broker_poll(p->broker, fds + n);
    r = sleep_until(p, fds, n, deadline(p));
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
    outlet_run(&p->outlet, p->now);
    take_quotes(p);
    report_run(&p->report, p->phase == RUNNING, p->phase <= FINISHING, p->now);
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
    r = will == NULL ? -ENOMEM
                     : broker_new(&(struct broker_config){.address = c->broker,
                                                          .client_id = client_id,
                                                          .will_topic = p->report.topic,
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
    const struct source_owner owner = {.ready = on_ready, .ctx = p};
    int r = open_signals(&p->signal_fd); /* first: threads inherit the mask */

    report_init(&p->report, &p->outlet, c->instance, c->metrics_file);
    if (r == 0)
        r = open_broker(p);
    if (r == 0)
        r = outlet_open(&p->outlet, &(struct outlet_config){.lineup = c->lineup,
                                                            .calendar = c->calendar,
                                                            .interval_ms = c->interval_ms,
                                                            .broker = p->broker,
                                                            .owner = &owner});
    return r;
}

static void close_all(struct publisher *p)
{
    outlet_release(&p->outlet);
    broker_free(p->broker);
    if (p->signal_fd >= 0)
        close(p->signal_fd);
}

static void print_summary(struct publisher *p)
{
    struct publish_counts counts = publish_counts(p->outlet.publish);
    struct choice_counts chosen = choice_count(p->outlet.choice, p->now);
    struct sources *sources = &p->outlet.sources;

    if (sources->n == 1)
        chosen.given[0] = counts.published;
    if (!sources_print_summaries(sources, chosen.given, stdout))
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
        .now = mono_now(),
        .stop_by = MONO_NEVER,
        .lock = PTHREAD_MUTEX_INITIALIZER,
    };
    int r, exit_status = 1;

    pthread_mutex_lock(&p.lock);
    r = open_all(&p);
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
    pthread_mutex_unlock(&p.lock);
    return exit_status;
}
