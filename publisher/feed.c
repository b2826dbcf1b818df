#include "publisher/feed.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "common/log.h"

#include "common/banned.h"

static const struct feed_ops *const feeds[] = {
    &feed_sim,
    &feed_replay,
    &feed_finnhub,
    &feed_alpaca,
};

const struct feed_ops *feed_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(feeds); i++)
        if (strcmp(feeds[i]->name, name) == 0)
            return feeds[i];
    return NULL;
}

const char *feed_condition_name(enum feed_condition condition)
{
    static const char *const names[] = {
        [FEED_STARTING] = "starting", [FEED_LIVE] = "live",     [FEED_WAITING] = "waiting",
        [FEED_FAULT] = "fault",       [FEED_FAILED] = "failed", [FEED_ENDED] = "ended",
    };

    return names[condition];
}

int feed_speed(const struct feed_options *options, double *ret)
{
    const char *text = options->speed != NULL ? options->speed : "1";
    struct decimal d;

    if (strcmp(text, "max") == 0) {
        *ret = 0;
        return 0;
    }
    if (decimal_parse(text, strlen(text), &d) < 0 || d.coef <= 0) {
        log_error("--speed %s is neither max nor a factor above 0 such as 10 or 0.5", text);
        return -EINVAL;
    }
    *ret = decimal_to_double(d);
    return 0;
}

int feed_wait(const struct feed_config *config, struct mono t)
{
    struct pollfd stop = {.fd = config->stop_fd, .events = POLLIN};

    for (;;) {
        struct mono now = mono_now();
        int64_t left_ns = t.ns > now.ns ? t.ns - now.ns : 0;
        struct timespec left = {.tv_sec = left_ns / 1000000000, .tv_nsec = left_ns % 1000000000};

        if (ppoll(&stop, 1, &left, NULL) > 0)
            return -ECANCELED;
        if (!mono_before(mono_now(), t))
            return 0;
    }
}
