/*
 * mqtt_client_id -- who is known by which client id: one session at most, over all workers. Who
 * comes with an id ends the session that had it [MQTT-3.1.4-3]; of those that come at once with the
 * same one, the last is left.
 *
 * Workers tell each other by letters, 10000 on their way at most. A session and its functions are
 * its worker's.
 */
#ifndef TAPECAST_GATEWAY_DOORS_MQTT_CLIENT_ID_H
#define TAPECAST_GATEWAY_DOORS_MQTT_CLIENT_ID_H

#include "gateway/doors/mqtt_session.h"

#define MQTT_CLIENT_ID_MAX 256 /* bytes; longer ones are refused */

/* Make an id that nobody else has, for a client that brings none: in `buf`. */
#define MQTT_CLIENT_ID_MADE 32
struct slice mqtt_client_id_make(struct worker *w, char buf[MQTT_CLIENT_ID_MADE]);

/* Give the session its id, of 1 to MQTT_CLIENT_ID_MAX bytes, which is copied; one that was `made`
 * nobody else can have. Returns 0; -ENOMEM; -EAGAIN too many letters are on their way. */
MUST_CHECK int mqtt_client_id_take(struct mqtt_session *s, struct slice id, bool made);

/* Let others have it. Twice is once. */
void mqtt_client_id_release(struct mqtt_session *s);

#endif
