/*
 * tapecast-recorder: options in; recorder_run(), or a transfer of files.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/broker_options.h"
#include "common/log.h"
#include "common/options.h"
#include "common/topic.h"
#include "recorder/keep.h"
#include "recorder/recorder.h"
#include "recorder/status.h"
#include "recorder/transfer.h"

#include "common/banned.h"

#define DAY_S 86400

struct settings {
    struct broker_address broker;
    const char *store, *instance, *keep;
    const char *symbol, *resolution;
    bool times_are_ends;
    uint64_t lateness_ms, tick_days, backfill_days;
    const char *alpaca_url, *ca_file;
};

struct secrets {
    char *mqtt_password, *alpaca_key, *alpaca_secret;
};

static bool read_settings(int argc, char **argv, struct settings *s, struct options_result *result)
{
    const struct option_spec specs[] = {
        {"store", "FILE|URL", OPTION_STRING, &s->store, "history.db", 0, 0,
         "Where bars are kept: an SQLite file, made when it is missing, or a PostgreSQL database, "
         "postgres://user@host/database; its password comes from PGPASSWORD or ~/.pgpass."},
        BROKER_OPTIONS(&s->broker),
        {"instance", "NAME", OPTION_STRING, &s->instance, NULL, 0, 0,
         "This recorder's name on status/recorder/NAME. The host's name when not given."},
        {"lateness", "MS", OPTION_UINT, &s->lateness_ms, "10000", 0, 3600000,
         "How much older than its symbol's newest a quote may be and still change its bars."},
        {"keep", "LIST", OPTION_STRING, &s->keep, KEEP_DEFAULT, 0, 0,
         "Days that bars of a resolution are kept, counted back from the symbol's newest one; what "
         "is not named, or 0, is kept for ever."},
        {"ticks", "DAYS", OPTION_UINT, &s->tick_days, "0", 0, 3650,
         "Days that the quotes themselves are kept, for /api/ticks; 0 keeps none."},
        {"backfill", "DAYS", OPTION_UINT, &s->backfill_days, "5", 0, 2000,
         "With keys of Alpaca (APCA_API_KEY_ID and APCA_API_SECRET_KEY, or the files that "
         "APCA_API_KEY_ID_FILE and APCA_API_SECRET_KEY_FILE name): ask for the minutes of live "
         "stocks that were missed, and for so many days before the first quote; 0 asks nothing."},
        {"alpaca-url", "URL", OPTION_STRING, &s->alpaca_url, "https://data.alpaca.markets", 0, 0,
         "Where they are asked for."},
        {"ca-file", "FILE", OPTION_STRING, &s->ca_file, NULL, 0, 0,
         "Certificates to trust there instead of the system's, PEM."},
        {"files", NULL, OPTION_GROUP, NULL, NULL, 0, 0, "Import and export"},
        {"symbol", "SYMBOL", OPTION_STRING, &s->symbol, NULL, 0, 0,
         "The one to import or export. When not given: what the file says; all."},
        {"resolution", "LENGTH", OPTION_STRING, &s->resolution, NULL, 0, 0,
         "Of the bars: 1s, 1m, 5m, 15m, 1h or 1d; tick exports the ticks. When not given: the step "
         "between the file's rows; 1m for export."},
        {"times-are-ends", NULL, OPTION_FLAG, &s->times_are_ends, NULL, 0, 0,
         "The imported file gives the time at which a bar ended, not at which it began."},
    };
    const struct options options = {
        .program = "tapecast-recorder",
        .synopsis = "[import FILE | export FILE] [--store FILE|URL] [options]",
        .summary = "Makes bars of 1s, 1m, 5m, 15m, 1h and 1d from the quotes on stocks/+ and keeps "
                   "them; publishes the current minute's on stocks/{SYMBOL}/bar/1m.",
        .epilogue = "examples:\n"
                    "  tapecast-recorder --store history.db\n"
                    "  tapecast-recorder --store history.db --keep 1s=2,1m=365\n"
                    "  tapecast-recorder import daily.csv.gz --store history.db\n"
                    "  tapecast-recorder export - --symbol AAPL --resolution 1d\n",
        .specs = specs,
        .n_specs = ARRAY_SIZE(specs),
        .takes_arguments = true,
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
static int record(const struct settings *s, const struct secrets *secrets)
{
    char instance[INSTANCE_MAX + 1];
    struct recorder_config config = {
        .broker = s->broker,
        .instance = instance,
        .ledger = {.store = s->store,
                   .lateness_ms = (int64_t)s->lateness_ms,
                   .keep_ticks_s = (int64_t)s->tick_days * DAY_S,
                   .backfill = {.url = s->alpaca_url,
                                .key = secrets->alpaca_key,
                                .secret = secrets->alpaca_secret,
                                .ca_file = s->ca_file,
                                .days = (int64_t)s->backfill_days}},
    };

    config.broker.password = secrets->mqtt_password;
    if (choose_instance(s->instance, instance) < 0 || keep_parse(s->keep, config.ledger.keep_s) < 0)
        return 2;
    return recorder_run(&config);
}

/* Import or export. Returns the exit status. */
static int transfer(const struct settings *s, const char *verb, const char *file)
{
    char symbol[SYMBOL_MAX + 1];
    struct transfer t = {.file = file,
                         .store = s->store,
                         .resolution = s->resolution,
                         .times_are_ends = s->times_are_ends};

    if (s->symbol != NULL) {
        if (symbol_normalize(s->symbol, strlen(s->symbol), symbol) < 0) {
            log_error("--symbol %s is no symbol such as AAPL", s->symbol);
            return 2;
        }
        t.symbol = symbol;
    }
    return strcmp(verb, "import") == 0 ? transfer_import(&t) : transfer_export(&t);
}

static bool is_transfer(const struct options_result *result)
{
    const char *verb = result->n_arguments > 0 ? result->arguments[0] : "";

    return result->n_arguments == 2 && (strcmp(verb, "import") == 0 || strcmp(verb, "export") == 0);
}

static int run(const struct settings *s, const struct options_result *result)
{
    struct secrets secrets = {0};
    int exit_status = 2;

    if (is_transfer(result))
        return transfer(s, result->arguments[0], result->arguments[1]);
    if (result->n_arguments > 0) {
        log_error("what follows the options is `import FILE`, `export FILE` or nothing");
        return 2;
    }
    if (options_secret(result, BROKER_PASSWORD, &secrets.mqtt_password) == 0 &&
        options_secret(result, "APCA_API_KEY_ID", &secrets.alpaca_key) == 0 &&
        options_secret(result, "APCA_API_SECRET_KEY", &secrets.alpaca_secret) == 0)
        exit_status = record(s, &secrets);
    free(secrets.mqtt_password);
    free(secrets.alpaca_key);
    free(secrets.alpaca_secret);
    return exit_status;
}

int main(int argc, char **argv)
{
    struct settings settings = {0};
    struct options_result result = {0};
    int exit_status;

    log_init("recorder", LOG_INFO);
    if (read_settings(argc, argv, &settings, &result))
        exit_status = run(&settings, &result);
    else
        exit_status = result.exit_status;
    options_release(&result);
    return exit_status;
}
