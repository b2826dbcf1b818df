#include "gateway/net/ranges.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/banned.h"

#define MAPPED_BITS 96 /* IPv4 addresses are held as ::ffff:a.b.c.d */

struct range {
    uint8_t address[16];
    unsigned bits; /* of it that count */
};

static void map_ipv4(const void *ipv4, uint8_t ret[16])
{
    memset(ret, 0, 10);
    memset(ret + 10, 0xFF, 2);
    memcpy(ret + 12, ipv4, 4);
}

/* Digits alone, at most `max`. */
static bool parse_bits(const char *s, unsigned max, unsigned *ret)
{
    char *end;
    unsigned long n;

    if (*s < '0' || *s > '9')
        return false;
    n = strtoul(s, &end, 10);
    if (*end != '\0' || n > max)
        return false;
    *ret = (unsigned)n;
    return true;
}

/* "address" or "address/bits"; it is cut up. */
static bool parse_range(char *s, struct range *ret)
{
    char *slash = strchr(s, '/');
    struct in_addr ipv4;
    unsigned first = 0, bits;

    if (slash != NULL)
        *slash = '\0';
    if (inet_pton(AF_INET, s, &ipv4) == 1) {
        map_ipv4(&ipv4, ret->address);
        first = MAPPED_BITS;
    } else if (inet_pton(AF_INET6, s, ret->address) != 1) {
        return false;
    }
    bits = 128 - first;
    if (slash != NULL && !parse_bits(slash + 1, bits, &bits))
        return false;
    ret->bits = first + bits;
    return true;
}

static int add(struct ranges *r, const char *text, size_t len)
{
    char copy[64];
    struct range *more;

    if (len >= sizeof(copy))
        return -EINVAL;
    memcpy(copy, text, len);
    copy[len] = '\0';
    more = reallocarray(r->at, r->n + 1, sizeof(*more));
    if (more == NULL)
        return -ENOMEM;
    r->at = more;
    return parse_range(copy, &r->at[r->n++]) ? 0 : -EINVAL;
}

int ranges_parse(const char *text, struct ranges *ret)
{
    struct ranges r = {0};
    int err = 0;

    if (strcmp(text, "none") != 0) {
        do {
            size_t len;

            text += strspn(text, " ");
            len = strcspn(text, ", ");
            err = add(&r, text, len);
            text += len + strspn(text + len, " ");
        } while (err == 0 && *text++ == ',');
        if (err == 0 && text[-1] != '\0')
            err = -EINVAL;
    }
    if (err == 0)
        *ret = r;
    else
        ranges_release(&r);
    return err;
}

void ranges_release(struct ranges *r)
{
    free(r->at);
    *r = (struct ranges){0};
}

static bool holds(const struct range *r, const uint8_t address[16])
{
    size_t bytes = r->bits / 8;
    unsigned rest = r->bits % 8;

    if (memcmp(r->address, address, bytes) != 0)
        return false;
    return rest == 0 || (r->address[bytes] ^ address[bytes]) >> (8 - rest) == 0;
}

bool ranges_hold(const struct ranges *r, const struct sockaddr_storage *peer)
{
    uint8_t address[16];

    if (peer->ss_family == AF_INET)
        map_ipv4(&((const struct sockaddr_in *)(const void *)peer)->sin_addr, address);
    else if (peer->ss_family == AF_INET6)
        memcpy(address, &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr, 16);
    else
        return false;
    for (size_t i = 0; i < r->n; i++)
        if (holds(&r->at[i], address))
            return true;
    return false;
}
