#include <stdbool.h>

#include "gateway/codec/websocket.h"
#include "tests/unit/gateway/wire.h"

#include "common/banned.h"

/*
 * A case is a client's stream of frames, and the trace it must leave however the bytes are cut:
 *
 *     binary(hello) ping(x) close(1000,bye) error(1002)
 *
 * Frames are written FIN+RSV+opcode (hex byte), then the payload in wire()'s notation; they are
 * masked and get their length here. A case that starts with "raw" gives its bytes as they are.
 */
struct stream_case {
    const char *name;
    const char *frames[8];
    const char *trace;
    uint8_t accepts;      /* 0: binary only */
    uint32_t max_message; /* 0: no limit */
};

static const uint8_t mask[4] = {0x37, 0xFA, 0x21, 0x3D};

static size_t put_client_header(uint8_t *p, uint8_t first, size_t len)
{
    uint8_t *end = ws_write_header(p, WS_OP_BINARY, len);

    p[0] = first;
    p[1] |= 0x80;
    memcpy(end, mask, sizeof(mask));
    return (size_t)(end - p) + sizeof(mask);
}

static size_t put_frame(uint8_t *p, const char *text)
{
    static uint8_t payload[WIRE_MAX];
    uint8_t first = wire_hex(text);
    size_t len = wire(text + 2, payload);
    size_t header = put_client_header(p, first, len);

    for (size_t i = 0; i < len; i++)
        p[header + i] = payload[i] ^ mask[i % 4];
    return header + len;
}

static size_t put_stream(uint8_t *p, const char *const frames[])
{
    size_t n = 0;

    for (size_t i = 0; frames[i] != NULL; i++) {
        if (strncmp(frames[i], "raw", 3) == 0)
            n += wire(frames[i] + 3, p + n);
        else
            n += put_frame(p + n, frames[i]);
    }
    return n;
}

/* ---- the receiving side ---- */

struct receiver {
    struct ws_decoder decoder;
    bool in_message, ended;
    size_t kept; /* bytes that wait for more */
    char trace[WIRE_MAX + 1000];
    size_t traced;
};

static void trace(struct receiver *r, const char *text, size_t len)
{
    assert_true(r->traced + len < sizeof(r->trace));
    if (len > 0)
        memcpy(r->trace + r->traced, text, len);
    r->traced += len;
    r->trace[r->traced] = '\0';
}

static void trace_text(struct receiver *r, const char *text)
{
    trace(r, text, strlen(text));
}

static void trace_data(struct receiver *r, const struct ws_event *e)
{
    if (!r->in_message)
        trace_text(r, e->text ? "text(" : "binary(");
    trace(r, (const char *)e->bytes, e->len);
    r->in_message = !e->last;
    if (e->last)
        trace_text(r, ") ");
}

static void trace_control(struct receiver *r, const struct ws_event *e)
{
    char code[20] = "";

    if (e->kind == WS_CLOSE || e->kind == WS_ERROR) {
        snprintf(code, sizeof(code), "%d%s", e->code, e->len > 0 ? "," : "");
        r->ended = true;
    }
    if (r->in_message)
        trace_text(r, "|"); /* within a message */
    trace_text(r, e->kind == WS_PING    ? "ping("
                  : e->kind == WS_PONG  ? "pong("
                  : e->kind == WS_CLOSE ? "close("
                                        : "error(");
    trace_text(r, code);
    trace(r, (const char *)e->bytes, e->len);
    trace_text(r, ") ");
}

/* Feed one piece of the stream, behind what was kept. Returns what is kept now, at the end of it.
 */
static void receive(struct receiver *r, uint8_t *bytes, size_t len)
{
    while (len > 0 && !r->ended) {
        struct ws_event e;
        size_t used = ws_decode(&r->decoder, bytes, len, &e);

        assert_true(used <= len);
        if (e.len > 0)
            assert_true(e.bytes >= bytes && e.bytes + e.len <= bytes + used);
        bytes += used;
        len -= used;
        if (e.kind == WS_MORE)
            break;
        assert_true(used > 0 || e.kind == WS_ERROR);
        if (e.kind == WS_DATA)
            trace_data(r, &e);
        else
            trace_control(r, &e);
    }
    assert_true(len <= WS_KEEP_MAX || r->ended);
    r->kept = len;
}

