/*
 * tapecast-gateway: options in, workers started, signals waited for.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/broker_options.h"
#include "common/log.h"
#include "common/options.h"
#include "common/topic.h"
#include "gateway/auth/auth.h"
#include "gateway/codec/ws_handshake.h"
#include "gateway/doors/broker.h"
#include "gateway/doors/files.h"
#include "gateway/history.h"
#include "gateway/net/tls.h"
#include "gateway/worker.h"

#include "common/banned.h"

#define FRAME_ANCESTORS_MAX 512
#define USUAL_TOPICS "stocks/#,status/#,charts/#"

struct settings {
    const char *jwt_key, *jwks, *jwks_ca, *audience, *issuer, *anonymous;
    bool public;
    struct broker_address broker;
    const char *listen, *web, *store, *topics, *instance, *origins, *cors_origins, *broker_from;
    const char *tls_client_auth, *proxies, *frame_ancestors;
    bool proxy_protocol;
    struct tls_files tls;
    uint64_t hsts;
    uint64_t workers, max_connections, max_per_address, handshake_ms, max_delay_ms, drain_ms,
        idle_ms;
    uint64_t max_broker_sessions;
    uint64_t connects_s, subscribes_s, requests_s;
    uint64_t max_packet, max_subscriptions, max_filter_length, max_filter_levels;
    uint64_t max_topics, max_matches, max_log, max_logs;
};

/* NOLINTNEXTLINE(readability-function-size): a table */
static bool read_settings(int argc, char **argv, struct settings *s, struct options_result *result)
{
    const struct option_spec specs[] = {
        BROKER_OPTIONS(&s->broker),
        {"listen", "HOST:PORT", OPTION_STRING, &s->listen, "127.0.0.1:8080", 0, 0,
         "Where readers connect: the dashboard at /, MQTT over WebSocket at /mqtt. Port 0 lets the "
         "system choose."},
        {"web", "DIR", OPTION_STRING, &s->web, NULL, 0, 0,
         "The dashboard's files (dashboard/dist). Without it only the other addresses answer."},
        {"store", "FILE|URL", OPTION_STRING, &s->store, NULL, 0, 0,
         "The recorder's store, for /api/history: its SQLite file or postgres://…. Without it "
         "there is no history."},
        {"workers", "N", OPTION_UINT, &s->workers, "1", 1, 64,
         "Threads that share the readers; one serves ten thousand."},
        {"topics", "FILTERS", OPTION_STRING, &s->topics, USUAL_TOPICS, 0, 0,
         "What to take from the broker, comma-separated."},
        {"instance", "NAME", OPTION_STRING, &s->instance, NULL, 0, 0,
         "This gateway's name on status/gateway/NAME. The host's name when not given."},
        {"origins", "LIST", OPTION_STRING, &s->origins, NULL, 0, 0,
         "Origins besides the gateway's own host whose pages may read, comma-separated, such as "
         "https://example.org; * is all."},
        {"cors-origins", "LIST", OPTION_STRING, &s->cors_origins, NULL, 0, 0,
         "Further origins whose pages may read /api alone; * is all."},
        {"broker-from", "LIST|none", OPTION_STRING, &s->broker_from, NULL, 0, 0,
         "Who may have a session of his own on the broker at /broker without a token: addresses "
         "and networks, comma-separated. Without keys this machine (127.0.0.0/8,::1) when not "
         "given, with keys nobody; none closes the door to all."},
        {"frame-ancestors", "ORIGINS", OPTION_STRING, &s->frame_ancestors, NULL, 0, 0,
         "Sites besides the gateway's own that may show the dashboard in a frame, separated by "
         "blanks; * is all."},
        {"max-delay", "MS", OPTION_UINT, &s->max_delay_ms, "5", 0, 1000,
         "A busy gateway gathers ticks, so that each write carries more, as long as none waits "
         "longer than about three times this for its turn; 0 gathers nothing."},
        {"drain", "MS", OPTION_UINT, &s->drain_ms, "1000", 0, 600000,
         "On SIGTERM, readers are told over so long, so that they do not all return at once."},
        {"tls", NULL, OPTION_GROUP, NULL, NULL, 0, 0,
         "TLS: with a certificate every reader speaks TLS. On SIGHUP its files are read again, and "
         "nobody is dropped"},
        {"tls-cert", "FILE", OPTION_STRING, &s->tls.cert, NULL, 0, 0,
         "The certificate with those between it and its root, PEM."},
        {"tls-key", "FILE", OPTION_STRING, &s->tls.key, NULL, 0, 0,
         "The certificate's key, PEM, without a pass phrase and not readable by others."},
        {"tls-client-ca", "FILE", OPTION_STRING, &s->tls.client_ca, NULL, 0, 0,
         "Let in only clients with a certificate that is signed by one of these, PEM."},
        {"tls-client-auth", "required|optional", OPTION_STRING, &s->tls_client_auth, "required", 0,
         0,
         "With --tls-client-ca: optional lets in those without a certificate too; a wrong one is "
         "refused all the same."},
        {"hsts", "SECONDS", OPTION_UINT, &s->hsts, "0", 0, 63072000,
         "Tell browsers to come by https:// only for so long (Strict-Transport-Security); 0 does "
         "not."},
        {"tokens", NULL, OPTION_GROUP, NULL, NULL, 0, 0,
         "Tokens (JSON Web Tokens): with any of these keys, or a secret in TAPECAST_JWT_SECRET or "
         "the file that TAPECAST_JWT_SECRET_FILE names, who brings a token gets what it grants"},
        {"jwt-key", "FILE", OPTION_STRING, &s->jwt_key, NULL, 0, 0,
         "The issuer's public key, PEM (RS256, ES256 and their like). A changed file is read "
         "again."},
        {"jwks", "FILE|URL", OPTION_STRING, &s->jwks, NULL, 0, 0,
         "The issuer's JSON Web Key Set; behind a URL it is read again every five minutes, and "
         "when a token names a key that is not known yet."},
        {"jwks-ca", "FILE", OPTION_STRING, &s->jwks_ca, NULL, 0, 0,
         "Whom to trust for that URL, PEM. The system's authorities when not given."},
        {"jwt-audience", "NAME", OPTION_STRING, &s->audience, NULL, 0, 0,
         "This gateway's name in a token's aud. Without it a token that has one is refused."},
        {"jwt-issuer", "NAME", OPTION_STRING, &s->issuer, NULL, 0, 0,
         "What a token's iss must be. Any when not given."},
        {"anonymous", "FILTERS|none", OPTION_STRING, &s->anonymous, NULL, 0, 0,
         "With keys: what may be read without a token. On loopback " USUAL_TOPICS
         " when not given, "
         "elsewhere none."},
        {"public", NULL, OPTION_FLAG, &s->public, NULL, 0, 0,
         "Serve anybody who can reach --listen, in the clear and without tokens. Needed for "
         "addresses beyond this machine when there is neither a certificate nor a key."},
        {"proxies", "LIST", OPTION_STRING, &s->proxies, NULL, 0, 0,
         "Reverse proxies and load balancers whose word is taken for whom a request is for "
         "(X-Forwarded-For, Forwarded): addresses and networks such as 127.0.0.1,10.0.0.0/8. From "
         "all others these fields are not believed."},
        {"proxy-protocol", NULL, OPTION_FLAG, &s->proxy_protocol, NULL, 0, 0,
         "Connections from --proxies begin with the PROXY protocol, version 1 or 2."},
        {"limits", NULL, OPTION_GROUP, NULL, NULL, 0, 0,
         "Limits, each worker's own; on SIGHUP they are read again"},
        {"max-connections", "N", OPTION_UINT, &s->max_connections, "16384", 1, 1000000,
         "Open connections; one more is answered 503."},
        {"max-per-address", "N", OPTION_UINT, &s->max_per_address, "1024", 1, 1000000,
         "Connections of one address (IPv6: one /64); one more is answered 429. Loopback is not "
         "counted."},
        {"max-broker-sessions", "N", OPTION_UINT, &s->max_broker_sessions, "1000", 1, 1000000,
         "Sessions at /broker, each a connection to the broker; one more is answered 503."},
        {"max-connect-rate", "N", OPTION_UINT, &s->connects_s, "50", 0, 1000000,
         "New connections a second of one address, and sessions of one token (its sub); one more "
         "is answered 429 or CONNACK 0x9F. Of this and the next two 20 seconds' worth may come at "
         "once, loopback is not counted, and 0 is no limit."},
        {"max-subscribe-rate", "N", OPTION_UINT, &s->subscribes_s, "100", 0, 1000000,
         "Subscriptions a second; one more is answered SUBACK 0x97, or the error rate_limited."},
        {"max-request-rate", "N", OPTION_UINT, &s->requests_s, "100", 0, 1000000,
         "HTTP requests a second; one more is answered 429."},
        {"handshake-timeout", "MS", OPTION_UINT, &s->handshake_ms, "10000", 100, 600000,
         "Time for a request head, and from it to MQTT CONNECT."},
        {"idle-timeout", "MS", OPTION_UINT, &s->idle_ms, "60000", 1000, 3600000,
         "An MQTT reader without keep-alive that is silent for so long is sent a WebSocket ping, "
         "and closed after as long again. One with keep-alive has one and a half times that, which "
         "with MQTT 5 is at most this time."},
        {"max-packet", "BYTES", OPTION_UINT, &s->max_packet, "65536", 1024, 1048576,
         "The longest MQTT packet that a client may send."},
        {"max-subscriptions", "N", OPTION_UINT, &s->max_subscriptions, "1024", 1, 100000,
         "Filters that one client may hold."},
        {"max-filter-length", "BYTES", OPTION_UINT, &s->max_filter_length, "512", 1, 65535,
         "The longest filter."},
        {"max-filter-levels", "N", OPTION_UINT, &s->max_filter_levels, "16", 1, 1000,
         "The most levels of a filter."},
        {"max-topics", "N", OPTION_UINT, &s->max_topics, "100000", 1, 10000000,
         "Topics whose last value is kept; messages of others are not passed on."},
        {"max-matches", "N", OPTION_UINT, &s->max_matches, "4000000", 1, 100000000,
         "Pairs of topic and distinct subscription, about 64 bytes each; more subscriptions are "
         "refused."},
        {"max-log", "BYTES", OPTION_UINT, &s->max_log, "1048576", 65536, 1073741824,
         "Bytes that wait for the slowest readers of one subscription; who is further behind gets "
         "the newest values instead."},
        {"max-logs", "BYTES", OPTION_UINT, &s->max_logs, "8388608", 65536, 68719476736,
         "The same for the readers of all subscriptions together; past it each subscription has an "
         "equal share."},
    };
    const struct options options = {
        .program = "tapecast-gateway",
        .synopsis = "[--listen HOST:PORT] [--web DIR] [options]",
        .summary = "Serves the dashboard and carries MQTT over WebSocket to any number of readers, "
                   "none of whom can slow the others.",
        .epilogue =
            "examples:\n"
            "  tapecast-gateway --web dashboard/dist\n"
            "  tapecast-gateway --mqtt-url mqtt://broker.lan --listen 0.0.0.0:443 --workers 4 \\\n"
            "      --tls-cert fullchain.pem --tls-key key.pem --jwks "
            "https://id.example/jwks.json\n",
        .specs = specs,
        .n_specs = ARRAY_SIZE(specs),
    };

    return options_read(&options, argc, argv, result);
}

