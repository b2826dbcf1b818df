/*
 * Against a real Mosquitto on a free port of its own, and against a few lines that play a broker
 * that speaks no MQTT 5.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/broker.h"
#include "common/log.h"
#include "tests/unit/common/capture.h"

#ifdef __SANITIZE_THREAD__
/* libmosquitto 2.0.11 unlocks a mutex that it does not hold when the broker sends a DISCONNECT
 * (do_client_disconnect() from handle__disconnect()); each connection of ours ends its client. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "mutex:libmosquitto.so";
}
#endif

#define PATIENCE_MS 10000 /* far beyond what any condition here takes */

/*
 * A server under test
 */

struct server {
    pid_t pid;
    uint16_t port;
    char conf[64], url[64];
};

/* A listening socket on a free loopback port. */
static int listen_anywhere(int backlog, uint16_t *ret_port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(sa);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
    *ret_port = ntohs(sa.sin_port);
    return fd;
}

static bool answers(uint16_t port)
{
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;

    close(fd);
    return ok;
}

static void server_start(struct server *s)
{
    struct mono limit = mono_add_ms(mono_now(), PATIENCE_MS);

    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0) {
        execl("/usr/sbin/mosquitto", "mosquitto", "-c", s->conf, (char *)NULL);
        _exit(127);
    }
    while (!answers(s->port)) {
        assert_true(mono_before(mono_now(), limit));
        assert_int_equal(waitpid(s->pid, NULL, WNOHANG), 0);
        poll(NULL, 0, 2);
    }
}