/* Run a stream through, given in two pieces, or a byte at a time when `cut` is SIZE_MAX. Each piece
 * lies in memory that ends where it ends. */
static void run(struct receiver *r, const struct stream_case *c, const uint8_t *stream, size_t len,
                size_t cut)
{
    static uint8_t pending[WIRE_MAX];
    size_t at = 0;

    ws_decoder_init(&r->decoder, c->accepts ? c->accepts : WS_ACCEPT_BINARY,
                    c->max_message ? c->max_message : UINT32_MAX);
    r->in_message = r->ended = false;
    r->kept = r->traced = 0;
    r->trace[0] = '\0';
    while (at < len && !r->ended) {
        size_t n = cut == SIZE_MAX ? 1 : at < cut ? cut : len - at;
        size_t had = r->kept;
        uint8_t *piece;

        memcpy(pending + had, stream + at, n);
        piece = exact_copy(pending, had + n);
        receive(r, piece, had + n);
        memcpy(pending, piece + had + n - r->kept, r->kept);
        free(piece);
        at += n;
    }
}

static void check_trace(const struct receiver *r, const struct stream_case *c, size_t cut)
{
    size_t n = strlen(c->trace);

    if (strncmp(r->trace, c->trace, n) != 0 || strspn(r->trace + n, " ") != strlen(r->trace + n))
        fail_msg("cut at %zu: %.200s instead of %.200s", cut, r->trace, c->trace);
}

static void stream_is_read(void **state)
{
    static struct receiver r;
    static uint8_t stream[2 * WIRE_MAX];
    const struct stream_case *c = *state;
    size_t len = put_stream(stream, c->frames);
    size_t step = len > 2000 ? len / 500 : 1;

    for (size_t cut = 0; cut < len; cut += step) {
        run(&r, c, stream, len, cut);
        check_trace(&r, c, cut);
    }
    if (len <= 2000) {
        run(&r, c, stream, len, SIZE_MAX);
        check_trace(&r, c, SIZE_MAX);
    }
}

#define BOTH (WS_ACCEPT_TEXT | WS_ACCEPT_BINARY)

