#include "examples/display/link.h"

#include <MQTTClient.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/backoff.h"
#include "common/clock.h"
#include "common/rng.h"

#include "common/banned.h"

#define FIRST_WAIT_MS 250
#define MAX_WAIT_MS 2000
#define PROVED_MS 5000 /* a connection that held this long was a good one */
#define CONNECT_TIMEOUT_S 5
#define KEEP_ALIVE_S 10        /* a broker that hangs is noticed after twice this and a bit */
#define RECEIVE_TIMEOUT_MS 200 /* how often the thread looks whether it is to stop */
#define REFUSED 0x80           /* in a SUBACK */

struct link {
    char *address; /* as Paho wants it: tcp://host:port */
    char *user;    /* NULL for none */
    char *password;
    char **filters;
    size_t n_filters;
    const struct link_events *events;
    void *ctx;

    MQTTClient client;
    char client_id[24];
    struct backoff backoff;
    pthread_t thread;
    atomic_bool stopping;
    int stop_fd; /* readable once `stopping` */
};

/* ---- the URL --------------------------------------------------------------------------------- */

struct url {
    const char *user, *host; /* into the text, with a length; user NULL for none */
    size_t user_len, host_len;
    const char *port; /* "" for the default */
};

static bool port_valid(const char *port)
{
    char *end;
    unsigned long n = strtoul(port, &end, 10);

    return '0' < port[0] && port[0] <= '9' && *end == '\0' && n <= 65535;
}

/* mqtt://[user@]host[:port], host a name, an IPv4 address or an IPv6 one in brackets. */
static const char *url_parse(const char *text, struct url *ret)
{
    static const char scheme[] = "mqtt://";
    struct url u = {.port = ""};
    const char *at, *end;

    if (strncmp(text, "mqtts://", 8) == 0)
        return "this display speaks no TLS, to stay small; use mqtt://";
    if (strncmp(text, scheme, strlen(scheme)) != 0)
        return "a broker's address looks like mqtt://127.0.0.1:1883";
    u.host = text + strlen(scheme);
    at = strrchr(u.host, '@');
    if (at != NULL) {
        u.user = u.host;
        u.user_len = (size_t)(at - u.host);
        u.host = at + 1;
        if (memchr(u.user, ':', u.user_len) != NULL)
            return "no password in the URL, where others see it; use TAPECAST_MQTT_PASSWORD";
    }
    end = u.host[0] == '[' ? strchr(u.host, ']') : NULL;
    u.host_len = end != NULL ? (size_t)(end + 1 - u.host) : strcspn(u.host, ":");
    if (u.host_len == 0 || strcspn(u.host, "/?# ") < strlen(u.host))
        return "after mqtt:// comes a host, optionally a port, nothing else";
    if (u.host[u.host_len] == ':')
        u.port = u.host + u.host_len + 1;
    if (u.host[u.host_len] != '\0' && !port_valid(u.port))
        return "the port is a number from 1 to 65535";
    *ret = u;
    return NULL;
}

const char *link_url_error(const char *url)
{
    struct url u;

    return url_parse(url, &u);
}

/* ---- a session: everything from connecting to losing it -------------------------------------- */

static const char *connect_error(int code)
{
    switch (code) {
    case 1:
        return "the broker does not speak MQTT 3.1.1";
    case 2:
        return "the broker does not accept the client id";
    case 3:
        return "the broker is not available";
    case 4:
        return "the broker does not know this user or password";
    case 5:
        return "the broker does not let this user in";
    default:
        return "nobody answers there";
    }
}

static int session_connect(struct link *l)
{
    MQTTClient_connectOptions o = MQTTClient_connectOptions_initializer;

    o.MQTTVersion = MQTTVERSION_3_1_1;
    o.cleansession = 1;
    o.keepAliveInterval = KEEP_ALIVE_S;
    o.connectTimeout = CONNECT_TIMEOUT_S;
    o.username = l->user;
    o.password = l->password;
    return MQTTClient_connect(l->client, &o);
}

/* Returns NULL when the broker granted at least one filter. */
static const char *session_subscribe(struct link *l)
{
    int *qos = calloc(l->n_filters, sizeof(*qos));
    const char *why = "the broker refuses to let us subscribe";
    int r;

    if (qos == NULL)
        return "out of memory";
    r = MQTTClient_subscribeMany(l->client, (int)l->n_filters, l->filters, qos);
    if (r != MQTTCLIENT_SUCCESS && r != REFUSED)
        why = "the connection broke while subscribing";
    for (size_t i = 0; r == MQTTCLIENT_SUCCESS && i < l->n_filters; i++)
        if (qos[i] != REFUSED)
            why = NULL;
    free(qos);
    return why;
}

static void session_deliver(struct link *l, const char *topic, int topic_len,
                            const MQTTClient_message *m)
{
    l->events->message(l->ctx, &(struct link_message){
                                   .topic = topic,
                                   .topic_len = (size_t)topic_len,
                                   .payload = m->payload,
                                   .len = (size_t)m->payloadlen,
                                   .retained = m->retained != 0,
                               });
}