static void server_kill(struct server *s)
{
    if (s->pid <= 0)
        return;
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

/* `settings` are further lines of its configuration. */
static void server_new(struct server *s, const char *settings)
{
    int fd;
    FILE *f;

    *s = (struct server){.conf = "/tmp/tapecast-broker-test-XXXXXX"};
    close(listen_anywhere(1, &s->port));
    snprintf(s->url, sizeof(s->url), "mqtt://127.0.0.1:%u", s->port);
    fd = mkstemp(s->conf);
    assert_true(fd >= 0);
    f = fdopen(fd, "w");
    fprintf(f, "user root\nlistener %u 127.0.0.1\npersistence false\nlog_dest none\n%s\n", s->port,
            settings);
    fclose(f);
    server_start(s);
}

static void server_free(struct server *s)
{
    server_kill(s);
    unlink(s->conf);
}

/*
 * A broker whose events are kept
 */

struct client {
    struct broker *broker;
    int ups, downs, messages, subscribed, acknowledged;
    bool mqtt5;
    char why[160], topic[64], payload[64];
    size_t len;
    bool retain, properties;
    uint64_t identifiers; /* of all messages, a bit each */
    int64_t longest_run_ns;
};

static void on_up(void *ctx, bool mqtt5)
{
    struct client *c = ctx;

    c->ups++;
    c->mqtt5 = mqtt5;
}

static void on_down(void *ctx, const char *why)
{
    struct client *c = ctx;

    c->downs++;
    snprintf(c->why, sizeof(c->why), "%s", why);
}

static void on_message(void *ctx, const struct broker_message *m)
{
    struct client *c = ctx;

    c->messages++;
    snprintf(c->topic, sizeof(c->topic), "%s", m->topic);
    c->len = m->len < sizeof(c->payload) ? m->len : sizeof(c->payload);
    memcpy(c->payload, m->payload, c->len);
    c->retain = m->retain;
    c->properties |= m->properties != NULL;
    c->identifiers |= UINT64_C(1) << m->identifier;
}

static void on_subscribed(void *ctx, int id)
{
    ((struct client *)ctx)->subscribed = id;
}

static void on_acknowledged(void *ctx, int id)
{
    ((struct client *)ctx)->acknowledged = id;
}

static const struct broker_events events = {on_up, on_down, on_message, on_subscribed,
                                            on_acknowledged};

static void client_new(struct client *c, const char *url, const char *id, const char *will_topic)
{
    struct broker_config config = {.address = {.url = url},
                                   .client_id = id,
                                   .will_topic = will_topic,
                                   .will_payload = "gone",
                                   .events = &events,
                                   .ctx = c};

    *c = (struct client){0};
    assert_int_equal(broker_new(&config, &c->broker), 0);
}

/* One turn of an owner's loop, waiting at most `max_ms`. */
static void turn(struct client *c, int max_ms)
{
    struct pollfd fds[BROKER_POLL_FDS];
    size_t n = broker_poll(c->broker, fds);
    int timeout = mono_timeout_ms(broker_deadline(c->broker), mono_now());
    struct mono start;
    int64_t ns;

    poll(fds, n, timeout < 0 || timeout > max_ms ? max_ms : timeout);
    start = mono_now();
    broker_run(c->broker, start);
    ns = mono_now().ns - start.ns;
    if (ns > c->longest_run_ns)
        c->longest_run_ns = ns;
}

#define RUN_UNTIL(c, condition)                                                                    \
    do {                                                                                           \
        struct mono limit = mono_add_ms(mono_now(), PATIENCE_MS);                                  \
        while (!(condition)) {                                                                     \
            assert_true(mono_before(mono_now(), limit));                                           \
            turn(c, 100);                                                                          \
        }                                                                                          \
    } while (0)

static void client_up(struct client *c, const char *url, const char *id, const char *will_topic)
{
    client_new(c, url, id, will_topic);
    RUN_UNTIL(c, c->ups == 1);
}

static void subscribe_as(struct client *c, const char *filter, uint32_t identifier)
{
    int id = broker_subscribe(c->broker, filter, 0, identifier);

    assert_true(id > 0);
    c->subscribed = 0;
    RUN_UNTIL(c, c->subscribed == id);
}

static void subscribe(struct client *c, const char *filter)
{
    subscribe_as(c, filter, 0);
}

/* Send one message to ourselves through the broker. */
static void round_trip(struct client *c)
{
    int seen = c->messages;

    assert_true(broker_publish(c->broker, "echo", "x", 1, 0, false) > 0);
    RUN_UNTIL(c, c->messages > seen && strcmp(c->topic, "echo") == 0);
}

/*
 * The tests
 */

static int start_server(void **state)
{
    static struct server s;

    server_new(&s, "allow_anonymous true");
    *state = &s;
    return 0;
}

static int stop_server(void **state)
{
    server_free(*state);
    return 0;
}

static void it_comes_up_with_mqtt_5(void **state)
{
    struct server *s = *state;
    struct client c;

    client_up(&c, s->url, __func__, NULL);
    assert_true(c.mqtt5);
    assert_true(broker_is_up(c.broker));
    broker_free(c.broker);
}

static void close_in_message(void *ctx, const struct broker_message *m)
{
    struct client *c = ctx;

    on_message(ctx, m);
    broker_close(c->broker);
}

static void no_message_comes_after_closing(void **state)
{
    static const struct broker_events closing = {
        .up = on_up, .message = close_in_message, .subscribed = on_subscribed};
    struct server *s = *state;
    struct client c = {0};
    struct broker_config config = {
        .address = {.url = s->url}, .client_id = __func__, .events = &closing, .ctx = &c};

    assert_int_equal(broker_new(&config, &c.broker), 0);
    RUN_UNTIL(&c, c.ups == 1);
    subscribe(&c, "burst");
    for (int i = 0; i < 50; i++)
        assert_true(broker_publish(c.broker, "burst", "x", 1, 0, false) > 0);
    RUN_UNTIL(&c, broker_is_closed(c.broker));
    assert_int_equal(c.messages, 1);
    broker_free(c.broker);
}

static void a_localhost_name_and_a_user_are_read_from_the_url(void **state)
{
    struct server *s = *state;
    struct client c;
    char url[64];

    snprintf(url, sizeof(url), "mqtt://someone@localhost:%u/", s->port);
    client_up(&c, url, __func__, NULL);
    broker_free(c.broker);
}

static void a_message_comes_back_byte_for_byte(void **state)
{
    struct server *s = *state;
    struct client c;

    client_up(&c, s->url, __func__, NULL);
    subscribe(&c, "bytes/#");
    assert_true(broker_publish(c.broker, "bytes/all", "a\0b\xff", 4, 0, false) > 0);
    RUN_UNTIL(&c, c.messages == 1);
    assert_string_equal(c.topic, "bytes/all");
    assert_int_equal(c.len, 4);
    assert_memory_equal(c.payload, "a\0b\xff", 4);
    assert_false(c.retain);
    broker_free(c.broker);
}

static void a_retained_message_keeps_its_flag_for_those_already_there(void **state)
{
    struct server *s = *state;
    struct client c;

    client_up(&c, s->url, __func__, NULL);
    subscribe(&c, "kept");
    assert_true(broker_publish(c.broker, "kept", "1", 1, 0, true) > 0);
    RUN_UNTIL(&c, c.messages == 1);
    assert_true(c.retain);
    broker_free(c.broker);
}

static void each_copy_of_a_message_bears_the_identifier_of_its_subscription(void **state)
{
    const struct server *s = *state;
    struct client c;

    client_up(&c, s->url, __func__, NULL);
    assert_true(broker_tells_doubles(c.broker));
    subscribe_as(&c, "i/+", 1);
    subscribe_as(&c, "+/i", 60);
    assert_true(broker_publish(c.broker, "i/i", "x", 1, 0, false) > 0);
    RUN_UNTIL(&c, c.messages == 2);
    assert_int_equal(c.identifiers, UINT64_C(1) << 1 | UINT64_C(1) << 60);
    subscribe(&c, "echo");
    round_trip(&c);
    assert_true(c.identifiers & 1);
    assert_false(c.properties); /* the identifier is for us alone */
    broker_free(c.broker);
}

static void quality_of_service_1_is_acknowledged(void **state)
{
    struct server *s = *state;
    struct client c;
    int id;

    client_up(&c, s->url, __func__, NULL);
    id = broker_publish(c.broker, "t", "x", 1, 1, false);
    assert_true(id > 0);
    RUN_UNTIL(&c, c.acknowledged == id);
    broker_free(c.broker);
}

static void quality_of_service_0_is_never_acknowledged(void **state)
{
    struct server *s = *state;
    struct client c;

    client_up(&c, s->url, __func__, NULL);
    subscribe(&c, "echo");
    for (int i = 0; i < 100; i++)
        round_trip(&c);
    assert_int_equal(c.acknowledged, 0);
    broker_free(c.broker);
}

static void publishing_what_cannot_be_published_is_refused(void **state)
{
    struct server *s = *state;
    struct client c;

    client_new(&c, s->url, __func__, NULL);
    assert_int_equal(broker_publish(c.broker, "t", "x", 1, 0, false), -ENOTCONN);
    assert_int_equal(broker_subscribe(c.broker, "t", 0, 0), -ENOTCONN);
    RUN_UNTIL(&c, c.ups == 1);
    assert_int_equal(broker_publish(c.broker, "a/+/b", "x", 1, 0, false), -EINVAL);
    assert_int_equal(broker_publish(c.broker, "", "x", 1, 0, false), -EINVAL);
    assert_int_equal(broker_subscribe(c.broker, "a/#/b", 0, 0), -EINVAL);
    broker_free(c.broker);
}

static void freeing_it_publishes_the_will(void **state)
{
    struct server *s = *state;
    struct client watcher, c;

    client_up(&watcher, s->url, "watcher", NULL);
    subscribe(&watcher, "will/a");
    client_up(&c, s->url, __func__, "will/a");
    broker_free(c.broker);
    RUN_UNTIL(&watcher, watcher.messages == 1);
    assert_memory_equal(watcher.payload, "gone", 4);
    assert_true(watcher.retain);
    broker_free(watcher.broker);
}

static void closing_it_writes_what_is_queued_and_publishes_no_will(void **state)
{
    struct server *s = *state;
    struct client watcher, c;

    client_up(&watcher, s->url, "watcher", NULL);
    subscribe(&watcher, "echo");
    subscribe(&watcher, "will/b");
    subscribe(&watcher, "last/words");
    client_up(&c, s->url, "b", "will/b");
    assert_true(broker_publish(c.broker, "last/words", "bye", 3, 0, false) > 0);
    broker_close(c.broker);
    RUN_UNTIL(&c, broker_is_closed(c.broker));
    assert_int_equal(c.downs, 0);
    broker_free(c.broker);

    RUN_UNTIL(&watcher, watcher.messages == 1);
    assert_string_equal(watcher.topic, "last/words");
    for (int i = 0; i < 5; i++) /* turns of the broker's loop, in which a will would come */
        round_trip(&watcher);
    assert_int_equal(watcher.messages, 6);
    broker_free(watcher.broker);
}

static void closing_it_before_it_is_up_closes_at_once(void **state)
{
    struct server *s = *state;
    struct client c;

    client_new(&c, s->url, __func__, NULL);
    broker_run(c.broker, mono_now());
    broker_close(c.broker);
    assert_true(broker_is_closed(c.broker));
    turn(&c, 0);
    assert_int_equal(c.ups, 0);
    broker_free(c.broker);
}

static void close_in_up(void *ctx, bool mqtt5)
{
    struct client *c = ctx;

    on_up(ctx, mqtt5);
    broker_close(c->broker);
}

static void it_may_be_closed_from_a_callback(void **state)
{
    static const struct broker_events closing = {.up = close_in_up};
    struct server *s = *state;
    struct client c = {0};
    struct broker_config config = {
        .address = {.url = s->url}, .client_id = __func__, .events = &closing, .ctx = &c};

    assert_int_equal(broker_new(&config, &c.broker), 0);
    RUN_UNTIL(&c, broker_is_closed(c.broker));
    assert_int_equal(c.ups, 1);
    broker_free(c.broker);
}

static void a_killed_broker_is_found_again_within_3_s(void **state)
{
    struct server *s = *state;
    struct client c;
    struct capture k;
    struct mono back;

    capture_begin(&k, STDERR_FILENO);
    client_up(&c, s->url, __func__, NULL);
    server_kill(s);
    RUN_UNTIL(&c, c.downs == 1);
    assert_int_equal(broker_publish(c.broker, "t", "x", 1, 0, false), -ENOTCONN);
    /* Long enough for the waits to have grown to their longest. */
    for (struct mono end = mono_add_ms(mono_now(), 2500); mono_before(mono_now(), end);)
        turn(&c, 100);
    server_start(s);
    back = mono_now();
    RUN_UNTIL(&c, c.ups == 2);
    assert_true(mono_before(mono_now(), mono_add_ms(back, 3000)));
    capture_end(&k);
    assert_int_equal(capture_count(&k, "is up at"), 2);
    assert_int_equal(capture_count(&k, "broker"), 3); /* up, gone, up: no line for each attempt */
    subscribe(&c, "echo");
    round_trip(&c);
    broker_free(c.broker);
}

static void a_broker_that_stops_reading_is_not_drained_until_it_goes_on(void **state)
{
    static const char payload[1000];
    struct server *s = *state;
    struct client c;

    client_up(&c, s->url, __func__, NULL);
    kill(s->pid, SIGSTOP);
    for (int i = 0; broker_is_drained(c.broker); i++) {
        assert_true(i < 100000);
        assert_true(broker_publish(c.broker, "t", payload, sizeof(payload), 0, false) > 0);
    }
    turn(&c, 0);
    assert_false(broker_is_drained(c.broker));
    kill(s->pid, SIGCONT);
    RUN_UNTIL(&c, broker_is_drained(c.broker));
    assert_int_equal(c.downs, 0);
    broker_free(c.broker);
}

static void what_is_held_leaves_before_what_follows(void **state)
{
    struct server *s = *state;
    struct client c;
    int id;

    client_up(&c, s->url, __func__, NULL);
    subscribe(&c, "held/#");
    broker_hold(c.broker, true);
    assert_true(broker_publish(c.broker, "held/1", "one", 3, 0, true) > 0);
    assert_true(broker_publish(c.broker, "held/2", "2", 1, 0, false) > 0);
    id = broker_publish(c.broker, "held/3", "three", 5, 1, false);
    assert_true(id > 0);
    assert_true(broker_publish(c.broker, "held/4", "four", 4, 0, true) > 0);
    assert_int_equal(broker_publish(c.broker, "held/#", "x", 1, 0, true), -EINVAL);
    broker_hold(c.broker, false);
    RUN_UNTIL(&c, c.messages == 4 && c.acknowledged == id);
    assert_string_equal(c.topic, "held/4");
    assert_true(c.retain);
    assert_memory_equal(c.payload, "four", 4);
    assert_int_equal(c.downs, 0);
    broker_free(c.broker);
}

static void what_is_held_is_not_cut_by_a_broker_that_stops_reading(void **state)
{
    static const char payload[1000];
    struct server *s = *state;
    struct client c;

    client_up(&c, s->url, __func__, NULL);
    kill(s->pid, SIGSTOP);
    for (int i = 0; broker_is_drained(c.broker); i++) {
        assert_true(i < 100000);
        broker_hold(c.broker, true);
        for (int k = 0; k < 10; k++)
            assert_true(broker_publish(c.broker, "t", payload, sizeof(payload), 0, false) > 0);
        broker_hold(c.broker, false);
    }
    assert_int_equal(broker_publish(c.broker, "t", "x", 1, 1, false), -ENOTCONN);
    for (int i = 0; i < 3; i++)
        turn(&c, 1100); /* past a keep-alive's turn */
    assert_false(broker_is_drained(c.broker));
    kill(s->pid, SIGCONT);
    RUN_UNTIL(&c, broker_is_drained(c.broker));
    subscribe(&c, "echo");
    round_trip(&c); /* behind half a message it would not be understood */
    assert_int_equal(c.downs, 0);
    broker_free(c.broker);
}

static void a_burst_arrives_whole(void **state)
{
    struct server *s = *state;
    struct client c;

    client_up(&c, s->url, __func__, NULL);
    subscribe(&c, "burst");
    for (int i = 0; i < 900; i++) /* more than one run reads, less than Mosquitto queues */
        assert_true(broker_publish(c.broker, "burst", "x", 1, 0, false) > 0);
    RUN_UNTIL(&c, c.messages == 900);
    broker_free(c.broker);
}

static void a_refusal_has_a_line_of_its_own(void **state)
{
    struct server s;
    struct client c;
    struct capture k;

    (void)state;
    server_new(&s, "allow_anonymous false");
    client_new(&c, s.url, __func__, NULL);
    capture_begin(&k, STDERR_FILENO);
    RUN_UNTIL(&c, capture_size(&k) > 0);
    for (struct mono end = mono_add_ms(mono_now(), 1000); mono_before(mono_now(), end);)
        turn(&c, 100);
    capture_end(&k);
    assert_int_equal(c.ups, 0);
    assert_non_null(strstr(k.text, "refuses us: Not authorized"));
    assert_int_equal(capture_count(&k, "\n"), 1);
    broker_free(c.broker);
    server_free(&s);
}

static void nobody_there_is_said_once(void **state)
{
    struct client c;
    struct capture k;
    char url[64];
    uint16_t port;

    (void)state;
    close(listen_anywhere(1, &port));
    snprintf(url, sizeof(url), "mqtt://127.0.0.1:%u", port);
    client_new(&c, url, __func__, NULL);
    capture_begin(&k, STDERR_FILENO);
    RUN_UNTIL(&c, capture_size(&k) > 0);
    for (struct mono end = mono_add_ms(mono_now(), 1000); mono_before(mono_now(), end);)
        turn(&c, 100);
    capture_end(&k);
    assert_int_equal(capture_count(&k, "\n"), 1);
    assert_non_null(strstr(k.text, "broker is not reachable at mqtt://127.0.0.1:"));
    assert_non_null(strstr(k.text, "Connection refused; trying again"));
    broker_free(c.broker);
}

/*
 * TLS
 */

#define TLS FIXTURES "/tls/"

static void tls_server_new(struct server *s)
{
    server_new(s,
               "allow_anonymous true\ncertfile " TLS "localhost.pem\nkeyfile " TLS "localhost.key");
}

/* A client that trusts `ca_file` and knows the server as `host`. */
static void tls_client_new(struct client *c, const struct server *s, const char *host,
                           const char *ca_file)
{
    char url[64];
    struct broker_config config = {.address = {.url = url, .ca_file = ca_file},
                                   .client_id = __func__,
                                   .events = &events,
                                   .ctx = c};

    snprintf(url, sizeof(url), "mqtts://%s:%u", host, s->port);
    *c = (struct client){0};
    assert_int_equal(broker_new(&config, &c->broker), 0);
}

static void a_certificate_that_is_trusted_lets_messages_through(void **state)
{
    struct server s;
    struct client c;

    (void)state;
    tls_server_new(&s);
    tls_client_new(&c, &s, "localhost", TLS "ca.pem");
    RUN_UNTIL(&c, c.ups == 1);
    subscribe(&c, "echo");
    for (int i = 0; i < 20; i++)
        round_trip(&c);
    broker_close(c.broker);
    RUN_UNTIL(&c, broker_is_closed(c.broker));
    broker_free(c.broker);
    server_free(&s);
}

static void a_certificate_of_strangers_or_for_another_name_is_refused(void **state)
{
    static const struct {
        const char *host, *ca_file;
    } cases[] = {{"localhost", NULL}, {"127.0.0.1", TLS "ca.pem"}};
    struct server s;

    (void)state;
    tls_server_new(&s);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct client c;
        struct capture k;

        tls_client_new(&c, &s, cases[i].host, cases[i].ca_file);
        capture_begin(&k, STDERR_FILENO);
        RUN_UNTIL(&c, capture_size(&k) > 0);
        for (struct mono end = mono_add_ms(mono_now(), 500); mono_before(mono_now(), end);)
            turn(&c, 50);
        capture_end(&k);
        assert_int_equal(c.ups, 0);
        assert_int_equal(capture_count(&k, "\n"), 1);
        assert_non_null(strstr(k.text, "TLS: certificate verify failed; trying again"));
        broker_free(c.broker);
    }
    server_free(&s);
}

