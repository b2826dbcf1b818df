/*
 * /broker -- a session of one's own on the real broker: what stands in the WebSocket's binary
 * messages goes to a connection made for it alone, and what the broker answers comes back, byte for
 * byte. Nothing of it is read here.
 *
 *     client  --frames-->  unmask  --bytes-->  broker
 *             <--frames--  wrap    <--bytes--
 *
 * Each side is read only while the other has nothing left to send: so at most one read of each
 * direction is held, and whoever is slow slows the other end of his own session and nobody else.
 * Whoever goes first takes the other along: the client's end, in whatever way, is an end of the
 * bytes for the broker, which publishes the will unless an MQTT DISCONNECT came before.
 *
 *   dialling --connected--> greeting (TLS) --ready()--> up --the broker ends--> last words
 */
#include "gateway/doors/broker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/log.h"
#include "gateway/codec/websocket.h"
#include "gateway/dial.h"
#include "gateway/doors/door.h"
#include "gateway/doors/doors.h"
#include "gateway/doors/gate.h"
#include "gateway/doors/http.h"
#include "gateway/doors/origin.h"
#include "gateway/doors/upgrade.h"
#include "gateway/doors/visitor.h"
#include "gateway/net/tls.h"
#include "gateway/worker.h"

#include "common/banned.h"

#define FRAME_MAX TLS_RECORD_MAX /* of a frame to the client, header included */
#define LAST_WORDS_MS 30000 /* for the client to take what the broker has sent before it went */

#define BROKER_AWAY "the broker cannot be reached; try again later"

struct broker_session {
    struct conn *client; /* NULL when it is gone */
    struct conn *broker; /* NULL before and after */
    struct dial dial;
    struct ws_decoder ws;
    bool up;          /* the broker's connection stands */
    bool heard;       /* the client has sent something */
    uint16_t verdict; /* 0; how to close when the client has taken all: the broker has gone */
};

static const struct protocol client_protocol, broker_protocol;

static struct broker_session *session_of(const struct conn *c)
{
    return c->state;
}

static void release(struct broker_session *s)
{
    if (s->client == NULL && s->broker == NULL)
        free(s);
}

static bool listens(const struct conn *c)
{
    return c != NULL && !c->closed && !c->finishing;
}

/* ---- the end ---- */

/* What the broker was sent it still gets; then its bytes end. */
static void leave_broker(struct broker_session *s)
{
    dial_cancel(&s->dial);
    if (!listens(s->broker))
        return;
    if (s->broker->handshaking) {
        conn_close(s->broker);
        return;
    }
    conn_resume(s->broker); /* to see it close */
    conn_finish(s->broker);
}

static void end(struct broker_session *s, uint16_t code, const char *why)
{
    uint8_t frame[WS_CONTROL_MAX];

    if (listens(s->client)) {
        conn_resume(s->client);
        conn_send(s->client, frame, ws_write_close(frame, code, why));
        conn_finish(s->client);
    }
    leave_broker(s);
}

static void end_away(struct broker_session *s)
{
    worker_of(s->client)->stats.broker_away++;
    end(s, WS_TRY_LATER, BROKER_AWAY);
}

static void end_by_broker(struct broker_session *s, uint16_t code)
{
    end(s, code,
        code == WS_NORMAL ? "the broker has closed the connection"
                          : "the broker's connection is broken");
}

/* ---- from the client ---- */

static void to_broker(struct broker_session *s, const uint8_t *bytes, size_t len)
{
    if (len == 0)
        return;
    if (!s->heard) {
        s->heard = true;
        conn_expire_at(s->client, MONO_NEVER); /* from here on the broker's keep-alive counts */
    }
    if (!listens(s->broker))
        return;
    worker_of(s->client)->stats.broker_bytes_up += len;
    conn_send(s->broker, bytes, len);
    if (conn_has_output(s->broker))
        conn_pause(s->client);
}

/* Payloads are moved together where they lie, so that there is one write however small the frames
 * are; of several pings the last is answered (RFC 6455, section 5.5.3). */
static size_t on_client_bytes(struct conn *c, uint8_t *bytes, size_t len)
{
    struct broker_session *s = session_of(c);
    struct ws_event e = {.kind = WS_PONG};
    uint8_t pong[WS_CONTROL_MAX];
    size_t used = 0, n = 0, pong_len = 0;

    if (!s->up)
        return 0;
    while (used < len && e.kind != WS_MORE && e.kind != WS_CLOSE && e.kind != WS_ERROR) {
        used += ws_decode(&s->ws, bytes + used, len - used, &e);
        if (e.kind == WS_PING)
            pong_len = ws_write_pong(pong, e.bytes, e.len);
        if (e.kind != WS_DATA)
            continue;
        memmove(bytes + n, e.bytes, e.len);
        n += e.len;
    }
    to_broker(s, bytes, n);
    if (pong_len > 0)
        conn_send(c, pong, pong_len);
    if (e.kind == WS_ERROR)
        worker_of(c)->stats.websocket_errors++;
    if (e.kind == WS_CLOSE || e.kind == WS_ERROR)
        end(s, e.code, e.why);
    return used;
}

