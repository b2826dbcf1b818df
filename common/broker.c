/*
 * One connection, from the attempt to its end, is a `struct link` with a libmosquitto client of its
 * own; the next attempt begins with a fresh one. So nothing of an old connection (queued packets,
 * unacknowledged messages that would overwrite newer retained ones, limits the broker set) can leak
 * into the next, and the connecting thread owns its client alone.
 *
 *   WAITING --retry_at--> CONNECTING --thread is done--> GREETING --CONNACK--> UP
 *      ^                      |                             |                  |
 *      +----- link_failed() --+-----------------------------+------------------+
 *
 * broker_close() leads through CLOSING (DISCONNECT is being written) to CLOSED.
 *
 * A link has two owners while its thread runs, the broker and the thread; the last one to let go
 * destroys it. So an attempt that takes too long is simply left behind.
 *
 * epoll_fd is the one descriptor the owner sees. It holds the link's `done_fd` while connecting and
 * the socket after that; so the socket may come and go without the owner's knowing.
 */
#include "common/broker.h"

#include <errno.h>
#include <limits.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/backoff.h"
#include "common/certfile.h"
#include "common/broker_properties.h"
#include "common/broker_url.h"
#include "common/log.h"

#include "common/banned.h"

#define RETRY_FIRST_MS 250
#define RETRY_MAX_MS 2000
#define PROVED_MS 5000 /* a link that lasted this long makes the next retry quick again */
#define CONNECT_MAX_MS                                                                             \
    5000 /* the kernel would repeat its SYN ever more rarely, for two minutes                      \
          */
#define CLOSE_MAX_MS 2000
#define TICK_MS 1000      /* libmosquitto counts its keep-alive in seconds */
#define KEEPALIVE_S 7     /* libmosquitto gives up after two: silence shows within 15 s */
#define READS_PER_RUN 256 /* packets; bounds one turn of the owner's loop */
#define WHY_MAX 160

enum state { WAITING, CONNECTING, GREETING, UP, CLOSING, CLOSED };

/* What the last complaint in the log was about, so that it is made once. */
enum complaint { NO_COMPLAINT, AWAY, REFUSED };

struct link {
    atomic_int owners;
    struct mosquitto *mosq;
    char *host;
    int port;
    int done_fd;     /* eventfd: the thread is done */
    atomic_int done; /* `result` is set */
    int result;      /* of mosquitto_connect() ... */
    int result_errno;
    char tls_error[WHY_MAX]; /* the library's last error line, "" for none */

    struct broker *broker; /* from here on the owner's thread alone */
    int connack;           /* reason code of MQTT 5; -1 until it came */
    bool reading;          /* inside mosquitto_loop_read() */
    bool progress;         /* the last read gave something */
    int reason;            /* of the broker's DISCONNECT; 0 for none */
};

struct broker {
    struct broker_url url;
    char *password, *ca_file, *cert_file, *key_file;
    char *client_id, *will_topic, *will_payload;
    const struct broker_events *events;
    void *ctx;

    enum state state;
    bool mqtt5;  /* the version of this or the next attempt */
    bool agreed; /* ... which the broker is known to speak */
    enum complaint complaint;
    struct link *link; /* NULL when WAITING and CLOSED */
    int epoll_fd;
    bool watches_write;
    struct backoff backoff;
    struct mono deadline; /* see broker_deadline() */
    struct mono give_up;  /* CONNECTING, CLOSING */
    struct mono up_since;
};

/*
 * The link and its thread
 */

static void link_unref(struct link *l)
{
    if (l == NULL || atomic_fetch_sub(&l->owners, 1) > 1)
        return;
    if (l->mosq != NULL)
        mosquitto_destroy(l->mosq);
    if (l->done_fd >= 0)
        close(l->done_fd);
    free(l->host);
    free(l);
}

static void *link_connect(void *arg)
{
    struct link *l = arg;

    l->result = mosquitto_connect(l->mosq, l->host, l->port, KEEPALIVE_S);
    l->result_errno = errno;
    atomic_store(&l->done, 1);
    eventfd_write(l->done_fd, 1);
    link_unref(l);
    return NULL;
}

