/*
 * The hub against readers made of memory: each has a socket of so many bytes that the test fills
 * and empties. What a reader was sent is parsed frame by frame and message by message, so that a
 * torn frame shows at once.
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/macros.h"
#include "common/rng.h"
#include "gateway/hub/hub.h"

#include "common/banned.h"

#define TOPICS 80 /* more than a channel leaves unsorted, as most tests do */
#define ENDLESS SIZE_MAX

/* ---- a small encoding: frame = length (3 bytes), message = topic index, retain, value and place
 * (8 bytes each) ---- */

struct wire {
    uint8_t topic, retain;
    uint8_t value[8], place[8];
};

static bool wire_is_mute; /* nothing has a form */

static size_t wire_size(const struct message *m)
{
    return wire_is_mute ? 0 : sizeof(struct wire) + (m->len > 8 ? m->len - 8 : 0);
}

static uint8_t *wire_write(uint8_t *p, const struct message *m)
{
    struct wire w = {.topic = (uint8_t)m->topic[2], .retain = m->retain};

    if (m->len > 0)
        memcpy(w.value, m->payload, 8);
    memcpy(w.place, &m->at.version, 8);
    memcpy(p, &w, sizeof(w));
    memset(p + sizeof(w), 0xee, wire_size(m) - sizeof(w));
    return p + wire_size(m);
}

static size_t wire_frame(uint8_t header[ENCODING_HEADER_MAX], size_t len)
{
    header[0] = (uint8_t)(len >> 16);
    header[1] = (uint8_t)(len >> 8);
    header[2] = (uint8_t)len;
    return 3;
}

static const struct encoding wire = {
    .name = "wire", .size = wire_size, .write = wire_write, .frame = wire_frame};

/* ---- a reader ---- */

struct fake {
    struct reader reader;
    size_t room;            /* what the socket still takes */
    uint8_t stash[1 << 17]; /* to go before anything else */
    size_t stash_len;
    uint8_t in[1 << 17]; /* received, not a whole frame yet */
    size_t in_len;
    size_t filler;         /* payload bytes of each message beyond the value */
    uint64_t last[TOPICS]; /* newest value seen of each topic */
    uint64_t n[TOPICS];
    uint64_t retained;
    uint64_t place;   /* of the last message */
    uint64_t gaps;    /* values that were left out */
    uint64_t doubles; /* values seen twice in a row */
    uint64_t writes;
};

static void receive_message(struct fake *f, const struct wire *w)
{
    uint64_t value;
    int t = w->topic - 'a';

    memcpy(&value, w->value, sizeof(value));
    assert_in_range(t, 0, TOPICS - 1);
    assert_true(value >= f->last[t]); /* never older after newer */
    if (f->n[t] > 0 && value > f->last[t] + 1)
        f->gaps += value - f->last[t] - 1;
    f->doubles += f->n[t] > 0 && value == f->last[t];
    f->last[t] = value;
    memcpy(&f->place, w->place, sizeof(f->place));
    f->n[t]++;
    f->retained += w->retain;
}

static void receive(struct fake *f, const uint8_t *bytes, size_t len)
{
    size_t at = 0;

    assert_true(f->in_len + len <= sizeof(f->in));
    memcpy(f->in + f->in_len, bytes, len);
    f->in_len += len;
    while (f->in_len - at >= 3) {
        size_t frame = (size_t)f->in[at] << 16 | (size_t)f->in[at + 1] << 8 | f->in[at + 2];
        size_t message = sizeof(struct wire) + f->filler;
        if (f->in_len - at - 3 < frame)
            break;
        assert_int_equal(frame % message, 0);
        for (size_t i = 0; i < frame; i += message) {
            struct wire w;
            memcpy(&w, f->in + at + 3 + i, sizeof(w));
            receive_message(f, &w);
        }
        at += 3 + frame;
    }
    f->in_len -= at;
    memmove(f->in, f->in + at, f->in_len);
}

static size_t fake_write(struct reader *r, const uint8_t *bytes, size_t len)
{
    struct fake *f = CONTAINER_OF(r, struct fake, reader);
    size_t n = f->stash_len > 0 ? 0 : len < f->room ? len : f->room;

    if (f->room != ENDLESS)
        f->room -= n;
    f->writes++;
    receive(f, bytes, n);
    return n;
}

static void fake_stash(struct reader *r, const uint8_t *bytes, size_t len)
{
    struct fake *f = CONTAINER_OF(r, struct fake, reader);

    assert_int_equal(f->stash_len, 0);
    assert_true(len <= sizeof(f->stash));
    memcpy(f->stash, bytes, len);
    f->stash_len = len;
}

