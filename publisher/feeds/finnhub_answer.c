#include "publisher/feeds/finnhub_answer.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

#include "common/banned.h"

#define YEAR_2200_S 7258118400.0

/* A number above zero that a decimal holds exactly. */
static bool read_number(const cJSON *json, const char *name, struct decimal *ret)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(json, name);

    return cJSON_IsNumber(member) && isfinite(member->valuedouble) && member->valuedouble > 0 &&
           decimal_from_double(member->valuedouble, ret) == 0;
}

static void read_optional(const cJSON *json, const char *name, enum quote_field field,
                          struct quote *q, struct decimal *ret)
{
    if (read_number(json, name, ret))
        q->known |= (uint8_t)field;
}

static bool read_time(const cJSON *json, struct wall *ret)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(json, "t");

    if (!cJSON_IsNumber(member) || !(member->valuedouble >= 1 && member->valuedouble < YEAR_2200_S))
        return false;
    ret->ms = (int64_t)member->valuedouble * 1000;
    return true;
}

static enum finnhub_verdict read_quote(const cJSON *json, struct quote *ret)
{
    struct quote q = {0};

    if (!read_number(json, "c", &q.price) || !read_time(json, &q.timestamp))
        return FINNHUB_NO_DATA;
    read_optional(json, "o", QUOTE_OPEN, &q, &q.open);
    read_optional(json, "h", QUOTE_HIGH, &q, &q.high);
    read_optional(json, "l", QUOTE_LOW, &q, &q.low);
    read_optional(json, "pc", QUOTE_PREV_CLOSE, &q, &q.prev_close);
    *ret = q;
    return FINNHUB_QUOTE;
}

/*
 * Statuses have changed over the years and the text has not: a missing key was once 429, a symbol
 * outside the plan 401 (finnhubio/Finnhub-API issues 122, 339, 405). So the text decides first.
 */
static enum finnhub_verdict read_refusal(const char *text, enum finnhub_verdict otherwise)
{
    if (strcasestr(text, "API key") != NULL || strcasestr(text, "sign up") != NULL)
        return FINNHUB_BAD_KEY;
    if (strcasestr(text, "access to this resource") != NULL ||
        strcasestr(text, "subscription required") != NULL)
        return FINNHUB_NO_ACCESS;
    if (strcasestr(text, "limit reached") != NULL)
        return FINNHUB_TOO_MANY;
    return otherwise;
}

static enum finnhub_verdict read_json(const char *body, struct quote *ret)
{
    cJSON *json = cJSON_ParseWithOpts(body, NULL, true); /* and nothing behind it */
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(json, "error");
    enum finnhub_verdict verdict = FINNHUB_FAULT;

    if (cJSON_IsString(error))
        verdict = read_refusal(error->valuestring, FINNHUB_FAULT);
    else if (cJSON_IsObject(json))
        verdict = read_quote(json, ret);
    cJSON_Delete(json);
    return verdict;
}

static bool is_html(const char *body)
{
    return body[strspn(body, " \t\r\n")] == '<';
}

enum finnhub_verdict finnhub_read(long http_status, const char *body, struct quote *ret)
{
    if (http_status == 200)
        return read_json(body, ret);
    if (http_status == 429)
        return read_refusal(body, FINNHUB_TOO_MANY);
    if (is_html(body)) /* something between us and the service: says nothing about key or plan */
        return FINNHUB_FAULT;
    if (http_status == 401)
        return read_refusal(body, FINNHUB_BAD_KEY);
    if (http_status == 403)
        return read_refusal(body, FINNHUB_NO_ACCESS);
    return FINNHUB_FAULT;
}