static void plain_and_tls_do_not_meet(void **state)
{
    struct server *plain = *state, s;
    struct client c;
    int64_t turns = 0;

    tls_client_new(&c, plain, "localhost", TLS "ca.pem");
    for (struct mono end = mono_add_ms(mono_now(), 500); mono_before(mono_now(), end); turns++)
        turn(&c, 50);
    assert_int_equal(c.ups, 0);
    assert_true(turns < 100); /* it does not spin */
    broker_free(c.broker);

    tls_server_new(&s);
    client_new(&c, s.url, __func__, NULL);
    for (struct mono end = mono_add_ms(mono_now(), 500); mono_before(mono_now(), end);)
        turn(&c, 50);
    assert_int_equal(c.ups, 0);
    broker_free(c.broker);
    server_free(&s);
}

/* A listener whose queue is full takes no more connections: SYNs go unanswered, as from a machine
 * that is gone. */
static void an_address_that_does_not_answer_never_blocks(void **state)
{
    uint16_t port;
    int fd = listen_anywhere(0, &port), fill[4];
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct client c;
    struct mono start;
    char url[64];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(fill); i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)!connect(fill[i], (struct sockaddr *)&sa, sizeof(sa));
    }
    snprintf(url, sizeof(url), "mqtt://127.0.0.1:%u", port);
    client_new(&c, url, __func__, NULL);
    for (struct mono end = mono_add_ms(mono_now(), 300); mono_before(mono_now(), end);)
        turn(&c, 20);
    assert_int_equal(c.ups, 0);
    assert_true(c.longest_run_ns < 50 * 1000 * 1000);
    start = mono_now();
    broker_free(c.broker);
    assert_true(mono_before(mono_now(), mono_add_ms(start, 50)));
    for (size_t i = 0; i < ARRAY_SIZE(fill); i++)
        close(fill[i]);
    close(fd);
}

