/*
 * Whatever is published on a quote's topic: what the doors for symbols make of it is as long as
 * they said; for the WebSocket JSON again, for an event one line of data.
 */
#include <stdint.h>

#include "gateway/codec/quote_json.h"
#include "gateway/codec/websocket.h"
#include "gateway/doors/quote_encoding.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes, allocated, and *ret_len; NULL when there is no form. */
static uint8_t *encode(const struct encoding *e, const struct message *m, size_t *ret_len)
{
    uint8_t *bytes;

    *ret_len = e->size(m);
    if (*ret_len == 0)
        return NULL;
    bytes = malloc(*ret_len);
    CHECK(bytes != NULL && e->write(bytes, m) == bytes + *ret_len);
    return bytes;
}

static void check_ws(const struct message *m, bool sound)
{
    struct quote_json q;
    size_t len, head;
    uint8_t *bytes = encode(&ws_encoding, m, &len);

    CHECK((bytes != NULL) == sound);
    if (bytes == NULL)
        return;
    head = bytes[1] < 126 ? 2 : bytes[1] == 126 ? 4 : 10;
    CHECK(quote_json_look(bytes + head, len - head, &q) == 0 && q.has_ticker);
    free(bytes);
}

static void check_event(const struct encoding *e, const struct message *m, size_t lines)
{
    size_t len, n = 0;
    uint8_t *bytes = encode(e, m, &len);

    if (bytes == NULL)
        return;
    for (size_t i = 0; i < len; i++) {
        CHECK(bytes[i] != '\r');
        n += bytes[i] == '\n';
    }
    CHECK(n == lines + 1 && bytes[len - 1] == '\n' && bytes[len - 2] == '\n');
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *payload = fuzz_copy(data, size);
    struct message m = {.topic = "stocks/A", .topic_len = 8, .payload = payload, .len = size};
    struct quote_json q;

    if (size > 0) {
        check_ws(&m, quote_json_look(payload, size, &q) == 0);
        check_event(&event_encoding, &m, 3);
        check_event(&stock_update_encoding, &m, 1);
    }
    free(payload);
    return 0;
}
