#include "publisher/feeds/alpaca_message.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/newyork.h"
#include "publisher/replay/timestamp.h"

#include "common/banned.h"

#define NS_PER_MS 1000000
#define MINUTE_MS 60000

static const cJSON *member(const cJSON *json, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(json, name);
}

static const char *text_of(const cJSON *json, const char *name)
{
    const cJSON *text = member(json, name);

    return cJSON_IsString(text) ? text->valuestring : "";
}

static bool read_number(const cJSON *json, const char *name, struct decimal *ret)
{
    const cJSON *number = member(json, name);

    return cJSON_IsNumber(number) && isfinite(number->valuedouble) && number->valuedouble > 0 &&
           decimal_from_double(number->valuedouble, ret) == 0;
}

/* RFC 3339 with up to nine digits of a second. */
static bool read_time(const cJSON *json, struct wall *ret, uint32_t *ret_ns)
{
    const char *text = text_of(json, "t");
    struct timestamp t;

    if (timestamp_parse(text, strlen(text), &t) < 0 || t.form != TIMESTAMP_DATETIME || t.ns <= 0)
        return false;
    ret->ms = t.ns / NS_PER_MS;
    if (ret_ns != NULL)
        *ret_ns = (uint32_t)(t.ns % NS_PER_MS);
    return true;
}

/* Up to 2^53, which JSON's numbers hold exactly; the service's are shorter. */
static bool read_id(const cJSON *json, const char *name, uint64_t *ret)
{
    const cJSON *id = member(json, name);

    if (!cJSON_IsNumber(id) || !(id->valuedouble >= 0 && id->valuedouble < 9007199254740992.0))
        return false;
    *ret = (uint64_t)id->valuedouble;
    return true;
}

/* Absent is not known: 0. Returns false when it is none that a trade can have. */
static bool read_size(const cJSON *json, const char *name, struct decimal *ret)
{
    const cJSON *size = member(json, name);

    *ret = (struct decimal){0};
    if (size == NULL || cJSON_IsNull(size))
        return true;
    return cJSON_IsNumber(size) && isfinite(size->valuedouble) && size->valuedouble >= 0 &&
           decimal_from_double(size->valuedouble, ret) == 0;
}

static bool read_codes(const cJSON *json, const char *name, const struct alpaca_rules *rules,
                       unsigned *moves)
{
    char tape = text_of(json, "z")[0];
    const cJSON *code;

    *moves = MOVES_ALL;
    if (!rules->has_tapes)
        return true;
    cJSON_ArrayForEach(code, member(json, name))
    {
        if (!cJSON_IsString(code))
            return false;
        *moves = conditions_tape(*moves, code->valuestring, tape, rules->odd_lots);
    }
    return true;
}

struct trade_names {
    const char *price, *size, *id, *codes;
};

static bool read_trade_as(const cJSON *json, const struct trade_names *names,
                          const struct alpaca_rules *rules, struct trade *ret)
{
    struct trade t = {.exchange = text_of(json, "x")[0]};

    if (!read_number(json, names->price, &t.price) || !read_time(json, &t.time, &t.time_ns) ||
        !read_codes(json, names->codes, rules, &t.moves) || !read_size(json, names->size, &t.size))
        return false;
    t.has_id = read_id(json, names->id, &t.id);
    *ret = t;
    return true;
}

static bool read_trade(const cJSON *json, const struct alpaca_rules *rules, struct trade *ret)
{
    static const struct trade_names names = {"p", "s", "i", "c"};

    return read_trade_as(json, &names, rules, ret);
}

/*
 * The stream
 */

static void read_subscription(const cJSON *json, const struct alpaca_events *events, void *ctx)
{
    const cJSON *symbol;

    events->subscribed(ctx, NULL);
    cJSON_ArrayForEach(symbol, member(json, "trades"))
    {
        if (cJSON_IsString(symbol))
            events->subscribed(ctx, symbol->valuestring);
    }
}

static void read_cancel(const cJSON *json, const char *symbol, const struct alpaca_events *events,
                        void *ctx)
{
    struct revocation x = {.exchange = text_of(json, "x")[0]};

    if (read_number(json, "p", &x.price) && read_id(json, "i", &x.id))
        events->revoked(ctx, symbol, &x);
}

static void read_correction(const cJSON *json, const char *symbol, const struct alpaca_rules *rules,
                            const struct alpaca_events *events, void *ctx)
{
    static const struct trade_names names = {"cp", "cs", "ci", "cc"};
    struct revocation x = {.exchange = text_of(json, "x")[0]};

    x.has_other = read_trade_as(json, &names, rules, &x.other);
    if (read_number(json, "op", &x.price) && read_id(json, "oi", &x.id))
        events->revoked(ctx, symbol, &x);
}

static int read_error_code(const cJSON *json)
{
    const cJSON *code = member(json, "code");

    return cJSON_IsNumber(code) ? code->valueint : (int)strtol(text_of(json, "code"), NULL, 10);
}