/*
 * A broker of the last century
 */

struct old_broker {
    int fd;
    uint16_t port;
    bool hangs_up; /* on a version it does not know, rather than saying so */
    pthread_t thread;
};

static const unsigned char refused[] = {0x20, 2, 0, 1}, accepted[] = {0x20, 2, 0, 0};

/* Serve two connections: the one of version 5 and the one that follows it. */
static void *old_broker_run(void *arg)
{
    struct old_broker *o = arg;

    for (int i = 0; i < 2; i++) {
        int fd = accept(o->fd, NULL, NULL);
        unsigned char packet[256];
        ssize_t n = read(fd, packet, sizeof(packet));
        bool known = n > 8 && packet[8] == 4; /* the protocol level, after "MQTT" */

        if (known)
            (void)!write(fd, accepted, sizeof(accepted));
        else if (!o->hangs_up)
            (void)!write(fd, refused, sizeof(refused));
        while (known && read(fd, packet, sizeof(packet)) > 0)
            ;
        close(fd);
    }
    return NULL;
}

static void speak_to_old_broker(bool hangs_up)
{
    struct old_broker o = {.hangs_up = hangs_up};
    struct client c;
    char url[64];

    o.fd = listen_anywhere(4, &o.port);
    assert_int_equal(pthread_create(&o.thread, NULL, old_broker_run, &o), 0);
    snprintf(url, sizeof(url), "mqtt://127.0.0.1:%u", o.port);
    client_up(&c, url, __func__, NULL);
    assert_false(c.mqtt5);
    assert_false(broker_tells_doubles(c.broker));
    broker_free(c.broker);
    pthread_join(o.thread, NULL);
    close(o.fd);
}