static const struct reader_ops fake_ops = {fake_write, fake_stash, NULL};

static struct fake *fake_new(size_t room)
{
    struct fake *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->reader.ops = &fake_ops;
    f->room = room;
    hub_enter(&f->reader);
    return f;
}

/* The socket has room again, as a connection would find out. */
static void open_up(struct hub *h, struct fake *f, size_t room)
{
    size_t n;

    f->room = room;
    n = f->stash_len < room ? f->stash_len : room;
    receive(f, f->stash, n);
    f->stash_len -= n;
    memmove(f->stash, f->stash + n, f->stash_len);
    if (f->room != ENDLESS)
        f->room -= n;
    if (f->stash_len == 0)
        hub_writable(h, &f->reader);
}

static void fake_free(struct hub *h, struct fake *f)
{
    hub_leave(h, &f->reader);
    free(f);
}

/* ---- the hub under test ---- */

static const struct hub_limits limits = {
    .max_topics = 100, .max_matches = 10000, .max_channel_log = 64 * 1024, .max_logs = 1 << 20};
static uint64_t values[TOPICS];
static struct mono now;

static struct hub *make_hub(void)
{
    struct hub *h;

    memset(values, 0, sizeof(values));
    now.ns = 1000000000;
    assert_int_equal(hub_new(&limits, &h), 0);
    return h;
}

static void publish_sized(struct hub *h, int topic, bool retain, size_t filler)
{
    char name[4] = {'t', '/', (char)('a' + topic), '\0'};
    static uint8_t payload[1 << 16];
    struct message m = {
        .topic = name, .topic_len = 3, .payload = payload, .len = 8 + filler, .retain = retain};

    values[topic]++;
    memcpy(payload, &values[topic], 8);
    hub_publish(h, &m);
}

static void publish_that_expires(struct hub *h, int topic, struct mono expires)
{
    const struct message_properties properties = {.expires = expires};
    const char name[] = {'t', '/', (char)('a' + topic)};
    struct message m = {.topic = name,
                        .topic_len = 3,
                        .payload = (const uint8_t *)&values[topic],
                        .len = 8,
                        .retain = true,
                        .properties = &properties};

    values[topic]++;
    hub_publish(h, &m);
}

static void publish(struct hub *h, int topic)
{
    publish_sized(h, topic, true, 0);
}

static int subscribe_paced(struct hub *h, struct fake *f, const char *filter, uint32_t interval_ms)
{
    struct filterset want = {0}, snapshot = {0};
    int r;

    assert_int_equal(filterset_copy(hub_filters(&f->reader), &want), 0);
    assert_true(filterset_put(&want, filter, strlen(filter), false, interval_ms) >= 0);
    assert_true(filterset_put(&snapshot, filter, strlen(filter), false, 0) >= 0);
    r = hub_subscribe(h, &f->reader, &wire, SIZE_MAX, &want, &snapshot);
    hub_serve(h, &f->reader);
    return r;
}

static void subscribe(struct hub *h, struct fake *f, const char *filter)
{
    assert_int_equal(subscribe_paced(h, f, filter, 0), 0);
}

static void unsubscribe(struct hub *h, struct fake *f, const char *filter)
{
    struct filterset want = {0}, snapshot = {0};

    assert_int_equal(filterset_copy(hub_filters(&f->reader), &want), 0);
    (void)filterset_remove(&want, filter, strlen(filter));
    assert_int_equal(hub_subscribe(h, &f->reader, &wire, SIZE_MAX, &want, &snapshot), 0);
    hub_serve(h, &f->reader);
}

static void turn(struct hub *h)
{
    hub_catch_up(h);
    (void)hub_flush(h, now, UINT_MAX);
}

static void settle(struct hub *h)
{
    do
        turn(h);
    while (hub_has_work(h) || hub_is_dirty(h));
}

/* ---- sentences ---- */

static void a_newcomer_gets_the_retained_values_and_then_every_message(void **state)
{
    struct hub *h = make_hub();
    struct fake *f = fake_new(ENDLESS);

    (void)state;
    publish(h, 0);
    publish(h, 0);
    publish(h, 1);
    subscribe(h, f, "t/+");
    settle(h);
    assert_int_equal(f->retained, 2);
    assert_int_equal(f->last[0], 2);
    publish(h, 0);
    publish(h, 0);
    settle(h);
    assert_int_equal(f->n[0], 3);
    assert_int_equal(f->retained, 2);
    assert_int_equal(f->gaps, 0);
    fake_free(h, f);
    hub_free(h);
}

