#include "gateway/net/forwarded.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "gateway/net/address.h"

#include "common/banned.h"

bool forwarded_shows(const struct http_head *h)
{
    static const char *const traces[] = {"Forwarded",         "X-Forwarded-For", "X-Forwarded-Host",
                                         "X-Forwarded-Proto", "X-Real-IP",       "Via"};

    for (size_t i = 0; i < ARRAY_SIZE(traces); i++)
        if (http_head_count(h, traces[i]) > 0)
            return true;
    return false;
}

static struct slice trim(struct slice s)
{
    while (s.len > 0 && (s.at[0] == ' ' || s.at[0] == '\t')) {
        s.at++;
        s.len--;
    }
    while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]:4711": without what is not the
 * address. */
static struct slice without_port(struct slice s)
{
    const char *colon = memchr(s.at, ':', s.len), *bracket = memchr(s.at, ']', s.len);

    if (s.len > 0 && s.at[0] == '[' && bracket != NULL)
        return (struct slice){s.at + 1, (size_t)(bracket - s.at) - 1};
    if (colon != NULL && memchr(colon + 1, ':', s.len - (size_t)(colon + 1 - s.at)) == NULL)
        s.len = (size_t)(colon - s.at);
    return s;
}

static bool read_address(struct slice s, struct sockaddr_storage *ret)
{
    struct sockaddr_in *four = (void *)ret;
    struct sockaddr_in6 *six = (void *)ret;
    char text[INET6_ADDRSTRLEN];

    if (s.len == 0)
        return false;
    s = without_port(s);
    if (s.len >= sizeof(text))
        return false;
    memcpy(text, s.at, s.len);
    text[s.len] = '\0';
    *ret = (struct sockaddr_storage){.ss_family = AF_INET};
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1)
        return true;
    ret->ss_family = AF_INET6;
    return inet_pton(AF_INET6, text, &six->sin6_addr) == 1;
}

/* The value of for= in an element such as `for="[2001:db8::1]:4711";proto=https`; empty when it
 * has none. */
static struct slice for_of(struct slice element)
{
    while (element.len > 0) {
        const char *semicolon = memchr(element.at, ';', element.len);
        size_t len = semicolon != NULL ? (size_t)(semicolon - element.at) : element.len;
        struct slice pair = trim((struct slice){element.at, len});
        size_t used = len + (semicolon != NULL);

        if (pair.len >= 4 && strncasecmp(pair.at, "for=", 4) == 0) {
            pair = (struct slice){pair.at + 4, pair.len - 4};
            if (pair.len >= 2 && pair.at[0] == '"' && pair.at[pair.len - 1] == '"')
                pair = (struct slice){pair.at + 1, pair.len - 2};
            return pair;
        }
        element = (struct slice){element.at + used, element.len - used};
    }
    return element;
}

/* What is known while the hops are gone through from the left. */
struct walk {
    const struct ranges *proxies;
    struct sockaddr_storage client;
    bool any, nobody; /* a hop was there; the last said nothing that is an address */
};

static void on_hop(struct walk *w, struct slice hop)
{
    struct sockaddr_storage address;

    if (!read_address(hop, &address)) {
        w->nobody = true;
    } else if (!w->any || w->nobody || !ranges_hold(w->proxies, &address)) {
        w->client = address;
        w->nobody = false;
    }
    w->any = true;
}

/* Commas separate hops wherever they stand: one within quotes would be a stranger's attempt to hide
 * what a proxy has added. Returns whether there was any hop. */
static bool walk(const struct http_head *h, const char *name, struct slice (*hop_of)(struct slice),
                 const struct ranges *proxies, const struct sockaddr_storage *peer,
                 struct sockaddr_storage *ret)
{
    struct walk w = {.proxies = proxies};

    for (size_t i = 0; i < h->n_fields; i++) {
        struct slice rest = h->fields[i].value, hop;
        if (!slice_is_nocase(h->fields[i].name, name))
            continue;
        while (http_list_next(&rest, &hop))
            on_hop(&w, hop_of(hop));
    }
    *ret = w.any && !w.nobody ? w.client : *peer;
    return w.any;
}

void forwarded_client(const struct http_head *h, const struct ranges *proxies,
                      const struct sockaddr_storage *peer, struct sockaddr_storage *ret)
{
    struct sockaddr_storage one, other;
    bool is_one = walk(h, "X-Forwarded-For", trim, proxies, peer, &one);
    bool is_other = walk(h, "Forwarded", for_of, proxies, peer, &other);

    if (is_one && is_other && !address_same(&one, &other))
        *ret = *peer;
    else
        *ret = is_one ? one : other; /* `other` is the peer when there is neither */
}
