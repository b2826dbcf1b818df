/*
 * The writer with a store that does as it is told.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "recorder/writer.h"

#include "common/banned.h"

static atomic_int answer, n_written, n_tried;
static pthread_mutex_t hanging = PTHREAD_MUTEX_INITIALIZER; /* while it is held, a batch hangs */

static int write_batch(struct store *s, const struct store_batch *batch)
{
    int r = atomic_load(&answer);

    (void)s;
    atomic_fetch_add(&n_tried, 1);
    pthread_mutex_lock(&hanging);
    pthread_mutex_unlock(&hanging);
    if (r == 0)
        atomic_fetch_add(&n_written, (int)batch->n_bars);
    return r;
}

static const char *say_error(const struct store *s)
{
    (void)s;
    return "no reason";
}

static const struct store_ops ops = {.write = write_batch, .error = say_error};
static struct store store = {&ops};
static struct writer *writer;
static struct batch batch;

static int begin(void **state)
{
    const int64_t keep_s[N_RESOLUTIONS] = {0};

    (void)state;
    atomic_store(&answer, 0);
    atomic_store(&n_written, 0);
    atomic_store(&n_tried, 0);
    return writer_start(&store, keep_s, 0, &writer);
}

static int end(void **state)
{
    (void)state;
    writer_free(writer);
    batch_release(&batch);
    return 0;
}

static bool give(void)
{
    const struct bar bar = {.t = 60};

    assert_int_equal(batch_add_bar(&batch, "AAPL", RESOLUTION_1M, &bar), 0);
    return writer_give(writer, &batch);
}

static void wait_until_done(void)
{
    struct pollfd fd = {.fd = writer_fd(writer), .events = POLLIN};

    assert_int_equal(poll(&fd, 1, 10000), 1);
    writer_seen(writer);
}

static struct writer_state state_now(void)
{
    struct writer_state s;

    writer_state(writer, &s);
    return s;
}

static void a_batch_that_is_given_is_written(void **state)
{
    (void)state;
    assert_true(give());
    assert_true(batch_is_empty(&batch));
    wait_until_done();
    assert_int_equal(atomic_load(&n_written), 1);
    assert_int_equal(state_now().bars, 1);
    assert_false(writer_is_busy(writer));
}

static void while_a_store_fails_no_other_batch_is_taken(void **state)
{
    (void)state;
    atomic_store(&answer, -ENOSPC);
    assert_true(give());
    while (!state_now().failing)
        poll(NULL, 0, 1);
    assert_false(give());
    assert_false(batch_is_empty(&batch));
    assert_non_null(strstr(state_now().detail, "make room"));
    atomic_store(&answer, 0);
    wait_until_done();
    assert_false(state_now().failing);
    assert_int_equal(atomic_load(&n_written), 1);
    assert_true(atomic_load(&n_tried) >= 2);
}

static void a_store_that_hangs_is_left_to_the_thread(void **state)
{
    (void)state;
    pthread_mutex_lock(&hanging);
    assert_true(give());
    while (atomic_load(&n_tried) == 0)
        poll(NULL, 0, 1);
    assert_false(writer_free(writer));
    pthread_mutex_unlock(&hanging);
    wait_until_done();
    assert_true(writer_free(writer));
    writer = NULL;
}

static void a_writer_that_is_freed_does_not_wait_for_its_store(void **state)
{
    (void)state;
    atomic_store(&answer, -ENOTCONN);
    assert_true(give());
    while (!state_now().failing)
        poll(NULL, 0, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_batch_that_is_given_is_written),
        TEST(while_a_store_fails_no_other_batch_is_taken),
        TEST(a_store_that_hangs_is_left_to_the_thread),
        TEST(a_writer_that_is_freed_does_not_wait_for_its_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