static void a_broker_that_refuses_version_5_gets_3_1_1(void **state)
{
    (void)state;
    speak_to_old_broker(false);
}

static void a_broker_that_hangs_up_on_version_5_gets_3_1_1(void **state)
{
    (void)state;
    speak_to_old_broker(true);
}

/* Welcome one client with MQTT 5 and send it away at once. */
static void *rude_broker_run(void *arg)
{
    static const unsigned char goodbye[] = {0x20, 3, 0, 0, 0, 0xe0, 2, 0x8e, 0};
    int *listener = arg, fd = accept(*listener, NULL, NULL);
    unsigned char packet[256];

    (void)!read(fd, packet, sizeof(packet));
    (void)!write(fd, goodbye, sizeof(goodbye));
    while (read(fd, packet, sizeof(packet)) > 0)
        ;
    close(fd);
    return NULL;
}

static void the_reason_of_a_disconnect_is_told(void **state)
{
    struct client c;
    pthread_t thread;
    uint16_t port;
    char url[64];
    int fd = listen_anywhere(4, &port);

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, rude_broker_run, &fd), 0);
    snprintf(url, sizeof(url), "mqtt://127.0.0.1:%u", port);
    client_new(&c, url, __func__, NULL);
    RUN_UNTIL(&c, c.downs == 1);
    assert_string_equal(c.why, "Session taken over");
    assert_int_equal(c.ups, 1);
    broker_free(c.broker);
    pthread_join(thread, NULL);
    close(fd);
}