static struct gateway_limits limits_of(const struct settings *s)
{
    return (struct gateway_limits){
        .net = {.max_connections = s->max_connections,
                .max_per_address = s->max_per_address,
                .handshake_ms = (uint32_t)s->handshake_ms,
                .per_s = {[QUOTA_CONNECT] = (uint32_t)s->connects_s,
                          [QUOTA_SUBSCRIBE] = (uint32_t)s->subscribes_s,
                          [QUOTA_REQUEST] = (uint32_t)s->requests_s}},
        .hub = {s->max_topics, s->max_matches, s->max_log, s->max_logs},
        .max_packet_size = (uint32_t)s->max_packet,
        .max_subscriptions = (uint32_t)s->max_subscriptions,
        .max_filter_length = (uint32_t)s->max_filter_length,
        .max_filter_levels = (uint32_t)s->max_filter_levels,
        .max_broker_sessions = (uint32_t)s->max_broker_sessions,
        .idle_ms = (uint32_t)s->idle_ms,
    };
}

/* Returns 0 and *ret, NULL without a certificate; or a negative errno after logging. */
static int load_tls(const struct settings *s, struct ssl_ctx_st **ret)
{
    struct tls_files files = s->tls;

    if ((files.cert == NULL) != (files.key == NULL) ||
        (files.client_ca != NULL && files.cert == NULL)) {
        log_error("TLS takes a certificate and its key: --tls-cert FILE --tls-key FILE");
        return -EINVAL;
    }
    files.client_may_lack = strcmp(s->tls_client_auth, "optional") == 0;
    if (!files.client_may_lack && strcmp(s->tls_client_auth, "required") != 0) {
        log_error("--tls-client-auth is required or optional, not \"%s\"", s->tls_client_auth);
        return -EINVAL;
    }
    *ret = NULL;
    return files.cert != NULL ? tls_context_load(&files, ret) : 0;
}

