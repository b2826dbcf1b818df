/*
 * tapecast-publisher: options in, publisher_run().
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/broker_options.h"
#include "common/log.h"
#include "common/options.h"
#include "publisher/feeds/budget.h"
#include "publisher/feeds/calendar.h"
#include "publisher/publisher.h"
#include "publisher/status.h"
#include "publisher/symbols.h"

#include "common/banned.h"

#define FINNHUB_URL "https://finnhub.io/api/v1"
#define ALPACA_URL "https://data.alpaca.markets"
#define FINNHUB_WS_URL "wss://ws.finnhub.io"

struct settings {
    struct broker_address broker;
    const char *feed, *symbols, *symbols_file, *instance, *metrics_file, *market_hours;
    uint64_t interval_ms;
    struct feed_options feeds;
};

static bool read_settings(int argc, char **argv, struct settings *s, struct options_result *result)
{
    const struct option_spec specs[] = {
        BROKER_OPTIONS(&s->broker),
        {"instance", "NAME", OPTION_STRING, &s->instance, NULL, 0, 0,
         "This publisher's name on status/publisher/NAME, one each on a broker. The host's name "
         "when not given."},
        {"feed", "FEED", OPTION_LIST, &s->feed, NULL, 0, 0,
         "Where prices come from: sim, replay, finnhub, or alpaca (alpaca:iex, :sip, :delayed_sip, "
         ":crypto, :test). Several are given by several --feed or with commas, the preferred one "
         "first, and each may have symbols of its own: --feed finnhub=AAPL,MSFT --feed "
         "alpaca:crypto=BTC/USD. When not given: finnhub if DEMO_MODE is "
         "false and FINNHUB_API_KEY is set, else sim."},
        {"symbols", "A,B", OPTION_STRING, &s->symbols, NULL, 0, 0,
         "The symbols of feeds without symbols of their own; of several feeds each takes those of "
         "its kind. When not given: 20 well-known ones, or all in the file."},
        {"symbols-file", "FILE", OPTION_STRING, &s->symbols_file, NULL, 0, 0,
         "The same from a file, one a line; what follows a tab is a name for people, # begins a "
         "comment. Up to 10,000."},
        {"interval", "MS", OPTION_UINT, &s->interval_ms, "0", 0, 3600000,
         "Publish a symbol at most once in so many milliseconds; its last value always comes. 0 "
         "publishes every tick."},
        {"metrics-file", "FILE", OPTION_STRING, &s->metrics_file, NULL, 0, 0,
         "Keep the publisher's figures there as Prometheus text, for node_exporter's textfile "
         "collector; written anew every 10 s and when something changes."},
        {"sim", NULL, OPTION_GROUP, NULL, NULL, 0, 0, "Feed sim: simulated prices"},
        {"seed", "N", OPTION_UINT, &s->feeds.seed, "0", 0, UINT64_MAX,
         "The same seed, symbols and rate give the same prices. 0 draws one and logs it."},
        {"rate", "TICKS", OPTION_UINT, &s->feeds.rate, "0", 0, 1000000,
         "Ticks a second over all symbols. 0 is two for each symbol, at most 1000."},
        {"state", "FILE", OPTION_STRING, &s->feeds.state, NULL, 0, 0,
         "Keep the prices there and go on from them after a restart, so that charts have no jump; "
         "unless --seed asks for prices that repeat."},
        {"replay", NULL, OPTION_GROUP, NULL, NULL, 0, 0, "Feed replay: a file of bars or ticks"},
        {"file", "FILE", OPTION_STRING, &s->feeds.file, NULL, 0, 0,
         "CSV or TSV, also .gz; the columns are found by the names in its first line. Or a record "
         "made with --record, which is played through the feed that it was made of."},
        {"speed", "FACTOR", OPTION_STRING, &s->feeds.speed, "1", 0, 0,
         "How many times faster than it happened; max is as fast as the broker takes it, and every "
         "row is published."},
        {"loop", NULL, OPTION_FLAG, &s->feeds.loop, NULL, 0, 0, "Start over at the file's end."},
        {"live", NULL, OPTION_GROUP, NULL, NULL, 0, 0, "Live prices, of any service"},
        {"odd-lots", NULL, OPTION_FLAG, &s->feeds.odd_lots, NULL, 0, 0,
         "Let trades of less than a round lot move the price too, which exchanges do not count."},
        {"market-hours", "FILE", OPTION_STRING, &s->market_hours, NULL, 0, 0,
         "Days on which US exchanges are open otherwise than by their rules, one a line: "
         "2027-07-02 09:30-13:00, or 2025-01-09 closed."},
        {"record", "FILE", OPTION_STRING, &s->feeds.record, NULL, 0, 0,
         "Keep there all that the service says, never a key; --feed replay --file FILE plays it. "
         "Of several live feeds each has a file of its own: FILE.finnhub."},
        {"record-limit", "MB", OPTION_UINT, &s->feeds.record_limit_mb, "1000", 1, 1000000,
         "The record's largest size; it ends there and the feed goes on."},
        {"ca-file", "FILE", OPTION_STRING, &s->feeds.ca_file, NULL, 0, 0,
         "Certificates to trust instead of the system's, for a proxy of one's own; PEM."},
        {"finnhub", NULL, OPTION_GROUP, NULL, NULL, 0, 0,
         "Feed finnhub: live prices; the key comes from FINNHUB_API_KEY or the file that "
         "FINNHUB_API_KEY_FILE names"},
        {"finnhub-url", "URL", OPTION_STRING, &s->feeds.finnhub_url, FINNHUB_URL, 0, 0,
         "Where the service is asked for quotes."},
        {"finnhub-ws-url", "URL", OPTION_STRING, &s->feeds.finnhub_ws_url, NULL, 0, 0,
         "Where it streams trades. When not given: " FINNHUB_WS_URL ", or nowhere if --finnhub-url "
         "names another service."},
        {"finnhub-stream-symbols", "N", OPTION_UINT, &s->feeds.finnhub_stream_symbols, "50", 0,
         10000,
         "Of how many symbols trades are streamed, the first ones; the others are asked for "
         "one by one. The free plan allows 50; 0 is no stream."},
        {"finnhub-calls-per-minute", "N", OPTION_UINT, &s->feeds.finnhub_calls_per_minute, "55", 1,
         1800, "At most so many requests in any minute. The free plan allows 60."},
        {"alpaca", NULL, OPTION_GROUP, NULL, NULL, 0, 0,
         "Feed alpaca: live prices; the keys come from APCA_API_KEY_ID and APCA_API_SECRET_KEY, or "
         "the files that the same names with _FILE name"},
        {"alpaca-url", "URL", OPTION_STRING, &s->feeds.alpaca_url, ALPACA_URL, 0, 0,
         "Where the service is asked for snapshots."},
        {"alpaca-ws-url", "URL", OPTION_STRING, &s->feeds.alpaca_ws_url,
         "wss://stream.data.alpaca.markets", 0, 0,
         "Where it streams trades; with a path, that very stream."},
        {"alpaca-trading-url", "URL", OPTION_STRING, &s->feeds.alpaca_trading_url, NULL, 0, 0,
         "Where it is asked, rarely, on which days the market is open. When not given: "
         "https://api.alpaca.markets, https://paper-api.alpaca.markets for a key of paper trading, "
         "or nowhere if --alpaca-url names another service."},
        {"alpaca-calls-per-minute", "N", OPTION_UINT, &s->feeds.alpaca_calls_per_minute, "190", 1,
         BUDGET_MAX, "At most so many requests in any minute. The free plan allows 200."},
    };
    const struct options options = {
        .program = "tapecast-publisher",
        .synopsis = "[--feed sim|replay|finnhub|alpaca]... [--symbols A,B] [options]",
        .summary = "Publishes stock quotes on stocks/{SYMBOL} of an MQTT broker.",
        .epilogue = "examples:\n"
                    "  tapecast-publisher --symbols AAPL,MSFT --rate 10\n"
                    "  tapecast-publisher --feed replay --file daily.csv.gz --speed max\n"
                    "  FINNHUB_API_KEY_FILE=key.txt tapecast-publisher --feed finnhub\n",
        .specs = specs,
        .n_specs = ARRAY_SIZE(specs),
    };

    return options_read(&options, argc, argv, result);
}

/* What DEMO_MODE and the key ask for when --feed does not. */
static const char *default_feed(const struct options_result *result, bool have_key)
{
    const char *demo = getenv("DEMO_MODE");

    if (demo == NULL)
        demo = envfile_get(result->env, "DEMO_MODE");
    if (demo == NULL || (strcasecmp(demo, "false") != 0 && strcmp(demo, "0") != 0))
        return "sim";
    if (have_key)
        return "finnhub";
    log_warn("DEMO_MODE is false but FINNHUB_API_KEY is not set: prices are simulated");
    return "sim";
}

