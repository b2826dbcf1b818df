/*
 * fuzz -- what the fuzz targets share.
 *
 * A target is LLVMFuzzerTestOneInput(), which feeds one input to a parser and aborts when what
 * comes back breaks a promise of the parser's header. The sanitizers see the rest.
 */
#ifndef TAPECAST_TESTS_FUZZ_H
#define TAPECAST_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition) fuzz_check((condition), __FILE__, __LINE__, #condition)

static inline void fuzz_check(int holds, const char *file, int line, const char *condition)
{
    if (holds)
        return;
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
    abort();
}

/* A copy that ends where its memory ends. */
static inline uint8_t *fuzz_copy(const void *bytes, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);

    CHECK(copy != NULL);
    if (len > 0)
        memcpy(copy, bytes, len);
    return copy;
}

#endif
