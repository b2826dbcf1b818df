#include "publisher/net/frames.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <wslay/wslay.h>

#include "common/banned.h"

#define QUEUE_MAX 1024

struct frames {
    wslay_event_context_ptr wslay;
    const struct frames_owner *owner;
    void *ctx;
    bool dry;                 /* nothing more came when it was last asked for */
    bool gone;                /* the connection is closed below us */
    struct websocket_end end; /* what the server's close frame says; all zero until it comes */
};

/*
 * wslay's side
 */

/* `n` as wslay wants it from a callback. */
static ssize_t tell(struct frames *f, ssize_t n)
{
    if (n >= 0)
        return n;
    f->gone |= n != -EAGAIN;
    wslay_event_set_error(f->wslay,
                          n == -EAGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t on_recv(wslay_event_context_ptr wslay, uint8_t *buf, size_t len, int flags,
                       void *ctx)
{
    struct frames *f = ctx;
    ssize_t n = f->owner->receive(f->ctx, buf, len);

    (void)wslay, (void)flags;
    f->dry = n < 0;
    return tell(f, n);
}

static ssize_t on_send(wslay_event_context_ptr wslay, const uint8_t *data, size_t len, int flags,
                       void *ctx)
{
    struct frames *f = ctx;

    (void)wslay, (void)flags;
    return tell(f, f->owner->send(f->ctx, data, len));
}

static int on_mask(wslay_event_context_ptr wslay, uint8_t *buf, size_t len, void *ctx)
{
    (void)wslay, (void)ctx;
    return getrandom(buf, len, 0) == (ssize_t)len ? 0 : -1;
}

/* Why the server closed, its reason cut to a line of plain text. */
static void note_close(struct websocket_end *end, uint16_t code, const uint8_t *reason, size_t len)
{
    int n = snprintf(end->why, sizeof(end->why), "closed by the server (%u)%s", code,
                     len > 0 ? ": " : "");

    end->code = code;
    for (size_t i = 0; i < len && n < (int)sizeof(end->why) - 1; i++)
        end->why[n++] = reason[i] >= 0x20 && reason[i] < 0x7f ? (char)reason[i] : '?';
    end->why[n] = '\0';
}

static void on_message(wslay_event_context_ptr wslay, const struct wslay_event_on_msg_recv_arg *m,
                       void *ctx)
{
    struct frames *f = ctx;

    (void)wslay;
    if (m->opcode == WSLAY_CONNECTION_CLOSE)
        note_close(&f->end, m->status_code, m->msg_length > 2 ? m->msg + 2 : NULL,
                   m->msg_length > 2 ? m->msg_length - 2 : 0);
    if (m->opcode == WSLAY_TEXT_FRAME || m->opcode == WSLAY_BINARY_FRAME)
        f->owner->message(f->ctx, (const char *)m->msg, m->msg_length);
}

/*
 * Making and freeing
 */

int frames_new(const struct frames_owner *owner, void *ctx, size_t max_message, struct frames **ret)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_recv,
        .send_callback = on_send,
        .genmask_callback = on_mask,
        .on_msg_recv_callback = on_message,
    };
    struct frames *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return -ENOMEM;
    f->owner = owner;
    f->ctx = ctx;
    if (wslay_event_context_client_init(&f->wslay, &callbacks, f) != 0) {
        free(f);
        return -ENOMEM;
    }
    wslay_event_config_set_max_recv_msg_length(f->wslay, max_message);
    *ret = f;
    return 0;
}

void frames_free(struct frames *f)
{
    if (f == NULL)
        return;
    wslay_event_context_free(f->wslay);
    free(f);
}

/*
 * Moving
 */

static int queue(struct frames *f, const struct wslay_event_msg *m)
{
    return wslay_event_queue_msg(f->wslay, m) == 0 ? 0 : -ENOMEM;
}

int frames_queue(struct frames *f, const char *text, size_t len)
{
    const struct wslay_event_msg m = {
        .opcode = WSLAY_TEXT_FRAME, .msg = (const uint8_t *)text, .msg_length = len};

    if (wslay_event_get_queued_msg_count(f->wslay) >= QUEUE_MAX)
        return -ENOBUFS;
    return queue(f, &m);
}

int frames_queue_ping(struct frames *f)
{
    const struct wslay_event_msg ping = {.opcode = WSLAY_PING};

    return queue(f, &ping);
}

/* The code of the close frame that wslay sends when the server broke the rules. */
static const char *describe_close(uint16_t code)
{
    switch (code) {
    case WSLAY_CODE_MESSAGE_TOO_BIG:
        return "a message longer than any it should send";
    case WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA:
        return "a message that is no text";
    default:
        return "a frame that is none";
    }
}

/* Why it has ended; NULL while it has not. `r`: what wslay returned. */
static const char *judge(const struct frames *f, int r)
{
    if (wslay_event_get_queued_msg_count(f->wslay) > QUEUE_MAX)
        return "the server asks for answers and does not take them";
    if (f->end.code != 0 || wslay_event_get_close_received(f->wslay))
        return "closed by the server";
    if (f->gone)
        return "the connection broke";
    if (wslay_event_get_close_sent(f->wslay))
        return describe_close(wslay_event_get_status_code_sent(f->wslay));
    return r != 0 ? "the stream cannot be read" : NULL;
}

/* wslay stops where the head of a frame is cut, also when its rest has come: what TLS has taken
 * from the socket already, nobody would tell of again. */
static int receive_all(struct frames *f)
{
    int r;

    do {
        f->dry = true;
        r = wslay_event_recv(f->wslay);
    } while (r == 0 && !f->dry);
    return r;
}

int frames_move(struct frames *f, struct websocket_end *ret_end)
{
    int r = receive_all(f);
    const char *why;

    if (wslay_event_want_write(f->wslay)) {
        int sent = wslay_event_send(f->wslay);

        if (r == 0)
            r = sent;
    }
    why = judge(f, r);
    if (why == NULL)
        return 0;
    *ret_end = f->end;
    if (ret_end->why[0] == '\0')
        snprintf(ret_end->why, sizeof(ret_end->why), "%s", why);
    return -EPIPE;
}

void frames_say_goodbye(struct frames *f)
{
    if (!f->gone && wslay_event_queue_close(f->wslay, WSLAY_CODE_GOING_AWAY, NULL, 0) == 0)
        wslay_event_send(f->wslay);
}