static const struct stream_case cases[] = {
    /* data */
    {"a message", {"82 'hello'"}, "binary(hello)", 0, 0},
    {"an empty message", {"82", "82 'x'"}, "binary() binary(x)", 0, 0},
    {"two messages", {"82 'one'", "82 'two'"}, "binary(one) binary(two)", 0, 0},
    {"a text message where text is taken", {"81 'hi'"}, "text(hi)", BOTH, 0},
    {"text and binary", {"81 'hi'", "82 'ho'"}, "text(hi) binary(ho)", BOTH, 0},
    {"125 bytes", {"82 'x'*125"}, NULL, 0, 0},
    {"126 bytes", {"82 'x'*126"}, NULL, 0, 0},
    {"65535 bytes", {"82 'x'*65535"}, NULL, 0, 0},
    {"65536 bytes", {"82 'x'*65536"}, NULL, 0, 0},
    {"three fragments", {"02 'a'", "00 'b'", "80 'c'"}, "binary(abc)", 0, 0},
    {"empty fragments", {"02", "00", "80"}, "binary()", 0, 0},
    {"an empty last fragment", {"02 'abc'", "80"}, "binary(abc)", 0, 0},
    {"a fragmented text", {"01 'a'", "80 'b'"}, "text(ab)", BOTH, 0},
    {"a message of the longest size", {"82 'x'*10"}, "binary(xxxxxxxxxx)", 0, 10},
    {"fragments up to the longest size",
     {"02 'abcd'", "80 'ef'", "82 'abcdef'"},
     "binary(abcdef) binary(abcdef)",
     0,
     6},

    /* control */
    {"a ping", {"89 'x'"}, "ping(x)", 0, 0},
    {"an empty ping", {"89", "82 'a'"}, "ping() binary(a)", 0, 0},
    {"a ping of 125 bytes", {"89 'p'*125"}, NULL, 0, 0},
    {"a pong that nobody asked for", {"8a 'x'", "82 'a'"}, "pong(x) binary(a)", 0, 0},
    {"a ping between fragments", {"02 'a'", "89 'p'", "80 'b'"}, "binary(a|ping(p) b)", 0, 0},
    {"pings between messages",
     {"82 'a'", "89 '1'", "89 '2'", "82 'b'"},
     "binary(a) ping(1) ping(2) binary(b)",
     0,
     0},

    /* close, section 5.5.1 and 7.4 */
    {"a close without a code", {"88"}, "close(1005)", 0, 0},
    {"a close with a code", {"88 03e8"}, "close(1000)", 0, 0},
    {"a close with a reason", {"88 03e9 'bye'"}, "close(1001,bye)", 0, 0},
    {"a close with a reason in UTF-8", {"88 03e8 e282ac"}, "close(1000,\xE2\x82\xAC)", 0, 0},
    {"a close between fragments", {"02 'a'", "88 03e8"}, "binary(a|close(1000)", 0, 0},
    {"what follows a close is not read", {"88 03e8", "82 'a'"}, "close(1000)", 0, 0},
    {"close 1003", {"88 03eb"}, "close(1003)", 0, 0},
    {"close 1007", {"88 03ef"}, "close(1007)", 0, 0},
    {"close 1014", {"88 03f6"}, "close(1014)", 0, 0},
    {"close 3000", {"88 0bb8"}, "close(3000)", 0, 0},
    {"close 4999", {"88 1387"}, "close(4999)", 0, 0},
    {"a close of 125 bytes", {"88 03e8 'r'*123"}, NULL, 0, 0},
    {"a close of one byte", {"88 03"}, "error(1002)", 0, 0},
    {"close 0", {"88 0000"}, "error(1002)", 0, 0},
    {"close 999", {"88 03e7"}, "error(1002)", 0, 0},
    {"close 1004 is reserved", {"88 03ec"}, "error(1002)", 0, 0},
    {"close 1005 is not for the wire", {"88 03ed"}, "error(1002)", 0, 0},
    {"close 1006 is not for the wire", {"88 03ee"}, "error(1002)", 0, 0},
    {"close 1015 is not for the wire", {"88 03f7"}, "error(1002)", 0, 0},
    {"close 1016 is not assigned", {"88 03f8"}, "error(1002)", 0, 0},
    {"close 2999", {"88 0bb7"}, "error(1002)", 0, 0},
    {"close 5000", {"88 1388"}, "error(1002)", 0, 0},
    {"a reason that is not UTF-8", {"88 03e8 c328"}, "error(1007)", 0, 0},
    {"a reason cut within a character", {"88 03e8 e282"}, "error(1007)", 0, 0},
    {"a reason with a surrogate", {"88 03e8 eda080"}, "error(1007)", 0, 0},
    {"a reason broken behind a NUL", {"88 03e8 00 ff"}, "error(1007)", 0, 0},

    /* section 5.2 */
    {"RSV1", {"c2 'a'"}, "error(1002)", 0, 0},
    {"RSV2", {"a2 'a'"}, "error(1002)", 0, 0},
    {"RSV3", {"92 'a'"}, "error(1002)", 0, 0},
    {"RSV1 on a ping", {"c9"}, "error(1002)", 0, 0},
    {"opcode 3", {"83"}, "error(1002)", 0, 0},
    {"opcode 7", {"87"}, "error(1002)", 0, 0},
    {"opcode 11", {"8b"}, "error(1002)", 0, 0},
    {"opcode 15", {"8f"}, "error(1002)", 0, 0},
    {"an error after a message", {"82 'a'", "83"}, "binary(a) error(1002)", 0, 0},
    {"a frame that is not masked", {"raw 82 01 'a'"}, "error(1002)", 0, 0},
    {"a ping that is not masked", {"raw 89 00"}, "error(1002)", 0, 0},
    {"125 bytes in a length of two", {"raw 82 fe 007d 00000000 'x'*125"}, "error(1002)", 0, 0},
    {"126 bytes in a length of two", {"raw 82 fe 007e 00000000 'x'*126"}, NULL, 0, 0},
    {"65535 bytes in a length of eight",
     {"raw 82 ff 000000000000ffff 00000000"},
     "error(1002)",
     0,
     0},
    {"a length with its highest bit set",
     {"raw 82 ff 8000000000000000 00000000"},
     "error(1002)",
     0,
     0},
    {"a huge length needs no memory",
     {"raw 82 ff 7fffffffffffffff 00000000 'abc'"},
     "binary(abc",
     0,
     0},

    /* section 5.4 and 5.5 */
    {"a continuation of nothing", {"80 'a'"}, "error(1002)", 0, 0},
    {"a continuation of a message that has ended",
     {"02 'a'", "80 'b'", "80 'c'"},
     "binary(ab) error(1002)",
     0,
     0},
    {"a message within a message", {"02 'a'", "82 'b'"}, "binary(a|error(1002)", 0, 0},
    {"a text within a binary message", {"02 'a'", "81 'b'"}, "binary(a|error(1002)", BOTH, 0},
    {"a fragmented ping", {"09 'a'"}, "error(1002)", 0, 0},
    {"a fragmented close", {"08 03e8"}, "error(1002)", 0, 0},
    {"a ping of 126 bytes", {"89 'p'*126"}, "error(1002)", 0, 0},
    {"a close of 126 bytes", {"88 03e8 'p'*124"}, "error(1002)", 0, 0},

    /* what the door does not take */
    {"a text for a binary door", {"81 'a'"}, "error(1003)", 0, 0},
    {"a fragmented text for a binary door", {"01 'a'"}, "error(1003)", 0, 0},
    {"binary for a text door", {"82 'a'"}, "error(1003)", WS_ACCEPT_TEXT, 0},
    {"a message over the limit", {"82 'x'*11"}, "error(1009)", 0, 10},
    {"a message over the limit by its header alone", {"raw 82 fe 1000"}, "error(1009)", 0, 4095},
    {"fragments over the limit", {"02 'abcd'", "80 'efg'"}, "binary(abcd|error(1009)", 0, 6},
    {"a huge length over the limit", {"raw 82 ff 7fffffffffffffff"}, "error(1009)", 0, 65536},
    {"a ping is not held to the limit", {"89 'abc'"}, "ping(abc)", 0, 1},
};