/*
 * Brokers of MQTT 5 that treat identifiers of subscriptions in their own way
 */

struct identifying_broker {
    const unsigned char *connack;
    size_t connack_len;
    unsigned char asked[2]; /* the length of the properties of each SUBSCRIBE, one a connection */
    int fd, connections;
    uint16_t port;
    pthread_t thread;
};

/* Grant one subscription of each connection, and send "t" for it, for two at once if it has an
 * identifier. */
static void *identifying_broker_run(void *arg)
{
    static const unsigned char merged[] = {0x30, 8, 0, 1, 't', 4, 0x0b, 1, 0x0b, 2};
    static const unsigned char plain[] = {0x30, 4, 0, 1, 't', 0};
    struct identifying_broker *o = arg;

    for (int i = 0; i < o->connections; i++) {
        int fd = accept(o->fd, NULL, NULL);
        unsigned char packet[256], suback[] = {0x90, 4, 0, 0, 0, 0};

        (void)!read(fd, packet, sizeof(packet));
        (void)!write(fd, o->connack, o->connack_len);
        (void)!read(fd, packet, sizeof(packet)); /* type, length, id, properties' length */
        o->asked[i] = packet[4];
        memcpy(suback + 2, packet + 2, 2);
        (void)!write(fd, suback, sizeof(suback));
        if (o->asked[i] > 0)
            (void)!write(fd, merged, sizeof(merged));
        else
            (void)!write(fd, plain, sizeof(plain));
        while (read(fd, packet, sizeof(packet)) > 0)
            ;
        close(fd);
    }
    return NULL;
}

static void start_identifying_broker(struct identifying_broker *o, struct client *c)
{
    char url[64];

    o->fd = listen_anywhere(4, &o->port);
    assert_int_equal(pthread_create(&o->thread, NULL, identifying_broker_run, o), 0);
    snprintf(url, sizeof(url), "mqtt://127.0.0.1:%u", o->port);
    client_up(c, url, "identifying", NULL);
}

static void stop_identifying_broker(struct identifying_broker *o, struct client *c)
{
    broker_free(c->broker);
    pthread_join(o->thread, NULL);
    close(o->fd);
}

