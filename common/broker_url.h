/*
 * broker_url -- the address of a broker: mqtt://[user@]host[:1883] or mqtts://[user@]host[:8883].
 */
#ifndef TAPECAST_COMMON_BROKER_URL_H
#define TAPECAST_COMMON_BROKER_URL_H

#include <stdbool.h>

#include "common/macros.h"

struct broker_url {
    char *host; /* without the brackets of an IPv6 address */
    char *user; /* NULL: none */
    int port;
    bool tls;
    char shown[160]; /* the URL as logs show it, without the user */
};

/* Returns 0 and *ret, for broker_url_release(); -EINVAL after logging what is wrong; -ENOMEM. */
MUST_CHECK int broker_url_parse(const char *text, struct broker_url *ret);
void broker_url_release(struct broker_url *u); /* one of zeroes is allowed */

#endif