/* Cases of long payloads: the trace is the payload in brackets. */
static const char *long_trace(const struct stream_case *c)
{
    static char text[WIRE_MAX + 20];
    static uint8_t payload[WIRE_MAX];
    bool raw = strncmp(c->frames[0], "raw", 3) == 0;
    uint8_t first = raw ? 0x82 : wire_hex(c->frames[0]);
    size_t len = wire(raw ? "'x'*126" : c->frames[0] + 2, payload);

    if (first == 0x88)
        snprintf(text, sizeof(text), "close(1000,%.*s)", (int)len - 2, (char *)payload + 2);
    else
        snprintf(text, sizeof(text), "%s(%.*s)", first == 0x89 ? "ping" : "binary", (int)len,
                 (char *)payload);
    return text;
}

static void long_stream_is_read(void **state)
{
    struct stream_case c = *(const struct stream_case *)*state;
    void *copy = &c;

    c.trace = long_trace(&c);
    stream_is_read(&copy);
}

/* ---- what a case of text cannot show ---- */

/* Unmasked eight bytes at a time and by single ones: each length and each place in memory. */
static void every_length_and_alignment_is_unmasked(void **state)
{
    static uint8_t memory[256];

    (void)state;
    for (size_t offset = 0; offset < 8; offset++) {
        for (size_t len = 0; len <= 67; len++) {
            struct ws_decoder d;
            struct ws_event e;
            uint8_t *frame = memory + offset;
            size_t header = put_client_header(frame, 0x82, len);

            for (size_t i = 0; i < len; i++)
                frame[header + i] = (uint8_t)(i + 1) ^ mask[i % 4];
            ws_decoder_init(&d, WS_ACCEPT_BINARY, UINT32_MAX);
            assert_int_equal(ws_decode(&d, frame, header + len, &e), header + len);
            assert_int_equal(e.kind, WS_DATA);
            assert_true(e.last);
            assert_int_equal(e.len, len);
            for (size_t i = 0; i < len; i++)
                assert_int_equal(e.bytes[i], i + 1);
        }
    }
}

static void a_decoder_is_small(void **state)
{
    (void)state;
    assert_true(sizeof(struct ws_decoder) <= 32);
}