static void read_item(const cJSON *json, const struct alpaca_rules *rules,
                      const struct alpaca_events *events, void *ctx)
{
    const char *kind = text_of(json, "T"), *symbol = text_of(json, "S");
    struct trade t;

    if (strcmp(kind, "t") == 0) {
        if (read_trade(json, rules, &t))
            events->trade(ctx, symbol, &t);
    } else if (strcmp(kind, "c") == 0) {
        read_correction(json, symbol, rules, events, ctx);
    } else if (strcmp(kind, "x") == 0) {
        read_cancel(json, symbol, events, ctx);
    } else if (strcmp(kind, "success") == 0) {
        if (strcmp(text_of(json, "msg"), "connected") == 0)
            events->connected(ctx);
        if (strcmp(text_of(json, "msg"), "authenticated") == 0)
            events->authenticated(ctx);
    } else if (strcmp(kind, "subscription") == 0) {
        read_subscription(json, events, ctx);
    } else if (strcmp(kind, "error") == 0) {
        events->error(ctx, read_error_code(json), text_of(json, "msg"));
    }
}

bool alpaca_read_message(const char *text, size_t len, const struct alpaca_rules *rules,
                         const struct alpaca_events *events, void *ctx)
{
    cJSON *json = cJSON_ParseWithLength(text, len);
    bool is_array = cJSON_IsArray(json);
    const cJSON *items = is_array ? json : NULL, *item;

    cJSON_ArrayForEach(item, items)
    {
        read_item(item, rules, events, ctx);
    }
    cJSON_Delete(json);
    return is_array;
}

/*
 * Snapshots
 */

static void read_member(const cJSON *json, const char *name, enum quote_field field,
                        struct quote *q, struct decimal *ret)
{
    if (read_number(json, name, ret))
        q->known |= (uint8_t)field;
}

static int32_t day_of(const struct alpaca_rules *rules, struct wall t)
{
    return rules->has_tapes ? newyork_day(t.ms / 1000) : (int32_t)(t.ms / 86400000);
}

static bool moves_price(const struct trade *t, const struct alpaca_rules *rules)
{
    if (!(t->moves & MOVES_LAST))
        return false;
    return !(t->moves & MOVES_EXTENDED) ||
           calendar_session(rules->calendar, t->time) != SESSION_REGULAR;
}

/* The last trade, as long as it stands and moves the price; else the end of the last minute in
 * which one did. */
static bool read_price(const cJSON *json, const struct alpaca_rules *rules, struct quote *q)
{
    const cJSON *last = member(json, "latestTrade"), *minute = member(json, "minuteBar");
    const char *update = text_of(last, "u");
    bool stands = strcmp(update, "canceled") != 0 && strcmp(update, "incorrect") != 0;
    struct trade t;
    bool has_last = read_trade(last, rules, &t);

    if (stands && has_last && moves_price(&t, rules)) {
        q->price = t.price;
        q->timestamp = t.time;
        return true;
    }
    if (!read_number(minute, "c", &q->price) || !read_time(minute, &q->timestamp, NULL))
        return false;
    if (has_last && t.time.ms >= q->timestamp.ms && t.time.ms < q->timestamp.ms + MINUTE_MS)
        q->timestamp = t.time; /* nothing was made behind the last trade */
    else
        q->timestamp.ms += MINUTE_MS - 1;
    return true;
}

/*
 * Until the first regular trade of a day `dailyBar` is still yesterday's and `prevDailyBar` that of
 * the day before: its own date decides which of them is the previous close.
 */
static void read_day(const cJSON *json, const struct alpaca_rules *rules, struct quote *q)
{
    const cJSON *today = member(json, "dailyBar"), *before = member(json, "prevDailyBar");
    int32_t day = day_of(rules, q->timestamp);
    struct wall today_t, before_t;

    if (!read_time(today, &today_t, NULL))
        return;
    if (day_of(rules, today_t) == day) {
        read_member(today, "o", QUOTE_OPEN, q, &q->open);
        read_member(today, "h", QUOTE_HIGH, q, &q->high);
        read_member(today, "l", QUOTE_LOW, q, &q->low);
        read_member(today, "v", QUOTE_VOLUME, q, &q->volume);
    } else {
        before = today;
    }
    if (read_time(before, &before_t, NULL) &&
        (rules->has_tapes ? calendar_follows(rules->calendar, day_of(rules, before_t), day)
                          : day_of(rules, before_t) == day - 1))
        read_member(before, "c", QUOTE_PREV_CLOSE, q, &q->prev_close);
}

bool alpaca_read_snapshots(const char *text, const struct alpaca_rules *rules,
                           alpaca_on_snapshot *on_snapshot, void *ctx)
{
    cJSON *json = cJSON_ParseWithOpts(text, NULL, true);
    const cJSON *wrapped = member(json, "snapshots");
    bool is_object = cJSON_IsObject(json) && !cJSON_IsString(member(json, "message"));
    const cJSON *items = cJSON_IsObject(wrapped) ? wrapped : json, *item;

    if (!is_object)
        items = NULL;

    cJSON_ArrayForEach(item, items)
    {
        struct quote q = {0};

        if (!cJSON_IsObject(item) || !read_price(item, rules, &q))
            continue;
        read_day(item, rules, &q);
        on_snapshot(ctx, item->string, &q);
    }
    cJSON_Delete(json);
    return is_object;
}
