/*
 * conn_internal -- what the parts of a connection share: its life, its events and its end (conn.c),
 * what goes out (conn_out.c) and comes in (conn_in.c), the TLS handshake before that
 * (conn_handshake.c), and for whom it is (conn_client.c). For them alone.
 *
 *     accepted --> announcement --> handshake --> bytes in and out --> finishing --> closed
 *                  (of a proxy)     (with TLS)
 */
#ifndef TAPECAST_GATEWAY_NET_CONN_INTERNAL_H
#define TAPECAST_GATEWAY_NET_CONN_INTERNAL_H

#include "gateway/net/conn.h"

/* ---- conn.c ---- */

/* Is nothing to be read, because what came before is to be dealt with first? */
bool conn_waits(const struct conn *c);

/* Ask the loop for the events that now matter. Not once it is closed. */
void conn_watch(struct conn *c);

/* ---- conn_out.c ---- */

/* Send what waits, as much as the socket takes; may close the connection. */
void conn_flush(struct conn *c);

/* What TLS has sealed: all is taken, to go out now or later. `owner` is the connection. */
void conn_take_sealed(void *owner, const uint8_t *bytes, size_t len);

/* Nothing of it goes out any more: give all back. */
void conn_drop_output(struct conn *c);

/* ---- conn_in.c ---- */

/* Read what has come, for the protocol, unless it waits; may close the connection. */
void conn_read(struct conn *c);

/* Keep a copy of bytes for next time, instead of those kept so far. Closes the connection when the
 * protocol does not wait for so many. */
void conn_keep_unused(struct conn *c, const uint8_t *bytes, size_t len);

/* ---- conn_handshake.c ---- */

/* Go on with the handshake, whose time the net counts. When it fails the connection is finished or
 * closed. */
void conn_shake_hands(struct conn *c);

/* ---- conn_client.c ---- */

/* Read the PROXY protocol's head; may finish or close the connection. */
void conn_read_announcement(struct conn *c);

#endif
