/*
 * mqtt_session -- what one MQTT reader says and is answered: CONNECT, SUBSCRIBE, …, and how it
 * ends.
 *
 * The gateway is a read-only MQTT server (3.1.1 and 5). It grants QoS 0, keeps no sessions, takes
 * no messages and no wills. Any violation is answered in the client's own version, then the
 * WebSocket is closed. Part of the MQTT door: doors/mqtt.c owns the memory, and brings the bytes.
 */
#ifndef TAPECAST_GATEWAY_DOORS_MQTT_SESSION_H
#define TAPECAST_GATEWAY_DOORS_MQTT_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/hash.h"
#include "gateway/codec/mqtt_decode.h"
#include "gateway/codec/websocket.h"
#include "gateway/hub/filterset.h"
#include "gateway/hub/reader.h"
#include "gateway/worker.h"

struct mqtt_session {
    struct conn *conn; /* beside what else a write looks at */
    struct reader reader;
    struct hash_node by_id; /* in worker.mqtt_clients while client_id is not NULL */
    char *client_id;        /* see mqtt_client_id.h */
    uint64_t connected;     /* the number of its CONNECT among those of all workers */
    struct ws_decoder ws;
    struct mono last_heard; /* a whole packet; without keep-alive also a pong */
    uint8_t *partial;       /* a packet that is not complete yet */
    uint32_t partial_len, partial_cap;
    uint32_t max_packet_size; /* what the client takes */
    uint32_t interval_ms;     /* of /mqtt?max-rate=: for filters that say nothing themselves */
    uint16_t keep_alive_s;    /* 0: none asked for */
    uint16_t client_id_len;
    uint8_t version;      /* enum mqtt_version, MQTT_UNKNOWN before CONNECT */
    bool may_renew;       /* CONNECT chose the authentication method: see mqtt_access */
    bool expiry_was_zero; /* CONNECT asked for no session to be kept */
    bool probed;          /* a WebSocket ping is under way */
    bool yields;          /* packets wait for a later turn */
    bool resumed;         /* … and this is it */
};

static inline struct worker *session_worker(const struct mqtt_session *s)
{
    return worker_of(s->conn);
}

/* Act on a packet. The session may have ended after it: see conn->finishing and conn->closed. */
void mqtt_session_packet(struct mqtt_session *s, const struct mqtt_packet *p);

/* Say why in the client's words and close. Before CONNECT was accepted that is a CONNACK in
 * `version`, after it a DISCONNECT. */
void mqtt_session_refuse(struct mqtt_session *s, enum mqtt_version version, uint8_t reason,
                         const char *why);
void mqtt_session_disconnect(struct mqtt_session *s, uint8_t reason, const char *why);

/* Close the WebSocket, with a reason for people or NULL; nothing more is read. */
void mqtt_session_end(struct mqtt_session *s, uint16_t code, const char *why);

/* Send an answer that `mqtt_encode_…` made; 0 bytes, which the client would wait for in vain, end
 * the session. */
void mqtt_session_answer(struct mqtt_session *s, const uint8_t *packet, size_t len);

/* Ask the hub for `want`, both sets taken over. As hub_subscribe(). */
MUST_CHECK int mqtt_session_subscribe(struct mqtt_session *s, struct filterset *want,
                                      struct filterset *snapshot);

/* A sign of life; and when to look at the session next: after what it promised (keep-alive, times
 * one and a half), else when to probe it. */
void mqtt_session_heard(struct mqtt_session *s);
void mqtt_session_arm(struct mqtt_session *s);

#endif
