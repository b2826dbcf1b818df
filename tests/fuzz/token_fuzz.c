/* Whatever comes as a token: refused with a reason, for nobody here can sign one. As a key set:
 * keys, or refused. */
#include "common/log.h"
#include "gateway/auth/token.h"
#include "tests/fuzz/fuzz.h"

#include "common/banned.h"

static const struct keyset *the_keys(void)
{
    static struct keyset *keys;

    if (keys == NULL) {
        log_init("fuzz", (enum log_level)(LOG_ERROR + 1)); /* nothing */
        keys = keyset_new();
        CHECK(keys != NULL &&
              keyset_add_secret(keys, "here",
                                "what no corpus holds, of thirty-two bytes and more") == 0);
    }
    return keys;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct token_rules rules = {.topics = "stocks/#"};
    char *text = (char *)fuzz_copy(data, size);
    struct grant *grant = NULL;
    const char *reason = NULL;
    struct keyset *set = keyset_new();

    CHECK(token_check(the_keys(), &rules, text, size, (struct wall){1}, &grant, &reason) < 0);
    CHECK(grant == NULL && reason != NULL);
    if (keyset_add_jwks(set, "there", text, size) == 0)
        CHECK(set->n > 0 && set->n <= KEYSET_MAX);
    keyset_unref(set);
    free(text);
    return 0;
}
