#include "gateway/doors/pace.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/banned.h"

int pace_parse(struct slice text, uint32_t *ret_interval_ms)
{
    char buf[16], *end;
    double rate;

    if (text.len == 0 || text.len >= sizeof(buf))
        return -EINVAL;
    memcpy(buf, text.at, text.len);
    buf[text.len] = '\0';
    if (buf[strspn(buf, "0123456789.")] != '\0')
        return -EINVAL;
    rate = strtod(buf, &end);
    if (*end != '\0' || rate < 0.01 || rate > 1000)
        return -EINVAL;
    *ret_interval_ms = (uint32_t)lround(1000 / rate);
    return 0;
}

int pace_of_query(struct slice query, uint32_t *ret_interval_ms)
{
    char text[16];
    int n = http_query_get(query, "max-rate", text, sizeof(text));

    if (n == -ENOENT) {
        *ret_interval_ms = 0;
        return 0;
    }
    return n < 0 ? -EINVAL : pace_parse((struct slice){text, (size_t)n}, ret_interval_ms);
}