static int read_symbols(const struct settings *s, struct symbols *ret)
{
    struct symbols symbols = {0};
    int r = 0;

    if (s->symbols != NULL && s->symbols_file != NULL) {
        log_error("--symbols and --symbols-file: give one of them");
        return -EINVAL;
    }
    if (s->symbols != NULL)
        r = symbols_from_list(s->symbols, &symbols);
    else if (s->symbols_file != NULL)
        r = symbols_from_file(s->symbols_file, &symbols);
    if (r < 0)
        return r;
    if (symbols.duplicates > 0)
        log_info("%zu symbols were named more than once", symbols.duplicates);
    *ret = symbols;
    return 0;
}

static int choose_instance(const char *option, char buf[INSTANCE_MAX + 1])
{
    if (option == NULL) {
        if (gethostname(buf, INSTANCE_MAX + 1) == 0 && buf[0] != '\0')
            return 0;
        option = "publisher";
    }
    if (option[0] == '\0' || strlen(option) > INSTANCE_MAX || !utf8_valid(option, strlen(option))) {
        log_error("--instance is a name of 1 to %d bytes", INSTANCE_MAX);
        return -EINVAL;
    }
    snprintf(buf, INSTANCE_MAX + 1, "%s", option);
    return 0;
}

/* Returns the exit status. */
static int run(struct settings *s, const struct options_result *result)
{
    const char *feeds =
        s->feed != NULL ? s->feed : default_feed(result, s->feeds.finnhub_key != NULL);
    struct symbols symbols = {0};
    struct lineup lineup = {0};
    struct calendar *calendar = NULL;
    int exit_status = 2;
    char instance[INSTANCE_MAX + 1];
    struct publisher_config config = {
        .broker = s->broker,
        .instance = instance,
        .interval_ms = s->interval_ms,
        .lineup = &lineup,
        .metrics_file = s->metrics_file,
    };

    if (calendar_new(s->market_hours, &calendar) == 0 &&
        choose_instance(s->instance, instance) == 0 && read_symbols(s, &symbols) == 0 &&
        lineup_read(feeds, &symbols, &s->feeds, &lineup) == 0) {
        config.calendar = calendar;
        exit_status = publisher_run(&config);
    }
    calendar_free(calendar);
    lineup_release(&lineup);
    symbols_release(&symbols);
    return exit_status;
}

