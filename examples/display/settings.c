#include "examples/display/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/broker_options.h"
#include "common/certfile.h"
#include "common/quote.h"
#include "examples/display/board.h"
#include "examples/display/link.h"

#include "common/banned.h"

#define PROGRAM "tapecast-display"

static const char epilogue[] =
    "examples:\n"
    "  tapecast-display                                all symbols, in a table\n"
    "  tapecast-display AAPL MSFT BTC/USD              these, in this order\n"
    "  tapecast-display --filter 'stocks/+/price'      bare prices, the least traffic\n"
    "  tapecast-display --plain AAPL >/dev/ttyUSB0     lines for a serial display:\n"
    "                                                  AAPL 189.45 +0.20%\n"
    "\n"
    "The password of a user in the URL comes from TAPECAST_MQTT_PASSWORD, or from the\n"
    "file that TAPECAST_MQTT_PASSWORD_FILE names. NO_COLOR=1 turns colours off.\n"
    "Ctrl-C or q ends.";

static bool read_options(struct settings *s, int argc, char **argv)
{
    const struct option_spec specs[] = {
        BROKER_OPTIONS(&s->broker),
        {"filter", "FILTER", OPTION_STRING, &s->filter, NULL, 0, 0,
         "An MQTT topic filter in place of symbols; + stands for one level. Shown are quotes on "
         "stocks/SYMBOL and prices on stocks/SYMBOL/price. Without symbols and filter: stocks/+."},
        {"plain", NULL, OPTION_FLAG, &s->plain, NULL, 0, 0,
         "One line of ASCII for each update, without colours or cursor movement. The default when "
         "the output is not a terminal."},
        {"stale-after", "SECONDS", OPTION_UINT, &s->stale_s, "30", 1, 86400,
         "After so long without news a price counts as old."},
    };
    const struct options o = {
        .program = PROGRAM,
        .synopsis = "[options] [SYMBOL...]",
        .summary = "Shows prices from an MQTT broker: a table on a terminal, plain lines "
                   "elsewhere. Reconnects by itself.",
        .epilogue = epilogue,
        .specs = specs,
        .n_specs = ARRAY_SIZE(specs),
        .takes_arguments = true,
    };

    return options_read(&o, argc, argv, &s->options);
}

static int usage_error(const char *what, const char *why)
{
    fprintf(stderr, PROGRAM ": %s: %s (see " PROGRAM " --help)\n", what, why);
    return 2;
}

static bool has_symbol(const struct settings *s, const char *symbol)
{
    for (size_t i = 0; i < s->n_symbols; i++)
        if (strcmp(s->symbols[i], symbol) == 0)
            return true;
    return false;
}

static bool append_copy(char **list, size_t *n, const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL)
        return false;
    list[(*n)++] = copy;
    return true;
}

/* False when there is no memory. */
static bool add_symbol(struct settings *s, const char *symbol)
{
    char topic[QUOTE_TOPIC_MAX];

    if (has_symbol(s, symbol))
        return true;
    quote_topic(symbol, "", topic);
    return append_copy(s->symbols, &s->n_symbols, symbol) &&
           append_copy(s->filters, &s->n_filters, topic);
}

/* Symbols and filters from the command line. Returns 0 or the exit status. */
static int read_topics(struct settings *s, char **arguments, int n)
{
    const char *filter = s->filter != NULL ? s->filter : "stocks/+";
    char symbol[SYMBOL_MAX + 1];

    if (n > 0 && s->filter != NULL)
        return usage_error("--filter", "give symbols or a filter, not both");
    if (n > BOARD_MAX_SYMBOLS)
        return usage_error("too many symbols", "1000 at most; a filter such as 'stocks/+' does");
    s->symbols = calloc((size_t)n + 1, sizeof(*s->symbols));
    s->filters = calloc((size_t)n + 1, sizeof(*s->filters));
    s->n_symbols = s->n_filters = 0;
    if (s->symbols == NULL || s->filters == NULL)
        return EXIT_FAILURE;
    for (int i = 0; i < n; i++) {
        if (symbol_normalize(arguments[i], strlen(arguments[i]), symbol) < 0)
            return usage_error("a symbol", "1 to 24 bytes of UTF-8, such as AAPL or BTC/USD");
        if (!add_symbol(s, symbol))
            return EXIT_FAILURE;
    }
    if (n > 0)
        return 0;
    if (!filter_valid(filter, strlen(filter)))
        return usage_error("--filter", "not an MQTT filter: + is a whole level, # the whole last");
    return append_copy(s->filters, &s->n_filters, filter) ? 0 : EXIT_FAILURE;
}

/* Files for TLS. Returns 0 or the exit status. */
static int check_files(const struct broker_address *a)
{
    if (strncmp(a->url, "mqtts://", 8) != 0 &&
        (a->ca_file != NULL || a->cert_file != NULL || a->key_file != NULL))
        return usage_error("--mqtt-url", "certificates need TLS: an address such as mqtts://host");
    if ((a->cert_file == NULL) != (a->key_file == NULL))
        return usage_error("--mqtt-cert", "a certificate and its --mqtt-key go together");
    if ((a->ca_file != NULL && certfile_check("broker", a->ca_file, false) < 0) ||
        (a->cert_file != NULL && certfile_check("broker", a->cert_file, false) < 0) ||
        (a->key_file != NULL && certfile_check("broker", a->key_file, true) < 0))
        return EXIT_FAILURE;
    return 0;
}

/* What options_read() cannot know to be wrong. Returns 0 or the exit status. */
static int check_options(struct settings *s)
{
    int status;

    if (link_url_error(s->broker.url) != NULL)
        return usage_error("--mqtt-url", link_url_error(s->broker.url));
    status = check_files(&s->broker);
    if (status != 0)
        return status;
    status = read_topics(s, s->options.arguments, s->options.n_arguments);
    if (status == 0 && options_secret(&s->options, BROKER_PASSWORD, &s->password) < 0)
        status = EXIT_FAILURE;
    return status;
}

bool settings_read(struct settings *s, int argc, char **argv, int *ret_status)
{
    *s = (struct settings){0};
    if (!read_options(s, argc, argv)) {
        *ret_status = s->options.exit_status;
        return false;
    }
    *ret_status = check_options(s);
    return *ret_status == 0;
}

void settings_release(struct settings *s)
{
    for (size_t i = 0; i < s->n_symbols; i++)
        free(s->symbols[i]);
    for (size_t i = 0; i < s->n_filters; i++)
        free(s->filters[i]);
    free(s->symbols);
    free(s->filters);
    free(s->password);
    options_release(&s->options);
}