static void a_broker_that_merges_is_asked_for_identifiers_once(void **state)
{
    static const unsigned char connack[] = {0x20, 3, 0, 0, 0};
    struct identifying_broker o = {
        .connack = connack, .connack_len = sizeof(connack), .connections = 2};
    struct client c;

    (void)state;
    start_identifying_broker(&o, &c);
    subscribe_as(&c, "+", 1);
    RUN_UNTIL(&c, c.downs == 1);
    assert_non_null(strstr(c.why, "several subscription identifiers"));
    RUN_UNTIL(&c, c.ups == 2);
    assert_true(broker_tells_doubles(c.broker)); /* there are none */
    subscribe_as(&c, "+", 1);
    RUN_UNTIL(&c, c.messages == 1);
    assert_int_equal(c.identifiers, 1);
    stop_identifying_broker(&o, &c);
    assert_int_equal(o.asked[0], 2);
    assert_int_equal(o.asked[1], 0);
}

static void a_broker_without_identifiers_is_not_asked_for_them(void **state)
{
    static const unsigned char connack[] = {0x20, 5, 0, 0, 2, 0x29, 0};
    struct identifying_broker o = {
        .connack = connack, .connack_len = sizeof(connack), .connections = 1};
    struct client c;

    (void)state;
    start_identifying_broker(&o, &c);
    assert_false(broker_tells_doubles(c.broker));
    subscribe_as(&c, "+", 1);
    RUN_UNTIL(&c, c.messages == 1);
    stop_identifying_broker(&o, &c);
    assert_int_equal(o.asked[0], 0);
}

/*
 * A stream of packets, cut anywhere
 */

#define STREAM_MESSAGES 60

struct stream {
    unsigned char bytes[STREAM_MESSAGES * 64 + 100000];
    size_t len, ends[STREAM_MESSAGES]; /* of the messages in it */
};

/* Messages whose payloads count from 0, which is 70,000 bytes long in the middle: most are plain,
 * some have properties; other packets are between them. */
static void write_stream(struct stream *s)
{
    *s = (struct stream){0};
    for (int i = 0; i < STREAM_MESSAGES; i++) {
        size_t payload = i == STREAM_MESSAGES / 2 ? 70000 : 5, properties = i % 7 == 3 ? 6 : 0;
        size_t n = 3 + 1 + properties + payload;
        unsigned char *p = s->bytes + s->len;

        if (i % 5 == 4) { /* PINGRESP */
            *p++ = 0xd0;
            *p++ = 0;
        }
        *p++ = 0x30;
        for (; n >= 0x80; n >>= 7)
            *p++ = (unsigned char)(n | 0x80);
        *p++ = (unsigned char)n;
        memcpy(p, "\0\1t", 3);
        p += 3;
        *p++ = (unsigned char)properties;
        memcpy(p, "\x03\0\3txt", properties); /* the content's type */
        p += properties;
        snprintf((char *)p, 6, "%5d", i);
        s->len = (size_t)(p + payload - s->bytes);
        s->ends[i] = s->len;
    }
}

static void count_in_order(void *ctx, const struct broker_message *m)
{
    struct client *c = ctx;
    char expected[8];

    snprintf(expected, sizeof(expected), "%5d", c->messages++);
    assert_string_equal(m->topic, "t");
    assert_memory_equal(m->payload, expected, 5);
}

/* Welcome one client with MQTT 5. Returns its socket. */
static void *welcome(void *arg)
{
    static const unsigned char connack[] = {0x20, 3, 0, 0, 0};
    int *fd = arg, client = accept(*fd, NULL, NULL);
    unsigned char packet[256];

    (void)!read(client, packet, sizeof(packet));
    (void)!write(client, connack, sizeof(connack));
    *fd = client;
    return NULL;
}

/* After each piece that came nothing is left in the socket, which would wake the owner for ever,
 * and each whole message was delivered. */
static void read_in_pieces(const struct stream *s, size_t piece)
{
    static const struct broker_events counting = {.up = on_up, .message = count_in_order};
    struct client c = {0};
    struct broker_config config = {.client_id = "pieces", .events = &counting, .ctx = &c};
    struct pollfd poll_fd[BROKER_POLL_FDS];
    pthread_t thread;
    uint16_t port;
    char url[64];
    int listener = listen_anywhere(1, &port), fd = listener, whole = 0;

    snprintf(url, sizeof(url), "mqtt://127.0.0.1:%u", port);
    config.address.url = url;
    assert_int_equal(broker_new(&config, &c.broker), 0);
    assert_int_equal(pthread_create(&thread, NULL, welcome, &fd), 0);
    RUN_UNTIL(&c, c.ups == 1);
    pthread_join(thread, NULL);
    for (size_t at = 0; at < s->len; at += piece) {
        size_t n = s->len - at < piece ? s->len - at : piece;

        assert_int_equal(write(fd, s->bytes + at, n), n);
        while (whole < STREAM_MESSAGES && s->ends[whole] <= at + n)
            whole++;
        RUN_UNTIL(&c, c.messages == whole);
        RUN_UNTIL(&c, broker_poll(c.broker, poll_fd) == 1 && poll(poll_fd, 1, 0) == 0);
    }
    broker_free(c.broker);
    close(fd);
    close(listener);
}

