/*
 * proxy_head -- the head that a proxy puts before a connection to say whom it is for: the PROXY
 * protocol, versions 1 and 2 (haproxy's proxy-protocol.txt). Pure.
 */
#ifndef TAPECAST_GATEWAY_CODEC_PROXY_HEAD_H
#define TAPECAST_GATEWAY_CODEC_PROXY_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/macros.h"

#define PROXY_HEAD_MAX 2048 /* bytes; what version 2 adds to the addresses is passed over */

struct proxy_head {
    bool known; /* else the proxy speaks for itself, or for who has no address */
    struct sockaddr_storage client;
};

/* Read the head at the start of `bytes`. Returns its length and fills *ret; 0 when more bytes are
 * needed; -EPROTO as soon as it shows that it is none, or is too long. */
MUST_CHECK int proxy_head_parse(const uint8_t *bytes, size_t len, struct proxy_head *ret);

#endif
