/*
 * settings -- what the gateway's command line asks for: its options, their defaults and what can be
 * said of them without opening anything.
 *
 * The strings belong to the command line and to the options_result, which outlive them. Not to be
 * copied: it may point into itself.
 */
#ifndef TAPECAST_GATEWAY_SETTINGS_H
#define TAPECAST_GATEWAY_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/broker_options.h"
#include "common/options.h"
#include "gateway/net/tls.h"
#include "gateway/worker.h"

#define USUAL_TOPICS "stocks/#,status/#,charts/#"
#define INSTANCE_MAX 64

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
    char host[INSTANCE_MAX + 1]; /* its name, where no instance was given */
};

/* Read them, saying what is wrong. Returns whether to go on; else result->exit_status is how to
 * end. options_release() `result` in any case. */
MUST_CHECK bool settings_read(int argc, char **argv, struct settings *s,
                              struct options_result *result);

/* The limits among them. */
struct gateway_limits settings_limits(const struct settings *s);

#endif
