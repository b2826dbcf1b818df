/*
 * mqtt -- what the worker needs of the MQTT door beyond its requests.
 */
#ifndef TAPECAST_GATEWAY_DOORS_MQTT_H
#define TAPECAST_GATEWAY_DOORS_MQTT_H

#include "gateway/hub/reader.h"
#include "gateway/net/conn.h"

/* The gateway stops: tell `most` connections that have not been told. An MQTT reader gets
 * DISCONNECT 0x8B (MQTT 5) and WebSocket close 1001; every other connection is finished. Returns
 * how many were told. */
size_t mqtt_say_goodbye(struct net *n, size_t most);

/* The reader behind a connection, or NULL when it is not an MQTT one. */
const struct reader *mqtt_reader_of(const struct conn *c);

#endif
