#include "common/broker_link.h"

#include <errno.h>
#include <mqtt_protocol.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/broker_properties.h"
#include "common/log.h"

#include "common/banned.h"

#define KEEPALIVE_S 7     /* libmosquitto gives up after two: silence shows within 15 s */
#define READS_PER_RUN 256 /* packets; bounds one turn of the owner's loop */

void broker_link_ref(struct broker_link *l)
{
    atomic_fetch_add(&l->owners, 1);
}

void broker_link_unref(struct broker_link *l)
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

static void *connect_link(void *arg)
{
    struct broker_link *l = arg;

    l->result = mosquitto_connect(l->mosq, l->host, l->port, KEEPALIVE_S);
    l->result_errno = errno;
    atomic_store(&l->done, 1);
    eventfd_write(l->done_fd, 1);
    broker_link_unref(l);
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
    struct broker_link *l = arg;

    (void)mosq, (void)flags;
    l->connack = connack_reason(code);
    l->takes_retained = 1;
    l->takes_identifiers = l->mqtt5;
    l->packet_max = UINT32_MAX;
    mosquitto_property_read_byte(properties, MQTT_PROP_RETAIN_AVAILABLE, &l->takes_retained, false);
    mosquitto_property_read_byte(properties, MQTT_PROP_SUBSCRIPTION_ID_AVAILABLE,
                                 &l->takes_identifiers, false);
    mosquitto_property_read_int32(properties, MQTT_PROP_MAXIMUM_PACKET_SIZE, &l->packet_max, false);
}

static void on_disconnect(struct mosquitto *mosq, void *arg, int code,
                          const mosquitto_property *properties)
{
    struct broker_link *l = arg;

    (void)mosq, (void)properties;
    if (code >= MQTT_RC_UNSPECIFIED) /* not one of the library's own */
        l->reason = code;
}

/* Few messages have any: apart, so that the others need no room for them. */
__attribute__((noinline)) static void pass_with_properties(const struct broker_link *l,
                                                           const mosquitto_property *properties,
                                                           struct broker_message *m)
{
    uint8_t buf[BROKER_PROPERTIES_MAX];

    broker_properties_read(properties, buf, m);
    l->events->message(l->ctx, m);
}

static void on_message(struct mosquitto *mosq, void *arg, const struct mosquitto_message *m,
                       const mosquitto_property *properties)
{
    struct broker_link *l = arg;
    struct broker_message message = {.topic = m->topic,
                                     .payload = m->payload,
                                     .len = (size_t)m->payloadlen,
                                     .qos = (uint8_t)m->qos,
                                     .retain = m->retain};

    (void)mosq;
    l->progress = true;
    if (!l->delivers || l->events->message == NULL) /* not after broker_close() */
        return;
    if (properties != NULL)
        pass_with_properties(l, properties, &message);
    else
        l->events->message(l->ctx, &message);
}

static void on_subscribe(struct mosquitto *mosq, void *arg, int id, int n, const int *granted)
{
    struct broker_link *l = arg;

    (void)mosq;
    l->progress = true;
    if (n > 0 && granted[0] >= MQTT_RC_UNSPECIFIED)
        log_warn("broker at %s refuses a subscription: %s", l->shown,
                 mosquitto_reason_string(granted[0]));
    else if (l->events->subscribed != NULL)
        l->events->subscribed(l->ctx, id);
}

/* The library calls this at each PUBACK, and for QoS 0 at each packet written. */
static void on_publish(struct mosquitto *mosq, void *arg, int id)
{
    struct broker_link *l = arg;

    (void)mosq;
    if (!l->reading)
        return;
    l->progress = true;
    l->unacknowledged -= l->unacknowledged > 0;
    if (l->events->acknowledged != NULL)
        l->events->acknowledged(l->ctx, id);
}

/* "OpenSSL Error[0]: error:0A000086:SSL routines::certificate verify failed": keep the end. */
static void on_log(struct mosquitto *mosq, void *arg, int level, const char *text)
{
    const char *detail = strstr(text, "::");
    struct broker_link *l = arg;

    (void)mosq;
    if (level == MOSQ_LOG_ERR)
        snprintf(l->tls_error, sizeof(l->tls_error), "TLS: %s", detail != NULL ? detail + 2 : text);
}

int broker_link_errno(int rc)
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

