/*
 * Whatever a client of the JSON WebSocket says: it is an action or a fault with a code and a
 * sentence, and the symbols that it names become valid filters or are refused.
 */
#include <stdint.h>

#include "common/topic.h"
#include "gateway/codec/json_action.h"
#include "gateway/doors/watch.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_symbols(struct action *a)
{
    struct filterset set = {0};
    struct slice symbols;
    char symbol[SYMBOL_MAX + 1];
    size_t texts = 0;

    for (; (symbols = action_next_symbols(a)).at != NULL; texts++)
        (void)!watch_add(&set, symbols, 0);
    CHECK(texts > 0);
    for (size_t i = 0; i < set.n; i++) {
        CHECK(filter_valid(set.entries[i].filter, set.entries[i].len));
        watch_symbol(&set.entries[i], symbol);
        CHECK(symbol[0] != '\0');
    }
    filterset_release(&set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = (char *)fuzz_copy(data, size);
    struct action a;
    struct action_fault fault;

    if (action_parse(text, size, &a, &fault) < 0) {
        CHECK(fault.code[0] != '\0' && fault.message[0] != '\0');
    } else {
        if (a.kind == ACTION_SUBSCRIBE || a.kind == ACTION_UNSUBSCRIBE)
            take_symbols(&a);
        action_release(&a);
    }
    free(text);
    return 0;
}