/* Start a detached thread that takes no signal of the program's. */
static int start_thread(void *(*run)(void *), void *arg)
{
    sigset_t all, before;
    pthread_attr_t attr;
    pthread_t thread;
    int r;

    sigfillset(&all);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&thread, &attr, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return -r;
}

/* The codes of MQTT 3.1.1 as MQTT 5 has them. */
static int connack_reason(int code)
{
    static const int reasons[] = {
        [CONNACK_REFUSED_PROTOCOL_VERSION] = MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION,
        [CONNACK_REFUSED_IDENTIFIER_REJECTED] = MQTT_RC_CLIENTID_NOT_VALID,
        [CONNACK_REFUSED_SERVER_UNAVAILABLE] = MQTT_RC_SERVER_UNAVAILABLE,
        [CONNACK_REFUSED_BAD_USERNAME_PASSWORD] = MQTT_RC_BAD_USERNAME_OR_PASSWORD,
        [CONNACK_REFUSED_NOT_AUTHORIZED] = MQTT_RC_NOT_AUTHORIZED,
    };

    return code < (int)ARRAY_SIZE(reasons) ? reasons[code] : code;
}

static void on_connack(struct mosquitto *mosq, void *arg, int code, int flags,
                       const mosquitto_property *properties)
{
    struct link *l = arg;

    (void)mosq, (void)flags, (void)properties;
    l->connack = connack_reason(code);
}

static void on_disconnect(struct mosquitto *mosq, void *arg, int code,
                          const mosquitto_property *properties)
{
    struct link *l = arg;

    (void)mosq, (void)properties;
    if (code >= MQTT_RC_UNSPECIFIED) /* not one of the library's own */
        l->reason = code;
}

/* Few messages have any: apart, so that the others need no room for them. */
__attribute__((noinline)) static void pass_with_properties(const struct broker *b,
                                                           const mosquitto_property *properties,
                                                           struct broker_message *m)
{
    uint8_t buf[BROKER_PROPERTIES_MAX];

    broker_properties_read(properties, buf, m);
    b->events->message(b->ctx, m);
}

static void on_message(struct mosquitto *mosq, void *arg, const struct mosquitto_message *m,
                       const mosquitto_property *properties)
{
    struct link *l = arg;
    struct broker *b = l->broker;
    struct broker_message message = {.topic = m->topic,
                                     .payload = m->payload,
                                     .len = (size_t)m->payloadlen,
                                     .qos = (uint8_t)m->qos,
                                     .retain = m->retain};

    (void)mosq;
    l->progress = true;
    if (b->state != UP || b->events->message == NULL) /* not after broker_close() */
        return;
    if (properties != NULL)
        pass_with_properties(b, properties, &message);
    else
        b->events->message(b->ctx, &message);
}

static void on_subscribe(struct mosquitto *mosq, void *arg, int id, int n, const int *granted)
{
    struct link *l = arg;
    struct broker *b = l->broker;

    (void)mosq;
    l->progress = true;
    if (n > 0 && granted[0] >= MQTT_RC_UNSPECIFIED)
        log_warn("broker at %s refuses a subscription: %s", b->url.shown,
                 mosquitto_reason_string(granted[0]));
    else if (b->events->subscribed != NULL)
        b->events->subscribed(b->ctx, id);
}

/* The library calls this at each PUBACK, and for QoS 0 at each packet written. */
static void on_publish(struct mosquitto *mosq, void *arg, int id)
{
    struct link *l = arg;
    struct broker *b = l->broker;

    (void)mosq;
    if (!l->reading)
        return;
    l->progress = true;
    if (b->events->acknowledged != NULL)
        b->events->acknowledged(b->ctx, id);
}

/* "OpenSSL Error[0]: error:0A000086:SSL routines::certificate verify failed": keep the end. */
static void on_log(struct mosquitto *mosq, void *arg, int level, const char *text)
{
    const char *detail = strstr(text, "::");
    struct link *l = arg;

    (void)mosq;
    if (level == MOSQ_LOG_ERR)
        snprintf(l->tls_error, sizeof(l->tls_error), "TLS: %s", detail != NULL ? detail + 2 : text);
}

