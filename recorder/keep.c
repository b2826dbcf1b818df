#include "recorder/keep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

#include "common/banned.h"

#define DAY_S 86400
#define DAYS_MAX 100000

/* Read "1s=7" of `len` bytes. */
static int parse_one(const char *text, size_t len, int64_t ret_s[N_RESOLUTIONS])
{
    char copy[32], *equals, *end;
    enum resolution r;
    long days;

    if (len >= sizeof(copy))
        return -EINVAL;
    memcpy(copy, text, len);
    copy[len] = '\0';
    equals = strchr(copy, '=');
    if (equals == NULL)
        return -EINVAL;
    *equals = '\0';
    days = strtol(equals + 1, &end, 10);
    if (resolution_find(copy, &r) < 0 || end == equals + 1 || *end != '\0' || days < 0 ||
        days > DAYS_MAX)
        return -EINVAL;
    ret_s[r] = days * DAY_S;
    return 0;
}

int keep_parse(const char *text, int64_t ret_s[N_RESOLUTIONS])
{
    int64_t keep[N_RESOLUTIONS] = {0};
    const char *p = text;

    while (*p != '\0') {
        size_t len = strcspn(p, ",");

        if (parse_one(p, len, keep) < 0) {
            log_error("--keep %s is no list such as " KEEP_DEFAULT
                      ": days for any of 1s, 1m, 5m, 15m, 1h, 1d",
                      text);
            return -EINVAL;
        }
        p += len;
        p += *p == ',';
    }
    memcpy(ret_s, keep, sizeof(keep));
    return 0;
}
