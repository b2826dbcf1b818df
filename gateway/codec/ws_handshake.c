#include "gateway/codec/ws_handshake.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "common/banned.h"

#define KEY_LEN 24    /* base64 of 16 bytes */
#define ACCEPT_LEN 28 /* base64 of a SHA-1 */

bool ws_is_upgrade(const struct http_head *h)
{
    return http_head_lists(h, "Upgrade", "websocket");
}

static bool is_base64(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

/* Base64 of 16 bytes. The unused bits of the last digit may be anything, as in RFC 6455's own
 * example. */
static bool key_valid(struct slice key)
{
    if (key.len != KEY_LEN || memcmp(key.at + KEY_LEN - 2, "==", 2) != 0)
        return false;
    for (size_t i = 0; i < KEY_LEN - 2; i++) {
        if (!is_base64(key.at[i]))
            return false;
    }
    return true;
}

#define PROTOCOL_MAX 64

/* A name that may be given back as it came. */
static bool is_plain(struct slice name)
{
    if (name.len > PROTOCOL_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!is_base64(name.at[i]) && memchr("-._", name.at[i], 3) == NULL)
            return false;
    return true;
}

/* The offered subprotocol `wanted`, or with NULL the first; SLICE_NONE when it is not there. They
 * are compared with regard to case, unlike the lists of HTTP. */
static struct slice offered(const struct http_head *h, const char *wanted)
{
    for (size_t i = 0; i < h->n_fields; i++) {
        struct slice rest = h->fields[i].value, member;

        if (!slice_is_nocase(h->fields[i].name, "Sec-WebSocket-Protocol"))
            continue;
        while (http_list_next(&rest, &member)) {
            if (wanted != NULL ? slice_is(member, wanted) : is_plain(member))
                return member;
        }
    }
    return SLICE_NONE;
}

static int refuse(int status, const char *why, const char **ret_why)
{
    *ret_why = why;
    return -status;
}

static int check_request(const struct http_head *h, const char **ret_why)
{
    if (!slice_is(h->method, "GET"))
        return refuse(405, "A WebSocket begins with a GET.", ret_why);
    if (!ws_is_upgrade(h))
        return refuse(426, "This is a WebSocket: ask for it with \"Upgrade: websocket\".", ret_why);
    if (h->minor < 1)
        return refuse(400, "A WebSocket begins with HTTP/1.1.", ret_why);
    if (!http_head_lists(h, "Connection", "Upgrade"))
        return refuse(400, "\"Connection: Upgrade\" is missing.", ret_why);
    if (h->chunked || h->content_length > 0)
        return refuse(400, "A request for a WebSocket has no body.", ret_why);
    return 0;
}

static int check_fields(const struct http_head *h, const char **ret_why)
{
    if (http_head_count(h, "Sec-WebSocket-Version") != 1)
        return refuse(400, "Sec-WebSocket-Version is to be given once.", ret_why);
    if (!slice_is(http_head_field(h, "Sec-WebSocket-Version"), "13"))
        return refuse(426, "Only version 13 of WebSocket is spoken here.", ret_why);
    if (http_head_count(h, "Sec-WebSocket-Key") != 1 ||
        !key_valid(http_head_field(h, "Sec-WebSocket-Key")))
        return refuse(400, "Sec-WebSocket-Key is to be the base64 of 16 bytes.", ret_why);
    if (http_head_count(h, "Origin") > 1)
        return refuse(400, "Origin is to be given once.", ret_why);
    return 0;
}

int ws_handshake_check(const struct http_head *h, const char *protocol, struct ws_handshake *ret,
                       const char **ret_why)
{
    int r = check_request(h, ret_why);

    if (r == 0)
        r = check_fields(h, ret_why);
    if (r == 0 && protocol != NULL && offered(h, protocol).at == NULL)
        r = refuse(400, "The subprotocol of this address is not among those offered.", ret_why);
    if (r < 0)
        return r;
    *ret = (struct ws_handshake){
        .key = http_head_field(h, "Sec-WebSocket-Key"),
        .origin = http_head_field(h, "Origin"),
        .protocol = offered(h, protocol),
    };
    return 0;
}

const char *ws_refusal_fields(int status)
{
    switch (status) {
    case 405:
        return "Allow: GET\r\n";
    case 426:
        return "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    default:
        return "";
    }
}

static bool accept_for(struct slice key, char ret[ACCEPT_LEN + 1])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[EVP_MAX_MD_SIZE];
    char text[KEY_LEN + sizeof(guid) - 1];
    size_t n;

    memcpy(text, key.at, KEY_LEN);
    memcpy(text + KEY_LEN, guid, sizeof(guid) - 1);
    if (EVP_Q_digest(NULL, "SHA1", NULL, text, sizeof(text), digest, &n) != 1)
        return false;
    return EVP_EncodeBlock((unsigned char *)ret, digest, (int)n) == ACCEPT_LEN;
}

bool ws_handshake_possible(void)
{
    char accept[ACCEPT_LEN + 1];

    return accept_for((struct slice){"AAAAAAAAAAAAAAAAAAAAAA==", KEY_LEN}, accept);
}

size_t ws_handshake_answer(const struct ws_handshake *hs, char buf[WS_ANSWER_MAX])
{
    char accept[ACCEPT_LEN + 1];
    bool agreed = hs->protocol.at != NULL;
    int n;

    if (!accept_for(hs->key, accept))
        return 0;
    n = snprintf(buf, WS_ANSWER_MAX,
                 "HTTP/1.1 101 Switching Protocols\r\n"
                 "Upgrade: websocket\r\n"
                 "Connection: Upgrade\r\n"
                 "Sec-WebSocket-Accept: %s\r\n"
                 "%s%.*s%s\r\n",
                 accept, agreed ? "Sec-WebSocket-Protocol: " : "", (int)hs->protocol.len,
                 agreed ? hs->protocol.at : "", agreed ? "\r\n" : "");
    return n > 0 && n < WS_ANSWER_MAX ? (size_t)n : 0;
}