static void a_message_that_is_not_retained_does_not_reach_a_newcomer(void **state)
{
    struct hub *h = make_hub();
    struct fake *f = fake_new(ENDLESS);

    (void)state;
    publish_sized(h, 0, false, 0);
    subscribe(h, f, "t/a");
    settle(h);
    assert_int_equal(f->n[0], 0);
    publish_sized(h, 0, false, 0);
    settle(h);
    assert_int_equal(f->n[0], 1);
    fake_free(h, f);
    hub_free(h);
}

static void a_message_that_has_expired_reaches_those_who_were_there_alone(void **state)
{
    struct hub *h = make_hub();
    struct fake *live = fake_new(ENDLESS), *stalled = fake_new(0), *late = fake_new(ENDLESS);

    (void)state;
    subscribe(h, live, "t/+");
    subscribe(h, stalled, "t/b");
    publish(h, 1);
    publish_that_expires(h, 0, mono_now());
    publish_that_expires(h, 2, mono_add_ms(mono_now(), 3600000));
    settle(h);
    assert_int_equal(live->n[0], 1);
    for (int i = 0; i < 10000; i++) /* out of the log, so that the last value is all there is */
        publish(h, 1);
    publish_that_expires(h, 1, mono_now());
    settle(h);
    open_up(h, stalled, ENDLESS);
    settle(h);
    assert_true(stalled->last[1] < values[1]);
    subscribe(h, late, "t/+");
    settle(h);
    assert_int_equal(late->n[0] + late->n[1], 0);
    assert_int_equal(late->n[2], 1);
    fake_free(h, live);
    fake_free(h, stalled);
    fake_free(h, late);
    hub_free(h);
}

static void readers_that_ask_for_the_same_share_a_channel(void **state)
{
    struct hub *h = make_hub();
    struct fake *f = fake_new(ENDLESS), *g = fake_new(ENDLESS);

    (void)state;
    subscribe(h, f, "t/a");
    subscribe(h, f, "t/b");
    subscribe(h, g, "t/b");
    assert_int_equal(hub_n_channels(h), 2);
    subscribe(h, g, "t/a");
    assert_int_equal(hub_n_channels(h), 1);
    fake_free(h, f);
    assert_int_equal(hub_n_channels(h), 1);
    fake_free(h, g);
    assert_int_equal(hub_n_channels(h), 0);
    hub_free(h);
}

static void overlapping_filters_deliver_a_message_once(void **state)
{
    struct hub *h = make_hub();
    struct fake *f = fake_new(ENDLESS), *g = fake_new(ENDLESS);

    (void)state;
    subscribe(h, f, "t/#");
    subscribe(h, f, "t/+");
    subscribe(h, f, "t/a");
    subscribe(h, g, "t/+");
    subscribe(h, g, "#");
    settle(h);
    publish(h, 0);
    publish(h, 1);
    settle(h);
    assert_int_equal(f->n[0], 1);
    assert_int_equal(g->n[1], 1);
    fake_free(h, f);
    fake_free(h, g);
    hub_free(h);
}

static void
a_reader_that_stalls_gets_the_newest_value_of_each_topic_and_then_goes_on_live(void **state)
{
    struct hub *h = make_hub();
    struct fake *slow = fake_new(100), *quick = fake_new(ENDLESS);

    (void)state;
    subscribe(h, slow, "t/+");
    subscribe(h, quick, "t/+");
    for (int i = 0; i < 50000; i++) {
        publish(h, i % 3);
        if (i % 10 == 0)
            settle(h);
    }
    settle(h);
    assert_int_equal(quick->gaps, 0);
    assert_int_equal(quick->n[0] + quick->n[1] + quick->n[2], 50000);
    assert_true(hub_log_bytes(h) <= limits.max_channel_log + 65536);
    assert_int_equal(hub_stats(h)->catch_ups, 1);

    open_up(h, slow, ENDLESS);
    settle(h);
    for (int t = 0; t < 3; t++)
        assert_int_equal(slow->last[t], values[t]);
    assert_true(hub_stats(h)->conflated > 40000);
    publish(h, 1);
    settle(h);
    assert_int_equal(slow->last[1], values[1]);
    assert_int_equal(hub_log_bytes(h), 0);
    fake_free(h, slow);
    fake_free(h, quick);
    hub_free(h);
}

