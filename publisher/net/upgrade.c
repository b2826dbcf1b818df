#include "publisher/net/upgrade.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "common/clock.h"

#include "common/banned.h"

#define NONCE_LEN 16
#define SHA1_LEN 20
#define KEY_TEXT_MAX 25 /* base64 of the nonce */

/*
 * The request
 */

static int make_key(char ret[KEY_TEXT_MAX])
{
    unsigned char nonce[NONCE_LEN];

    if (getrandom(nonce, sizeof(nonce), 0) != (ssize_t)sizeof(nonce))
        return -EIO;
    EVP_EncodeBlock((unsigned char *)ret, nonce, sizeof(nonce));
    return 0;
}

static int make_accept(const char *key, char ret[UPGRADE_ACCEPT_MAX])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[EVP_MAX_MD_SIZE];
    char text[KEY_TEXT_MAX + sizeof(guid)];
    int len = snprintf(text, sizeof(text), "%s%s", key, guid);

    if (EVP_Digest(text, (size_t)len, digest, NULL, EVP_sha1(), NULL) != 1)
        return -EIO;
    EVP_EncodeBlock((unsigned char *)ret, digest, SHA1_LEN);
    return 0;
}

/* What the request says of its URL; NULL is what the URL does not have. */
struct target {
    char *host, *port, *path, *query;
};

static int read_target(CURLU *url, struct target *ret)
{
    if (curl_url_get(url, CURLUPART_HOST, &ret->host, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_PATH, &ret->path, 0) != CURLUE_OK)
        return -EINVAL;
    curl_url_get(url, CURLUPART_PORT, &ret->port, 0);
    curl_url_get(url, CURLUPART_QUERY, &ret->query, 0);
    return 0;
}

static void forget_target(struct target *t)
{
    if (t->query != NULL)
        explicit_bzero(t->query, strlen(t->query));
    curl_free(t->host);
    curl_free(t->port);
    curl_free(t->path);
    curl_free(t->query);
}

static int write_request(struct upgrade *u, const struct target *t, const char *key,
                         const char *const *headers)
{
    static const char *const none[] = {NULL};
    FILE *out = open_memstream(&u->request, &u->request_len);

    if (out == NULL)
        return -ENOMEM;
    fprintf(out, "GET %s%s%s HTTP/1.1\r\n", t->path, t->query != NULL ? "?" : "",
            t->query != NULL ? t->query : "");
    fprintf(out, "Host: %s%s%s\r\n", t->host, t->port != NULL ? ":" : "",
            t->port != NULL ? t->port : "");
    fprintf(out,
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n"
            "User-Agent: tapecast/" TAPECAST_VERSION "\r\n",
            key);
    for (headers = headers != NULL ? headers : none; *headers != NULL; headers++)
        fprintf(out, "%s\r\n", *headers);
    fputs("\r\n", out);
    return fclose(out) == 0 ? 0 : -ENOMEM;
}

static int make_request(struct upgrade *u, CURLU *url, const char *const *headers)
{
    struct target t = {0};
    char key[KEY_TEXT_MAX];
    int r = make_key(key);

    if (r == 0)
        r = make_accept(key, u->accept);
    if (r == 0)
        r = read_target(url, &t);
    if (r == 0)
        r = write_request(u, &t, key, headers);
    forget_target(&t);
    return r;
}

static int parse_url(CURLU *url, const char *text)
{
    const char *scheme = strncmp(text, "wss:", 4) == 0 ? "https" : "http";

    if (curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
        curl_url_set(url, CURLUPART_SCHEME, scheme, 0) != CURLUE_OK)
        return -EINVAL;
    return 0;
}

static int take_origin(CURLU *url, char **ret)
{
    curl_url_set(url, CURLUPART_PATH, "/", 0);
    curl_url_set(url, CURLUPART_QUERY, NULL, 0);
    return curl_url_get(url, CURLUPART_URL, ret, 0) == CURLUE_OK ? 0 : -EINVAL;
}

int upgrade_init(struct upgrade *u, const char *url, const char *const *headers, char **ret_origin)
{
    CURLU *parsed = curl_url();
    int r;

    *u = (struct upgrade){0};
    if (parsed == NULL)
        return -ENOMEM;
    r = parse_url(parsed, url);
    if (r == 0)
        r = make_request(u, parsed, headers);
    if (r == 0)
        r = take_origin(parsed, ret_origin);
    if (r < 0)
        upgrade_release(u);
    curl_url_cleanup(parsed);
    return r;
}

void upgrade_release(struct upgrade *u)
{
    if (u->request != NULL)
        explicit_bzero(u->request, u->request_len);
    free(u->request);
    u->request = NULL;
}

size_t upgrade_to_send(const struct upgrade *u, const char **ret)
{
    if (u->request == NULL)
        return 0;
    *ret = u->request + u->sent;
    return u->request_len - u->sent;
}

void upgrade_sent(struct upgrade *u, size_t n)
{
    u->sent += n;
    if (u->sent == u->request_len)
        upgrade_release(u);
}

/*
 * The answer
 */

/* The value of the first field `name` without the blanks around it; NULL when there is none. */
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

static int refuse(struct websocket_end *end, const char *why)
{
    *end = (struct websocket_end){0};
    snprintf(end->why, sizeof(end->why), "%s", why);
    return -EPROTO;
}

/* Of "HTTP/1.1 101 …"; 0 of what is no such line. */
static long status_of(const char *head)
{
    if (strncmp(head, "HTTP/1.", 7) != 0 || head[8] != ' ')
        return 0;
    head += 9;
    if (strspn(head, "0123456789") != 3 || (head[3] != ' ' && head[3] != '\r'))
        return 0;
    return strtol(head, NULL, 10);
}

static int judge(const struct upgrade *u, struct websocket_end *ret_end)
{
    const char *head = u->head;
    long status = status_of(head);

    if (status == 0)
        return refuse(ret_end, "an answer that is no HTTP");
    if (status != 101) {
        *ret_end =
            (struct websocket_end){.http_status = status, .retry_after_s = retry_after_s(head)};
        snprintf(ret_end->why, sizeof(ret_end->why), "the stream is refused (HTTP %ld)", status);
        return -EPROTO;
    }
    if (!field_is(head, "Upgrade", "websocket", true) ||
        !field_is(head, "Sec-WebSocket-Accept", u->accept, false))
        return refuse(ret_end, "an answer that is no WebSocket's");
    return 0;
}

char *upgrade_space(struct upgrade *u, size_t *ret_room)
{
    *ret_room = UPGRADE_HEAD_MAX - u->received;
    return u->head + u->received;
}

int upgrade_received(struct upgrade *u, size_t n, struct websocket_end *ret_end)
{
    char *end;

    u->received += n;
    u->head[u->received] = '\0';
    end = strstr(u->head, "\r\n\r\n");
    if (end != NULL) {
        u->taken = (size_t)(end - u->head) + 4;
        end[2] = '\0';
        return judge(u, ret_end);
    }
    if (u->received == UPGRADE_HEAD_MAX)
        return refuse(ret_end, "an answer that is no WebSocket's");
    return -EAGAIN;
}

size_t upgrade_rest(struct upgrade *u, void *buf, size_t len)
{
    size_t n = u->received - u->taken;

    if (n > len)
        n = len;
    memcpy(buf, u->head + u->taken, n);
    u->taken += n;
    return n;
}
