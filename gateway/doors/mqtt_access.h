/*
 * mqtt_access -- who an MQTT client is: the token in CONNECT, and a fresh one on the same
 * connection.
 *
 * The token is the password (the user name is not looked at), or with MQTT 5 the data of the
 * authentication method "JWT"; a client that chose the method may send another by AUTH (MQTT 5
 * section 4.12.1) before the first expires. Part of the MQTT door.
 */
#ifndef TAPECAST_GATEWAY_DOORS_MQTT_ACCESS_H
#define TAPECAST_GATEWAY_DOORS_MQTT_ACCESS_H

#include <stdint.h>

#include "common/macros.h"
#include "gateway/codec/mqtt_decode.h"
#include "gateway/doors/mqtt_session.h"

#define MQTT_AUTH_METHOD "JWT"

/* Judge a CONNECT; the connection gets what its token grants, or keeps what the request's did.
 * Returns MQTT_SUCCESS; or the reason to refuse with, and *ret_why. */
MUST_CHECK uint8_t mqtt_access_connect(struct mqtt_session *s, const struct mqtt_connect *p,
                                       const char **ret_why);

/* An AUTH: answered, or the session ends. Subscriptions that the new token does not grant end. */
void mqtt_access_renew(struct mqtt_session *s, const struct mqtt_auth *p);

#endif
