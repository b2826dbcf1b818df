/*
 * mqtt_encoding -- a message as a PUBLISH with QoS 0, many of them in one binary WebSocket frame.
 */
#ifndef TAPECAST_GATEWAY_DOORS_MQTT_ENCODING_H
#define TAPECAST_GATEWAY_DOORS_MQTT_ENCODING_H

#include "gateway/codec/mqtt.h"
#include "gateway/hub/encoding.h"

const struct encoding *mqtt_encoding(enum mqtt_version version);

#endif
