#include "publisher/net/http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "publisher/net/internal.h"
#include "publisher/net/playback.h"
#include "publisher/net/record.h"

#include "common/banned.h"

#define ANSWER_MAX_MS 10000L

struct http {
    struct net *net;
    struct transfer transfer;
    struct curl_slist *headers;
    char *url; /* of the last request, while it is recorded or played */
    size_t len, max;
    char body[]; /* max + 1 */
};

static size_t on_body(char *bytes, size_t size, size_t n, void *ctx)
{
    struct http *h = ctx;
    size_t len = size * n;

    if (len > h->max - h->len)
        return 0; /* ends the transfer with CURLE_WRITE_ERROR */
    memcpy(h->body + h->len, bytes, len);
    h->len += len;
    return len;
}

static int copy_headers(struct http *h, const char *const *headers)
{
    for (; *headers != NULL; headers++) {
        struct curl_slist *longer = curl_slist_append(h->headers, *headers);

        if (longer == NULL)
            return -ENOMEM;
        h->headers = longer;
    }
    return 0;
}

int http_new(struct net *n, const char *const *headers, size_t max_body, struct http **ret)
{
    struct http *h = calloc(1, sizeof(*h) + max_body + 1);
    CURL *easy;
    int r;

    if (h == NULL)
        return -ENOMEM;
    h->net = n;
    h->max = max_body;
    r = transfer_init(&h->transfer, n);
    if (r == 0)
        r = copy_headers(h, headers);
    if (r < 0) {
        http_free(h);
        return r;
    }
    easy = h->transfer.easy;
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, h->headers);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "tapecast/" TAPECAST_VERSION);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, ANSWER_MAX_MS);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, h);
    *ret = h;
    return 0;
}

void http_free(struct http *h)
{
    if (h == NULL)
        return;
    transfer_release(&h->transfer, h->net);
    curl_slist_free_all(h->headers);
    free(h->url);
    free(h);
}

/* Returns 0; -ENOMEM. */
static int keep_url(struct http *h, const char *url)
{
    free(h->url);
    h->url = strdup(url);
    return h->url != NULL ? 0 : -ENOMEM;
}

int http_get(struct http *h, const char *url)
{
    h->len = 0;
    if (net_recorder(h->net) != NULL || net_player(h->net) != NULL) {
        int r = keep_url(h, url);

        if (r < 0 || net_player(h->net) != NULL)
            return r;
    }
    if (curl_easy_setopt(h->transfer.easy, CURLOPT_URL, url) != CURLE_OK)
        return -ENOMEM;
    return transfer_start(&h->transfer, h->net);
}

static const char *field(CURL *easy, const char *name)
{
    struct curl_header *h;

    return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK ? h->value : NULL;
}

static struct wall date(CURL *easy)
{
    const char *text = field(easy, "Date");
    time_t s = text != NULL ? curl_getdate(text, NULL) : -1;

    return (struct wall){s > 0 ? (int64_t)s * 1000 : 0};
}

/* In how many seconds the service wants to be asked again; 0 when it does not say. */
static int64_t retry_after_s(CURL *easy, struct wall now)
{
    const char *reset;
    curl_off_t told_s = 0;
    int64_t left_s;

    curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &told_s);
    if (told_s > 0)
        return told_s;
    reset = field(easy, "X-Ratelimit-Reset");
    if (reset == NULL)
        return 0;
    left_s = strtoll(reset, NULL, 10) - now.ms / 1000;
    return left_s > 0 ? left_s : 0;
}

int64_t http_limit_ms(int64_t told_s, struct backoff *limits)
{
    int64_t ms = backoff_next_ms(limits);

    if (told_s > HTTP_LIMIT_MAX_MS / 1000)
        told_s = HTTP_LIMIT_MAX_MS / 1000;
    if (told_s > 0)
        ms = told_s * 1000 + 1000 + (int64_t)rng_below(&limits->rng, 2000);
    return ms;
}

int http_take(struct http *h, struct http_answer *ret)
{
    CURLcode result = h->transfer.result;
    struct http_answer a = {.body = h->body, .len = h->len};

    if (net_player(h->net) != NULL)
        return playback_answer(net_player(h->net), h->url, ret);
    if (!h->transfer.done)
        return -EAGAIN;
    h->body[h->len] = '\0';
    if (result != CURLE_OK)
        a.fault = transfer_describe(result);
    curl_easy_getinfo(h->transfer.easy, CURLINFO_RESPONSE_CODE, &a.status);
    a.date = date(h->transfer.easy);
    a.retry_after_s = retry_after_s(h->transfer.easy, a.date.ms != 0 ? a.date : wall_now());
    transfer_stop(&h->transfer, h->net);
    if (h->url != NULL)
        record_answer(net_recorder(h->net), h->url, &a);
    *ret = a;
    return 0;
}

static bool is_base(const char *url, const char *plain, const char *secure)
{
    return (strncmp(url, plain, strlen(plain)) == 0 || strncmp(url, secure, strlen(secure)) == 0) &&
           strlen(url) <= HTTP_BASE_MAX;
}

bool http_is_base(const char *url)
{
    return is_base(url, "http://", "https://");
}

bool websocket_is_base(const char *url)
{
    return is_base(url, "ws://", "wss://");
}
