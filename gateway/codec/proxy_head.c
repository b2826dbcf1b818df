#include "gateway/codec/proxy_head.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "gateway/codec/slice.h"

#include "common/banned.h"

#define LINE_MAX_1 107 /* bytes of version 1, with CRLF */

static const uint8_t signature_2[12] = "\r\n\r\n\0\r\nQUIT\n";

/* Are the first bytes those of `wanted`, as far as there are any? */
static bool may_begin(const uint8_t *bytes, size_t len, const void *wanted, size_t wanted_len)
{
    return memcmp(bytes, wanted, len < wanted_len ? len : wanted_len) == 0;
}

/* ---- version 1: "PROXY TCP4 192.0.2.1 198.51.100.1 4711 443" ---- */

/* One word of the line, ended by a blank or by the line. */
static struct slice next_word(struct slice *rest)
{
    const char *blank = memchr(rest->at, ' ', rest->len);
    struct slice word = {rest->at, blank != NULL ? (size_t)(blank - rest->at) : rest->len};
    size_t used = word.len + (blank != NULL);

    *rest = (struct slice){rest->at + used, rest->len - used};
    return word;
}

static bool read_port(struct slice s, uint16_t *ret)
{
    unsigned n = 0;

    if (s.len == 0 || s.len > 5)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
        n = n * 10 + (unsigned)(s.at[i] - '0');
    }
    *ret = htons((uint16_t)n);
    return n <= UINT16_MAX;
}

static bool read_address(int family, struct slice s, void *ret)
{
    char text[INET6_ADDRSTRLEN];

    if (s.len >= sizeof(text))
        return false;
    memcpy(text, s.at, s.len);
    text[s.len] = '\0';
    return inet_pton(family, text, ret) == 1;
}

/* Source and destination follow; the latter is ours and only has to be one. */
static bool read_addresses(int family, struct slice rest, struct sockaddr_storage *ret)
{
    struct sockaddr_in *four = (void *)ret;
    struct sockaddr_in6 *six = (void *)ret;
    uint8_t unused[16];
    uint16_t port, unused_port;
    struct slice source = next_word(&rest), destination = next_word(&rest),
                 source_port = next_word(&rest);

    *ret = (struct sockaddr_storage){.ss_family = (sa_family_t)family};
    if (!read_address(family, source,
                      family == AF_INET ? (void *)&four->sin_addr : &six->sin6_addr) ||
        !read_address(family, destination, unused) || !read_port(source_port, &port) ||
        !read_port(rest, &unused_port))
        return false;
    *(family == AF_INET ? &four->sin_port : &six->sin6_port) = port;
    return true;
}

static int parse_1(const uint8_t *bytes, size_t len, struct proxy_head *ret)
{
    const uint8_t *end = memchr(bytes, '\n', len < LINE_MAX_1 ? len : LINE_MAX_1);
    struct slice rest, family;
    bool good = true;

    if (end == NULL)
        return len < LINE_MAX_1 ? 0 : -EPROTO;
    if (end - bytes < 7 || end[-1] != '\r')
        return -EPROTO;
    rest = (struct slice){(const char *)bytes + 6, (size_t)(end - bytes) - 7};
    family = next_word(&rest);
    *ret = (struct proxy_head){.known = !slice_is(family, "UNKNOWN")};
    if (slice_is(family, "TCP4"))
        good = read_addresses(AF_INET, rest, &ret->client);
    else if (slice_is(family, "TCP6"))
        good = read_addresses(AF_INET6, rest, &ret->client);
    else
        good = !ret->known;
    return good ? (int)(end - bytes) + 1 : -EPROTO;
}

/* ---- version 2 ---- */

/*
 *   0 ........ 12 ............ 13 ............... 14 ..... 16 ....................... 16 + length
 *   signature | 2, command | family, transport | length | addresses, ports, and more
 */
enum { LOCAL = 0x20, PROXY = 0x21, TCP4 = 0x11, TCP6 = 0x21 };

static int parse_2(const uint8_t *bytes, size_t len, struct proxy_head *ret)
{
    struct sockaddr_in *four = (void *)&ret->client;
    struct sockaddr_in6 *six = (void *)&ret->client;
    const uint8_t *from = bytes + 16;
    size_t length;

    if (len < 16)
        return len > 12 && bytes[12] != LOCAL && bytes[12] != PROXY ? -EPROTO : 0;
    length = (size_t)bytes[14] << 8 | bytes[15];
    if ((bytes[12] != LOCAL && bytes[12] != PROXY) || 16 + length > PROXY_HEAD_MAX)
        return -EPROTO;
    if (len < 16 + length)
        return 0;
    *ret = (struct proxy_head){0};
    if (bytes[12] == PROXY && bytes[13] == TCP4 && length >= 12) {
        ret->known = true;
        four->sin_family = AF_INET;
        memcpy(&four->sin_addr, from, 4);
        memcpy(&four->sin_port, from + 8, 2);
    } else if (bytes[12] == PROXY && bytes[13] == TCP6 && length >= 36) {
        ret->known = true;
        six->sin6_family = AF_INET6;
        memcpy(&six->sin6_addr, from, 16);
        memcpy(&six->sin6_port, from + 32, 2);
    } else if (bytes[12] == PROXY && (bytes[13] == TCP4 || bytes[13] == TCP6)) {
        return -EPROTO; /* its addresses are cut off */
    }
    return (int)(16 + length);
}

int proxy_head_parse(const uint8_t *bytes, size_t len, struct proxy_head *ret)
{
    if (len == 0)
        return 0;
    if (may_begin(bytes, len, signature_2, sizeof(signature_2)))
        return parse_2(bytes, len, ret);
    if (may_begin(bytes, len, "PROXY ", 6))
        return len > 6 ? parse_1(bytes, len, ret) : 0;
    return -EPROTO;
}