/* What `ps` shows is known to everybody. */
static bool names_key(const struct feed_options *o)
{
    const char *const urls[] = {o->finnhub_url, o->finnhub_ws_url};

    for (size_t i = 0; i < ARRAY_SIZE(urls); i++)
        if (urls[i] != NULL && strstr(urls[i], "token=") != NULL) {
            log_error("a URL of Finnhub's holds a key, which `ps` shows: set FINNHUB_API_KEY or "
                      "FINNHUB_API_KEY_FILE instead");
            return true;
        }
    return false;
}

/* Keys of paper trading are known there alone. */
static void choose_alpaca_trading_url(struct feed_options *o)
{
    if (o->alpaca_trading_url != NULL || strcmp(o->alpaca_url, ALPACA_URL) != 0)
        return;
    o->alpaca_trading_url = o->alpaca_key != NULL && strncmp(o->alpaca_key, "PK", 2) == 0
                                ? "https://paper-api.alpaca.markets"
                                : "https://api.alpaca.markets";
}

int main(int argc, char **argv)
{
    struct settings settings = {0};
    struct options_result result = {0};
    char *mqtt_password = NULL;
    int exit_status = 2;

    log_init("publisher", LOG_INFO);
    if (!read_settings(argc, argv, &settings, &result)) {
        exit_status = result.exit_status;
        goto out;
    }
    if (options_secret(&result, BROKER_PASSWORD, &mqtt_password) < 0 ||
        options_secret(&result, "FINNHUB_API_KEY", &settings.feeds.finnhub_key) < 0 ||
        options_secret(&result, "APCA_API_KEY_ID", &settings.feeds.alpaca_key) < 0 ||
        options_secret(&result, "APCA_API_SECRET_KEY", &settings.feeds.alpaca_secret) < 0)
        goto out;
    if (names_key(&settings.feeds))
        goto out;
    if (settings.feeds.finnhub_key != NULL || settings.feeds.alpaca_secret != NULL)
        prctl(PR_SET_DUMPABLE, 0); /* no core, no debugger, no /proc/PID/environ but for root */
    if (settings.feeds.finnhub_ws_url == NULL &&
        strcmp(settings.feeds.finnhub_url, FINNHUB_URL) == 0)
        settings.feeds.finnhub_ws_url = FINNHUB_WS_URL;
    settings.broker.password = mqtt_password;
    choose_alpaca_trading_url(&settings.feeds);
    exit_status = run(&settings, &result);
out:
    free(settings.feeds.finnhub_key);
    free(settings.feeds.alpaca_key);
    free(settings.feeds.alpaca_secret);
    free(mqtt_password);
    options_release(&result);
    return exit_status;
}
