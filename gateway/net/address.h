/*
 * address -- how many connections each peer address has. IPv6 is counted by /64, which is what one
 * subscriber gets.
 *
 * One thread.
 */
#ifndef TAPECAST_GATEWAY_NET_ADDRESS_H
#define TAPECAST_GATEWAY_NET_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/hash.h"
#include "common/macros.h"

struct address {
    struct hash_node node;
    uint8_t prefix[8];
    uint8_t family; /* AF_INET or AF_INET6 */
    size_t n;
};

struct addresses {
    struct hash_table table;
};

/* Count a connection of `peer`. Returns 0 and *ret (NULL for loopback, which is not counted);
 * -EDQUOT it has `max` already; -ENOMEM. */
MUST_CHECK int addresses_enter(struct addresses *a, const struct sockaddr_storage *peer, size_t max,
                               struct address **ret);
void addresses_leave(struct addresses *a, struct address *entry); /* NULL is allowed */
void addresses_release(struct addresses *a);                      /* all have left */

bool address_is_loopback(const struct sockaddr_storage *peer);

/* Are they the same, whatever the ports? */
bool address_same(const struct sockaddr_storage *a, const struct sockaddr_storage *b);

/* What is counted as one address, in bytes. */
#define ADDRESS_KEY_LEN 9
void address_key(const struct sockaddr_storage *peer, uint8_t ret[ADDRESS_KEY_LEN]);

/* "192.0.2.1 port 4711", for people. */
#define ADDRESS_TEXT_MAX 64
void address_write(const struct sockaddr_storage *peer, char buf[ADDRESS_TEXT_MAX]);

#endif
