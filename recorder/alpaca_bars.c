#include "recorder/alpaca_bars.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/url.h"
#include "common/clock.h"
#include "publisher/net/http.h"
#include "publisher/replay/timestamp.h"

#include "common/banned.h"

#define NS_PER_S 1000000000

void alpaca_bars_url(const char *base, const char *symbol, int64_t from_s, int64_t last_s,
                     const char *token, char buf[ALPACA_URL_MAX])
{
    char name[3 * SYMBOL_MAX + 1], page[3 * ALPACA_TOKEN_MAX + 1];
    char from[WALL_TEXT_MAX], last[WALL_TEXT_MAX];

    url_escape(symbol, name, sizeof(name));
    url_escape(token, page, sizeof(page));
    wall_format((struct wall){from_s * 1000}, from);
    wall_format((struct wall){last_s * 1000}, last);
    snprintf(buf, ALPACA_URL_MAX,
             "%s/v2/stocks/bars?symbols=%s&timeframe=1Min&start=%s&end=%s&limit=10000"
             "&adjustment=raw&feed=sip&sort=asc%s%s",
             base, name, from, last, page[0] != '\0' ? "&page_token=" : "", page);
}

static bool read_price(const cJSON *bar, const char *name, struct decimal *ret)
{
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(bar, name);

    return cJSON_IsNumber(number) && number->valuedouble > 0 &&
           decimal_from_double(number->valuedouble, ret) == 0;
}

static bool read_bar(const cJSON *json, struct bar *ret)
{
    const cJSON *time = cJSON_GetObjectItemCaseSensitive(json, "t");
    struct bar b = {0};
    struct timestamp t;

    if (!cJSON_IsString(time) ||
        timestamp_parse(time->valuestring, strlen(time->valuestring), &t) < 0 ||
        t.form != TIMESTAMP_DATETIME || !read_price(json, "o", &b.open) ||
        !read_price(json, "h", &b.high) || !read_price(json, "l", &b.low) ||
        !read_price(json, "c", &b.close))
        return false;
    if (!read_price(json, "v", &b.volume))
        b.volume = (struct decimal){0};
    b.t = t.ns / NS_PER_S;
    b.t -= b.t % 60;
    b.first_ms = b.t * 1000;
    b.last_ms = b.first_ms + 59999;
    if (decimal_cmp(b.low, b.high) > 0 || decimal_cmp(b.open, b.high) > 0 ||
        decimal_cmp(b.close, b.low) < 0)
        return false;
    *ret = b;
    return true;
}

static int read_list(const cJSON *list, alpaca_bars_fn *fn, void *ctx)
{
    const cJSON *item;
    struct bar bar;
    int r = 0;

    cJSON_ArrayForEach(item, list)
    {
        if (r == 0 && read_bar(item, &bar))
            r = fn(ctx, &bar);
    }
    return r;
}

int alpaca_bars_read(const char *json, const char *symbol, alpaca_bars_fn *fn, void *ctx,
                     char token[ALPACA_TOKEN_MAX])
{
    cJSON *page = cJSON_Parse(json);
    const cJSON *bars = cJSON_GetObjectItemCaseSensitive(page, "bars");
    const cJSON *next = cJSON_GetObjectItemCaseSensitive(page, "next_page_token");
    int r = cJSON_IsObject(bars) || cJSON_IsNull(bars) ? 0 : -EBADMSG;

    if (r == 0)
        r = read_list(cJSON_GetObjectItemCaseSensitive(bars, symbol), fn, ctx);
    if (r == 0)
        snprintf(token, ALPACA_TOKEN_MAX, "%s", cJSON_IsString(next) ? next->valuestring : "");
    cJSON_Delete(page);
    return r;
}
