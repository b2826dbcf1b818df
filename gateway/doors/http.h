/*
 * http -- what a connection speaks first: HTTP/1.1 requests, routed to the doors; and what answers
 * are made of, whichever version of HTTP carries them.
 *
 * One request at a time; a pipelined one waits until the answer before it is out. Requests have no
 * body here. Every answer carries the headers that keep a browser safe. A connection that begins
 * with the preface of HTTP/2 becomes one (h2.h): each of its streams brings a request like any
 * other.
 */
#ifndef TAPECAST_GATEWAY_DOORS_HTTP_H
#define TAPECAST_GATEWAY_DOORS_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "gateway/codec/http_head.h"
#include "gateway/net/conn.h"

extern const struct protocol http_protocol;

#define HTTP_OUT_OF_MEMORY "The gateway is out of memory; try again later."

struct h2_stream;
struct visitor;

struct http_request {
    struct conn *conn;
    struct h2_stream *stream;      /* NULL over HTTP/1.1 */
    const struct http_head *head;  /* valid during the handler */
    const struct visitor *visitor; /* who asks; valid during the handler */
    struct grant *grant; /* what the peer may do, for gated routes; valid during the handler */
};

/* Route a request to its door. */
void http_dispatch(const struct http_request *r);

/* An answer. `fields` are whole header lines ("Name: value\r\n"…) or "". */
struct http_answer {
    int status;
    const char *type; /* Content-Type; NULL when there is no body */
    const char *fields;
    const void *body;
    size_t len;
    void (*done)(
        void *owner); /* the body is not copied: called when it is no longer needed; may be NULL */
    void *owner;
};

/* Answer the request; the body is left out for HEAD, whose headers are the same. */
void http_answer(const struct http_request *r, const struct http_answer *a);

/* Answer with an error as problem JSON (RFC 9457); `detail` is a sentence that says what to do. */
void http_problem(const struct http_request *r, int status, const char *fields, const char *detail);

/* Send `text` (copied). */
void http_answer_text(const struct http_request *r, int status, const char *type, const char *text,
                      size_t len);

/* Begin an answer that has no end of its own: its head, behind which the bytes of the body are the
 * caller's to write until the connection closes, or the stream ends. For HEAD the head is all.
 * Returns whether a body is wanted. */
MUST_CHECK bool http_answer_stream(const struct http_request *r, const char *type,
                                   const char *fields);

/* A request that is answered in a later turn. Meanwhile nothing is read from its connection, unless
 * it is one of HTTP/2. */
struct http_pending {
    struct conn *conn; /* NULL: it is gone, or has been told that it took too long */
    struct h2_stream *stream;
    bool keep_alive, wants_body;
    atomic_bool gone; /* the same for other threads: the answer is for nobody */
};

/* Remember the request in *p, which stays where it is until it is answered by one of these, in the
 * same thread; they also take the answer to a connection that is gone. */
void http_defer(const struct http_request *r, struct http_pending *p);
void http_resume(struct http_pending *p, const struct http_answer *a);
void http_resume_problem(struct http_pending *p, int status, const char *fields,
                         const char *detail);

/* Its connection or stream goes. */
void http_forget(struct http_pending *p);

/* It has waited long enough: tell it so. */
void http_give_up(struct http_pending *p);

#endif
