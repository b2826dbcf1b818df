/*
 * libcurl connects (CURLOPT_CONNECT_ONLY: proxy, TLS, certificate) and then moves bytes; the
 * request for the upgrade is ours, since this libcurl has no WebSocket of its own; what follows is
 * wslay's.
 *
 *     CONNECTING   libcurl's transfer is under way
 *     UPGRADING    our request goes out, the head of the answer comes in
 *     OPEN         frames
 *     ENDED        end() has been told
 *
 * Bytes that came behind the answer's head are frames already: wslay reads them first.
 */
#include "publisher/net/websocket.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <wslay/wslay.h>

#include "publisher/net/internal.h"
#include "publisher/net/playback.h"
#include "publisher/net/record.h"

#include "common/banned.h"

#define OPEN_MAX_MS 10000
#define SILENCE_MS 20000 /* then we ask */
#define PONG_MAX_MS 10000
#define HEAD_MAX 8192
#define READS_PER_RUN 64 /* then others have their turn */
#define QUEUE_MAX 1024   /* messages that wait for the socket */
#define KEY_TEXT_MAX 25
#define ACCEPT_TEXT_MAX 29

enum stage { CONNECTING, UPGRADING, OPEN, ENDED };

struct websocket {
    struct net *net;
    struct transfer transfer;
    struct watch watch;
    enum stage stage;
    const struct websocket_events *events;
    void *ctx;
    struct mono now, heard;
    bool pinged; /* since something came last */

    char *request; /* holds the URL's key: wiped with wipe_request() */
    size_t request_len, request_sent;
    char accept[ACCEPT_TEXT_MAX]; /* what the server has to answer */
    char head[HEAD_MAX + 1];
    size_t head_len, early; /* bytes from `early` on are frames that wslay has not read */

    wslay_event_context_ptr frames;
    int reads;      /* in this run */
    bool peer_gone; /* the connection is closed below us */
    struct websocket_end end;
};

/*
 * The end
 */

static void PRINTF_LIKE(2, 3) fail(struct websocket *w, const char *format, ...)
{
    va_list args;

    if (w->stage == ENDED)
        return;
    w->stage = ENDED;
    if (w->end.why[0] == '\0') {
        va_start(args, format);
        vsnprintf(w->end.why, sizeof(w->end.why), format, args);
        va_end(args);
    }
    list_remove(&w->watch.node);
    record_end(net_recorder(w->net), &w->end);
    w->events->end(w->ctx, &w->end);
}

/* Why the server closed, its reason cut to a line of plain text. */
static void note_close(struct websocket *w, uint16_t code, const uint8_t *reason, size_t len)
{
    int n = snprintf(w->end.why, sizeof(w->end.why), "closed by the server (%u)%s", code,
                     len > 0 ? ": " : "");

    w->end.code = code;
    for (size_t i = 0; i < len && n < (int)sizeof(w->end.why) - 1; i++)
        w->end.why[n++] = reason[i] >= 0x20 && reason[i] < 0x7f ? (char)reason[i] : '?';
    w->end.why[n] = '\0';
}

/*
 * The request and its answer
 */

static void wipe_request(struct websocket *w)
{
    if (w->request != NULL)
        explicit_bzero(w->request, w->request_len);
    free(w->request);
    w->request = NULL;
}

static void make_accept(const char *key, char ret[ACCEPT_TEXT_MAX])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[EVP_MAX_MD_SIZE];
    char text[KEY_TEXT_MAX + sizeof(guid)];
    int len = snprintf(text, sizeof(text), "%s%s", key, guid);

    EVP_Digest(text, (size_t)len, digest, NULL, EVP_sha1(), NULL);
    EVP_EncodeBlock((unsigned char *)ret, digest, 20);
}