/* Is `listen` an address of this machine alone? */
static bool on_loopback(const char *listen)
{
    return strncmp(listen, "127.", 4) == 0 || strncmp(listen, "[::1]:", 6) == 0 ||
           strncmp(listen, "localhost:", 10) == 0;
}

/* Returns 0 and *ret, NULL without keys; or a negative errno after logging. */
static int load_auth(const struct settings *s, const char *secret, struct auth **ret)
{
    const struct auth_config config = {
        .secret = secret,
        .key = s->jwt_key,
        .jwks = s->jwks,
        .ca_file = s->jwks_ca,
        .rules = {s->audience, s->issuer, USUAL_TOPICS},
        .anonymous = s->anonymous != NULL     ? s->anonymous
                     : on_loopback(s->listen) ? USUAL_TOPICS
                                              : "none",
    };

    *ret = NULL;
    if (auth_is_configured(&config))
        return auth_new(&config, ret);
    if (s->anonymous != NULL || s->audience != NULL || s->issuer != NULL) {
        log_error("tokens need a key to be checked with: --jwt-key, --jwks or TAPECAST_JWT_SECRET");
        return -EINVAL;
    }
    if (on_loopback(s->listen) || s->tls.cert != NULL || s->public)
        return 0;
    log_error("%s can be reached from other machines, in the clear and without tokens: give "
              "--tls-cert or keys for tokens, or allow it with --public",
              s->listen);
    return -EINVAL;
}

