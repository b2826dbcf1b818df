/*
 * h2_head -- the head of a request of HTTP/2, put together from its fields as they are
 * decompressed.
 *
 * It is written as HTTP/1.1 would have it and read by the same strict parser, so that there is one
 * idea of what a request is. Field names and values are those of a library that refuses line breaks
 * in them and fields that belong to a connection. Pure functions, no allocation.
 */
#ifndef TAPECAST_GATEWAY_CODEC_H2_HEAD_H
#define TAPECAST_GATEWAY_CODEC_H2_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "common/macros.h"
#include "gateway/codec/http_head.h"

#define H2_HEAD_TEXT (2 * HTTP_HEAD_MAX + 1024)

struct h2_head { /* begins as all zero */
    size_t method_len, path_len, host_len, fields_len;
    char method[32], path[HTTP_HEAD_MAX], host[512], fields[HTTP_HEAD_MAX];
    bool too_large;
};

/* Add a field, those that begin with ':' first. */
void h2_head_add(struct h2_head *h, struct slice name, struct slice value);

/* The whole head, as text in `text`, to which *ret points. Returns 0; or minus the status to answer
 * (see http_head_parse()). `complete`: no body follows. */
MUST_CHECK int h2_head_parse(const struct h2_head *h, bool complete, char text[H2_HEAD_TEXT],
                             struct http_head *ret);

#endif