static void
a_log_that_nobody_reads_is_not_written_and_those_who_return_get_nothing_twice(void **state)
{
    struct hub *h = make_hub();
    struct fake *f = fake_new(0);

    (void)state;
    subscribe(h, f, "t/+");
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 20000; i++)
            publish(h, i % 4);
        settle(h);
        for (int i = 0; i < 100; i++)
            publish(h, i % 4);
        assert_int_equal(hub_log_bytes(h), 0);
        open_up(h, f, ENDLESS);
        settle(h);
        for (int i = 0; i < 4; i++)
            assert_int_equal(f->last[i], values[i]);
        f->room = 0;
    }
    assert_int_equal(f->doubles, 0);
    assert_int_equal(hub_stats(h)->conflated + hub_stats(h)->delivered[wire.counter], 3 * 20100);
    fake_free(h, f);
    hub_free(h);
}

static void make_readers(struct hub *h, struct fake *all[], size_t n, const char *filter)
{
    for (size_t i = 0; i < n; i++) {
        all[i] = fake_new(ENDLESS);
        subscribe(h, all[i], filter);
    }
}

static void what_comes_during_a_round_is_for_those_whose_turn_is_still_to_come(void **state)
{
    struct hub *h = make_hub();
    struct fake *all[10];

    (void)state;
    make_readers(h, all, ARRAY_SIZE(all), "t/+");
    publish(h, 0);
    assert_false(hub_flush(h, now, 4));
    assert_true(hub_in_round(h));
    publish(h, 0);
    assert_true(hub_flush(h, now, 6));
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        assert_int_equal(all[i]->n[0], i < 4 ? 1 : 2);
        assert_int_equal(all[i]->writes, 1);
    }
    assert_true(hub_is_dirty(h)); /* for a round of their own */
    assert_true(hub_flush(h, now, 10));
    assert_false(hub_is_dirty(h));
    assert_int_equal(hub_stats(h)->rounds, 2);
    assert_int_equal(hub_log_bytes(h), 0);
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        assert_int_equal(all[i]->n[0], 2);
        assert_int_equal(all[i]->doubles + all[i]->gaps, 0);
        assert_int_equal(all[i]->writes, i < 4 ? 2 : 1);
        fake_free(h, all[i]);
    }
    hub_free(h);
}

/* Some share a channel, some have their own, and something comes all the time. */
static void nobody_is_written_to_twice_in_a_round(void **state)
{
    struct hub *h = make_hub();
    struct fake *all[30];
    char own[4] = "t/?";

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        all[i] = fake_new(ENDLESS);
        own[2] = (char)('a' + i);
        subscribe(h, all[i], i % 3 == 0 ? own : "t/+");
    }
    for (uint64_t round = 1; round <= 100; round++) {
        publish(h, 0);
        for (int part = 0; !hub_flush(h, now, 3); part++)
            publish(h, part % 30);
        for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
            assert_true(all[i]->writes <= round + 1); /* one more where a chunk ends */
            assert_true(i % 3 == 0 || all[i]->writes + 1 >= round);
        }
    }
    settle(h);
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        assert_int_equal(all[i]->doubles + all[i]->gaps, 0);
        fake_free(h, all[i]);
    }
    hub_free(h);
}

static void who_comes_goes_or_asks_for_more_during_a_round_misses_nothing(void **state)
{
    struct hub *h = make_hub();
    struct fake *all[8], *late = fake_new(ENDLESS);

    (void)state;
    make_readers(h, all, ARRAY_SIZE(all), "t/a");
    publish(h, 0);
    assert_false(hub_flush(h, now, 3));
    publish(h, 0);
    subscribe(h, late, "t/a");   /* the newest value, at once */
    subscribe(h, all[1], "t/b"); /* had its turn: gets the second out of turn */
    subscribe(h, all[5], "t/b"); /* is still to have it: both */
    fake_free(h, all[2]);
    fake_free(h, all[6]);
    assert_int_equal(all[1]->n[0], 2);
    assert_int_equal(all[5]->n[0], 2);
    assert_int_equal(late->n[0], 1);
    publish(h, 0);
    settle(h);
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        if (i == 2 || i == 6)
            continue;
        assert_int_equal(all[i]->n[0], 3);
        assert_int_equal(all[i]->doubles + all[i]->gaps, 0);
        fake_free(h, all[i]);
    }
    assert_int_equal(late->n[0], 2);
    fake_free(h, late);
    assert_int_equal(hub_n_channels(h), 0);
    assert_int_equal(hub_log_bytes(h), 0);
    hub_free(h);
}