static void on_client_drained(struct conn *c)
{
    struct broker_session *s = session_of(c);

    if (s->verdict != 0)
        end_by_broker(s, s->verdict);
    else if (s->broker != NULL)
        conn_resume(s->broker);
}

static void on_client_expired(struct conn *c, struct mono now)
{
    struct broker_session *s = session_of(c);

    (void)now;
    if (s->verdict != 0) {
        conn_close(c);
    } else if (!s->up) {
        end_away(s);
    } else if (!s->heard) {
        worker_of(c)->stats.handshake_timeouts++;
        end(s, WS_POLICY, "no CONNECT came in time");
    }
}

static void on_client_end(struct conn *c)
{
    struct broker_session *s = session_of(c);

    worker_of(c)->stats.broker_sessions--;
    leave_broker(s);
    s->client = NULL;
    release(s);
}

static const struct protocol client_protocol = {
    .name = "broker",
    .keep_max = READ_MAX, /* what came before the broker was there; then WS_KEEP_MAX */
    .bytes = on_client_bytes,
    .drained = on_client_drained,
    .expired = on_client_expired,
    .end = on_client_end,
};

/* ---- from the broker ---- */

static void on_broker_ready(struct conn *b)
{
    struct broker_session *s = session_of(b);

    s->up = true;
    conn_expire_at(b, MONO_NEVER);
    if (!listens(s->client))
        return;
    conn_expire_at(s->client, mono_add_ms(mono_now(), worker_of(b)->limits.net.handshake_ms));
    conn_resume(s->client);
    conn_retry_input(s->client);
}

static size_t on_broker_bytes(struct conn *b, uint8_t *bytes, size_t len)
{
    struct broker_session *s = session_of(b);
    uint8_t frame[FRAME_MAX];

    for (size_t at = 0; at < len && listens(s->client);) {
        size_t n = len - at < FRAME_MAX - WS_HEADER_MAX ? len - at : FRAME_MAX - WS_HEADER_MAX;
        uint8_t *payload = ws_write_header(frame, WS_OP_BINARY, n);

        memcpy(payload, bytes + at, n);
        conn_send(s->client, frame, (size_t)(payload - frame) + n);
        worker_of(b)->stats.broker_bytes_down += n;
        at += n;
    }
    if (listens(s->client) && conn_has_output(s->client))
        conn_pause(b);
    return len;
}

static void on_broker_drained(struct conn *b)
{
    struct broker_session *s = session_of(b);

    if (listens(s->client))
        conn_resume(s->client);
}

/* A deadline is set for its TLS handshake only, which the connection sees to itself. */
static void on_broker_expired(struct conn *b, struct mono now)
{
    (void)b, (void)now;
}

/* What came before it went is the client's to take. */
static void on_broker_end(struct conn *b)
{
    struct broker_session *s = session_of(b);

    s->broker = NULL;
    if (!listens(s->client)) {
        release(s);
        return;
    }
    if (!s->up) {
        end_away(s);
        return;
    }
    s->verdict = b->peer_done ? WS_NORMAL : WS_INTERNAL_ERROR;
    conn_resume(s->client);
    if (conn_has_output(s->client))
        conn_expire_at(s->client, mono_add_ms(mono_now(), LAST_WORDS_MS));
    else
        end_by_broker(s, s->verdict);
}

static const struct protocol broker_protocol = {
    .name = "broker's own",
    .ready = on_broker_ready,
    .bytes = on_broker_bytes,
    .drained = on_broker_drained,
    .expired = on_broker_expired,
    .end = on_broker_end,
};

static void on_dialled(struct dial *d, int fd)
{
    struct broker_session *s = CONTAINER_OF(d, struct broker_session, dial);
    struct worker *w = worker_of(s->client);

    if (fd < 0 || conn_open_to(&w->uplinks, fd, w->shared->broker->url.host, &broker_protocol, s,
                               &s->broker) < 0)
        end_away(s);
}

/* ---- who may ---- */

/* A page of another site whose name has been made to point here has "the gateway's own host" as its
 * origin. What may be so is no name, or a name that is known. */