static void session_receive(struct link *l)
{
    int r = MQTTCLIENT_SUCCESS;

    while (!atomic_load(&l->stopping) &&
           (r == MQTTCLIENT_SUCCESS || r == MQTTCLIENT_TOPICNAME_TRUNCATED)) {
        MQTTClient_message *m = NULL;
        char *topic = NULL;
        int topic_len = 0;

        r = MQTTClient_receive(l->client, &topic, &topic_len, &m, RECEIVE_TIMEOUT_MS);
        if (m == NULL)
            continue;
        session_deliver(l, topic, topic_len, m);
        MQTTClient_freeMessage(&m);
        MQTTClient_free(topic);
    }
}

/* Returns why it ended. */
static const char *session_run(struct link *l)
{
    const char *why;
    int r = session_connect(l);

    if (r != MQTTCLIENT_SUCCESS)
        return connect_error(r);
    why = session_subscribe(l);
    if (why == NULL) {
        l->events->up(l->ctx);
        session_receive(l);
        why = "the connection is lost";
    }
    MQTTClient_disconnect(l->client, 0);
    return why;
}

static void *link_run(void *arg)
{
    struct link *l = arg;

    while (!atomic_load(&l->stopping)) {
        struct pollfd stop = {.fd = l->stop_fd, .events = POLLIN};
        struct mono proved = mono_add_ms(mono_now(), PROVED_MS);
        const char *why = session_run(l);

        if (atomic_load(&l->stopping))
            break;
        l->events->down(l->ctx, why);
        if (mono_before(proved, mono_now()))
            backoff_reset(&l->backoff);
        (void)poll(&stop, 1, (int)backoff_next_ms(&l->backoff));
    }
    return NULL;
}

/* ---- the link -------------------------------------------------------------------------------- */

static void link_free(struct link *l)
{
    if (l == NULL)
        return;
    if (l->client != NULL)
        MQTTClient_destroy(&l->client);
    if (l->stop_fd >= 0)
        close(l->stop_fd);
    for (size_t i = 0; l->filters != NULL && i < l->n_filters; i++)
        free(l->filters[i]);
    free(l->filters);
    free(l->password);
    free(l->user);
    free(l->address);
    free(l);
}

static int link_copy_config(struct link *l, const struct link_config *config, const struct url *u)
{
    if (asprintf(&l->address, "tcp://%.*s:%s", (int)u->host_len, u->host,
                 u->port[0] != '\0' ? u->port : "1883") < 0) {
        l->address = NULL; /* asprintf() leaves it undefined */
        return -ENOMEM;
    }
    l->user = u->user != NULL ? strndup(u->user, u->user_len) : NULL;
    l->password = config->password != NULL ? strdup(config->password) : NULL;
    if ((u->user != NULL && l->user == NULL) || (config->password != NULL && l->password == NULL))
        return -ENOMEM;
    l->filters = calloc(config->n_filters, sizeof(*l->filters));
    if (l->filters == NULL)
        return -ENOMEM;
    l->n_filters = config->n_filters;
    for (size_t i = 0; i < l->n_filters; i++) {
        l->filters[i] = strdup(config->filters[i]);
        if (l->filters[i] == NULL)
            return -ENOMEM;
    }
    l->events = config->events;
    l->ctx = config->ctx;
    return 0;
}

static int link_make_client(struct link *l)
{
    struct rng rng;

    rng_seed_random(&rng);
    snprintf(l->client_id, sizeof(l->client_id), "display-%08x",
             (unsigned)(rng_next(&rng) & 0xffffffff));
    if (MQTTClient_create(&l->client, l->address, l->client_id, MQTTCLIENT_PERSISTENCE_NONE,
                          NULL) != MQTTCLIENT_SUCCESS) {
        l->client = NULL;
        return -ENOMEM;
    }
    return 0;
}

int link_open(const struct link_config *config, struct link **ret)
{
    struct link *l = NULL;
    struct url u;
    int r;

    if (url_parse(config->url, &u) != NULL)
        return -EINVAL;
    l = calloc(1, sizeof(*l));
    if (l == NULL)
        return -ENOMEM;
    l->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (l->stop_fd < 0) {
        r = -errno;
        goto out;
    }
    backoff_init(&l->backoff, FIRST_WAIT_MS, MAX_WAIT_MS);
    r = link_copy_config(l, config, &u);
    if (r < 0)
        goto out;
    r = link_make_client(l);
    if (r < 0)
        goto out;
    r = -pthread_create(&l->thread, NULL, link_run, l);
    if (r < 0)
        goto out;
    *ret = l;
    l = NULL; /* handed over */
out:
    link_free(l);
    return r;
}

void link_close(struct link *l)
{
    struct timespec until;

    if (l == NULL)
        return;
    atomic_store(&l->stopping, true);
    (void)eventfd_write(l->stop_fd, 1);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec++;
    if (pthread_timedjoin_np(l->thread, NULL, &until) == 0)
        link_free(l);
}
