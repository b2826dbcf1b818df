/*
 * Any bytes as a market data file: rows are the same however the bytes are cut, every row is kept
 * or counted, and each quote played fits its packet and reads back.
 *
 * The first byte says how long the pieces are.
 */
#include "common/log.h"
#include "common/quote.h"
#include "publisher/replay/day.h"
#include "publisher/replay/tape.h"
#include "tests/fuzz/fuzz.h"

#include "common/banned.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct csv_row row;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    log_init("fuzz", (enum log_level)(LOG_ERROR + 1)); /* every input would log why it is refused */
    return 0;
}

struct reading {
    uint64_t rows, hash;
    struct tape *tape; /* NULL, or takes the rows as long as it understands them */
};

static uint64_t hash(uint64_t h, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        h = (h ^ ((const unsigned char *)bytes)[i]) * UINT64_C(1099511628211);
    return (h ^ len) * UINT64_C(1099511628211);
}

static void drain(struct csv *csv, bool ended, struct reading *reading)
{
    while (csv_next(csv, ended, &row)) {
        reading->rows++;
        reading->hash = hash(reading->hash, &row.line, sizeof(row.line));
        reading->hash = hash(reading->hash, &row.fault, sizeof(row.fault));
        for (size_t i = 0; i < row.n; i++)
            reading->hash = hash(reading->hash, row.fields[i].text, row.fields[i].len);
        if (reading->tape != NULL && tape_take(reading->tape, &row) < 0)
            reading->tape = NULL;
    }
}

static void read_bytes(const uint8_t *data, size_t len, size_t piece, struct reading *reading)
{
    struct csv csv;

    CHECK(csv_init(&csv) == 0);
    while (len > 0) {
        size_t cap;
        char *space = csv_space(&csv, &cap);
        size_t n = piece < len ? piece : len;

        CHECK(cap > 0);
        if (n > cap)
            n = cap;
        memcpy(space, data, n);
        csv_added(&csv, n);
        data += n;
        len -= n;
        drain(&csv, false, reading);
    }
    drain(&csv, true, reading);
    csv_release(&csv);
}

static void play(const struct tape *tape)
{
    struct day *days = calloc(tape->series.index.n + 1u, sizeof(*days));
    char json[QUOTE_PACKET_MAX];

    CHECK(days != NULL);
    for (size_t i = 0; i < tape->series.n_order; i++) {
        const struct row *r = series_at(&tape->series, i);
        struct quote q = {.price = row_get(r, ROW_PRICE), .mode = MODE_REPLAY}, back;

        CHECK(i == 0 || series_at(&tape->series, i - 1)->time_ns <= r->time_ns);
        memcpy(q.symbol, tape->series.symbols[r->symbol].name, sizeof(q.symbol));
        day_play(&days[r->symbol], r, tape->ticks);
        day_fill(&days[r->symbol], &q);
        CHECK(quote_decode(json, quote_encode(&q, json), &back) == 0);
        CHECK(decimal_cmp(back.price, q.price) == 0 && strcmp(back.symbol, q.symbol) == 0);
    }
    free(days);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct tape_request request = {"fuzz_ACME.csv", NULL, 0, false};
    struct tape tape;
    struct reading whole = {0}, cut = {.tape = &tape};

    if (len == 0)
        return 0;
    CHECK(tape_init(&tape, &request) == 0);
    read_bytes(data + 1, len - 1, SIZE_MAX, &whole);
    read_bytes(data + 1, len - 1, (size_t)data[0] + 1, &cut);
    CHECK(whole.rows == cut.rows && whole.hash == cut.hash);
    if (cut.tape != NULL && tape_finish(&tape) == 0) {
        CHECK(tape.tally.facts[ROW_KEPT].n == tape.series.n_order);
        CHECK(tally_read(&tape.tally) <= cut.rows);
        play(&tape);
    }
    tape_release(&tape);
    return 0;
}
