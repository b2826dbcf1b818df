/*
 *   WAITING --deadline--> CONNECTING --link is done--> GREETING --CONNACK--> UP
 *      ^                      |                            |                 |
 *      +----- link_failed() --+----------------------------+-----------------+
 *
 * broker_close() leads through CLOSING (DISCONNECT is being written) to CLOSED.
 *
 * epoll_fd is the one descriptor the owner sees. It holds the link's `done_fd` while connecting and
 * the socket after that; so the socket may come and go without the owner's knowing.
 */
#include "common/broker.h"

#include <errno.h>
#include <limits.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/backoff.h"
#include "common/broker_link.h"
#include "common/certfile.h"
#include "common/log.h"
#include "common/outbox.h"

#include "common/banned.h"

#define RETRY_FIRST_MS 250
#define RETRY_MAX_MS 2000
#define PROVED_MS 5000      /* a link that lasted this long makes the next retry quick again */
#define CONNECT_MAX_MS 5000 /* the kernel would repeat its SYN ever more rarely, for 2 minutes */
#define CLOSE_MAX_MS 2000
#define TICK_MS 1000       /* libmosquitto counts its keep-alive in seconds */
#define STUCK_MAX_MS 14000 /* as long as it would take the library to notice */

enum state { WAITING, CONNECTING, GREETING, UP, CLOSING, CLOSED };

/* What the last complaint in the log was about, so that it is made once. */
enum complaint { NO_COMPLAINT, AWAY, REFUSED };

struct broker {
    struct broker_account account;
    const struct broker_events *events;
    void *ctx;

    enum state state;
    bool mqtt5;  /* the version of this or the next attempt */
    bool agreed; /* ... which the broker is known to speak */
    bool merges; /* the broker is known to send a message once for all subscriptions */
    enum complaint complaint;
    struct broker_link *link; /* NULL when WAITING and CLOSED */
    int epoll_fd;
    bool watches_write;
    struct outbox outbox; /* what is held */
    bool held;
    bool stuck; /* a part of `outbox` waits for the socket, so the library must not write to it */
    struct mono stuck_since;
    struct backoff backoff;
    struct mono deadline; /* see broker_deadline() */
    struct mono give_up;  /* CONNECTING, CLOSING */
    struct mono up_since;
};

/*
 * The broker's files
 */

static int check_file(const char *path, bool is_key)
{
    return path == NULL || certfile_check("broker", path, is_key) == 0 ? 0 : -EINVAL;
}

/* What the library would complain of at each attempt. Returns 0; -EINVAL, logged. */
static int check_files(const struct broker_address *a, bool tls)
{
    if (!tls && (a->ca_file != NULL || a->cert_file != NULL || a->key_file != NULL)) {
        log_error("broker: certificates need TLS: an address such as mqtts://host");
        return -EINVAL;
    }
    if ((a->cert_file == NULL) != (a->key_file == NULL)) {
        log_error("broker: a certificate and its key go together");
        return -EINVAL;
    }
    if (check_file(a->ca_file, false) < 0 || check_file(a->cert_file, false) < 0)
        return -EINVAL;
    return check_file(a->key_file, true);
}

/*
 * The broker's life
 */

static void library_init(void)
{
    /* A thread may still be connecting when the program ends: OpenSSL must not clean up under it.
     */
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
    mosquitto_lib_init(); /* ignores SIGPIPE too */
}

/* Copy `s` unless it is NULL. */
static bool copy_string(const char *s, char **ret)
{
    if (s == NULL)
        return true;
    *ret = strdup(s);
    return *ret != NULL;
}

static bool copy_account(const struct broker_config *c, struct broker_account *a)
{
    return copy_string(c->address.password, &a->password) &&
           copy_string(c->address.ca_file, &a->ca_file) &&
           copy_string(c->address.cert_file, &a->cert_file) &&
           copy_string(c->address.key_file, &a->key_file) &&
           copy_string(c->client_id, &a->client_id) && copy_string(c->will_topic, &a->will_topic) &&
           copy_string(c->will_payload, &a->will_payload);
}

static void release_account(struct broker_account *a)
{
    if (a->password != NULL)
        explicit_bzero(a->password, strlen(a->password));
    broker_url_release(&a->url);
    free(a->password);
    free(a->ca_file);
    free(a->cert_file);
    free(a->key_file);
    free(a->client_id);
    free(a->will_topic);
    free(a->will_payload);
}