static void messages_arrive_in_order_however_they_are_cut(void **state)
{
    static struct stream s;

    (void)state;
    write_stream(&s);
    for (size_t piece = 1009; piece < sizeof(s.bytes) * 2; piece *= 3)
        read_in_pieces(&s, piece);
    s.len = s.ends[STREAM_MESSAGES / 2 - 1]; /* the small ones */
    for (size_t piece = 1; piece < 20; piece += 3)
        read_in_pieces(&s, piece);
}

/*
 * Addresses
 */

static void an_address_that_is_none_is_refused_with_one_line(void **state)
{
    static const char *const urls[] = {
        "",
        "127.0.0.1:1883",
        "http://127.0.0.1:1883",
        "mqtt://",
        "mqtt://:1883",
        "mqtt://host:",
        "mqtt://host:0",
        "mqtt://host:65536",
        "mqtt://host:18x",
        "mqtt://host:-1",
        "mqtt://[::1",
        "mqtt://[::1]1883",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
        struct broker_config config = {
            .address = {.url = urls[i]}, .client_id = __func__, .events = &events};
        struct broker *b = NULL;
        struct capture k;
        int r;

        capture_begin(&k, STDERR_FILENO);
        r = broker_new(&config, &b);
        capture_end(&k);
        assert_int_equal(r, -EINVAL);
        assert_null(b);
        assert_int_equal(capture_count(&k, "\n"), 1);
    }
}

static void a_password_in_the_address_is_refused_and_not_logged(void **state)
{
    struct broker_config config = {.address = {.url = "mqtt://me:hunter2@127.0.0.1"},
                                   .client_id = __func__,
                                   .events = &events};
    struct broker *b = NULL;
    struct capture k;
    int r;

    (void)state;
    capture_begin(&k, STDERR_FILENO);
    r = broker_new(&config, &b);
    capture_end(&k);
    assert_int_equal(r, -EINVAL);
    assert_int_equal(capture_count(&k, "\n"), 1);
    assert_null(strstr(k.text, "hunter2"));
}

static void freeing_nothing_is_allowed(void **state)
{
    (void)state;
    broker_free(NULL);
}

int main(void)
{
    const struct CMUnitTest with_server[] = {
        cmocka_unit_test(it_comes_up_with_mqtt_5),
        cmocka_unit_test(a_localhost_name_and_a_user_are_read_from_the_url),
        cmocka_unit_test(a_message_comes_back_byte_for_byte),
        cmocka_unit_test(a_retained_message_keeps_its_flag_for_those_already_there),
        cmocka_unit_test(each_copy_of_a_message_bears_the_identifier_of_its_subscription),
        cmocka_unit_test(quality_of_service_1_is_acknowledged),
        cmocka_unit_test(quality_of_service_0_is_never_acknowledged),
        cmocka_unit_test(publishing_what_cannot_be_published_is_refused),
        cmocka_unit_test(freeing_it_publishes_the_will),
        cmocka_unit_test(closing_it_writes_what_is_queued_and_publishes_no_will),
        cmocka_unit_test(closing_it_before_it_is_up_closes_at_once),
        cmocka_unit_test(it_may_be_closed_from_a_callback),
        cmocka_unit_test(no_message_comes_after_closing),

        cmocka_unit_test(a_killed_broker_is_found_again_within_3_s),
        cmocka_unit_test(a_broker_that_stops_reading_is_not_drained_until_it_goes_on),
        cmocka_unit_test(what_is_held_leaves_before_what_follows),
        cmocka_unit_test(what_is_held_is_not_cut_by_a_broker_that_stops_reading),
        cmocka_unit_test(a_burst_arrives_whole),
        cmocka_unit_test(plain_and_tls_do_not_meet),
    };
    const struct CMUnitTest alone[] = {
        cmocka_unit_test(a_refusal_has_a_line_of_its_own),
        cmocka_unit_test(nobody_there_is_said_once),
        cmocka_unit_test(a_certificate_that_is_trusted_lets_messages_through),
        cmocka_unit_test(a_certificate_of_strangers_or_for_another_name_is_refused),
        cmocka_unit_test(an_address_that_does_not_answer_never_blocks),
        cmocka_unit_test(a_broker_that_refuses_version_5_gets_3_1_1),
        cmocka_unit_test(a_broker_that_hangs_up_on_version_5_gets_3_1_1),
        cmocka_unit_test(the_reason_of_a_disconnect_is_told),
        cmocka_unit_test(a_broker_that_merges_is_asked_for_identifiers_once),
        cmocka_unit_test(a_broker_without_identifiers_is_not_asked_for_them),
        cmocka_unit_test(messages_arrive_in_order_however_they_are_cut),
        cmocka_unit_test(an_address_that_is_none_is_refused_with_one_line),
        cmocka_unit_test(a_password_in_the_address_is_refused_and_not_logged),
        cmocka_unit_test(freeing_nothing_is_allowed),
    };
    int failed =
        cmocka_run_group_tests_name("with a broker", with_server, start_server, stop_server);

    return failed + cmocka_run_group_tests_name("without one", alone, NULL, NULL);
}