static void a_log_whose_last_reader_leaves_is_given_back(void **state)
{
    struct hub *h = make_hub();
    struct fake *live = fake_new(ENDLESS), *waiting = fake_new(0);

    (void)state;
    publish(h, 0);
    subscribe(h, waiting, "t/+"); /* its snapshot waits for room */
    subscribe(h, live, "t/+");
    publish(h, 0);
    assert_true(hub_log_bytes(h) > 0);
    fake_free(h, live);
    assert_int_equal(hub_log_bytes(h), 0);
    publish(h, 0);
    open_up(h, waiting, ENDLESS);
    settle(h);
    publish(h, 0);
    settle(h);
    assert_int_equal(waiting->last[0], values[0]);
    assert_int_equal(waiting->n[0], 2);
    fake_free(h, waiting);
    hub_free(h);
}

static void a_log_that_only_stalled_readers_wait_for_is_bounded_without_a_round(void **state)
{
    struct hub *h = make_hub();
    struct fake *f = fake_new(10);

    (void)state;
    subscribe(h, f, "t/+");
    publish(h, 0);
    settle(h);
    for (int i = 0; i < 20000; i++)
        publish(h, i % 4);
    assert_true(hub_log_bytes(h) <= limits.max_channel_log + 65536);
    open_up(h, f, ENDLESS);
    settle(h);
    for (int t = 0; t < 4; t++)
        assert_int_equal(f->last[t], values[t]);
    assert_int_equal(f->doubles, 0);
    fake_free(h, f);
    hub_free(h);
}

static void stalled_readers_with_channels_of_their_own_cost_no_more_than_the_bound(void **state)
{
    struct hub_limits few = limits;
    struct fake *all[TOPICS];
    struct hub *h;
    char filter[4] = "t/?";

    (void)state;
    memset(values, 0, sizeof(values));
    few.max_logs = 128 * 1024; /* two logs at their own limit */
    assert_int_equal(hub_new(&few, &h), 0);
    for (int i = 0; i < TOPICS; i++) {
        all[i] = fake_new(100);
        filter[2] = (char)('a' + i);
        subscribe(h, all[i], filter);
    }
    for (int n = 0; n < 3000; n++) {
        for (int i = 0; i < TOPICS; i++)
            publish(h, i);
        if (n % 8 == 0)
            turn(h);
    }
    turn(h);
    assert_true(hub_log_bytes(h) <= few.max_logs + TOPICS * 4096);
    for (int i = 0; i < TOPICS; i++)
        open_up(h, all[i], ENDLESS);
    settle(h);
    for (int i = 0; i < TOPICS; i++) {
        assert_int_equal(all[i]->last[i], values[i]);
        fake_free(h, all[i]);
    }
    hub_free(h);
}

static void a_large_message_is_cut_by_no_boundary(void **state)
{
    struct hub *h = make_hub();
    struct fake *f = fake_new(10);

    (void)state;
    f->filler = 20000;
    subscribe(h, f, "t/+");
    for (int i = 0; i < 20; i++) {
        publish_sized(h, i % 2, true, f->filler);
        settle(h);
        open_up(h, f, 7001);
        settle(h);
    }
    open_up(h, f, ENDLESS);
    settle(h);
    assert_int_equal(f->last[0], values[0]);
    assert_int_equal(f->last[1], values[1]);
    fake_free(h, f);
    hub_free(h);
}

static void a_packet_over_the_readers_maximum_is_left_out(void **state)
{
    struct hub *h = make_hub();
    struct fake *f = fake_new(ENDLESS);
    struct filterset want = {0}, snapshot = {0};

    (void)state;
    assert_int_equal(filterset_put(&want, "t/+", 3, false, 0), 0);
    assert_int_equal(hub_subscribe(h, &f->reader, &wire, 50, &want, &snapshot), 0);
    publish_sized(h, 0, true, 100);
    settle(h);
    assert_int_equal(f->n[0], 0);
    publish(h, 0);
    settle(h);
    assert_int_equal(f->n[0], 1);
    fake_free(h, f);
    hub_free(h);
}

static void subscribing_to_more_loses_nothing_of_what_was_there(void **state)
{
    struct hub *h = make_hub();
    struct fake *f = fake_new(ENDLESS);

    (void)state;
    publish(h, 0);
    subscribe(h, f, "t/a");
    settle(h);
    for (int i = 0; i < 1000; i++) {
        publish(h, 0);
        if (i % 3 == 0)
            subscribe(h, f, i % 2 ? "t/b" : "t/c");
        if (i % 7 == 0)
            unsubscribe(h, f, i % 2 ? "t/c" : "t/b");
        if (i % 5 == 0)
            turn(h);
    }
    settle(h);
    assert_int_equal(f->gaps, 0);
    assert_int_equal(f->n[0], 1001);
    assert_int_equal(f->doubles, 0);
    fake_free(h, f);
    hub_free(h);
}

