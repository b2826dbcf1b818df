#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "publisher/feed.h"

#define MINUTES                                                                                    \
    "time,open,high,low,close,volume\n"                                                            \
    "2016-04-15T13:30:00Z,10,12,9,11,100\n"                                                        \
    "2016-04-15T13:31:00Z,11,13,10,12,50\n"                                                        \
    "2016-04-15T13:32:00Z,12,12,12,12,1\n"

static char path[] = "/tmp/AAPL_XXXXXX";
static struct feed_options options;
static struct feed_config config = {.options = &options};
static struct feed *feed;

static int set_up(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "/tmp/AAPL_XXXXXX");
    options = (struct feed_options){.file = path, .speed = "max"};
    config.stop_fd = eventfd(0, 0);
    feed = NULL;
    return mkstemp(path) < 0 || config.stop_fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    feed_replay.close(feed);
    close(config.stop_fd);
    return unlink(path);
}

static void open_feed(const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(feed_replay.open(&config, &feed), 0);
}

static int next(struct quote *q)
{
    return feed_replay.next(feed, MONO_NEVER, q);
}

static void assert_price(int64_t expected)
{
    struct quote q;

    assert_int_equal(next(&q), 0);
    assert_int_equal(q.price.coef, expected);
}

static enum feed_condition condition(char *detail)
{
    struct feed_state state = {0};

    feed_replay.state(feed, &state);
    if (detail != NULL)
        snprintf(detail, FEED_DETAIL_MAX, "%s", state.detail);
    return state.condition;
}

static void a_file_is_played_to_its_end(void **state)
{
    struct quote q = {0};

    (void)state;
    open_feed(MINUTES);
    assert_int_equal(condition(NULL), FEED_STARTING);
    assert_price(11);
    assert_int_equal(condition(NULL), FEED_LIVE);
    assert_int_equal(next(&q), 0);
    assert_string_equal(q.symbol, "AAPL");
    assert_int_equal(q.mode, MODE_REPLAY);
    assert_int_equal(q.timestamp.ms, 1460727060000);
    assert_int_equal(q.known, QUOTE_OPEN | QUOTE_HIGH | QUOTE_LOW | QUOTE_VOLUME);
    assert_int_equal(q.open.coef, 10);
    assert_int_equal(q.high.coef, 13);
    assert_int_equal(q.low.coef, 9);
    assert_int_equal(q.volume.coef, 150);
    assert_price(12);
    assert_int_equal(next(&q), -ENODATA);
    assert_int_equal(next(&q), -ENODATA);
    assert_int_equal(condition(NULL), FEED_ENDED);
}

static void a_loop_begins_again_without_the_days_before(void **state)
{
    struct quote q;

    (void)state;
    options.loop = true;
    open_feed("date,close\n2016-04-14,1\n2016-04-15,2\n");
    for (int round = 0; round < 3; round++) {
        assert_int_equal(next(&q), 0);
        assert_int_equal(q.known & QUOTE_PREV_CLOSE, 0);
        assert_int_equal(next(&q), 0);
        assert_int_equal(q.prev_close.coef, 1);
    }
}

static void a_loop_takes_a_breath_between_its_rounds(void **state)
{
    struct quote q;

    (void)state;
    options.loop = true;
    options.speed = "1000000";
    open_feed("date,close\n2016-04-14,1\n");
    assert_price(1);
    assert_int_equal(feed_replay.next(feed, mono_add_ms(mono_now(), 20), &q), -ETIMEDOUT);
}

static void rows_keep_their_distance_divided_by_the_speed(void **state)
{
    struct mono start;
    int64_t ms;

    (void)state;
    options.speed = "600";
    open_feed(MINUTES);
    assert_price(11);
    start = mono_now();
    assert_price(12);
    ms = (mono_now().ns - start.ns) / 1000000;
    assert_true(ms >= 90);
    assert_price(12);
    ms = (mono_now().ns - start.ns) / 1000000;
    assert_true(ms >= 190);
}

static void a_late_row_does_not_delay_the_next(void **state)
{
    struct mono start;

    (void)state;
    options.speed = "600";
    open_feed(MINUTES);
    assert_price(11);
    assert_int_equal(feed_wait(&config, mono_add_ms(mono_now(), 250)), 0); /* slow to take */
    start = mono_now();
    assert_price(12);
    assert_price(12);
    assert_true(mono_now().ns - start.ns < 90 * INT64_C(1000000)); /* both were due */
}

static void a_wait_ends_at_the_deadline(void **state)
{
    struct quote q;

    (void)state;
    options.speed = "0.5";
    open_feed(MINUTES);
    assert_price(11);
    assert_int_equal(feed_replay.next(feed, mono_add_ms(mono_now(), 5), &q), -ETIMEDOUT);
    assert_int_equal(feed_replay.next(feed, mono_now(), &q), -ETIMEDOUT);
    assert_int_equal(condition(NULL), FEED_LIVE);
}

