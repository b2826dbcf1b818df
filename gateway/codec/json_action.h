/*
 * json_action -- what a client of the JSON WebSocket says: one JSON object a message.
 *
 *     {"action":"subscribe","symbol":"AAPL"} {"action":"unsubscribe","symbols":["AAPL","MSFT"]}
 *     {"action":"auth","token":"…"}                {"action":"ping"}
 *
 * The JSON itself is read by cJSON. No I/O; one owner each.
 */
#ifndef TAPECAST_GATEWAY_CODEC_JSON_ACTION_H
#define TAPECAST_GATEWAY_CODEC_JSON_ACTION_H

#include <stddef.h>

#include "common/macros.h"
#include "gateway/codec/slice.h"

enum action_kind { ACTION_SUBSCRIBE, ACTION_UNSUBSCRIBE, ACTION_AUTH, ACTION_PING };

struct cJSON;

struct action {
    enum action_kind kind;
    struct slice token; /* of ACTION_AUTH */
    struct cJSON *json;
    const struct cJSON *symbol, *symbols; /* what is still to be given; NULL at the end */
};

struct action_fault {
    const char *code;    /* for programs */
    const char *message; /* a sentence for people */
};

/* Read a whole message. Returns 0 and *ret, to be released; -EBADMSG and *ret_fault. */
MUST_CHECK int action_parse(const char *text, size_t len, struct action *ret,
                            struct action_fault *ret_fault);
void action_release(struct action *a);

/* The next of the texts in which symbols are named, each a comma-separated list; SLICE_NONE at the
 * end. (UN)SUBSCRIBE has at least one. They point into the action. */
struct slice action_next_symbols(struct action *a);

#endif
