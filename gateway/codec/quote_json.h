/*
 * quote_json -- a quote's JSON looked through where it lies: whether it is sound, and where in it
 * the members are that doors give other names or places.
 *
 * Pure functions, no allocation.
 */
#ifndef TAPECAST_GATEWAY_CODEC_QUOTE_JSON_H
#define TAPECAST_GATEWAY_CODEC_QUOTE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"

struct span {
    size_t at, len; /* len 0: not there */
};

struct quote_json {            /* places in the text, each as it is written there */
    struct span symbol;        /* a string, with its quotes */
    struct span price, change; /* numbers */
    bool has_ticker;
};

/* Look at a whole JSON text. Of equal members the last counts, as for other readers. Returns 0;
 * -EBADMSG unless it is one JSON object in well-formed UTF-8 with a string "symbol". */
MUST_CHECK int quote_json_look(const uint8_t *text, size_t len, struct quote_json *ret);

#endif