/* 0 or a negative errno for a result of libmosquitto. */
static int result_of(int rc)
{
    switch (rc) {
    case MOSQ_ERR_SUCCESS:
        return 0;
    case MOSQ_ERR_NOMEM:
        return -ENOMEM;
    case MOSQ_ERR_PAYLOAD_SIZE:
    case MOSQ_ERR_OVERSIZE_PACKET:
        return -EMSGSIZE;
    case MOSQ_ERR_QOS_NOT_SUPPORTED:
    case MOSQ_ERR_RETAIN_NOT_SUPPORTED:
        return -EOPNOTSUPP;
    case MOSQ_ERR_INVAL:
    case MOSQ_ERR_MALFORMED_UTF8:
        return -EINVAL;
    default: /* whatever ends a connection; broker_run() will see it too */
        return -ENOTCONN;
    }
}

/* In place of asking at the terminal. */
static int no_pass_phrase(char *buf, int size, int writing, void *ctx)
{
    (void)buf, (void)size, (void)writing, (void)ctx;
    return 0;
}

static int configure_tls(struct mosquitto *m, const struct broker *b)
{
    /* Without a file to trust it takes a folder; that there is nothing in it does no harm. */
    const char *folder = b->ca_file == NULL ? "/etc/ssl/certs" : NULL;
    int rc;

    if (b->ca_file == NULL && b->cert_file == NULL)
        return mosquitto_int_option(m, MOSQ_OPT_TLS_USE_OS_CERTS, 1);
    rc = mosquitto_tls_set(m, b->ca_file, folder, b->cert_file, b->key_file, no_pass_phrase);
    return rc != 0 || folder == NULL ? rc : mosquitto_int_option(m, MOSQ_OPT_TLS_USE_OS_CERTS, 1);
}

/* Set the library's client up for one connection. */
static int link_configure(struct link *l, const struct broker *b)
{
    struct mosquitto *m = l->mosq;
    int rc;

    mosquitto_connect_v5_callback_set(m, on_connack);
    mosquitto_disconnect_v5_callback_set(m, on_disconnect);
    mosquitto_message_v5_callback_set(m, on_message);
    mosquitto_subscribe_callback_set(m, on_subscribe);
    mosquitto_publish_callback_set(m, on_publish);
    mosquitto_log_callback_set(m, on_log);

    rc = mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION,
                              b->mqtt5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
    if (rc == 0)
        rc = mosquitto_int_option(m, MOSQ_OPT_TCP_NODELAY, 1);
    if (rc == 0 && b->url.user != NULL)
        rc = mosquitto_username_pw_set(m, b->url.user, b->password);
    if (rc == 0 && b->will_topic != NULL)
        rc = mosquitto_will_set(m, b->will_topic, (int)strlen(b->will_payload), b->will_payload, 1,
                                true);
    if (rc == 0 && b->url.tls)
        rc = configure_tls(m, b);
    return result_of(rc);
}

static int link_new(struct broker *b, struct link **ret)
{
    struct link *l = calloc(1, sizeof(*l));
    int r = -ENOMEM;

    if (l == NULL)
        return -ENOMEM;
    atomic_init(&l->owners, 1);
    l->broker = b;
    l->connack = -1;
    l->port = b->url.port;
    l->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    l->host = strdup(b->url.host);
    l->mosq = mosquitto_new(b->client_id, true, l);
    if (l->done_fd < 0 || l->host == NULL || l->mosq == NULL)
        goto out;
    r = link_configure(l, b);
    if (r < 0)
        goto out;
    *ret = l;
    l = NULL; /* handed over */
out:
    link_unref(l);
    return r;
}