/* Who may use /broker; after load_auth(). Returns 0 and sets sh->broker, NULL when nobody may; or a
 * negative errno after logging. */
static int load_broker_door(const struct settings *s, struct shared *sh)
{
    const char *from = s->broker_from != NULL ? s->broker_from
                       : sh->auth == NULL     ? BROKER_FROM_LOOPBACK
                                              : "none";

    if (s->broker_from != NULL && strcmp(s->broker_from, "none") == 0)
        return 0;
    return broker_access_new(&s->broker, from, &sh->broker);
}

/* Returns 0; or -EINVAL or -ENOMEM after logging. */
static int load_proxies(const struct settings *s, struct net_proxies *ret)
{
    int r = s->proxies != NULL ? ranges_parse(s->proxies, &ret->ranges) : 0;

    ret->announce = s->proxy_protocol;
    if (r < 0)
        log_error("--proxies takes addresses and networks such as 127.0.0.1,10.0.0.0/8, not \"%s\"",
                  s->proxies);
    else if (s->proxy_protocol && ret->ranges.n == 0)
        log_error("--proxy-protocol needs --proxies: from whom it is taken");
    else
        return 0;
    return r < 0 ? r : -EINVAL;
}

static void fill_shared(const struct settings *s, struct shared *sh)
{
    sh->listen = s->listen;
    sh->hsts_s = s->hsts;
    sh->origins = s->origins;
    sh->cors_origins = s->cors_origins;
    sh->frame_ancestors = s->frame_ancestors;
    sh->max_delay_us = (uint32_t)s->max_delay_ms * 1000;
    sh->drain_ms = (uint32_t)s->drain_ms;
    sh->n_workers = s->workers;
    sh->upstream.broker = s->broker;
    sh->upstream.topics = s->topics;
}