static char *make_request(const char *path, const char *host, const char *key,
                          const char *const *headers, size_t *ret_len)
{
    static const char *const none[] = {NULL};
    char *text = NULL;
    FILE *out = open_memstream(&text, ret_len);

    if (out == NULL)
        return NULL;
    fprintf(out,
            "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n"
            "User-Agent: tapecast/" TAPECAST_VERSION "\r\n",
            path, host, key);
    for (headers = headers != NULL ? headers : none; *headers != NULL; headers++)
        fprintf(out, "%s\r\n", *headers);
    fputs("\r\n", out);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* The value of the answer's field `name` without the blanks around it; NULL when it has none. */
static const char *find_field(const char *head, const char *name, size_t *ret_len)
{
    size_t name_len = strlen(name);

    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        const char *value, *end;

        line += 2;
        if (strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
            continue;
        value = line + name_len + 1;
        value += strspn(value, " \t");
        end = strstr(value, "\r\n");
        while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
            end--;
        *ret_len = (size_t)(end - value);
        return value;
    }
    return NULL;
}

static bool field_is(const char *head, const char *name, const char *wanted, bool nocase)
{
    size_t len;
    const char *value = find_field(head, name, &len);

    if (value == NULL || len != strlen(wanted))
        return false;
    return nocase ? strncasecmp(value, wanted, len) == 0 : strncmp(value, wanted, len) == 0;
}

/* Seconds, or the date by which it comes (in the local clock's terms). */
static int64_t retry_after_s(const char *head)
{
    size_t len;
    const char *value = find_field(head, "Retry-After", &len);
    char text[40];
    time_t date;

    if (value == NULL || len >= sizeof(text))
        return 0;
    memcpy(text, value, len);
    text[len] = '\0';
    if (strspn(text, "0123456789") == len)
        return len < 10 ? strtol(text, NULL, 10) : INT32_MAX;
    date = curl_getdate(text, NULL);
    return date > 0 && date > wall_now().ms / 1000 ? date - wall_now().ms / 1000 : 0;
}

static void judge_head(struct websocket *w)
{
    long status;
    char *end;

    if (strncmp(w->head, "HTTP/1.", 7) != 0 || w->head[8] != ' ') {
        fail(w, "an answer that is no HTTP");
        return;
    }
    status = strtol(w->head + 9, &end, 10);
    if (status != 101) {
        w->end.http_status = status;
        w->end.retry_after_s = retry_after_s(w->head);
        fail(w, "the stream is refused (HTTP %ld)", status);
        return;
    }
    if (!field_is(w->head, "Upgrade", "websocket", true) ||
        !field_is(w->head, "Sec-WebSocket-Accept", w->accept, false)) {
        fail(w, "an answer that is no WebSocket's");
        return;
    }
    w->stage = OPEN;
    w->heard = w->now;
    record_open(net_recorder(w->net));
    w->events->open(w->ctx);
}

static void read_head(struct websocket *w)
{
    for (;;) {
        size_t n = 0;
        char *end;
        CURLcode r =
            curl_easy_recv(w->transfer.easy, w->head + w->head_len, HEAD_MAX - w->head_len, &n);

        if (r == CURLE_AGAIN)
            return;
        if (r != CURLE_OK || n == 0) {
            fail(w, "the connection ended during the upgrade");
            return;
        }
        w->head_len += n;
        w->head[w->head_len] = '\0';
        end = strstr(w->head, "\r\n\r\n");
        if (end != NULL) {
            w->early = (size_t)(end - w->head) + 4;
            end[2] = '\0';
            judge_head(w);
            return;
        }
        if (w->head_len == HEAD_MAX) {
            fail(w, "an answer that is no WebSocket's");
            return;
        }
    }
}

static void upgrade(struct websocket *w)
{
    while (w->request != NULL) {
        size_t n = 0;
        CURLcode r = curl_easy_send(w->transfer.easy, w->request + w->request_sent,
                                    w->request_len - w->request_sent, &n);

        w->watch.wants_out = r == CURLE_AGAIN;
        if (r == CURLE_AGAIN)
            return;
        if (r != CURLE_OK) {
            fail(w, "the connection ended during the upgrade");
            return;
        }
        w->request_sent += n;
        if (w->request_sent == w->request_len)
            wipe_request(w);
    }
    read_head(w);
}

static void look_at_connect(struct websocket *w)
{
    curl_socket_t fd = CURL_SOCKET_BAD;

    if (!w->transfer.done)
        return;
    w->transfer.done = false;
    if (w->transfer.result != CURLE_OK) {
        fail(w, "%s", transfer_describe(w->transfer.result));
        return;
    }
    curl_easy_getinfo(w->transfer.easy, CURLINFO_ACTIVESOCKET, &fd);
    if (fd == CURL_SOCKET_BAD) {
        fail(w, "the connection ended at once");
        return;
    }
    w->watch.fd = fd;
    net_watch(w->net, &w->watch);
    w->stage = UPGRADING;
}

/*
 * wslay's side
 */

static ssize_t take_early(struct websocket *w, uint8_t *buf, size_t len)
{
    size_t n = w->head_len - w->early;

    if (n > len)
        n = len;
    memcpy(buf, w->head + w->early, n);
    w->early += n;
    return (ssize_t)n;
}

static ssize_t on_recv(wslay_event_context_ptr frames, uint8_t *buf, size_t len, int flags,
                       void *ctx)
{
    struct websocket *w = ctx;
    size_t n = 0;
    CURLcode r;

    (void)flags;
    if (w->early < w->head_len)
        return take_early(w, buf, len);
    w->watch.wants_run = w->reads++ >= READS_PER_RUN;
    if (w->watch.wants_run) {
        wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    r = curl_easy_recv(w->transfer.easy, buf, len, &n);
    if (r == CURLE_OK && n > 0) {
        w->heard = w->now;
        w->pinged = false;
        return (ssize_t)n;
    }
    w->peer_gone = r != CURLE_AGAIN;
    wslay_event_set_error(frames,
                          r == CURLE_AGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t on_send(wslay_event_context_ptr frames, const uint8_t *data, size_t len, int flags,
                       void *ctx)
{
    struct websocket *w = ctx;
    size_t n = 0;
    CURLcode r = curl_easy_send(w->transfer.easy, data, len, &n);

    (void)flags;
    if (r == CURLE_OK)
        return (ssize_t)n;
    w->watch.wants_out = r == CURLE_AGAIN;
    w->peer_gone |= r != CURLE_AGAIN;
    wslay_event_set_error(frames,
                          r == CURLE_AGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static int on_mask(wslay_event_context_ptr frames, uint8_t *buf, size_t len, void *ctx)
{
    (void)frames;
    (void)ctx;
    return getrandom(buf, len, 0) == (ssize_t)len ? 0 : -1;
}

static void on_message(wslay_event_context_ptr frames, const struct wslay_event_on_msg_recv_arg *m,
                       void *ctx)
{
    struct websocket *w = ctx;

    (void)frames;
    if (m->opcode == WSLAY_CONNECTION_CLOSE)
        note_close(w, m->status_code, m->msg_length > 2 ? m->msg + 2 : NULL,
                   m->msg_length > 2 ? m->msg_length - 2 : 0);
    if (m->opcode == WSLAY_TEXT_FRAME || m->opcode == WSLAY_BINARY_FRAME) {
        record_message(net_recorder(w->net), (const char *)m->msg, m->msg_length);
        w->events->message(w->ctx, (const char *)m->msg, m->msg_length);
    }
}

/* What a record says in the server's place. */
static void play(struct websocket *w)
{
    struct playback *p = net_player(w->net);
    const char *text;

    while (w->stage != ENDED)
        switch (playback_take(p, w->stage == OPEN, &text, &w->end)) {
        case PLAYED_OPEN:
            w->stage = OPEN;
            w->events->open(w->ctx);
            break;
        case PLAYED_MESSAGE:
            w->events->message(w->ctx, text, strlen(text));
            break;
        case PLAYED_END:
            fail(w, "lost");
            break;
        case PLAYED_NOTHING:
            return;
        }
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

static void move_frames(struct websocket *w)
{
    int r;

    w->reads = 0;
    w->watch.wants_out = false;
    r = wslay_event_recv(w->frames);
    if (wslay_event_want_write(w->frames)) {
        int sent = wslay_event_send(w->frames);

        if (r == 0)
            r = sent;
    }
    if (wslay_event_get_queued_msg_count(w->frames) > QUEUE_MAX)
        fail(w, "the server asks for answers and does not take them");
    else if (w->end.code != 0 || wslay_event_get_close_received(w->frames))
        fail(w, "closed by the server");
    else if (w->peer_gone)
        fail(w, "the connection broke");
    else if (wslay_event_get_close_sent(w->frames))
        fail(w, "%s", describe_close(wslay_event_get_status_code_sent(w->frames)));
    else if (r != 0)
        fail(w, "the stream cannot be read (%d)", r);
}

static void keep_alive(struct websocket *w)
{
    const struct wslay_event_msg ping = {.opcode = WSLAY_PING};

    w->watch.deadline = mono_add_ms(w->heard, w->pinged ? SILENCE_MS + PONG_MAX_MS : SILENCE_MS);
    if (mono_before(w->now, w->watch.deadline))
        return;
    if (w->pinged) {
        fail(w, "the server has fallen silent");
        return;
    }
    w->pinged = true;
    w->watch.deadline = mono_add_ms(w->heard, SILENCE_MS + PONG_MAX_MS);
    if (wslay_event_queue_msg(w->frames, &ping) == 0)
        move_frames(w);
}

void websocket_run(struct websocket *w, struct mono now)
{
    w->now = now;
    if (net_player(w->net) != NULL) {
        play(w);
        return;
    }
    if (w->stage == CONNECTING)
        look_at_connect(w);
    if (w->stage == UPGRADING)
        upgrade(w);
    if (w->stage == UPGRADING && !mono_before(now, w->watch.deadline))
        fail(w, "no answer within 10 s");
    if (w->stage == OPEN)
        move_frames(w);
    if (w->stage == OPEN)
        keep_alive(w);
}

int websocket_send(struct websocket *w, const char *text, size_t len)
{
    const struct wslay_event_msg m = {
        .opcode = WSLAY_TEXT_FRAME, .msg = (const uint8_t *)text, .msg_length = len};

    if (w->stage != OPEN)
        return -ENOTCONN;
    if (net_player(w->net) != NULL)
        return 0;
    if (wslay_event_get_queued_msg_count(w->frames) >= QUEUE_MAX)
        return -ENOBUFS;
    w->watch.wants_run = true; /* so that it leaves without waiting for the server */
    return wslay_event_queue_msg(w->frames, &m) == 0 ? 0 : -ENOMEM;
}

/*
 * Making and freeing
 */

/* Fill in what libcurl is told (the origin) and what it is not (the request). */
static int read_url(struct websocket *w, const struct websocket_config *c, CURLU *url)
{
    unsigned char nonce[16];
    char key[KEY_TEXT_MAX], host[300];
    char *name = NULL, *port = NULL, *path = NULL, *query = NULL, *target = NULL;
    const char *scheme = strncmp(c->url, "wss:", 4) == 0 ? "https" : "http";
    int r = -EINVAL;

    if (getrandom(nonce, sizeof(nonce), 0) != (ssize_t)sizeof(nonce))
        return -EIO;
    EVP_EncodeBlock((unsigned char *)key, nonce, sizeof(nonce));
    make_accept(key, w->accept);
    if (curl_url_set(url, CURLUPART_URL, c->url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
        curl_url_set(url, CURLUPART_SCHEME, scheme, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_HOST, &name, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_PATH, &path, 0) != CURLUE_OK)
        goto out;
    curl_url_get(url, CURLUPART_PORT, &port, 0);
    curl_url_get(url, CURLUPART_QUERY, &query, 0);
    r = -ENOMEM;
    if (asprintf(&target, "%s%s%s", path, query != NULL ? "?" : "", query != NULL ? query : "") < 0)
        goto out;
    snprintf(host, sizeof(host), "%s%s%s", name, port != NULL ? ":" : "", port != NULL ? port : "");
    w->request = make_request(target, host, key, c->headers, &w->request_len);
    curl_url_set(url, CURLUPART_PATH, "/", 0);
    curl_url_set(url, CURLUPART_QUERY, NULL, 0);
    if (w->request != NULL)
        r = 0;
    explicit_bzero(target, strlen(target));
    free(target);
out:
    if (query != NULL)
        explicit_bzero(query, strlen(query));
    curl_free(name);
    curl_free(port);
    curl_free(path);
    curl_free(query);
    return r;
}

static int connect_to(struct websocket *w, CURLU *url)
{
    CURL *easy = w->transfer.easy;
    char *origin = NULL;
    int r = -ENOMEM;

    if (curl_url_get(url, CURLUPART_URL, &origin, 0) != CURLUE_OK)
        return -EINVAL;
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1); /* else h2 is agreed on */
    curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);                 /* for ws: too */
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)OPEN_MAX_MS);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    if (curl_easy_setopt(easy, CURLOPT_URL, origin) == CURLE_OK)
        r = transfer_start(&w->transfer, w->net);
    curl_free(origin);
    return r;
}

static int init_frames(struct websocket *w, size_t max_message)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_recv,
        .send_callback = on_send,
        .genmask_callback = on_mask,
        .on_msg_recv_callback = on_message,
    };

    if (wslay_event_context_client_init(&w->frames, &callbacks, w) != 0)
        return -ENOMEM;
    wslay_event_config_set_max_recv_msg_length(w->frames, max_message);
    return 0;
}

int websocket_new(struct net *n, const struct websocket_config *config, struct websocket **ret)
{
    struct websocket *w = calloc(1, sizeof(*w));
    CURLU *url;
    int r = -ENOMEM;

    if (w == NULL)
        return r;
    w->net = n;
    w->events = config->events;
    w->ctx = config->ctx;
    w->watch.deadline = mono_add_ms(mono_now(), OPEN_MAX_MS);
    list_init(&w->watch.node);
    url = curl_url();
    if (url == NULL)
        goto out;
    r = transfer_init(&w->transfer, n);
    if (r == 0)
        r = init_frames(w, config->max_message);
    if (r == 0)
        r = read_url(w, config, url);
    if (r == 0 && net_player(n) == NULL)
        r = connect_to(w, url);
    if (r < 0)
        goto out;
    *ret = w;
    w = NULL; /* handed over */
out:
    curl_url_cleanup(url);
    websocket_free(w);
    return r;
}

void websocket_free(struct websocket *w)
{
    if (w == NULL)
        return;
    if (w->stage == OPEN && !w->peer_gone &&
        wslay_event_queue_close(w->frames, WSLAY_CODE_GOING_AWAY, NULL, 0) == 0)
        wslay_event_send(w->frames);
    list_remove(&w->watch.node);
    transfer_release(&w->transfer, w->net);
    if (w->frames != NULL)
        wslay_event_context_free(w->frames);
    wipe_request(w);
    free(w);
}
