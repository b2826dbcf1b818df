#include "publisher/feeds/finnhub_message.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/banned.h"

#define YEAR_2200_MS 7258118400000.0

static const cJSON *member(const cJSON *json, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(json, name);
}

static bool read_number(const cJSON *json, double least, struct decimal *ret)
{
    return cJSON_IsNumber(json) && isfinite(json->valuedouble) && json->valuedouble >= least &&
           decimal_from_double(json->valuedouble, ret) == 0;
}

/* Absent is not known: 0, as a mere change of the price has it. */
static bool read_size(const cJSON *json, struct decimal *ret)
{
    *ret = (struct decimal){0};
    return json == NULL || cJSON_IsNull(json) || read_number(json, 0, ret);
}

static bool read_codes(const cJSON *codes, bool odd_lots, unsigned *moves)
{
    const cJSON *code;

    *moves = MOVES_ALL;
    cJSON_ArrayForEach(code, codes)
    {
        if (!cJSON_IsString(code))
            return false;
        *moves = conditions_finnhub(*moves, code->valuestring, odd_lots);
    }
    return true;
}

/* The size may be zero: a mere change of a price of crypto or foreign exchange. */
static bool read_trade(const cJSON *json, bool odd_lots, struct trade *ret)
{
    const cJSON *time = member(json, "t");
    struct trade t = {0};

    if (!read_number(member(json, "p"), 0, &t.price) || t.price.coef <= 0)
        return false;
    if (!cJSON_IsNumber(time) || !(time->valuedouble >= 1 && time->valuedouble < YEAR_2200_MS))
        return false;
    t.time.ms = (int64_t)time->valuedouble;
    if (!read_size(member(json, "v"), &t.size))
        return false;
    if (!read_codes(member(json, "c"), odd_lots, &t.moves))
        return false;
    *ret = t;
    return true;
}

static void read_trades(const cJSON *data, bool odd_lots, finnhub_on_trade *on_trade, void *ctx)
{
    const cJSON *json;
    struct trade t;

    cJSON_ArrayForEach(json, data)
    {
        const cJSON *symbol = member(json, "s");

        if (cJSON_IsString(symbol) && read_trade(json, odd_lots, &t))
            on_trade(ctx, symbol->valuestring, &t);
    }
}

static enum finnhub_kind read_error(const cJSON *json, char msg[FINNHUB_MSG_MAX])
{
    const cJSON *text = member(json, "msg");

    snprintf(msg, FINNHUB_MSG_MAX, "%s", cJSON_IsString(text) ? text->valuestring : "");
    return strcasestr(msg, "too many") != NULL ? FINNHUB_TOO_MANY_SYMBOLS : FINNHUB_ERROR;
}

enum finnhub_kind finnhub_read_message(const char *text, size_t len, bool odd_lots,
                                       finnhub_on_trade *on_trade, void *ctx,
                                       char msg[FINNHUB_MSG_MAX])
{
    cJSON *json = cJSON_ParseWithLength(text, len);
    const cJSON *type = member(json, "type");
    const char *name = cJSON_IsString(type) ? type->valuestring : NULL;
    enum finnhub_kind kind = FINNHUB_UNKNOWN;

    if (name == NULL) {
        kind = FINNHUB_GARBAGE;
    } else if (strcmp(name, "trade") == 0) {
        kind = FINNHUB_TRADES;
        read_trades(member(json, "data"), odd_lots, on_trade, ctx);
    } else if (strcmp(name, "ping") == 0) {
        kind = FINNHUB_PING;
    } else if (strcmp(name, "error") == 0) {
        kind = read_error(json, msg);
    }
    cJSON_Delete(json);
    return kind;
}
