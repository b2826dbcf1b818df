#include <errno.h>

#include "common/log.h"
#include "publisher/feed.h"

#include "common/banned.h"

static int finnhub_open(const struct feed_config *config, struct feed **ret)
{
    (void)config;
    (void)ret;
    log_error("the feed finnhub is not there yet");
    return -ENOTSUP;
}

const struct feed_ops feed_finnhub = {
    .name = "finnhub",
    .mode = MODE_LIVE,
    .open = finnhub_open,
};