static void an_incomplete_control_frame_is_the_most_that_is_kept(void **state)
{
    uint8_t frame[256] = {0};
    size_t header = put_client_header(frame, 0x89, 125);
    struct ws_decoder d;
    struct ws_event e;

    (void)state;
    ws_decoder_init(&d, WS_ACCEPT_BINARY, UINT32_MAX);
    assert_int_equal(header + 125 - 1, WS_KEEP_MAX);
    assert_int_equal(ws_decode(&d, frame, WS_KEEP_MAX, &e), 0);
    assert_int_equal(e.kind, WS_MORE);
    assert_int_equal(ws_decode(&d, frame, WS_KEEP_MAX + 1, &e), WS_KEEP_MAX + 1);
    assert_int_equal(e.kind, WS_PING);
}

static void errors_say_why(void **state)
{
    uint8_t frame[] = {0x82, 0x00};
    struct ws_decoder d;
    struct ws_event e;

    (void)state;
    ws_decoder_init(&d, WS_ACCEPT_BINARY, UINT32_MAX);
    assert_int_equal(ws_decode(&d, frame, sizeof(frame), &e), 0);
    assert_string_equal(e.why, "a frame that is not masked");
}

/* ---- writing ---- */

static void headers_have_the_shortest_length(void **state)
{
    static const struct {
        size_t len;
        const char *header;
    } headers[] = {
        {0, "82 00"},
        {125, "82 7d"},
        {126, "82 7e 007e"},
        {65535, "82 7e ffff"},
        {65536, "82 7f 0000000000010000"},
        {0x123456789AULL, "82 7f 000000123456789a"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
        uint8_t buf[WS_HEADER_MAX];
        uint8_t *end = ws_write_header(buf, WS_OP_BINARY, headers[i].len);

        assert_wire_equal(buf, (size_t)(end - buf), headers[i].header);
        assert_int_equal(end - buf, ws_header_size(headers[i].len));
    }
}

static void a_close_has_code_and_reason(void **state)
{
    uint8_t buf[WS_CONTROL_MAX];

    (void)state;
    assert_wire_equal(buf, ws_write_close(buf, WS_GOING_AWAY, "restart"), "88 [ 03e9 'restart' ]");
    assert_wire_equal(buf, ws_write_close(buf, WS_NORMAL, NULL), "88 [ 03e8 ]");
    assert_wire_equal(buf, ws_write_close(buf, WS_NO_CODE, NULL), "88 00");
}

static void a_long_reason_is_cut_between_characters(void **state)
{
    uint8_t buf[WS_CONTROL_MAX];
    char reason[200];

    (void)state;
    memset(reason, 'r', sizeof(reason));
    reason[199] = '\0';
    assert_wire_equal(buf, ws_write_close(buf, WS_NORMAL, reason), "88 [ 03e8 'r'*123 ]");
    memcpy(reason + 122, "\xE2\x82\xAC", 3);
    assert_wire_equal(buf, ws_write_close(buf, WS_NORMAL, reason), "88 [ 03e8 'r'*122 ]");
    memcpy(reason + 119, "r\xE2\x82\xACz", 5);
    assert_wire_equal(buf, ws_write_close(buf, WS_NORMAL, reason), "88 [ 03e8 'r'*120 e282ac ]");
}

static void a_pong_repeats_the_ping(void **state)
{
    uint8_t buf[WS_CONTROL_MAX], payload[125];

    (void)state;
    memset(payload, 'p', sizeof(payload));
    assert_wire_equal(buf, ws_write_pong(buf, payload, 125), "8a [ 'p'*125 ]");
    assert_wire_equal(buf, ws_write_pong(buf, NULL, 0), "8a 00");
}

static int run_streams(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(cases)] = {0};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        tests[i] = (struct CMUnitTest){
            .name = cases[i].name,
            .test_func = cases[i].trace != NULL ? stream_is_read : long_stream_is_read,
            .initial_state = (void *)(uintptr_t)&cases[i],
        };
    return _cmocka_run_group_tests("streams", tests, ARRAY_SIZE(cases), NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_and_alignment_is_unmasked),
        cmocka_unit_test(a_decoder_is_small),
        cmocka_unit_test(an_incomplete_control_frame_is_the_most_that_is_kept),
        cmocka_unit_test(errors_say_why),
        cmocka_unit_test(headers_have_the_shortest_length),
        cmocka_unit_test(a_close_has_code_and_reason),
        cmocka_unit_test(a_long_reason_is_cut_between_characters),
        cmocka_unit_test(a_pong_repeats_the_ping),
    };

    return run_streams() + cmocka_run_group_tests_name("frames", tests, NULL, NULL);
}