static void a_paced_reader_gets_at_most_one_value_an_interval_and_always_the_last(void **state)
{
    struct hub *h = make_hub();
    struct fake *f = fake_new(ENDLESS);

    (void)state;
    assert_int_equal(subscribe_paced(h, f, "t/+", 500), 0);
    for (int ms = 0; ms < 10000; ms++) {
        now.ns += 1000000;
        publish(h, 0);
        turn(h);
    }
    assert_in_range(f->n[0], 19, 21);
    now.ns += 500 * 1000000;
    assert_false(mono_before(now, hub_deadline(h)));
    settle(h);
    assert_int_equal(f->last[0], values[0]);
    assert_int_equal(hub_deadline(h).ns, MONO_NEVER.ns);
    fake_free(h, f);
    hub_free(h);
}

static void a_paced_filter_beside_an_unpaced_one_loses_no_last_value_in_a_stall(void **state)
{
    struct hub *h = make_hub();
    struct fake *f = fake_new(ENDLESS);

    (void)state;
    subscribe(h, f, "t/a");
    assert_int_equal(subscribe_paced(h, f, "t/b", 500), 0);
    settle(h);
    publish(h, 1);
    settle(h);
    publish(h, 1); /* waits for its pace */
    f->room = 0;
    for (int i = 0; i < 20000; i++) {
        publish(h, 0);
        turn(h);
    }
    open_up(h, f, ENDLESS);
    settle(h);
    now.ns += 500 * 1000000;
    settle(h);
    assert_int_equal(f->last[0], values[0]);
    assert_int_equal(f->last[1], values[1]);
    fake_free(h, f);
    hub_free(h);
}

static void the_same_values_after_a_reconnect_are_no_news(void **state)
{
    struct hub *h = make_hub();
    struct fake *f = fake_new(ENDLESS);
    struct message again = {.topic = "t/a",
                            .topic_len = 3,
                            .payload = (const uint8_t *)values,
                            .len = 8,
                            .retain = true};

    (void)state;
    publish(h, 0);
    publish(h, 1);
    subscribe(h, f, "t/+");
    settle(h);
    hub_sync_begin(h);
    hub_publish(h, &again);
    settle(h);
    assert_int_equal(f->n[0], 1);
    hub_sync_end(h); /* t/b did not come again */
    f->last[1] = 0;  /* an empty payload reads as 0 */
    settle(h);
    assert_int_equal(f->n[1], 2);
    fake_free(h, f);
    hub_free(h);
}

static void more_matches_than_allowed_are_refused_and_nothing_is_left_behind(void **state)
{
    struct hub_limits few = {
        .max_topics = 100, .max_matches = 3, .max_channel_log = 65536, .max_logs = 1 << 20};
    struct hub *h;
    struct fake *f = fake_new(ENDLESS);

    (void)state;
    memset(values, 0, sizeof(values));
    assert_int_equal(hub_new(&few, &h), 0);
    for (int i = 0; i < 5; i++)
        publish(h, i);
    assert_int_equal(subscribe_paced(h, f, "t/+", 0), -ENOSPC);
    assert_int_equal(hub_n_channels(h), 0);
    subscribe(h, f, "t/a");
    settle(h);
    assert_int_equal(f->n[0], 1);
    fake_free(h, f);
    hub_free(h);
}

static void a_topic_over_the_limit_is_counted(void **state)
{
    struct hub_limits few = {
        .max_topics = 2, .max_matches = 10, .max_channel_log = 65536, .max_logs = 1 << 20};
    struct hub *h;

    (void)state;
    assert_int_equal(hub_new(&few, &h), 0);
    for (int i = 0; i < 5; i++)
        publish(h, i);
    assert_int_equal(hub_n_topics(h), 2);
    assert_int_equal(hub_stats(h)->topics_refused, 3);
    hub_free(h);
}

/* Everything at random, many readers; at the end every one has the newest value of what it asked
 * for, and who never stalled has had every message since it came. */
