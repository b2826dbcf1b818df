/*
 * tapecast-gateway: options in, workers started, signals waited for.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/log.h"
#include "gateway/auth/auth.h"
#include "gateway/codec/ws_handshake.h"
#include "gateway/doors/broker.h"
#include "gateway/doors/files.h"
#include "gateway/history.h"
#include "gateway/net/tls.h"
#include "gateway/settings.h"
#include "gateway/worker.h"

#include "common/banned.h"

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
    sh->upstream.instance = s->instance;
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

    if (settings_read(cmd->argc, cmd->argv, &settings, &result)) {
        struct gateway_limits limits = settings_limits(&settings);
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
    struct gateway_limits limits = settings_limits(&cmd->settings);
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

/* Open what the settings name. Returns 0; or a negative errno after logging; release() in any
 * case. */
static int load(const struct settings *s, const char *secret, struct shared *sh)
{
    int r = load_auth(s, secret, &sh->auth);

    if (r == 0)
        r = load_tls(s, &sh->tls);
    if (r == 0)
        r = load_broker_door(s, sh);
    if (r == 0)
        r = load_proxies(s, &sh->proxies);
    if (r == 0 && s->web != NULL)
        r = files_load(s->web, &sh->files);
    if (r < 0)
        return r;
    sh->workers = calloc(sh->n_workers, sizeof(*sh->workers));
    return sh->workers != NULL ? 0 : -ENOMEM;
}

static void release(struct shared *sh)
{
    tls_context_unref(sh->tls);
    history_free(sh->history);
    files_free(sh->files);
    auth_free(sh->auth);
    broker_access_free(sh->broker);
    ranges_release(&sh->proxies.ranges);
    free(sh->workers);
}

/* For all threads that are started from now on; wait_for_the_end() takes them. */
static void block_signals(sigset_t *ret)
{
    sigemptyset(ret);
    sigaddset(ret, SIGINT);
    sigaddset(ret, SIGTERM);
    sigaddset(ret, SIGHUP);
    pthread_sigmask(SIG_BLOCK, ret, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int run(const struct command *cmd)
{
    const struct settings *s = &cmd->settings;
    struct shared sh = {0};
    char *password = NULL, *secret = NULL;
    sigset_t signals;
    int r;

    if (!ws_handshake_possible())
        log_warn("OpenSSL has no SHA-1 here, so every WebSocket will be refused; /events and /api "
                 "need none");
    fill_shared(s, &sh);
    r = options_secret(&cmd->result, BROKER_PASSWORD, &password);
    sh.upstream.broker.password = password;
    if (r == 0)
        r = options_secret(&cmd->result, "TAPECAST_JWT_SECRET", &secret);
    if (r == 0)
        r = load(s, secret, &sh);
    if (r < 0)
        goto out;
    raise_descriptor_limit((s->max_connections + s->max_broker_sessions) * s->workers + 64);
    block_signals(&signals);
    if (s->store != NULL)
        r = history_start(s->store, &sh.history);
    if (r == 0)
        r = run_workers(&sh, cmd, &signals);
out:
    release(&sh);
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
    if (!settings_read(argc, argv, &cmd.settings, &cmd.result)) {
        status = cmd.result.exit_status;
    } else {
        int r = run(&cmd);
        status = r == 0 ? 0 : r == -EINVAL ? 2 : 1;
    }
    options_release(&cmd.result);
    return status;
}
