/*
 * settings -- what the user wants to see, from the command line, the environment and `.env`.
 */
#ifndef TAPECAST_DISPLAY_SETTINGS_H
#define TAPECAST_DISPLAY_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/broker.h"
#include "common/macros.h"
#include "common/options.h"

struct settings {
    struct broker_address broker; /* one that link_open() takes, but for the password */
    const char *filter;
    char *password; /* NULL when not set */
    bool plain;
    uint64_t stale_s;
    char **symbols; /* asked for: normalized, distinct; none with a filter */
    char **filters; /* to subscribe to */
    size_t n_symbols, n_filters;
    struct options_result options; /* strings above point into it */
};

/* Returns true to go on. False: help was printed or one line says what is wrong, and *ret_status is
 * the exit status. Release `s` in either case. */
MUST_CHECK bool settings_read(struct settings *s, int argc, char **argv, int *ret_status);
void settings_release(struct settings *s);

#endif
