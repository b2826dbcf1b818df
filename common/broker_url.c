#include "common/broker_url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

#include "common/banned.h"

/* Digits alone, 1..65535. */
static bool parse_port(const char *s, int *ret)
{
    unsigned long number;
    char *end;

    if (*s < '0' || *s > '9')
        return false;
    number = strtoul(s, &end, 10);
    if (*end != '\0' || number < 1 || number > 65535)
        return false;
    *ret = (int)number;
    return true;
}

/* "host", "host:port", "[v6]:port": cuts `s` after the host. False when it is none. */
static bool split_authority(char *s, char **ret_host, int *ret_port)
{
    char *end = strchr(s, *s == '[' ? ']' : ':');
    const char *port = end;

    if (*s == '[') {
        s++;
        if (end == NULL || (end[1] != '\0' && end[1] != ':'))
            return false;
        port = end[1] == ':' ? end + 1 : NULL;
    }
    if (port != NULL && !parse_port(port + 1, ret_port))
        return false;
    if (end != NULL)
        *end = '\0';
    *ret_host = s;
    return *s != '\0';
}

static int copy(const char *s, char **ret)
{
    *ret = strdup(s);
    return *ret != NULL ? 0 : -ENOMEM;
}

/* What stands behind the scheme; it is cut up. */
static int parse_rest(char *rest, struct broker_url *u)
{
    char *at = strrchr(rest, '@'), *host;
    int r = 0;

    if (at != NULL) {
        *at = '\0';
        if (strchr(rest, ':') != NULL) {
            log_error("broker: the address must not hold a password; it is a secret of its own");
            return -EINVAL;
        }
        r = copy(rest, &u->user);
        rest = at + 1;
    }
    if (r < 0)
        return r;
    rest[strcspn(rest, "/")] = '\0';
    snprintf(u->shown, sizeof(u->shown), "%s://%s", u->tls ? "mqtts" : "mqtt", rest);
    if (!split_authority(rest, &host, &u->port)) {
        log_error("broker: '%s' needs a host and, if any, a port from 1 to 65535", u->shown);
        return -EINVAL;
    }
    return copy(host, &u->host);
}

int broker_url_parse(const char *text, struct broker_url *ret)
{
    static const char plain[] = "mqtt://", tls[] = "mqtts://";
    struct broker_url u = {.tls = strncmp(text, tls, strlen(tls)) == 0};
    char *rest;
    int r;

    if (!u.tls && strncmp(text, plain, strlen(plain)) != 0) {
        log_error("broker: '%s' is not an address such as mqtt://127.0.0.1:1883", text);
        return -EINVAL;
    }
    u.port = u.tls ? 8883 : 1883;
    rest = strdup(text + strlen(u.tls ? tls : plain));
    if (rest == NULL)
        return -ENOMEM;
    r = parse_rest(rest, &u);
    free(rest);
    if (r == 0)
        *ret = u;
    else
        broker_url_release(&u);
    return r;
}

void broker_url_release(struct broker_url *u)
{
    free(u->host);
    free(u->user);
    u->host = u->user = NULL;
}
