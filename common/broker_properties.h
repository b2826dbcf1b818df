/*
 * broker_properties -- the MQTT 5 properties of a received message, from libmosquitto's list to the
 * bytes that stand in a PUBLISH packet. Part of the seam to libmosquitto, for broker.c alone.
 */
#ifndef TAPECAST_COMMON_BROKER_PROPERTIES_H
#define TAPECAST_COMMON_BROKER_PROPERTIES_H

#include <mosquitto.h>

#include "common/broker.h"
#include "common/macros.h"

/* Set the identifier and the properties of `m` from `list`, in its order, those left out that
 * belong to one hop; `buf` holds them. More than fit: none, and m->properties_lost. */
void broker_properties_read(const mosquitto_property *list, uint8_t buf[BROKER_PROPERTIES_MAX],
                            struct broker_message *m);

#endif