/* Why `l` ended, as a short sentence; `rc` and `err` are the library's result and errno. */
static void link_describe(const struct link *l, int rc, int err, char why[WHY_MAX])
{
    const char *text;

    if (l->reason != 0)
        text = mosquitto_reason_string(l->reason);
    else if (l->tls_error[0] != '\0' && (rc == MOSQ_ERR_TLS || err == EPROTO))
        text = l->tls_error;
    else if (rc == MOSQ_ERR_ERRNO && err == EPROTO) /* the library's word for a reset under TLS */
        text = l->connack < 0 ? "TLS: closed by the broker, which may want another certificate"
                              : "connection closed";
    else if (rc == MOSQ_ERR_ERRNO)
        text = strerror(err);
    else if (rc == MOSQ_ERR_EAI)
        text = gai_strerror(err);
    else if (rc == MOSQ_ERR_KEEPALIVE)
        text = "no sign of life";
    else if (rc == MOSQ_ERR_CONN_LOST || rc == MOSQ_ERR_SUCCESS)
        text = "connection closed";
    else
        text = mosquitto_strerror(rc);
    snprintf(why, WHY_MAX, "%s", text);
}

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

static bool copy_config(struct broker *b, const struct broker_config *c)
{
    b->events = c->events;
    b->ctx = c->ctx;
    return copy_string(c->address.password, &b->password) &&
           copy_string(c->address.ca_file, &b->ca_file) &&
           copy_string(c->address.cert_file, &b->cert_file) &&
           copy_string(c->address.key_file, &b->key_file) &&
           copy_string(c->client_id, &b->client_id) && copy_string(c->will_topic, &b->will_topic) &&
           copy_string(c->will_payload, &b->will_payload);
}

