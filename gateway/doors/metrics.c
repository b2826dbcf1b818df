/*
 * /metrics -- the figures of all workers as Prometheus text (exposition format 0.0.4).
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/codec/mqtt.h"
#include "gateway/doors/door.h"
#include "gateway/doors/doors.h"
#include "gateway/doors/http.h"
#include "gateway/history.h"
#include "gateway/worker.h"

#include "common/banned.h"

#define METRICS_MAX 32768

struct page {
    char *text;
    size_t len;
};

PRINTF_LIKE(2, 3)
static void put(struct page *p, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(p->text + p->len, METRICS_MAX - p->len, format, args);
    va_end(args);
    if (n > 0 && p->len + (size_t)n < METRICS_MAX)
        p->len += (size_t)n;
}

static void put_value(struct page *p, const char *name, const char *type, const char *help,
                      uint64_t value)
{
    put(p, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name, type, name,
        (unsigned long long)value);
}

static void put_labelled(struct page *p, const char *name, const char *label,
                         const char *label_value, uint64_t value)
{
    put(p, "%s{%s=\"%s\"} %llu\n", name, label, label_value, (unsigned long long)value);
}

static void put_by_door(struct page *p, const char *name, const char *type, const char *help,
                        const uint64_t *values)
{
    put(p, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
    for (unsigned i = 0; i < DOORS; i++)
        put_labelled(p, name, "door", door_by_id(i)->name, values[i]);
}

static void put_histogram(struct page *p, const char *name, const char *help,
                          const struct histogram *h)
{
    uint64_t below = 0;

    put(p, "# HELP %s %s\n# TYPE %s histogram\n", name, help, name);
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        below += h->counts[i];
        put(p, "%s_bucket{le=\"%g\"} %llu\n", name, histogram_bounds[i], (unsigned long long)below);
    }
    below += h->counts[HISTOGRAM_BUCKETS];
    put(p, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %g\n%s_count %llu\n", name,
        (unsigned long long)below, name, h->sum, name, (unsigned long long)below);
}

static void put_refusals(struct page *p, const struct figures *f)
{
    static const char name[] = "tapecast_refused_total";

    put(p, "# HELP %s Connections and sessions that were refused or ended for a reason.\n", name);
    put(p, "# TYPE %s counter\n", name);
    put_labelled(p, name, "reason", "connections", f->net.refused_full);
    put_labelled(p, name, "reason", "address", f->net.refused_address);
    put_labelled(p, name, "reason", "proxy_protocol", f->net.refused_proxy);
    put_labelled(p, name, "reason", "connect_rate", f->net.refused_rate[QUOTA_CONNECT]);
    put_labelled(p, name, "reason", "subscribe_rate", f->net.refused_rate[QUOTA_SUBSCRIBE]);
    put_labelled(p, name, "reason", "request_rate", f->net.refused_rate[QUOTA_REQUEST]);
    put_labelled(p, name, "reason", "descriptors", f->net.refused_descriptors);
    put_labelled(p, name, "reason", "overrun", f->net.overrun);
    put_labelled(p, name, "reason", "tls", f->net.handshakes_failed);
    put_labelled(p, name, "reason", "h2_flood", f->doors.h2_floods);
    put_labelled(p, name, "reason", "handshake_timeout", f->doors.handshake_timeouts);
    put_labelled(p, name, "reason", "websocket_error", f->doors.websocket_errors);
    put_labelled(p, name, "reason", "idle_timeout", f->doors.idle_timeouts);
    put_labelled(p, name, "reason", "token", f->doors.tokens_refused);
    put_labelled(p, name, "reason", "broker_forbidden", f->doors.broker_forbidden);
    put_labelled(p, name, "reason", "broker_sessions", f->doors.broker_full);
    put_labelled(p, name, "reason", "broker_away", f->doors.broker_away);
    for (int i = 0; i < 256; i++)
        if (f->doors.refused[i] > 0)
            put_labelled(p, name, "reason", mqtt_reason_name((uint8_t)i), f->doors.refused[i]);
}

static void put_broker_bytes(struct page *p, const struct figures *f)
{
    static const char name[] = "tapecast_broker_bytes_total";

    put(p, "# HELP %s Bytes of MQTT carried at /broker.\n# TYPE %s counter\n", name, name);
    put_labelled(p, name, "direction", "up", f->doors.broker_bytes_up);
    put_labelled(p, name, "direction", "down", f->doors.broker_bytes_down);
}

static void put_all(struct page *p, const struct figures *f)
{
    put_value(p, "tapecast_connections", "gauge", "Open connections of all kinds.", f->connections);
    put_by_door(p, "tapecast_readers", "gauge", "Readers.", f->doors.readers);
    put_value(p, "tapecast_accepted_total", "counter", "Connections accepted.", f->net.accepted);
    put_value(p, "tapecast_tls_handshakes_total", "counter", "TLS handshakes completed.",
              f->net.handshakes);
    put_value(p, "tapecast_upstream_up", "gauge", "1 while the broker is connected.",
              f->upstream_up);
    put_value(p, "tapecast_ready", "gauge", "1 when all retained values have come.", f->ready);
    put_value(p, "tapecast_upstream_losses_total", "counter",
              "Times the broker's connection was lost.", f->upstream_losses);
    put_value(p, "tapecast_upstream_messages_total", "counter", "Messages from the broker.",
              f->hub.messages_in);
    put_value(p, "tapecast_doubles_total", "counter",
              "Copies left out that the broker sent for overlapping filters of --topics.",
              f->doubles);
    put_value(p, "tapecast_properties_lost_total", "counter",
              "Messages whose properties were too long to be passed on.", f->properties_lost);
    put_value(p, "tapecast_topics", "gauge", "Topics in the cache.", f->topics);
    put_value(p, "tapecast_topics_refused_total", "counter",
              "Messages whose topic found no place in the cache.", f->hub.topics_refused);
    put_value(p, "tapecast_channels", "gauge", "Distinct sets of subscriptions.", f->channels);
    put_value(p, "tapecast_log_bytes", "gauge", "Memory of all channels' logs.", f->log_bytes);
    put_value(p, "tapecast_rest_bytes", "gauge",
              "Long rests kept of messages that readers have a part of.", f->rests);
    put_by_door(p, "tapecast_delivered_total", "counter", "Messages sent to readers.",
                f->hub.delivered);
    put_by_door(p, "tapecast_delivered_bytes_total", "counter", "Bytes of those, framing included.",
                f->hub.delivered_bytes);
    put_value(p, "tapecast_rounds_total", "counter", "Rounds of writes.", f->hub.rounds);
    put_value(p, "tapecast_catch_ups_total", "counter",
              "Readers that fell behind their channel's log.", f->hub.catch_ups);
    put_value(p, "tapecast_caught_up_total", "counter",
              "Newest values sent to newcomers and to readers that fell behind.", f->hub.caught_up);
    put_value(p, "tapecast_conflated_total", "counter",
              "Messages that readers behind were spared because newer ones replaced them.",
              f->hub.conflated);
    put_value(p, "tapecast_lost_total", "counter", "Messages lost because memory was out.",
              f->hub.lost);
    put_value(p, "tapecast_broker_sessions", "gauge", "Sessions at /broker.",
              f->doors.broker_sessions);
    put_broker_bytes(p, f);
    put_refusals(p, f);
    put_histogram(p, "tapecast_loop_lag_seconds",
                  "Work in one turn of the loop, which everybody else waits for.", &f->doors.turn);
    put_histogram(p, "tapecast_tick_age_seconds",
                  "Age of quotes by their own time when they came here.", &f->doors.tick_age);
}

static void put_history(struct page *p, struct history *history)
{
    struct history_stats s;

    history_stats(history, &s);
    put_value(p, "tapecast_history_open", "gauge",
              "Questions about history that wait or are being answered.", s.open);
    put_value(p, "tapecast_history_requests_total", "counter",
              "Questions about history that were answered.", s.requests);
    put_value(p, "tapecast_history_errors_total", "counter",
              "Of them those that could not be answered because of the store.", s.errors);
    put_value(p, "tapecast_history_refused_total", "counter",
              "Questions about history that were refused because too many waited.", s.refused);
    put_value(p, "tapecast_history_rows_total", "counter",
              "Bars, ticks and symbols in the answers.", s.rows);
    put_histogram(p, "tapecast_history_seconds", "From a question about history to its answer.",
                  &s.latency);
}

void door_metrics(const struct http_request *r)
{
    struct page page = {.text = malloc(METRICS_MAX)};
    struct figures f;

    if (page.text == NULL) {
        http_problem(r, 503, "", HTTP_OUT_OF_MEMORY);
        return;
    }
    worker_figures(worker_of(r->conn), &f);
    put_all(&page, &f);
    if (worker_of(r->conn)->shared->history != NULL)
        put_history(&page, worker_of(r->conn)->shared->history);
    http_answer_text(r, 200, "text/plain; version=0.0.4; charset=utf-8", page.text, page.len);
    free(page.text);
}
