#include "gateway/settings.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/topic.h"
#include "gateway/upstream.h"

#include "common/banned.h"

#define FRAME_ANCESTORS_MAX 512

/* NOLINTNEXTLINE(readability-function-size): a table */
static bool read_options(int argc, char **argv, struct settings *s, struct options_result *result)
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

static bool topics_valid(const struct settings *s)
{
    if (upstream_topics_valid(s->topics))
        return true;
    log_error("--topics takes MQTT filters separated by commas, not \"%s\"", s->topics);
    return false;
}

static bool frame_ancestors_valid(const struct settings *s)
{
    if (s->frame_ancestors == NULL || (strlen(s->frame_ancestors) <= FRAME_ANCESTORS_MAX &&
                                       strpbrk(s->frame_ancestors, ";,\r\n") == NULL))
        return true;
    log_error("--frame-ancestors takes origins such as https://example.org, separated by blanks");
    return false;
}

/* The name on status/gateway/…: one topic level. */
static bool choose_instance(struct settings *s)
{
    size_t len;

    if (s->instance == NULL) {
        if (gethostname(s->host, sizeof(s->host)) < 0)
            snprintf(s->host, sizeof(s->host), "gateway");
        s->host[INSTANCE_MAX] = '\0';
        s->instance = s->host;
    }
    len = strlen(s->instance);
    if (len <= INSTANCE_MAX && topic_valid(s->instance, len) && strchr(s->instance, '/') == NULL)
        return true;
    log_error("--instance takes one topic level of at most %d bytes", INSTANCE_MAX);
    return false;
}

bool settings_read(int argc, char **argv, struct settings *s, struct options_result *result)
{
    if (!read_options(argc, argv, s, result))
        return false;
    if (topics_valid(s) && choose_instance(s) && frame_ancestors_valid(s))
        return true;
    result->exit_status = 2;
    return false;
}

struct gateway_limits settings_limits(const struct settings *s)
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