int broker_new(const struct broker_config *config, struct broker **ret)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct broker *b = calloc(1, sizeof(*b));
    int r;

    if (b == NULL)
        return -ENOMEM;
    pthread_once(&once, library_init);
    b->events = config->events;
    b->ctx = config->ctx;
    backoff_init(&b->backoff, RETRY_FIRST_MS, RETRY_MAX_MS);
    b->mqtt5 = true;
    b->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (b->epoll_fd < 0) {
        r = -errno;
        goto out;
    }
    r = broker_url_parse(config->address.url, &b->account.url);
    if (r == 0)
        r = check_files(&config->address, b->account.url.tls);
    if (r < 0)
        goto out;
    if (!copy_account(config, &b->account)) {
        r = -ENOMEM;
        goto out;
    }
    *ret = b;
    b = NULL; /* handed over */
out:
    broker_free(b);
    return r;
}

void broker_free(struct broker *b)
{
    if (b == NULL)
        return;
    broker_link_unref(b->link);
    if (b->epoll_fd >= 0)
        close(b->epoll_fd);
    release_account(&b->account);
    free(b);
}

/* Let epoll_fd tell of `fd`. */
static int watch(struct broker *b, int fd, uint32_t events)
{
    struct epoll_event e = {.events = events};

    b->watches_write = false;
    return epoll_ctl(b->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

/* Ask for writability while something waits for it, and only then. */
static void update_watch(struct broker *b)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP};
    bool wants = b->state >= GREETING && b->state <= CLOSING &&
                 (b->stuck || mosquitto_want_write(b->link->mosq));
    int fd;

    if (wants == b->watches_write)
        return;
    b->watches_write = wants;
    fd = b->link != NULL ? mosquitto_socket(b->link->mosq) : -1;
    if (wants)
        e.events |= EPOLLOUT;
    if (fd >= 0)
        epoll_ctl(b->epoll_fd, EPOLL_CTL_MOD, fd, &e);
}

