/* WebSocket frames. The first byte of an input says what the door takes and in which pieces the
 * rest comes; however it is cut, the events are the same. */
#include <stdbool.h>

#include "gateway/codec/websocket.h"
#include "tests/fuzz/fuzz.h"

#include "common/banned.h"

struct outcome {
    uint64_t hash; /* over all events, pieces of one message taken together */
    bool ended;
};

static void mix(struct outcome *o, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;

    for (size_t i = 0; i < len; i++)
        o->hash = (o->hash ^ p[i]) * UINT64_C(1099511628211);
}

static void note(struct outcome *o, const struct ws_event *e)
{
    if (e->kind != WS_DATA) {
        mix(o, &e->kind, sizeof(e->kind));
        mix(o, &e->code, sizeof(e->code));
    }
    mix(o, e->bytes, e->len);
    if (e->kind == WS_DATA && e->last)
        mix(o, &e->text, sizeof(e->text));
    o->ended = e->kind == WS_CLOSE || e->kind == WS_ERROR;
}

/* Returns how many bytes are left over. */
static size_t feed(struct ws_decoder *d, uint8_t *bytes, size_t len, struct outcome *o)
{
    size_t all = len;

    while (len > 0 && !o->ended) {
        struct ws_event e;
        size_t used = ws_decode(d, bytes, len, &e);

        CHECK(used <= len);
        if (e.len > 0)
            CHECK(e.bytes >= bytes && e.bytes + e.len <= bytes + used);
        CHECK(e.kind != WS_ERROR || e.why != NULL);
        bytes += used;
        len -= used;
        if (e.kind == WS_MORE)
            break;
        CHECK(used > 0 || e.kind == WS_ERROR);
        note(o, &e);
    }
    CHECK(o->ended || len <= WS_KEEP_MAX);
    CHECK(len <= all);
    return len;
}

static struct outcome run(uint8_t config, const uint8_t *data, size_t size, size_t piece)
{
    struct outcome o = {.hash = UINT64_C(14695981039346656037)};
    uint8_t *pending = fuzz_copy(data, size); /* what was kept lies right before what comes */
    struct ws_decoder d;
    size_t kept = 0, at = 0;

    ws_decoder_init(&d, config & 3, config & 4 ? UINT32_MAX : 1000);
    while (at < size && !o.ended) {
        size_t n = size - at < piece ? size - at : piece;
        uint8_t *copy;

        memmove(pending + kept, data + at, n);
        copy = fuzz_copy(pending, kept + n);
        at += n;
        n += kept;
        kept = feed(&d, copy, n, &o);
        memcpy(pending, copy + n - kept, kept);
        free(copy);
    }
    free(pending);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole, cut;

    if (size < 2)
        return 0;
    whole = run(data[0], data + 1, size - 1, size);
    cut = run(data[0], data + 1, size - 1, 1 + (data[0] >> 3));
    CHECK(whole.hash == cut.hash && whole.ended == cut.ended);
    return 0;
}
