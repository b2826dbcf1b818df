#include "gateway/net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/banned.h"

/* An IPv4 address, also one that came in as ::ffff:a.b.c.d. */
static bool ipv4_of(const struct sockaddr_storage *peer, uint32_t *ret)
{
    const struct sockaddr_in6 *six = (const void *)peer;

    if (peer->ss_family == AF_INET) {
        *ret = ((const struct sockaddr_in *)(const void *)peer)->sin_addr.s_addr;
        return true;
    }
    if (!IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
        return false;
    memcpy(ret, six->sin6_addr.s6_addr + 12, sizeof(*ret));
    return true;
}

bool address_is_loopback(const struct sockaddr_storage *peer)
{
    uint32_t ipv4;

    if (ipv4_of(peer, &ipv4))
        return ntohl(ipv4) >> 24 == 127;
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr);
}

static struct address key_of(const struct sockaddr_storage *peer)
{
    struct address key = {.family = AF_INET};
    uint32_t ipv4;

    if (ipv4_of(peer, &ipv4)) {
        memcpy(key.prefix, &ipv4, sizeof(ipv4));
    } else {
        key.family = AF_INET6;
        memcpy(key.prefix, &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr,
               sizeof(key.prefix));
    }
    return key;
}

void address_key(const struct sockaddr_storage *peer, uint8_t ret[ADDRESS_KEY_LEN])
{
    struct address key = key_of(peer);

    memcpy(ret, key.prefix, sizeof(key.prefix));
    ret[sizeof(key.prefix)] = key.family;
}

bool address_same(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    uint32_t one, other;
    bool is_four = ipv4_of(a, &one);

    if (is_four != ipv4_of(b, &other))
        return false;
    return is_four ? one == other
                   : memcmp(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
                            &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr, 16) == 0;
}

void address_write(const struct sockaddr_storage *peer, char buf[ADDRESS_TEXT_MAX])
{
    const struct sockaddr_in *four = (const void *)peer;
    const struct sockaddr_in6 *six = (const void *)peer;
    bool is_four = peer->ss_family == AF_INET;
    char host[INET6_ADDRSTRLEN] = "?";

    inet_ntop(peer->ss_family, is_four ? (const void *)&four->sin_addr : &six->sin6_addr, host,
              sizeof(host));
    snprintf(buf, ADDRESS_TEXT_MAX, "%s port %u", host,
             ntohs(is_four ? four->sin_port : six->sin6_port));
}

static bool is_same(const struct hash_node *node, const void *key)
{
    const struct address *a = CONTAINER_OF(node, struct address, node), *k = key;

    return a->family == k->family && memcmp(a->prefix, k->prefix, sizeof(a->prefix)) == 0;
}

int addresses_enter(struct addresses *a, const struct sockaddr_storage *peer, size_t max,
                    struct address **ret)
{
    struct address key = key_of(peer), *entry;
    uint32_t hash = hash_more(HASH_SEED, key.prefix, sizeof(key.prefix));
    struct hash_node *node;

    if (address_is_loopback(peer)) {
        *ret = NULL;
        return 0;
    }
    node = hash_table_find(&a->table, hash, is_same, &key);
    if (node == NULL) {
        entry = malloc(sizeof(*entry));
        if (entry == NULL)
            return -ENOMEM;
        *entry = key;
        if (hash_table_add(&a->table, &entry->node, hash) < 0) {
            free(entry);
            return -ENOMEM;
        }
    } else {
        entry = CONTAINER_OF(node, struct address, node);
    }
    if (entry->n >= max)
        return -EDQUOT; /* max is at least 1, so a new entry never ends here */
    entry->n++;
    *ret = entry;
    return 0;
}

void addresses_leave(struct addresses *a, struct address *entry)
{
    if (entry == NULL || --entry->n > 0)
        return;
    hash_table_remove(&a->table, &entry->node);
    free(entry);
}

void addresses_release(struct addresses *a)
{
    hash_table_release(&a->table);
}
