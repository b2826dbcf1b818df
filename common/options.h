/*
 * options -- command line, environment and `.env` read through one table, from which `--help` is
 * printed too.
 *
 * Every option has an environment variable: `--mqtt-url` is TAPECAST_MQTT_URL. Precedence: command
 * line, environment, `.env` in the current directory, default; an empty variable is not set.
 * `--name value` and `--name=value` are both read, the last of two wins (but for a list), `--` ends
 * the options.
 * `--help` and `--version` are always there.
 */
#ifndef TAPECAST_COMMON_OPTIONS_H
#define TAPECAST_COMMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/envfile.h"
#include "common/macros.h"

enum option_kind {
    OPTION_STRING, /* target: const char *; NULL when unset and without a default */
    OPTION_UINT,   /* target: uint64_t, within min..max */
    OPTION_LIST,  /* like OPTION_STRING, but given several times: joined by blanks, in that order */
    OPTION_FLAG,  /* target: bool; in the environment 1/true/yes/on and 0/false/no/off */
    OPTION_GROUP, /* no option: `help` is a heading in --help */
};

struct option_spec {
    const char *name; /* without dashes */
    const char *metavar;
    enum option_kind kind;
    void *target;
    const char *fallback; /* default as text, NULL for none; shown in --help */
    uint64_t min, max;    /* OPTION_UINT; max 0 is no limit */
    const char *help;     /* one or more sentences; wrapped when printed */
};

struct options {
    const char *program;  /* "tapecast-gateway" */
    const char *synopsis; /* after "usage: tapecast-gateway ", such as "[options] SYMBOL..." */
    const char *summary;  /* what the program is for, a sentence or two */
    const char *epilogue; /* examples, printed last; may be NULL */
    const struct option_spec *specs;
    size_t n_specs;
    bool takes_arguments; /* else a positional argument is a usage error */
};

struct options_result {
    int exit_status;  /* when options_read() returned false */
    char **arguments; /* positional ones, each pointing into argv */
    int n_arguments;
    struct envfile *env; /* the `.env` that was read; string targets may point into it */
    char **lists;        /* what targets of OPTION_LIST may point at, by spec */
    size_t n_lists;
};

/* Fill every target. Returns true to go on. False: --help or --version was printed (exit_status 0),
 * or one line on stderr says what is wrong and how to get help (exit_status 2). Release the result
 * with options_release() at the program's end. */
MUST_CHECK bool options_read(const struct options *o, int argc, char **argv,
                             struct options_result *ret);
void options_release(struct options_result *r);

/* A secret by the name of its variable (`FINNHUB_API_KEY`): from the environment, `.env`, or the
 * file that `<NAME>_FILE` names (one line; refused when others may read it). Returns 0 and *ret
 * (malloc'd; NULL when it is set nowhere); or a negative errno after logging one line that names
 * the variable, never the value. */
MUST_CHECK int options_secret(const struct options_result *r, const char *name, char **ret);

#endif
