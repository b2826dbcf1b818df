/*
 * options_internal -- what the files behind options.h share: options.c reads, options_help.c prints
 * --help, options_secret.c reads secrets.
 */
#ifndef TAPECAST_COMMON_OPTIONS_INTERNAL_H
#define TAPECAST_COMMON_OPTIONS_INTERNAL_H

#include "common/options.h"

#define OPTIONS_ENV_FILE ".env"
#define OPTION_NAME_MAX 64 /* of an option or its variable; names are ours and shorter */

/* "mqtt-url" to "TAPECAST_MQTT_URL". */
void option_variable(const char *option, char buf[OPTION_NAME_MAX]);

/* NULL for "" too. */
const char *option_unless_empty(const char *s);

/* To stdout. */
void options_print_help(const struct options *o);

#endif
