/*
 * broker_options -- the options by which every program finds its broker, and who it is there.
 */
#ifndef TAPECAST_COMMON_BROKER_OPTIONS_H
#define TAPECAST_COMMON_BROKER_OPTIONS_H

#include "common/broker.h"
#include "common/options.h"

#define BROKER_PASSWORD "TAPECAST_MQTT_PASSWORD" /* for options_secret() */

/* Members of a table of options; `address` is a struct broker_address *. */
/* clang-format off */
#define BROKER_OPTIONS(address)                                                                    \
    {"mqtt-url", "URL", OPTION_STRING, &(address)->url, "mqtt://127.0.0.1:1883", 0, 0,             \
     "The broker: mqtt://[user@]host[:port] or mqtts://… for TLS. Its password comes from "        \
     "TAPECAST_MQTT_PASSWORD or the file that TAPECAST_MQTT_PASSWORD_FILE names."},                \
    {"mqtt-ca-file", "FILE", OPTION_STRING, &(address)->ca_file, NULL, 0, 0,                       \
     "With mqtts://: the certificates to trust instead of the system's, PEM."},                    \
    {"mqtt-cert", "FILE", OPTION_STRING, &(address)->cert_file, NULL, 0, 0,                        \
     "With mqtts://: a certificate to show to the broker, PEM."},                                  \
    {"mqtt-key", "FILE", OPTION_STRING, &(address)->key_file, NULL, 0, 0,                          \
     "That certificate's key, PEM, without a pass phrase and not readable by others."}
/* clang-format on */

#endif