static void drop_link(struct broker *b)
{
    struct broker_link *l = b->link;
    int fd;

    if (l == NULL)
        return;
    /* The thread may hold the link open for a while. */
    fd = b->state == CONNECTING ? l->done_fd : mosquitto_socket(l->mosq);
    if (fd >= 0)
        epoll_ctl(b->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    broker_link_unref(l);
    b->link = NULL;
    b->watches_write = false;
    outbox_clear(&b->outbox);
    b->stuck = false;
}

/* Send what is held, as far as it goes. */
static void send_held(struct broker *b)
{
    int r = outbox_send(&b->outbox, mosquitto_socket(b->link->mosq));

    if (r == -EAGAIN && !b->stuck)
        b->stuck_since = mono_now();
    b->stuck = r == -EAGAIN;
    if (r < 0 && r != -EAGAIN)
        outbox_clear(&b->outbox); /* broker_run() will see it too */
    update_watch(b);
}

static void complain(struct broker *b, enum complaint about, const char *why)
{
    if (b->complaint == about)
        return;
    b->complaint = about;
    if (about == REFUSED)
        log_warn("broker at %s refuses us: %s; trying again", b->account.url.shown, why);
    else if (b->state == UP)
        log_warn("broker at %s is gone: %s; trying again", b->account.url.shown, why);
    else
        log_warn("broker is not reachable at %s: %s; trying again", b->account.url.shown, why);
}

/* The link is of no more use: go on to the next attempt. */
static void link_failed(struct broker *b, struct mono now, enum complaint about, const char *why)
{
    bool was_up = b->state == UP;

    complain(b, about, why);
    drop_link(b);
    if (was_up && mono_before(mono_add_ms(b->up_since, PROVED_MS), now))
        backoff_reset(&b->backoff);
    b->state = WAITING;
    b->deadline = mono_add_ms(now, backoff_next_ms(&b->backoff));
    if (was_up && b->events->down != NULL)
        b->events->down(b->ctx, why);
}

/* The broker did not like the version: try the other one, the older at once. */
static void change_version(struct broker *b, struct mono now, const char *why)
{
    b->agreed = false;
    b->mqtt5 = !b->mqtt5;
    if (b->mqtt5) {
        link_failed(b, now, AWAY, why);
        return;
    }
    drop_link(b);
    b->state = WAITING;
    b->deadline = now;
}

/* The connection ended with the library's `rc` and errno. */
static void link_ended(struct broker *b, struct mono now, int rc, int err)
{
    const struct broker_link *l = b->link;
    bool closed = rc == MOSQ_ERR_SUCCESS || rc == MOSQ_ERR_CONN_LOST || rc == MOSQ_ERR_ERRNO;
    char why[BROKER_WHY_MAX];

    broker_link_describe(l, rc, err, why);
    /* All libmosquitto up to 2.1 ends the connection at a second identifier in a message. */
    b->merges |= rc == MOSQ_ERR_DUPLICATE_PROPERTY;
    if (b->state == CLOSING) {
        drop_link(b);
        b->state = CLOSED;
        b->deadline = MONO_NEVER;
    } else if (b->state == GREETING && l->connack == MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION) {
        change_version(b, now, mosquitto_reason_string(l->connack));
    } else if (b->state == GREETING && l->connack > 0) {
        link_failed(b, now, REFUSED, mosquitto_reason_string(l->connack));
    } else if (b->state == GREETING && closed && !b->agreed) {
        change_version(b, now, why); /* some hang up on what they do not understand */
    } else {
        link_failed(b, now, AWAY, why);
    }
}

static void start_connecting(struct broker *b, struct mono now)
{
    struct broker_link *l = NULL;
    int r = broker_link_new(&b->account, b->mqtt5, b->events, b->ctx, &l);

    if (r == 0) {
        b->link = l;
        b->state = CONNECTING;
        b->deadline = b->give_up = mono_add_ms(now, CONNECT_MAX_MS);
        r = watch(b, l->done_fd, EPOLLIN);
    }
    if (r == 0)
        r = broker_link_connect(l);
    if (r < 0)
        link_failed(b, now, AWAY, strerror(-r));
}

/* The thread may be done. */
static void check_connecting(struct broker *b, struct mono now)
{
    struct broker_link *l = b->link;
    char why[BROKER_WHY_MAX];
    int r;

    if (!atomic_load(&l->done)) {
        if (!mono_before(now, b->give_up))
            link_failed(b, now, AWAY, "no answer");
        return;
    }
    if (l->result != MOSQ_ERR_SUCCESS) {
        b->mqtt5 = b->mqtt5 || !b->agreed; /* nobody was there to refuse version 5 */
        broker_link_describe(l, l->result, l->result_errno, why);
        link_failed(b, now, AWAY, why);
        return;
    }
    epoll_ctl(b->epoll_fd, EPOLL_CTL_DEL, l->done_fd, NULL);
    b->state = GREETING;
    b->deadline = mono_add_ms(now, TICK_MS);
    r = watch(b, mosquitto_socket(l->mosq), EPOLLIN | EPOLLRDHUP);
    if (r < 0)
        link_failed(b, now, AWAY, strerror(-r));
}

static void greeted(struct broker *b, struct mono now)
{
    b->state = UP;
    b->link->delivers = true;
    b->agreed = true;
    b->up_since = now;
    b->complaint = NO_COMPLAINT;
    mosquitto_log_callback_set(b->link->mosq, NULL); /* it would be told of each message */
    log_info("broker is up at %s, MQTT %s", b->account.url.shown, b->mqtt5 ? "5" : "3.1.1");
    if (b->events->up != NULL)
        b->events->up(b->ctx, b->mqtt5);
}

/* The library writes, and keeps alive. */
static int go_on(struct broker *b, uint32_t ready, struct mono now)
{
    struct broker_link *l = b->link;
    int rc = MOSQ_ERR_SUCCESS;

    if ((ready & EPOLLOUT || !b->watches_write) && mosquitto_want_write(l->mosq))
        rc = mosquitto_loop_write(l->mosq, 1);
    if (rc == MOSQ_ERR_SUCCESS && !mono_before(now, b->deadline)) {
        b->deadline = mono_add_ms(now, TICK_MS);
        rc = mosquitto_loop_misc(l->mosq);
    }
    return rc;
}

/* What was held has priority, since it may stop within a message. */
static int go_on_with_held(struct broker *b, uint32_t ready, struct mono now)
{
    if (ready & EPOLLOUT)
        send_held(b);
    b->deadline = mono_add_ms(now, TICK_MS);
    return b->stuck && !mono_before(now, mono_add_ms(b->stuck_since, STUCK_MAX_MS))
               ? MOSQ_ERR_KEEPALIVE
               : MOSQ_ERR_SUCCESS;
}

static int read_write(struct broker *b, uint32_t ready, struct mono now)
{
    struct broker_link *l = b->link;
    bool handshaking = b->state == GREETING; /* TLS may want either to go on */
    int rc = MOSQ_ERR_SUCCESS;

    errno = 0;
    if (ready & ~(uint32_t)EPOLLOUT || (ready && handshaking))
        rc = broker_link_read(l);
    /* A connection that ends in the handshake: the library would try on for ever. */
    if (rc == MOSQ_ERR_SUCCESS && handshaking && l->connack < 0 && ready & (EPOLLRDHUP | EPOLLHUP))
        rc = MOSQ_ERR_CONN_LOST;
    if (rc != MOSQ_ERR_SUCCESS)
        return rc;
    return b->stuck ? go_on_with_held(b, ready, now) : go_on(b, ready, now);
}

static void drive(struct broker *b, uint32_t ready, struct mono now)
{
    struct broker_link *l = b->link;
    int rc, err;

    broker_link_ref(l);
    rc = read_write(b, ready, now);
    err = errno;
    broker_link_unref(l);
    if (b->link != l) /* a callback has closed it */
        return;
    if (b->state == CLOSING && !mono_before(now, b->give_up))
        rc = MOSQ_ERR_CONN_LOST;
    if (rc != MOSQ_ERR_SUCCESS || mosquitto_socket(l->mosq) < 0)
        link_ended(b, now, rc, err);
    else if (b->state == GREETING && l->connack == 0)
        greeted(b, now);
}

void broker_run(struct broker *b, struct mono now)
{
    struct epoll_event e = {0};

    switch (b->state) {
    case WAITING:
        if (!mono_before(now, b->deadline))
            start_connecting(b, now);
        break;
    case CONNECTING:
        check_connecting(b, now);
        break;
    case GREETING:
    case UP:
    case CLOSING:
        epoll_wait(b->epoll_fd, &e, 1, 0);
        drive(b, e.events, now);
        break;
    case CLOSED:
        break;
    }
    update_watch(b);
}

size_t broker_poll(struct broker *b, struct pollfd fds[BROKER_POLL_FDS])
{
    fds[0] = (struct pollfd){.fd = b->epoll_fd, .events = POLLIN};
    return 1;
}

struct mono broker_deadline(const struct broker *b)
{
    return b->deadline;
}

bool broker_is_up(const struct broker *b)
{
    return b->state == UP;
}

bool broker_is_drained(const struct broker *b)
{
    return b->state == UP && !b->stuck && !mosquitto_want_write(b->link->mosq);
}

/* Hold a message with QoS 0 back. Returns 0; -ENOBUFS the library has to send it. */
static int hold_back(struct broker *b, const char *topic, const void *payload, size_t len,
                     bool retain)
{
    const struct broker_link *l = b->link;
    size_t topic_len = strlen(topic);

    if (!b->held || b->account.url.tls || mosquitto_want_write(l->mosq) ||
        (retain && !l->takes_retained) || outbox_size(b->mqtt5, topic_len, len) > l->packet_max ||
        mosquitto_pub_topic_check2(topic, topic_len) != MOSQ_ERR_SUCCESS)
        return -ENOBUFS;
    if (outbox_add(&b->outbox, b->mqtt5, topic, payload, len, retain) == 0)
        return 0;
    send_held(b);
    return outbox_add(&b->outbox, b->mqtt5, topic, payload, len, retain);
}

int broker_publish(struct broker *b, const char *topic, const void *payload, size_t len, int qos,
                   bool retain)
{
    int id = 0, rc;

    if (b->state != UP)
        return -ENOTCONN;
    if (len > INT_MAX)
        return -EMSGSIZE;
    if (qos == 0 && hold_back(b, topic, payload, len, retain) == 0)
        return 1;
    send_held(b);
    if (b->stuck)
        return -ENOTCONN;
    rc = broker_link_publish(b->link, &id, topic, payload, len, qos, retain);
    update_watch(b);
    return rc == MOSQ_ERR_SUCCESS ? id : broker_link_errno(rc);
}

void broker_hold(struct broker *b, bool hold)
{
    int on = hold, fd = b->state == UP ? mosquitto_socket(b->link->mosq) : -1;

    b->held = hold;
    if (fd >= 0 && b->account.url.tls)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
    else if (fd >= 0 && !hold)
        send_held(b);
}

bool broker_tells_doubles(const struct broker *b)
{
    return b->state == UP && b->link->takes_identifiers;
}

int broker_subscribe(struct broker *b, const char *filter, int qos, uint32_t identifier)
{
    mosquitto_property *properties = NULL;
    int id = 0, rc = MOSQ_ERR_SUCCESS;

    if (b->state != UP || b->stuck)
        return -ENOTCONN;
    if (identifier != 0 && broker_tells_doubles(b) && !b->merges)
        rc = mosquitto_property_add_varint(&properties, MQTT_PROP_SUBSCRIPTION_IDENTIFIER,
                                           identifier);
    if (rc == MOSQ_ERR_SUCCESS)
        rc = mosquitto_subscribe_v5(b->link->mosq, &id, filter, qos,
                                    b->mqtt5 ? MQTT_SUB_OPT_RETAIN_AS_PUBLISHED : 0, properties);
    mosquitto_property_free_all(&properties);
    update_watch(b);
    return rc == MOSQ_ERR_SUCCESS ? id : broker_link_errno(rc);
}

void broker_close(struct broker *b)
{
    if ((b->state == GREETING || b->state == UP) && !b->stuck) {
        b->state = CLOSING;
        b->link->delivers = false;
        b->deadline = mono_now();
        b->give_up = mono_add_ms(b->deadline, CLOSE_MAX_MS);
        (void)!mosquitto_disconnect(b->link->mosq);
        update_watch(b);
    } else if (b->state != CLOSING) {
        drop_link(b);
        b->state = CLOSED;
        b->deadline = MONO_NEVER;
    }
}

bool broker_is_closed(const struct broker *b)
{
    return b->state == CLOSED;
}