/* The name on status/gateway/…: one topic level. Returns whether it is one. */
static bool choose_instance(const struct settings *s, char buf[65])
{
    if (s->instance == NULL) {
        if (gethostname(buf, 65) < 0)
            snprintf(buf, 65, "gateway");
        buf[64] = '\0';
    } else if (strlen(s->instance) > 64) {
        return false;
    } else {
        snprintf(buf, 65, "%s", s->instance);
    }
    return topic_valid(buf, strlen(buf)) && strchr(buf, '/') == NULL;
}

static void raise_descriptor_limit(size_t wanted)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < wanted)
        log_warn("only %llu file descriptors are allowed, so fewer than %zu connections: raise "
                 "`ulimit -n`",
                 (unsigned long long)limit.rlim_cur, wanted);
}

/* What the program was started with, for SIGHUP. */
struct command {
    int argc;
    char **argv;
    struct settings settings;
    struct options_result result;
};

/* Who listens in the clear goes on so, and who listens with TLS too: the address is known as one or
 * the other. */
static void reload_tls(struct shared *sh, const struct settings *s)
{
    struct ssl_ctx_st *tls = NULL;

    if (sh->tls == NULL)
        return;
    if (load_tls(s, &tls) < 0 || tls == NULL)
        log_warn("the old certificate stays");
    for (size_t i = 0; i < sh->n_workers && tls != NULL; i++)
        worker_set_tls(&sh->workers[i], tls);
    tls_context_unref(tls);
}

/* Read everything again; the limits and the certificate take effect, the rest needs a restart. */
static void reload(struct shared *sh, const struct command *cmd)
{
    struct settings settings = {0};
    struct options_result result;

    if (read_settings(cmd->argc, cmd->argv, &settings, &result)) {
        struct gateway_limits limits = limits_of(&settings);
        for (size_t i = 0; i < sh->n_workers; i++)
            worker_set_limits(&sh->workers[i], &limits);
        log_info("limits read again");
        if (sh->auth != NULL)
            auth_reload(sh->auth);
        reload_tls(sh, &settings);
    } else {
        log_warn("the old limits stay");
    }
    options_release(&result);
}

static void wait_for_the_end(struct shared *sh, const struct command *cmd, const sigset_t *signals)
{
    int number;

    while (sigwait(signals, &number) == 0 && number == SIGHUP)
        reload(sh, cmd);
    log_info("stopping");
}

static int start_workers(struct shared *sh)
{
    int r = 0;

    for (size_t i = 0; i < sh->n_workers && r == 0; i++) {
        struct worker *w = &sh->workers[i];
        r = -pthread_create(&w->thread, NULL, worker_run, w);
        w->started = r == 0;
    }
    if (r < 0)
        log_error("cannot start a thread: %s", strerror(-r));
    return r;
}

static void stop_workers(struct shared *sh)
{
    for (size_t i = 0; i < sh->n_workers; i++)
        worker_stop(&sh->workers[i]);
    for (size_t i = 0; i < sh->n_workers; i++)
        if (sh->workers[i].started)
            pthread_join(sh->workers[i].thread, NULL);
}