static int configure_tls(struct mosquitto *m, const struct broker_account *a)
{
    /* Without a file to trust it takes a folder; that there is nothing in it does no harm. */
    const char *folder = a->ca_file == NULL ? "/etc/ssl/certs" : NULL;
    int rc;

    if (a->ca_file == NULL && a->cert_file == NULL)
        return mosquitto_int_option(m, MOSQ_OPT_TLS_USE_OS_CERTS, 1);
    rc = mosquitto_tls_set(m, a->ca_file, folder, a->cert_file, a->key_file, no_pass_phrase);
    return rc != 0 || folder == NULL ? rc : mosquitto_int_option(m, MOSQ_OPT_TLS_USE_OS_CERTS, 1);
}

/* Set the library's client up for one connection. */
static int configure(struct broker_link *l, const struct broker_account *a, bool mqtt5)
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
                              mqtt5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
    if (rc == 0)
        rc = mosquitto_int_option(m, MOSQ_OPT_TCP_NODELAY, 1);
    if (rc == 0 && a->url.user != NULL)
        rc = mosquitto_username_pw_set(m, a->url.user, a->password);
    if (rc == 0 && a->will_topic != NULL)
        rc = mosquitto_will_set(m, a->will_topic, (int)strlen(a->will_payload), a->will_payload, 1,
                                true);
    if (rc == 0 && a->url.tls)
        rc = configure_tls(m, a);
    return broker_link_errno(rc);
}

int broker_link_new(const struct broker_account *account, bool mqtt5,
                    const struct broker_events *events, void *ctx, struct broker_link **ret)
{
    struct broker_link *l = calloc(1, sizeof(*l));
    int r = -ENOMEM;

    if (l == NULL)
        return -ENOMEM;
    atomic_init(&l->owners, 1);
    l->shown = account->url.shown;
    l->events = events;
    l->ctx = ctx;
    l->connack = -1;
    l->port = account->url.port;
    l->mqtt5 = mqtt5;
    l->tls = account->url.tls;
    l->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    l->host = strdup(account->url.host);
    l->mosq = mosquitto_new(account->client_id, true, l);
    if (l->done_fd < 0 || l->host == NULL || l->mosq == NULL)
        goto out;
    r = configure(l, account, mqtt5);
    if (r < 0)
        goto out;
    *ret = l;
    l = NULL; /* handed over */
out:
    broker_link_unref(l);
    return r;
}

void broker_link_describe(const struct broker_link *l, int rc, int err, char why[BROKER_WHY_MAX])
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
    else if (rc == MOSQ_ERR_DUPLICATE_PROPERTY)
        text = "several subscription identifiers in one message, no more are asked for";
    else if (rc == MOSQ_ERR_CONN_LOST || rc == MOSQ_ERR_SUCCESS)
        text = "connection closed";
    else
        text = mosquitto_strerror(rc);
    snprintf(why, BROKER_WHY_MAX, "%s", text);
}

int broker_link_connect(struct broker_link *l)
{
    int r;

    atomic_store(&l->owners, 2);
    r = start_thread(connect_link, l);
    if (r < 0)
        atomic_store(&l->owners, 1);
    return r;
}

/* ---- going on ---- */

int broker_link_publish(struct broker_link *l, int *ret_id, const char *topic, const void *payload,
                        size_t len, int qos, bool retain)
{
    int rc = mosquitto_publish(l->mosq, ret_id, topic, (int)len, payload, qos, retain);

    l->unacknowledged += rc == MOSQ_ERR_SUCCESS && qos > 0;
    return rc;
}

/* The library reads a packet, or as many as messages of ours are unacknowledged. It does not tell
 * whether it read a whole one, but for the callbacks. */
static int read_packet(struct broker_link *l)
{
    bool one = l->unacknowledged <= 1;
    int rc;

    l->progress = false;
    l->reading = true;
    rc = mosquitto_loop_read(l->mosq, 1);
    l->reading = false;
    l->between = l->progress && one && !l->tls;
    return rc;
}

static void on_plain_message(void *ctx, const struct broker_message *m)
{
    const struct broker_link *l = ctx;

    if (l->delivers && l->events->message != NULL)
        l->events->message(l->ctx, m);
}

int broker_link_read(struct broker_link *l)
{
    enum inbox_state state = INBOX_OTHER;
    size_t read = 0, n = 0;
    int rc = MOSQ_ERR_SUCCESS;

    do {
        if (l->between)
            state =
                inbox_read(&l->inbox, mosquitto_socket(l->mosq), l->mqtt5, on_plain_message, l, &n);
        if (state == INBOX_OTHER)
            rc = read_packet(l);
        read += n + 1;
    } while (rc == MOSQ_ERR_SUCCESS && state != INBOX_EMPTY &&
             (state == INBOX_MORE || l->progress) && mosquitto_socket(l->mosq) >= 0 &&
             read < READS_PER_RUN);
    return rc;
}
