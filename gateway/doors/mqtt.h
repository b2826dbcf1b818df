/*
 * mqtt -- what the worker needs of the MQTT door beyond its requests.
 */
#ifndef TAPECAST_GATEWAY_DOORS_MQTT_H
#define TAPECAST_GATEWAY_DOORS_MQTT_H

#include "gateway/hub/reader.h"
#include "gateway/net/conn.h"

/* The gateway stops: every MQTT reader gets DISCONNECT 0x8B (MQTT 5) and WebSocket close 1001;
 * every other connection is finished. */
void mqtt_say_goodbye(struct net *n);

/* The reader behind a connection, or NULL when it is not an MQTT one. */
const struct reader *mqtt_reader_of(const struct conn *c);

#endif
