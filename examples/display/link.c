#include "examples/display/link.h"

#include <MQTTClient.h>
#include <dlfcn.h>
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
    char *address; /* as Paho wants it: tcp://host:port, ssl://host:port */
    char *user;    /* NULL for none */
    char *password;
    bool tls;
    char *ca_file, *cert_file, *key_file; /* NULL for none */
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
    bool tls;
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

/* mqtt[s]://[user@]host[:port], host a name, an IPv4 address or an IPv6 one in brackets. */
static const char *url_parse(const char *text, struct url *ret)
{
    static const char plain[] = "mqtt://", tls[] = "mqtts://";
    struct url u = {.port = ""};
    const char *at, *end;

    u.tls = strncmp(text, tls, strlen(tls)) == 0;
    if (!u.tls && strncmp(text, plain, strlen(plain)) != 0)
        return "a broker's address looks like mqtt://127.0.0.1:1883";
    u.host = text + strlen(u.tls ? tls : plain);
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
        return "after :// comes a host, optionally a port, nothing else";
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

/* ---- Paho, one of the two ----------------------------------------------------------------------
 */

static struct {
    __typeof__(&MQTTClient_create) create;
    __typeof__(&MQTTClient_destroy) destroy;
    __typeof__(&MQTTClient_connect) connect;
    __typeof__(&MQTTClient_disconnect) disconnect;
    __typeof__(&MQTTClient_subscribeMany) subscribe_many;
    __typeof__(&MQTTClient_receive) receive;
    __typeof__(&MQTTClient_freeMessage) free_message;
    __typeof__(&MQTTClient_free) free;
} paho;

/* Returns 0; -ELIBACC. */
static int paho_load(bool tls)
{
    const struct {
        const char *name;
        void *to; /* a pointer to a function, as dlsym() gives it */
    } calls[] = {
        {"MQTTClient_create", &paho.create},
        {"MQTTClient_destroy", &paho.destroy},
        {"MQTTClient_connect", &paho.connect},
        {"MQTTClient_disconnect", &paho.disconnect},
        {"MQTTClient_subscribeMany", &paho.subscribe_many},
        {"MQTTClient_receive", &paho.receive},
        {"MQTTClient_freeMessage", &paho.free_message},
        {"MQTTClient_free", &paho.free},
    };
    void *library =
        dlopen(tls ? "libpaho-mqtt3cs.so.1" : "libpaho-mqtt3c.so.1", RTLD_NOW | RTLD_LOCAL);

    if (library == NULL)
        return -ELIBACC;
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        void *call = dlsym(library, calls[i].name);
        if (call == NULL)
            return -ELIBACC;
        memcpy(calls[i].to, &call, sizeof(call));
    }
    return 0;
}

/* ---- a session: everything from connecting to losing it -------------------------------------- */

static const char *connect_error(const struct link *l, int code)
{
    switch (code) {
    case MQTTCLIENT_FAILURE:
        return l->tls ? "nobody answers there, or TLS fails: see --mqtt-ca-file and --mqtt-cert"
                      : "nobody answers there";
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
    MQTTClient_SSLOptions ssl = MQTTClient_SSLOptions_initializer;

    ssl.trustStore = l->ca_file;
    ssl.keyStore = l->cert_file;
    ssl.privateKey = l->key_file;
    ssl.enableServerCertAuth = 1;
    ssl.verify = 1; /* the name too */
    if (l->tls)
        o.ssl = &ssl;
    o.MQTTVersion = MQTTVERSION_3_1_1;
    o.cleansession = 1;
    o.keepAliveInterval = KEEP_ALIVE_S;
    o.connectTimeout = CONNECT_TIMEOUT_S;
    o.username = l->user;
    o.password = l->password;
    return paho.connect(l->client, &o);
}

/* Returns NULL when the broker granted at least one filter. */
static const char *session_subscribe(struct link *l)
{
    int *qos = calloc(l->n_filters, sizeof(*qos));
    const char *why = "the broker refuses to let us subscribe";
    int r;

    if (qos == NULL)
        return "out of memory";
    r = paho.subscribe_many(l->client, (int)l->n_filters, l->filters, qos);
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

        r = paho.receive(l->client, &topic, &topic_len, &m, RECEIVE_TIMEOUT_MS);
        if (m == NULL)
            continue;
        session_deliver(l, topic, topic_len, m);
        paho.free_message(&m);
        paho.free(topic);
    }
}

/* Returns why it ended. */
static const char *session_run(struct link *l)
{
    const char *why;
    int r = session_connect(l);

    if (r != MQTTCLIENT_SUCCESS)
        return connect_error(l, r);
    why = session_subscribe(l);
    if (why == NULL) {
        l->events->up(l->ctx);
        session_receive(l);
        why = "the connection is lost";
    }
    paho.disconnect(l->client, 0);
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
        paho.destroy(&l->client);
    if (l->stop_fd >= 0)
        close(l->stop_fd);
    for (size_t i = 0; l->filters != NULL && i < l->n_filters; i++)
        free(l->filters[i]);
    free(l->filters);
    free(l->ca_file);
    free(l->cert_file);
    free(l->key_file);
    free(l->password);
    free(l->user);
    free(l->address);
    free(l);
}

/* Copy `s` unless it is NULL. */
static bool copy_string(const char *s, char **ret)
{
    if (s == NULL)
        return true;
    *ret = strdup(s);
    return *ret != NULL;
}

static int link_copy_address(struct link *l, const struct broker_address *a, const struct url *u)
{
    const char *port = u->port[0] != '\0' ? u->port : u->tls ? "8883" : "1883";

    if (asprintf(&l->address, "%s://%.*s:%s", u->tls ? "ssl" : "tcp", (int)u->host_len, u->host,
                 port) < 0) {
        l->address = NULL; /* asprintf() leaves it undefined */
        return -ENOMEM;
    }
    l->tls = u->tls;
    l->user = u->user != NULL ? strndup(u->user, u->user_len) : NULL;
    if ((u->user != NULL && l->user == NULL) || !copy_string(a->password, &l->password) ||
        !copy_string(a->ca_file, &l->ca_file) || !copy_string(a->cert_file, &l->cert_file) ||
        !copy_string(a->key_file, &l->key_file))
        return -ENOMEM;
    return 0;
}

static int link_copy_config(struct link *l, const struct link_config *config, const struct url *u)
{
    if (link_copy_address(l, &config->broker, u) < 0)
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
    if (paho.create(&l->client, l->address, l->client_id, MQTTCLIENT_PERSISTENCE_NONE, NULL) !=
        MQTTCLIENT_SUCCESS) {
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

    if (url_parse(config->broker.url, &u) != NULL)
        return -EINVAL;
    r = paho_load(u.tls);
    if (r < 0)
        return r;
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
