/* A feed that gives what the test lets it give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "publisher/source.h"

#define PATIENCE_MS 20000

static int allowed_fd; /* an eventfd: so many quotes more may be given, in one go */
static uint64_t given, left;

static struct feed {
    struct feed_config config;
} the_feed;

static int feed_open(const struct feed_config *config, struct feed **ret)
{
    the_feed.config = *config;
    given = left = 0;
    *ret = &the_feed;
    return 0;
}

static int feed_next(struct feed *f, struct mono deadline, struct quote *ret)
{
    struct pollfd fds[] = {{.fd = f->config.stop_fd, .events = POLLIN},
                           {.fd = allowed_fd, .events = POLLIN}};

    (void)deadline;
    if (left == 0) {
        poll(fds, 2, -1);
        if (fds[0].revents != 0)
            return -ECANCELED;
        assert_int_equal(eventfd_read(allowed_fd, &left), 0);
    }
    left--;
    *ret = (struct quote){.symbol = "A", .seq = ++given};
    return 0;
}

static bool feed_has_more(const struct feed *f)
{
    (void)f;
    return left > 0;
}

static void feed_state(struct feed *f, struct feed_state *ret)
{
    (void)f;
    *ret = (struct feed_state){0};
}

static void feed_close(struct feed *f)
{
    (void)f;
}

static const struct feed_ops direct = {.name = "direct",
                                       .open = feed_open,
                                       .next = feed_next,
                                       .has_more = feed_has_more,
                                       .state = feed_state,
                                       .close = feed_close};

struct owner {
    struct source *source;
    pthread_mutex_t lock;
    pthread_t taker;
    bool takes;
    uint64_t calls, taken;
};

static void on_ready(void *ctx)
{
    struct owner *o = ctx;
    struct quote q;

    if (pthread_mutex_trylock(&o->lock) != 0)
        return;
    o->calls++;
    o->taker = pthread_self();
    while (o->takes && source_take(o->source, &q) == 0)
        assert_int_equal(q.seq, ++o->taken);
    pthread_mutex_unlock(&o->lock);
}

static void start(struct owner *o, const struct feed_ops *ops, bool with_ready)
{
    const struct source_owner owner = {.ready = with_ready ? on_ready : NULL, .ctx = o};

    allowed_fd = eventfd(0, 0);
    pthread_mutex_init(&o->lock, NULL);
    assert_int_equal(source_start(ops, &(struct feed_config){0}, &owner, &o->source), 0);
}

static void end(struct owner *o)
{
    source_free(o->source);
    pthread_mutex_destroy(&o->lock);
    close(allowed_fd);
}

static bool is_readable(const struct owner *o, int ms)
{
    return poll(&(struct pollfd){.fd = source_fd(o->source), .events = POLLIN}, 1, ms) == 1;
}

/* Take `n`, waiting for them as the publisher's thread does. */
static void take(struct owner *o, uint64_t n)
{
    struct quote q;

    while (o->taken < n) {
        assert_true(is_readable(o, PATIENCE_MS));
        while (source_take(o->source, &q) == 0)
            assert_int_equal(q.seq, ++o->taken);
    }
}

static void await_taken(struct owner *o, uint64_t n)
{
    struct mono limit = mono_add_ms(mono_now(), PATIENCE_MS);
    uint64_t taken = 0;

    while (taken < n) {
        assert_true(mono_before(mono_now(), limit));
        pthread_mutex_lock(&o->lock);
        taken = o->taken;
        pthread_mutex_unlock(&o->lock);
        poll(NULL, 0, 1);
    }
}

static void what_is_heard_together_is_taken_at_once_in_the_feeds_thread(void **state)
{
    struct owner o = {.takes = true};

    (void)state;
    start(&o, &direct, true);
    eventfd_write(allowed_fd, 5);
    await_taken(&o, 5);
    source_stop(o.source);
    assert_int_equal(o.calls, 1);
    assert_false(pthread_equal(o.taker, pthread_self()));
    assert_true(is_readable(&o, 0)); /* it has ended, nothing else */
    assert_int_equal(source_take(o.source, &(struct quote){0}), -ECANCELED);
    end(&o);
}

static void what_its_thread_leaves_wakes_the_publishers(void **state)
{
    struct owner o = {.takes = false};

    (void)state;
    start(&o, &direct, true);
    eventfd_write(allowed_fd, 3);
    take(&o, 3);
    assert_false(is_readable(&o, 0));
    eventfd_write(allowed_fd, 2);
    take(&o, 5);
    end(&o);
}

static void what_comes_while_the_publisher_is_busy_wakes_it(void **state)
{
    struct owner o = {.takes = true};

    (void)state;
    start(&o, &direct, true);
    pthread_mutex_lock(&o.lock);
    eventfd_write(allowed_fd, 3);
    take(&o, 3);
    pthread_mutex_unlock(&o.lock);
    assert_int_equal(o.calls, 0);
    eventfd_write(allowed_fd, 1);
    await_taken(&o, 4);
    end(&o);
}

static void more_than_the_queue_holds_at_once_gets_through(void **state)
{
    struct owner o = {.takes = true};

    (void)state;
    start(&o, &direct, true);
    eventfd_write(allowed_fd, 3 * SOURCE_QUEUE_MAX);
    await_taken(&o, 3 * SOURCE_QUEUE_MAX);
    pthread_mutex_lock(&o.lock);
    eventfd_write(allowed_fd, 3 * SOURCE_QUEUE_MAX);
    take(&o, 6 * SOURCE_QUEUE_MAX);
    pthread_mutex_unlock(&o.lock);
    end(&o);
}

static void without_an_owner_that_takes_there_the_publishers_thread_is_woken(void **state)
{
    struct feed_ops plain = direct;
    struct owner o = {.takes = true};

    (void)state;
    start(&o, &direct, false);
    eventfd_write(allowed_fd, 3);
    take(&o, 3);
    end(&o);
    plain.has_more = NULL;
    o = (struct owner){.takes = true};
    start(&o, &plain, true);
    eventfd_write(allowed_fd, 3);
    take(&o, 3);
    assert_int_equal(o.calls, 0);
    end(&o);
}

static void a_full_queue_does_not_keep_it_from_stopping(void **state)
{
    struct owner o = {.takes = false};

    (void)state;
    start(&o, &direct, true);
    eventfd_write(allowed_fd, 2 * SOURCE_QUEUE_MAX);
    assert_true(is_readable(&o, PATIENCE_MS));
    end(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_heard_together_is_taken_at_once_in_the_feeds_thread),
        cmocka_unit_test(what_its_thread_leaves_wakes_the_publishers),
        cmocka_unit_test(what_comes_while_the_publisher_is_busy_wakes_it),
        cmocka_unit_test(more_than_the_queue_holds_at_once_gets_through),
        cmocka_unit_test(without_an_owner_that_takes_there_the_publishers_thread_is_woken),
        cmocka_unit_test(a_full_queue_does_not_keep_it_from_stopping),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