static bool is_own_page(const struct shared *s, const struct http_head *h)
{
    struct slice origin = http_head_field(h, "Origin");

    return origin.at == NULL || origin_listed(s->origins, origin) || host_is_address(h->host);
}

static bool address_allows(const struct http_request *r)
{
    const struct shared *shared = worker_of(r->conn)->shared;

    return is_own_page(shared, r->head) && visitor_is_among(r, &shared->broker->from);
}

/* Since the bytes are not read, only who is granted everything may. */
static bool may_enter(const struct http_request *r)
{
    const struct shared *shared = worker_of(r->conn)->shared;
    int status = shared->auth != NULL ? gate_status(r->grant) : 403;

    if (shared->broker != NULL &&
        (address_allows(r) || (r->grant != NULL && grant_allows_all(r->grant))))
        return true;
    worker_of(r->conn)->stats.broker_forbidden++;
    if (shared->broker == NULL)
        http_problem(r, 403, "", "This door is closed (--broker-from none).");
    else if (shared->auth == NULL)
        http_problem(r, 403, "", "Your address may not; the gateway's --broker-from says which.");
    else
        http_problem(r, status, status == 401 ? GATE_CHALLENGE : "",
                     "This needs a token that grants the topics # and the publish #.");
    return false;
}

static bool has_room(const struct http_request *r)
{
    struct worker *w = worker_of(r->conn);

    if (w->stats.broker_sessions < w->limits.max_broker_sessions)
        return true;
    w->stats.broker_full++;
    http_problem(r, 503, "Retry-After: 10\r\n",
                 "There are as many sessions as --max-broker-sessions allows; try again later.");
    return false;
}

/* ---- the door ---- */

/* The broker takes both: what the client offers. */
static const char *subprotocol_of(const struct http_head *h)
{
    static const char older[] = "mqttv3.1";
    bool only_older = !http_head_lists(h, "Sec-WebSocket-Protocol", "mqtt") &&
                      http_head_lists(h, "Sec-WebSocket-Protocol", older);

    return only_older ? older : "mqtt";
}

void door_broker(const struct http_request *r)
{
    struct conn *c = r->conn;
    struct worker *w = worker_of(c);
    struct broker_session *s;
    struct upgrade up;

    if (!upgrade_check(r, subprotocol_of(r->head), &up) || !may_enter(r) || !has_room(r))
        return;
    s = calloc(1, sizeof(*s));
    if (s == NULL) {
        http_problem(r, 503, "", HTTP_OUT_OF_MEMORY);
        return;
    }
    s->client = c;
    ws_decoder_init(&s->ws, WS_ACCEPT_BINARY, UINT32_MAX);
    w->stats.broker_sessions++;
    c->grant = grant_ref(r->grant);
    conn_send(c, up.answer, up.len);
    conn_become(c, &client_protocol, s);
    conn_expire_at(c, mono_add_ms(mono_now(), DIAL_MAX_MS));
    conn_pause(c);
    dial_begin(w->dialer, &s->dial, on_dialled);
}

static const struct reader *reader_of(const struct conn *c)
{
    (void)c;
    return NULL; /* none of the hub's */
}

static void say_goodbye(struct conn *c)
{
    end(session_of(c), WS_GOING_AWAY, "the gateway is being restarted");
}

static void say_expired(struct conn *c)
{
    end(session_of(c), WS_POLICY, "the token has expired");
}

const struct door broker_door = {"broker", &client_protocol, reader_of, say_goodbye, say_expired};

/* ---- what all workers share ---- */

int broker_access_new(const struct broker_address *a, const char *from, struct broker_access **ret)
{
    const struct tls_client_files files = {a->ca_file, a->cert_file, a->key_file};
    struct broker_access *b = calloc(1, sizeof(*b));
    int r = -ENOMEM;

    if (b == NULL)
        goto out;
    r = ranges_parse(from, &b->from);
    if (r == -EINVAL)
        log_error("--broker-from takes addresses and networks such as 127.0.0.0/8,::1, or none, "
                  "not \"%s\"",
                  from);
    if (r == 0)
        r = broker_url_parse(a->url, &b->url);
    if (r == 0 && b->url.tls)
        r = tls_client_context_load(&files, &b->tls);
    if (r < 0)
        goto out;
    *ret = b;
    b = NULL; /* handed over */
out:
    broker_access_free(b);
    return r;
}

void broker_access_free(struct broker_access *b)
{
    if (b == NULL)
        return;
    ranges_release(&b->from);
    broker_url_release(&b->url);
    tls_context_unref(b->tls);
    free(b);
}
