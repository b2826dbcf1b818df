#include "gateway/codec/json_action.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>

#include "common/banned.h"

#define ACTION_NAMES "\"subscribe\", \"unsubscribe\", \"auth\" and \"ping\""

static const struct action_fault bad_json = {
    "bad_json",
    "A message is one JSON object, such as {\"action\":\"subscribe\",\"symbol\":\"AAPL\"}."};
static const struct action_fault unknown_action = {"unknown_action",
                                                   "\"action\" is one of " ACTION_NAMES "."};
static const struct action_fault no_symbols = {
    "bad_symbol", "Name symbols as text: \"symbol\":\"AAPL\" or \"symbols\":[\"AAPL\",\"MSFT\"]."};
static const struct action_fault no_token = {"bad_token",
                                             "Give the token as text: \"token\":\"…\"."};

static const char *const names[] = {
    [ACTION_SUBSCRIBE] = "subscribe",
    [ACTION_UNSUBSCRIBE] = "unsubscribe",
    [ACTION_AUTH] = "auth",
    [ACTION_PING] = "ping",
};

/* A text or a list of texts with at least one. */
static bool names_symbols(const cJSON *item)
{
    const cJSON *each;

    if (!cJSON_IsArray(item))
        return cJSON_IsString(item);
    cJSON_ArrayForEach(each, item) if (!cJSON_IsString(each)) return false;
    return item->child != NULL;
}

static const cJSON *first_of(const cJSON *item)
{
    return item != NULL && cJSON_IsArray(item) ? item->child : item;
}

static const struct action_fault *read_symbols(struct action *a)
{
    a->symbol = cJSON_GetObjectItemCaseSensitive(a->json, "symbol");
    a->symbols = cJSON_GetObjectItemCaseSensitive(a->json, "symbols");
    if (a->symbol == NULL && a->symbols == NULL)
        return &no_symbols;
    if ((a->symbol != NULL && !names_symbols(a->symbol)) ||
        (a->symbols != NULL && !names_symbols(a->symbols)))
        return &no_symbols;
    a->symbol = first_of(a->symbol);
    a->symbols = first_of(a->symbols);
    return NULL;
}

static const struct action_fault *read_members(struct action *a)
{
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(a->json, "action"));
    const char *token;

    for (a->kind = 0; name != NULL && a->kind < ARRAY_SIZE(names); a->kind++)
        if (strcmp(name, names[a->kind]) == 0)
            break;
    if (name == NULL || a->kind == ARRAY_SIZE(names))
        return &unknown_action;
    if (a->kind == ACTION_SUBSCRIBE || a->kind == ACTION_UNSUBSCRIBE)
        return read_symbols(a);
    if (a->kind == ACTION_PING)
        return NULL;
    token = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(a->json, "token"));
    if (token == NULL)
        return &no_token;
    a->token = slice_of(token);
    return NULL;
}

/* cJSON takes what is behind the first value for somebody else's, and ends a text at an escaped
 * NUL: neither is ours. */
static bool is_one_text(const char *text, size_t len, const char *end)
{
    for (; end < text + len; end++)
        if (strchr(" \t\r\n", *end) == NULL || *end == '\0')
            return false;
    return memmem(text, len, "\\u0000", 6) == NULL;
}

int action_parse(const char *text, size_t len, struct action *ret, struct action_fault *ret_fault)
{
    struct action a = {0};
    const struct action_fault *fault = &bad_json;
    const char *end = text;

    a.json = cJSON_ParseWithLengthOpts(text, len, &end, false);
    if (cJSON_IsObject(a.json) && is_one_text(text, len, end))
        fault = read_members(&a);
    if (fault != NULL) {
        action_release(&a);
        *ret_fault = *fault;
        return -EBADMSG;
    }
    *ret = a;
    return 0;
}

void action_release(struct action *a)
{
    cJSON_Delete(a->json);
    *a = (struct action){0};
}

struct slice action_next_symbols(struct action *a)
{
    const cJSON **at = a->symbol != NULL ? &a->symbol : &a->symbols;
    const cJSON *item = *at;

    if (item == NULL)
        return SLICE_NONE;
    *at = item->string == NULL ? item->next
                               : NULL; /* elements have no name; the member stands alone */
    return slice_of(item->valuestring);
}
