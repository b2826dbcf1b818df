/* An HTTP request head, and what is made of one: handshake, path, query. */
#include "gateway/codec/http_head.h"
#include "gateway/codec/ws_handshake.h"
#include "tests/fuzz/fuzz.h"

#include "common/banned.h"

static void check_inside(struct slice s, const char *text, size_t len)
{
    if (s.len > 0 && !slice_is(s, "/")) /* the path of a target without one is a literal */
        CHECK(s.at >= text && s.at + s.len <= text + len);
}

static void use_head(const struct http_head *h, const char *text, size_t len)
{
    char buf[512];
    struct ws_handshake hs;
    const char *why;
    int n;

    check_inside(h->method, text, len);
    check_inside(h->path, text, len);
    check_inside(h->query, text, len);
    check_inside(h->host, text, len);
    CHECK(h->n_fields <= HTTP_FIELDS_MAX);
    CHECK(!h->chunked || h->content_length == 0);
    CHECK(h->minor == 0 || http_head_count(h, "Host") == 1);
    for (size_t i = 0; i < h->n_fields; i++) {
        CHECK(h->fields[i].name.len > 0);
        check_inside(h->fields[i].name, text, len);
        check_inside(h->fields[i].value, text, len);
    }
    n = http_path_decode(h->path, buf, sizeof(buf));
    CHECK(n < 0 || (strlen(buf) == (size_t)n && buf[0] == '/' && strstr(buf, "/../") == NULL));
    n = http_query_get(h->query, "a", buf, sizeof(buf));
    CHECK(n < 0 || strlen(buf) == (size_t)n);
    if (ws_handshake_check(h, "mqtt", &hs, &why) == 0)
        CHECK(ws_handshake_answer(&hs, buf) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct http_head h;
    int whole = http_head_parse(text, size, &h);

    if (whole > 0) {
        CHECK((size_t)whole <= size && whole <= HTTP_HEAD_MAX);
        use_head(&h, text, size);
    }
    /* Some of the prefixes: they need more, or end as the whole does. */
    for (size_t cut = 0; cut < size; cut += 1 + size / 32) {
        char *copy = (char *)fuzz_copy(data, cut);
        int r = http_head_parse(copy, cut, &h);

        free(copy);
        CHECK(r == 0 || r == whole);
    }
    return 0;
}