static void whatever_happens_every_reader_ends_with_the_newest_values(void **state)
{
    static const char *const filters[] = {"t/+", "t/a", "t/b", "t/#", "t/c", "#", "t/d"};
    struct fake *all[24];
    struct hub *h = make_hub();
    struct rng rng;

    (void)state;
    rng_seed(&rng, 20261121);
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        all[i] = fake_new(ENDLESS);
    for (int step = 0; step < 200000; step++) {
        size_t i = rng_below(&rng, ARRAY_SIZE(all));
        bool stalls = i % 2 == 0;
        switch (rng_below(&rng, 12)) {
        case 0:
            subscribe(h, all[i], filters[rng_below(&rng, ARRAY_SIZE(filters))]);
            break;
        case 1:
            if (rng_below(&rng, 4) == 0 && stalls)
                unsubscribe(h, all[i], filters[rng_below(&rng, ARRAY_SIZE(filters))]);
            break;
        case 2:
            if (stalls)
                all[i]->room = rng_below(&rng, 300);
            break;
        case 3:
            if (stalls)
                open_up(h, all[i], rng_below(&rng, 5000));
            break;
        case 4:
            if (rng_below(&rng, 40) == 0) {
                fake_free(h, all[i]);
                all[i] = fake_new(ENDLESS);
            }
            break;
        case 5:
            now.ns += 1000000;
            if (!hub_in_round(h))
                hub_catch_up(h);
            (void)hub_flush(h, now, (unsigned)(1 + rng_below(&rng, 30)));
            break;
        default:
            publish(h, (int)rng_below(&rng, rng_below(&rng, 3) == 0 ? TOPICS : 4));
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        open_up(h, all[i], ENDLESS);
    }
    settle(h);
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        const struct filterset *has = hub_filters(&all[i]->reader);
        for (int t = 0; t < TOPICS; t++) {
            char name[3] = {'t', '/', (char)('a' + t)};
            if (filterset_matches(has, name, 3))
                assert_int_equal(all[i]->last[t], values[t]);
        }
        if (i % 2 == 1)
            assert_int_equal(all[i]->gaps, 0);
    }
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        fake_free(h, all[i]);
    assert_int_equal(hub_n_channels(h), 0);
    assert_int_equal(hub_log_bytes(h), 0);
    hub_free(h);
}

/* A reader that goes on from the place of the last message that `before` has got. */
static struct fake *resumed(struct hub *h, const struct fake *before, uint32_t interval_ms)
{
    struct fake *f = fake_new(ENDLESS);
    struct filterset want = {0};

    f->filler = before->filler;
    memcpy(f->last, before->last, sizeof(f->last));
    assert_int_equal(filterset_put(&want, "t/+", 3, false, interval_ms), 0);
    assert_int_equal(hub_resume(h, &f->reader, &wire, SIZE_MAX, &want, before->place), 0);
    hub_serve(h, &f->reader);
    settle(h);
    return f;
}

static void a_reader_that_resumes_gets_what_changed_since_and_nothing_else(void **state)
{
    struct hub *h = make_hub();
    struct fake *f = fake_new(ENDLESS), *again;

    (void)state;
    for (int t = 0; t < 4; t++)
        publish(h, t);
    subscribe(h, f, "t/+");
    settle(h);
    fake_free(h, f);
    f = fake_new(ENDLESS);
    f->place = hub_position(h).version;
    publish(h, 1);
    publish(h, 1);
    publish_sized(h, 3, false, 0); /* not retained, but it changed */
    again = resumed(h, f, 0);
    assert_int_equal(again->n[0] + again->n[2], 0);
    assert_int_equal(again->n[1], 1);
    assert_int_equal(again->last[1], 3);
    assert_int_equal(again->n[3], 1);
    publish(h, 0);
    settle(h);
    assert_int_equal(again->n[0], 1);
    fake_free(h, f);
    fake_free(h, again);
    hub_free(h);
}

static void two_hubs_count_in_runs_of_their_own(void **state)
{
    struct hub *h = make_hub(), *g = make_hub();

    (void)state;
    assert_int_not_equal(hub_position(h).run, hub_position(g).run);
    hub_free(h);
    hub_free(g);
}

static void from_the_place_of_any_message_nothing_is_missed(void **state)
{
    struct rng rng;

    (void)state;
    rng_seed(&rng, 5);
    for (int round = 0; round < 60; round++) {
        struct hub *h = make_hub();
        uint32_t interval_ms = round % 3 == 0 ? 0 : 100;
        struct fake *f = fake_new(2000 + rng_below(&rng, 9000)), *again;

        f->filler = 900; /* some messages to a frame */
        assert_int_equal(subscribe_paced(h, f, "t/+", interval_ms), 0);
        for (int i = 0; i < 100; i++) {
            publish_sized(h, (int)rng_below(&rng, TOPICS), true, f->filler);
            now = mono_add_ms(now, (int64_t)rng_below(&rng, 30));
            turn(h);
        }
        again = resumed(h, f, interval_ms);
        for (int t = 0; t < TOPICS; t++)
            assert_int_equal(again->last[t], values[t]);
        fake_free(h, f);
        fake_free(h, again);
        hub_free(h);
    }
}

