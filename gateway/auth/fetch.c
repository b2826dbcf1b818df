#include "gateway/auth/fetch.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "common/log.h"

#include "common/banned.h"

#define URL_TIMEOUT_S 10L

struct buffer {
    char *text; /* max + 1 bytes */
    size_t len, max;
};

bool fetch_is_url(const char *where)
{
    return strncmp(where, "https://", 8) == 0 || strncmp(where, "http://", 7) == 0;
}

static size_t take(const char *bytes, size_t size, size_t n, void *ctx)
{
    struct buffer *b = ctx;

    (void)size; /* 1 */
    if (n > b->max - b->len)
        return 0;
    memcpy(b->text + b->len, bytes, n);
    b->len += n;
    return n;
}

int fetch_file(const char *path, size_t max, char **ret, size_t *ret_len)
{
    struct buffer b = {malloc(max + 1), 0, max};
    FILE *f = fopen(path, "re");
    int r = 0;

    if (b.text == NULL) {
        r = -ENOMEM;
    } else if (f == NULL) {
        r = -errno;
    } else {
        b.len = fread(b.text, 1, max + 1, f);
        r = ferror(f) ? -errno : b.len > max ? -EFBIG : 0;
    }
    if (f != NULL)
        (void)fclose(f);
    if (r < 0) {
        log_error("cannot read %s: %s", path, strerror(-r));
        free(b.text);
        return r;
    }
    b.text[b.len] = '\0';
    *ret = b.text;
    *ret_len = b.len;
    return 0;
}

/* In the clear only from this machine: what comes are the keys to everything. */
static bool is_safe(const char *url)
{
    CURLU *u = curl_url();
    char *scheme = NULL, *host = NULL;
    bool safe = u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
                curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                (strcmp(scheme, "https") == 0 || strcmp(host, "127.0.0.1") == 0 ||
                 strcmp(host, "[::1]") == 0 || strcmp(host, "localhost") == 0);

    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(u);
    return safe;
}

static CURLcode perform(CURL *curl, const char *url, const char *ca_file, struct buffer *b)
{
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, URL_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, b);
    if (ca_file != NULL)
        curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file);
    return curl_easy_perform(curl);
}

int fetch_url(const char *url, const char *ca_file, size_t max, char **ret, size_t *ret_len)
{
    struct buffer b = {NULL, 0, max};
    CURL *curl;
    CURLcode code;

    if (!is_safe(url)) {
        log_error("%s: keys are read by https:// only, or http:// from this machine", url);
        return -EACCES;
    }
    b.text = malloc(max + 1);
    curl = curl_easy_init();
    code = b.text != NULL && curl != NULL ? perform(curl, url, ca_file, &b) : CURLE_OUT_OF_MEMORY;
    curl_easy_cleanup(curl);
    if (code != CURLE_OK) {
        log_error("cannot read %s: %s", url,
                  code == CURLE_WRITE_ERROR ? "the answer is too long" : curl_easy_strerror(code));
        free(b.text);
        return -EIO;
    }
    b.text[b.len] = '\0';
    *ret = b.text;
    *ret_len = b.len;
    return 0;
}
