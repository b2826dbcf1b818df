/*
 * Whatever bytes come as a quote: decoding does not crash, and what it accepts survives another
 * encoding and decoding.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/quote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char once[QUOTE_PACKET_MAX], twice[QUOTE_PACKET_MAX];
    struct quote q;
    size_t len;

    if (quote_decode((const char *)data, size, &q) < 0)
        return 0;
    len = quote_encode(&q, once);
    if (quote_decode(once, len, &q) < 0)
        abort();
    if (quote_encode(&q, twice) != len || memcmp(once, twice, len) != 0)
        abort();
    return 0;
}
