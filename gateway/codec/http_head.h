/*
 * http_head -- the head of an HTTP/1 request (RFC 9112), read strictly.
 *
 * Strict, because what two parsers read differently is what request smuggling lives on: CRLF only,
 * no folded lines, no space before the colon, exactly one Host, never a Content-Length that
 * contradicts anything. Everything given back points into the caller's buffer, which must stay
 * where it is as long as the head is used. Pure functions, no allocation.
 */
#ifndef TAPECAST_GATEWAY_CODEC_HTTP_HEAD_H
#define TAPECAST_GATEWAY_CODEC_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"
#include "gateway/codec/slice.h"

#define HTTP_HEAD_MAX 8192 /* bytes, with the empty line that ends it */
#define HTTP_FIELDS_MAX 64

struct http_field {
    struct slice name, value; /* value without the white space around it */
};

struct http_head {
    struct slice method; /* a token, case matters */
    struct slice target; /* as sent */
    struct slice path; /* begins with '/', percent-encoded; "*" for `OPTIONS *`; none for CONNECT */
    struct slice query; /* what follows the '?', percent-encoded; none without a '?' */
    struct slice host;  /* host[:port]: of the target when that is absolute, else of Host; none only
                           with HTTP/1.0 */
    uint8_t minor;      /* 0 or 1: HTTP/1.minor */
    bool keep_alive;    /* the connection may carry another request */
    bool chunked;       /* a chunked body follows */
    uint64_t content_length; /* bytes of body that follow; 0 when chunked */
    size_t n_fields;
    struct http_field fields[HTTP_FIELDS_MAX];
};

/* Read the head at the start of `bytes`. Returns its length (1..HTTP_HEAD_MAX) and fills *ret,
 * which is scratch space until then; 0 when more bytes are needed: call again with all of them; or,
 * as soon as it shows, minus the status to answer before closing: -400, -414 the request line is
 * too long, -431 too many or too long fields, -501 a transfer coding other than chunked, -505 not
 * HTTP/1. Whether the method is allowed is the caller's matter. */
MUST_CHECK int http_head_parse(const char *bytes, size_t len, struct http_head *ret);

/* The value of the first field of this name (any case), or SLICE_NONE. */
struct slice http_head_field(const struct http_head *h, const char *name);

/* How many fields have this name. */
size_t http_head_count(const struct http_head *h, const char *name);

/* Is `token` (any case) a member of the comma-separated list that all fields of this name make? */
bool http_head_lists(const struct http_head *h, const char *name, const char *token);

/* One member of a comma-separated list: takes it off the front of *rest, without white space, empty
 * members skipped. False at the end. */
bool http_list_next(struct slice *rest, struct slice *ret_member);

/* Decode a path for looking up a file: NUL-terminated in buf. Returns its length; -EINVAL when an
 * escape is broken, or a control character, a backslash or a segment "." or ".." appears after
 * decoding, or it does not begin with '/'; -ENOBUFS. */
MUST_CHECK int http_path_decode(struct slice path, char *buf, size_t cap);

/* The decoded value of the first `name=value` in a query ('+' is a space), NUL-terminated in buf.
 * Returns its length; -ENOENT; -EINVAL broken escape or NUL; -ENOBUFS. */
MUST_CHECK int http_query_get(struct slice query, const char *name, char *buf, size_t cap);

#endif