static void a_message_without_a_form_is_left_out(void **state)
{
    struct hub *h = make_hub();
    struct fake *f = fake_new(ENDLESS);

    (void)state;
    wire_is_mute = true;
    publish(h, 0);
    subscribe(h, f, "t/+");
    publish(h, 0);
    settle(h);
    wire_is_mute = false;
    assert_int_equal(f->n[0], 0);
    assert_int_equal(hub_stats(h)->delivered[0], 0);
    publish(h, 0);
    settle(h);
    assert_int_equal(f->n[0], 1);
    fake_free(h, f);
    hub_free(h);
}

/* A round of a pace may take several frames: who loses his place between them is owed the rest. */
static void a_paced_round_that_is_cut_between_its_frames_is_not_done(void **state)
{
    struct hub *h = make_hub();
    struct fake *slow = fake_new(3 + 4 * (sizeof(struct wire) + 900)), *quick = fake_new(ENDLESS);

    (void)state;
    slow->filler = quick->filler = 900;
    assert_int_equal(subscribe_paced(h, slow, "t/+", 100), 0);
    assert_int_equal(subscribe_paced(h, quick, "t/+", 100), 0);
    for (int round = 0; round < 40; round++) {
        for (int t = round == 0 ? 0 : 8; t < TOPICS; t++) /* the first eight change only once */
            publish_sized(h, t, true, slow->filler);
        now = mono_add_ms(now, 200);
        turn(h);
    }
    assert_true(hub_stats(h)->catch_ups > 0);
    open_up(h, slow, ENDLESS);
    settle(h);
    for (int t = 0; t < TOPICS; t++)
        assert_int_equal(slow->last[t], values[t]);
    fake_free(h, slow);
    fake_free(h, quick);
    hub_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_newcomer_gets_the_retained_values_and_then_every_message),
        cmocka_unit_test(a_message_that_is_not_retained_does_not_reach_a_newcomer),
        cmocka_unit_test(a_message_that_has_expired_reaches_those_who_were_there_alone),
        cmocka_unit_test(readers_that_ask_for_the_same_share_a_channel),
        cmocka_unit_test(overlapping_filters_deliver_a_message_once),
        cmocka_unit_test(
            a_reader_that_stalls_gets_the_newest_value_of_each_topic_and_then_goes_on_live),
        cmocka_unit_test(
            a_log_that_nobody_reads_is_not_written_and_those_who_return_get_nothing_twice),
        cmocka_unit_test(what_comes_during_a_round_is_for_those_whose_turn_is_still_to_come),
        cmocka_unit_test(nobody_is_written_to_twice_in_a_round),
        cmocka_unit_test(who_comes_goes_or_asks_for_more_during_a_round_misses_nothing),
        cmocka_unit_test(a_log_whose_last_reader_leaves_is_given_back),
        cmocka_unit_test(a_log_that_only_stalled_readers_wait_for_is_bounded_without_a_round),
        cmocka_unit_test(stalled_readers_with_channels_of_their_own_cost_no_more_than_the_bound),
        cmocka_unit_test(a_large_message_is_cut_by_no_boundary),
        cmocka_unit_test(a_packet_over_the_readers_maximum_is_left_out),
        cmocka_unit_test(subscribing_to_more_loses_nothing_of_what_was_there),
        cmocka_unit_test(a_paced_reader_gets_at_most_one_value_an_interval_and_always_the_last),
        cmocka_unit_test(a_paced_filter_beside_an_unpaced_one_loses_no_last_value_in_a_stall),
        cmocka_unit_test(the_same_values_after_a_reconnect_are_no_news),
        cmocka_unit_test(more_matches_than_allowed_are_refused_and_nothing_is_left_behind),
        cmocka_unit_test(a_topic_over_the_limit_is_counted),
        cmocka_unit_test(a_reader_that_resumes_gets_what_changed_since_and_nothing_else),
        cmocka_unit_test(two_hubs_count_in_runs_of_their_own),
        cmocka_unit_test(from_the_place_of_any_message_nothing_is_missed),
        cmocka_unit_test(a_message_without_a_form_is_left_out),
        cmocka_unit_test(a_paced_round_that_is_cut_between_its_frames_is_not_done),
        cmocka_unit_test(whatever_happens_every_reader_ends_with_the_newest_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
