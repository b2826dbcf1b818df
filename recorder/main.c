/*
 * tapecast-recorder: options in, recorder_run().
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/options.h"
#include "common/topic.h"
#include "recorder/keep.h"
#include "recorder/recorder.h"
#include "recorder/status.h"

#include "common/banned.h"

struct settings {
    const char *mqtt_url, *store, *instance, *keep;
    uint64_t lateness_ms;
};

static bool read_settings(int argc, char **argv, struct settings *s, struct options_result *result)
{
    const struct option_spec specs[] = {
        {"store", "FILE", OPTION_STRING, &s->store, "history.db", 0, 0,
         "Where bars are kept: an SQLite file, made when it is missing."},
        {"mqtt-url", "URL", OPTION_STRING, &s->mqtt_url, "mqtt://127.0.0.1:1883", 0, 0,
         "The broker: mqtt://[user@]host[:port] or mqtts://… for TLS. Its password comes from "
         "TAPECAST_MQTT_PASSWORD or the file that TAPECAST_MQTT_PASSWORD_FILE names."},
        {"instance", "NAME", OPTION_STRING, &s->instance, NULL, 0, 0,
         "This recorder's name on status/recorder/NAME. The host's name when not given."},
        {"lateness", "MS", OPTION_UINT, &s->lateness_ms, "10000", 0, 3600000,
         "How much older than its symbol's newest a quote may be and still change its bars."},
        {"keep", "LIST", OPTION_STRING, &s->keep, KEEP_DEFAULT, 0, 0,
         "Days that bars of a resolution are kept, counted back from the symbol's newest one; what "
         "is not named, or 0, is kept for ever."},
    };
    const struct options options = {
        .program = "tapecast-recorder",
        .synopsis = "[--store FILE] [options]",
        .summary = "Makes bars of 1s, 1m, 5m, 15m, 1h and 1d from the quotes on stocks/+ and keeps "
                   "them; publishes the current minute's on stocks/{SYMBOL}/bar/1m.",
        .epilogue = "examples:\n"
                    "  tapecast-recorder --store history.db\n"
                    "  tapecast-recorder --store history.db --keep 1s=2,1m=365\n",
        .specs = specs,
        .n_specs = ARRAY_SIZE(specs),
    };

    return options_read(&options, argc, argv, result);
}

static int choose_instance(const char *option, char buf[INSTANCE_MAX + 1])
{
    if (option == NULL) {
        if (gethostname(buf, INSTANCE_MAX + 1) == 0 && buf[0] != '\0')
            return 0;
        option = "recorder";
    }
    if (option[0] == '\0' || strlen(option) > INSTANCE_MAX || !utf8_valid(option, strlen(option))) {
        log_error("--instance is a name of 1 to %d bytes", INSTANCE_MAX);
        return -EINVAL;
    }
    snprintf(buf, INSTANCE_MAX + 1, "%s", option);
    return 0;
}

/* Returns the exit status. */
static int record(const struct settings *s, const char *mqtt_password)
{
    char instance[INSTANCE_MAX + 1];
    struct recorder_config config = {
        .mqtt_url = s->mqtt_url,
        .mqtt_password = mqtt_password,
        .instance = instance,
        .store = s->store,
        .lateness_ms = (int64_t)s->lateness_ms,
    };

    if (choose_instance(s->instance, instance) < 0 || keep_parse(s->keep, config.keep_s) < 0)
        return 2;
    return recorder_run(&config);
}

int main(int argc, char **argv)
{
    struct settings settings = {0};
    struct options_result result = {0};
    char *mqtt_password = NULL;
    int exit_status = 2;

    log_init("recorder", LOG_INFO);
    if (!read_settings(argc, argv, &settings, &result))
        exit_status = result.exit_status;
    else if (options_secret(&result, "TAPECAST_MQTT_PASSWORD", &mqtt_password) == 0)
        exit_status = record(&settings, mqtt_password);
    free(mqtt_password);
    options_release(&result);
    return exit_status;
}