static int run_workers(struct shared *sh, const struct command *cmd, const sigset_t *signals)
{
    struct gateway_limits limits = limits_of(&cmd->settings);
    char address[64];
    size_t n = 0;
    int r = 0;

    for (; n < sh->n_workers && r == 0; n++)
        r = worker_init(&sh->workers[n], sh, &limits, (unsigned)n);
    if (r == 0) {
        net_local_address(&sh->workers[0].net, address, sizeof(address));
        r = start_workers(sh);
        if (r == 0) {
            log_info("listening on %s://%s", sh->tls != NULL ? "https" : "http", address);
            wait_for_the_end(sh, cmd, signals);
        }
        stop_workers(sh);
        history_stop(sh->history);
    }
    for (size_t i = 0; i < n; i++)
        worker_hang_up(&sh->workers[i]);
    for (size_t i = 0; i < n; i++)
        worker_release(&sh->workers[i]);
    return r;
}

static int run(const struct command *cmd)
{
    const struct settings *s = &cmd->settings;
    struct shared sh = {0};
    char instance[65], *password = NULL, *secret = NULL;
    sigset_t signals;
    int r;

    if (!upstream_topics_valid(s->topics)) {
        log_error("--topics takes MQTT filters separated by commas, not \"%s\"", s->topics);
        return -EINVAL;
    }
    if (!choose_instance(s, instance)) {
        log_error("--instance takes one topic level of at most 64 bytes");
        return -EINVAL;
    }
    if (s->frame_ancestors != NULL && (strlen(s->frame_ancestors) > FRAME_ANCESTORS_MAX ||
                                       strpbrk(s->frame_ancestors, ";,\r\n") != NULL)) {
        log_error(
            "--frame-ancestors takes origins such as https://example.org, separated by blanks");
        return -EINVAL;
    }
    if (!ws_handshake_possible())
        log_warn("OpenSSL has no SHA-1 here, so every WebSocket will be refused; /events and /api "
                 "need none");
    fill_shared(s, &sh);
    sh.upstream.instance = instance;
    r = options_secret(&cmd->result, BROKER_PASSWORD, &password);
    if (r < 0)
        return r;
    sh.upstream.broker.password = password;
    r = options_secret(&cmd->result, "TAPECAST_JWT_SECRET", &secret);
    if (r == 0)
        r = load_auth(s, secret, &sh.auth);
    if (r == 0)
        r = load_tls(s, &sh.tls);
    if (r == 0)
        r = load_broker_door(s, &sh);
    if (r == 0)
        r = load_proxies(s, &sh.proxies);
    if (r == 0 && s->web != NULL)
        r = files_load(s->web, &sh.files);
    if (r < 0)
        goto out;
    sh.workers = calloc(sh.n_workers, sizeof(*sh.workers));
    if (sh.workers == NULL) {
        r = -ENOMEM;
        goto out;
    }
    raise_descriptor_limit((s->max_connections + s->max_broker_sessions) * s->workers + 64);
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    r = s->store != NULL ? history_start(s->store, &sh.history) : 0;
    if (r == 0)
        r = run_workers(&sh, cmd, &signals);
out:
    tls_context_unref(sh.tls);
    history_free(sh.history);
    files_free(sh.files);
    auth_free(sh.auth);
    broker_access_free(sh.broker);
    ranges_release(&sh.proxies.ranges);
    free(sh.workers);
    free(secret);
    free(password);
    return r;
}

int main(int argc, char **argv)
{
    struct command cmd = {.argc = argc, .argv = argv};
    int status;

    log_init("gateway", LOG_INFO);
    tls_library_init();
    if (!read_settings(argc, argv, &cmd.settings, &cmd.result)) {
        status = cmd.result.exit_status;
    } else {
        int r = run(&cmd);
        status = r == 0 ? 0 : r == -EINVAL ? 2 : 1;
    }
    options_release(&cmd.result);
    return status;
}
