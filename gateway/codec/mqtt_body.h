/*
 * mqtt_body -- what the files of the decoder share: reading the bodies of packets.
 *
 * Faults are noted in the reader; what was read is right only when mqtt_reader_ok().
 */
#ifndef TAPECAST_GATEWAY_CODEC_MQTT_BODY_H
#define TAPECAST_GATEWAY_CODEC_MQTT_BODY_H

#include "gateway/codec/mqtt_decode.h"
#include "gateway/codec/mqtt_reader.h"

/* The protocol name and level of a CONNECT. On a fault *ret is the version in which to answer, if
 * that shows, else untouched. */
void mqtt_read_protocol(struct mqtt_reader *r, enum mqtt_version *ret);

void mqtt_read_connect(struct mqtt_reader *r, struct mqtt_connect *c);
void mqtt_read_subscribe(struct mqtt_reader *r, enum mqtt_version version, enum mqtt_type type,
                         struct mqtt_subscribe *s); /* UNSUBSCRIBE too */

/* Not empty, no wildcards. */
void mqtt_check_topic(struct mqtt_reader *r, struct slice topic);

#endif
