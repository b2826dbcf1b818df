/* What a broker sends: what is taken of it is the same however it is cut, and every message lies in
 * what came. The first byte chooses the version. */
#include "common/inbox.h"
#include "tests/fuzz/fuzz.h"

#include "common/banned.h"

struct bounds {
    const uint8_t *from, *to;
    size_t n;
};

static void check_message(void *ctx, const struct broker_message *m)
{
    struct bounds *b = ctx;
    const uint8_t *topic = (const uint8_t *)m->topic;

    b->n++;
    CHECK(topic >= b->from && topic + strlen(m->topic) < b->to && m->topic[0] != '\0');
    CHECK(m->payload > topic && m->payload + m->len <= b->to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool mqtt5 = size > 0 && data[0] & 1;
    size_t len = size > 0 ? size - 1 : 0;
    size_t whole = inbox_measure(data + (size > 0), len, mqtt5), before = 0;

    CHECK(whole <= len);
    for (size_t cut = 0; cut <= len; cut++) {
        uint8_t *copy = fuzz_copy(data + (size > 0), cut);
        size_t n = inbox_measure(copy, cut, mqtt5);
        struct bounds b = {copy, copy + cut, 0};

        CHECK(n >= before && n <= cut && n <= whole);
        CHECK(inbox_deliver(copy, n, mqtt5, check_message, &b) == b.n && (n == 0) == (b.n == 0));
        before = n;
        free(copy);
    }
    CHECK(before == whole);
    return 0;
}
