/* The fields of a request of HTTP/2, a line each ("name value"): a head that HTTP/1.1's parser
 * takes, or a refusal. */
#include "gateway/codec/h2_head.h"
#include "tests/fuzz/fuzz.h"

#include "common/banned.h"

/* As a library of HTTP/2 hands them on: without line breaks and NUL bytes. */
static void add_line(struct h2_head *head, const char *line, size_t len)
{
    const char *blank = memchr(line, ' ', len);
    size_t name = blank != NULL ? (size_t)(blank - line) : len;

    if (memchr(line, '\0', len) == NULL && memchr(line, '\r', len) == NULL)
        h2_head_add(head, (struct slice){line, name},
                    (struct slice){line + name + (blank != NULL), len - name - (blank != NULL)});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[H2_HEAD_TEXT];
    char *copy = (char *)fuzz_copy(data, size);
    struct h2_head head = {0};
    struct http_head parsed;
    int r;

    for (size_t at = 0; at < size;) {
        const char *end = memchr(copy + at, '\n', size - at);
        size_t len = end != NULL ? (size_t)(end - copy) - at : size - at;

        add_line(&head, copy + at, len);
        at += len + 1;
    }
    r = h2_head_parse(&head, true, text, &parsed);
    CHECK(r == 0 || (r <= -400 && r >= -599));
    if (r == 0)
        CHECK(parsed.method.len > 0 && (parsed.path.len > 0 || slice_is(parsed.method, "CONNECT")));
    free(copy);
    return 0;
}