int broker_new(const struct broker_config *config, struct broker **ret)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct broker *b = calloc(1, sizeof(*b));
    int r;

    if (b == NULL)
        return -ENOMEM;
    pthread_once(&once, library_init);
    backoff_init(&b->backoff, RETRY_FIRST_MS, RETRY_MAX_MS);
    b->mqtt5 = true;
    b->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (b->epoll_fd < 0) {
        r = -errno;
        goto out;
    }
    r = broker_url_parse(config->address.url, &b->url);
    if (r == 0)
        r = check_files(&config->address, b->url.tls);
    if (r < 0)
        goto out;
    if (!copy_config(b, config)) {
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
    link_unref(b->link);
    if (b->epoll_fd >= 0)
        close(b->epoll_fd);
    if (b->password != NULL)
        explicit_bzero(b->password, strlen(b->password));
    free(b->password);
    broker_url_release(&b->url);
    free(b->ca_file);
    free(b->cert_file);
    free(b->key_file);
    free(b->client_id);
    free(b->will_topic);
    free(b->will_payload);
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
    bool wants = b->state >= GREETING && b->state <= CLOSING && mosquitto_want_write(b->link->mosq);
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
    struct link *l = b->link;
    int fd;

    if (l == NULL)
        return;
    /* The thread may hold the link open for a while. */
    fd = b->state == CONNECTING ? l->done_fd : mosquitto_socket(l->mosq);
    if (fd >= 0)
        epoll_ctl(b->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    link_unref(l);
    b->link = NULL;
    b->watches_write = false;
}

static void complain(struct broker *b, enum complaint about, const char *why)
{
    if (b->complaint == about)
        return;
    b->complaint = about;
    if (about == REFUSED)
        log_warn("broker at %s refuses us: %s; trying again", b->url.shown, why);
    else if (b->state == UP)
        log_warn("broker at %s is gone: %s; trying again", b->url.shown, why);
    else
        log_warn("broker is not reachable at %s: %s; trying again", b->url.shown, why);
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
    const struct link *l = b->link;
    bool closed = rc == MOSQ_ERR_SUCCESS || rc == MOSQ_ERR_CONN_LOST || rc == MOSQ_ERR_ERRNO;
    char why[WHY_MAX];

    link_describe(l, rc, err, why);
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
    struct link *l = NULL;
    int r = link_new(b, &l);

    if (r == 0) {
        b->link = l;
        b->state = CONNECTING;
        b->deadline = b->give_up = mono_add_ms(now, CONNECT_MAX_MS);
        r = watch(b, l->done_fd, EPOLLIN);
    }
    if (r == 0) {
        atomic_store(&l->owners, 2);
        r = start_thread(link_connect, l);
        if (r < 0)
            atomic_store(&l->owners, 1);
    }
    if (r < 0)
        link_failed(b, now, AWAY, strerror(-r));
}

/* The thread may be done. */
static void check_connecting(struct broker *b, struct mono now)
{
    struct link *l = b->link;
    char why[WHY_MAX];
    int r;

    if (!atomic_load(&l->done)) {
        if (!mono_before(now, b->give_up))
            link_failed(b, now, AWAY, "no answer");
        return;
    }
    if (l->result != MOSQ_ERR_SUCCESS) {
        b->mqtt5 = b->mqtt5 || !b->agreed; /* nobody was there to refuse version 5 */
        link_describe(l, l->result, l->result_errno, why);
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
    b->agreed = true;
    b->up_since = now;
    b->complaint = NO_COMPLAINT;
    log_info("broker is up at %s, MQTT %s", b->url.shown, b->mqtt5 ? "5" : "3.1.1");
    if (b->events->up != NULL)
        b->events->up(b->ctx, b->mqtt5);
}

/* Read while packets come. The library reads one each time, and does not tell whether it did, but
 * for the callbacks. */
static int read_packets(struct link *l)
{
    int rc, n = 0;

    do {
        l->progress = false;
        l->reading = true;
        rc = mosquitto_loop_read(l->mosq, 1);
        l->reading = false;
    } while (rc == MOSQ_ERR_SUCCESS && l->progress && mosquitto_socket(l->mosq) >= 0 &&
             ++n < READS_PER_RUN);
    return rc;
}

static int read_write(struct broker *b, uint32_t ready, struct mono now)
{
    struct link *l = b->link;
    bool handshaking = b->state == GREETING; /* TLS may want either to go on */
    int rc = MOSQ_ERR_SUCCESS;

    errno = 0;
    if (ready & ~(uint32_t)EPOLLOUT || (ready && handshaking))
        rc = read_packets(l);
    /* A connection that ends in the handshake: the library would try on for ever. */
    if (rc == MOSQ_ERR_SUCCESS && handshaking && l->connack < 0 && ready & (EPOLLRDHUP | EPOLLHUP))
        rc = MOSQ_ERR_CONN_LOST;
    if (rc == MOSQ_ERR_SUCCESS && (ready & EPOLLOUT || !b->watches_write) &&
        mosquitto_want_write(l->mosq))
        rc = mosquitto_loop_write(l->mosq, 1);
    if (rc == MOSQ_ERR_SUCCESS && !mono_before(now, b->deadline)) {
        b->deadline = mono_add_ms(now, TICK_MS);
        rc = mosquitto_loop_misc(l->mosq);
    }
    return rc;
}

static void drive(struct broker *b, uint32_t ready, struct mono now)
{
    struct link *l = b->link;
    int rc = read_write(b, ready, now);
    int err = errno;

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
    return b->state == UP && !mosquitto_want_write(b->link->mosq);
}

int broker_publish(struct broker *b, const char *topic, const void *payload, size_t len, int qos,
                   bool retain)
{
    int id = 0, rc;

    if (b->state != UP)
        return -ENOTCONN;
    if (len > INT_MAX)
        return -EMSGSIZE;
    rc = mosquitto_publish(b->link->mosq, &id, topic, (int)len, payload, qos, retain);
    update_watch(b);
    return rc == MOSQ_ERR_SUCCESS ? id : result_of(rc);
}

void broker_hold(struct broker *b, bool hold)
{
    int on = hold, fd = b->state == UP ? mosquitto_socket(b->link->mosq) : -1;

    if (fd >= 0)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
}

int broker_subscribe(struct broker *b, const char *filter, int qos)
{
    int id = 0, rc;

    if (b->state != UP)
        return -ENOTCONN;
    rc = mosquitto_subscribe_v5(b->link->mosq, &id, filter, qos,
                                b->mqtt5 ? MQTT_SUB_OPT_RETAIN_AS_PUBLISHED : 0, NULL);
    update_watch(b);
    return rc == MOSQ_ERR_SUCCESS ? id : result_of(rc);
}

void broker_close(struct broker *b)
{
    if (b->state == GREETING || b->state == UP) {
        b->state = CLOSING;
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
