/* The head that a proxy puts before a connection: the same however it is split, and never longer
 * than what came. */
#include "gateway/codec/proxy_head.h"
#include "tests/fuzz/fuzz.h"

#include "common/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxy_head whole_head, head;
    int whole = proxy_head_parse(data, size, &whole_head);

    CHECK(whole <= (int)size && whole <= PROXY_HEAD_MAX);
    if (whole > 0 && whole_head.known)
        CHECK(whole_head.client.ss_family == AF_INET || whole_head.client.ss_family == AF_INET6);
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *copy = fuzz_copy(data, cut);
        int r = proxy_head_parse(copy, cut, &head);

        free(copy);
        CHECK(r == 0 || r == whole);
    }
    return 0;
}