static void a_wait_ends_when_the_publisher_stops(void **state)
{
    struct quote q;

    (void)state;
    options.speed = NULL; /* 1 */
    open_feed(MINUTES);
    assert_price(11);
    eventfd_write(config.stop_fd, 1);
    assert_int_equal(next(&q), -ECANCELED);
}

static void a_stop_ends_the_loading_too(void **state)
{
    struct quote q;

    (void)state;
    open_feed(MINUTES);
    eventfd_write(config.stop_fd, 1);
    assert_int_equal(next(&q), -ECANCELED);
}

static void a_long_wait_is_a_state_of_its_own(void **state)
{
    char detail[FEED_DETAIL_MAX];
    struct quote q;

    (void)state;
    options.speed = "1";
    open_feed("date,close\n2016-04-14,1\n2016-04-15,2\n");
    assert_price(1);
    assert_int_equal(feed_replay.next(feed, mono_now(), &q), -ETIMEDOUT);
    assert_int_equal(condition(detail), FEED_WAITING);
    assert_string_equal(detail, "the next row of the file is of 2016-04-15T00:00:00.000Z");
}

static void a_wait_longer_than_any_clock_is_for_ever(void **state)
{
    struct quote q;

    (void)state;
    options.speed = "0.000000000000000001";
    open_feed("date,close\n1700-01-01,1\n2261-01-01,2\n");
    assert_price(1);
    assert_int_equal(feed_replay.next(feed, mono_now(), &q), -ETIMEDOUT);
}

static void only_the_greatest_speed_is_lossless(void **state)
{
    (void)state;
    assert_true(feed_replay.lossless(&options));
    options.speed = "1000";
    assert_false(feed_replay.lossless(&options));
    options.speed = NULL;
    assert_false(feed_replay.lossless(&options));
}

static void options_that_make_no_sense_are_refused(void **state)
{
    static const char *const speeds[] = {"0", "-1", "", "fast", "1x", "nan", "MAX"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(speeds); i++) {
        options.speed = speeds[i];
        assert_int_equal(feed_replay.open(&config, &feed), -EINVAL);
    }
    options = (struct feed_options){.file = NULL};
    assert_int_equal(feed_replay.open(&config, &feed), -EINVAL);
    options.file = "/nowhere/at/all.csv";
    assert_int_equal(feed_replay.open(&config, &feed), -ENOENT);
    options.file = path; /* empty */
    assert_int_equal(feed_replay.open(&config, &feed), -EBADMSG);
    assert_null(feed);
}

static void a_file_without_a_playable_row_fails(void **state)
{
    struct quote q;

    (void)state;
    open_feed("date,close\n2016-04-14,\n");
    assert_int_equal(next(&q), -EBADMSG);
    assert_int_equal(condition(NULL), FEED_FAILED);
}

static void the_summary_accounts_for_every_row(void **state)
{
    struct quote q;
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    (void)state;
    open_feed("date,close,volume\n2016-04-14,1,0\n2016-04-14,1,0\nbad,1,1\n2016-05-14,2,3\n");
    while (next(&q) == 0)
        ;
    feed_replay.summary(feed, 2, out);
    fclose(out);
    assert_non_null(strstr(text, "\nsymbols: 1\n"
                                 "trading days: 2016-04-14 to 2016-05-14\n"
                                 "rows read: 4\n"
                                 "published: 2\n"
                                 "left out: 2\n"
                                 "  bad time: 1, the first in line 4\n"
                                 "  duplicate of an earlier row: 1\n"
                                 "volume 0: 2, the first in line 2\n"
                                 "gaps of more than 5 days: 1, the longest 30 days "
                                 "(AAPL after 2016-04-14)\n"));
    free(text);
}

static void a_summary_before_the_end_tells_how_far_it_came(void **state)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    (void)state;
    open_feed(MINUTES);
    feed_replay.summary(feed, 0, out);
    fflush(out);
    assert_int_equal(len, 0); /* nothing was read yet */
    assert_price(11);
    feed_replay.summary(feed, 1, out);
    fclose(out);
    assert_non_null(strstr(text, "rows read: 3\nrows played: 1\npublished: 1\nleft out: 0\n"));
    free(text);
}

#define case_of(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        case_of(a_file_is_played_to_its_end),
        case_of(a_loop_begins_again_without_the_days_before),
        case_of(a_loop_takes_a_breath_between_its_rounds),
        case_of(rows_keep_their_distance_divided_by_the_speed),
        case_of(a_late_row_does_not_delay_the_next),
        case_of(a_wait_ends_at_the_deadline),
        case_of(a_wait_ends_when_the_publisher_stops),
        case_of(a_stop_ends_the_loading_too),
        case_of(a_long_wait_is_a_state_of_its_own),
        case_of(a_wait_longer_than_any_clock_is_for_ever),
        case_of(only_the_greatest_speed_is_lossless),
        case_of(options_that_make_no_sense_are_refused),
        case_of(a_file_without_a_playable_row_fails),
        case_of(the_summary_accounts_for_every_row),
        case_of(a_summary_before_the_end_tells_how_far_it_came),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
