#include "publisher/replay/tally.h"

#include "common/banned.h"

static const char *const words[N_FACTS] = {
    [ROW_KEPT] = "kept",
    [LEFT_TOO_LONG] = "line longer than 64 KiB",
    [LEFT_UNCLOSED_QUOTE] = "quote not closed",
    [LEFT_REPEATED_HEADER] = "header repeated",
    [LEFT_TOO_FEW_FIELDS] = "too few fields",
    [LEFT_BAD_SYMBOL] = "no symbol, or one longer than 24 bytes",
    [LEFT_NOT_ASKED_FOR] = "symbol not asked for",
    [LEFT_TOO_MANY_SYMBOLS] = "symbol beyond the first 10,000",
    [LEFT_BAD_TIME] = "bad time",
    [LEFT_NO_PRICE] = "no price",
    [LEFT_BAD_NUMBER] = "bad number",
    [LEFT_TOO_MANY_DIGITS] = "number of more than 18 digits",
    [LEFT_NOT_POSITIVE] = "price not positive",
    [LEFT_DUPLICATE] = "duplicate of an earlier row",
    [SEEN_OUT_OF_ORDER] = "out of order (played in the order of time)",
    [SEEN_EMPTY_FIELD] = "a field empty or zero (left out of the quote)",
    [SEEN_OUTSIDE_RANGE] = "open or close outside low to high (played as it is)",
    [SEEN_ZERO_VOLUME] = "volume 0",
};

void tally_add(struct tally *t, enum tally_fact fact, uint64_t line)
{
    if (t->facts[fact].n++ == 0)
        t->facts[fact].line = line;
}

uint64_t tally_read(const struct tally *t)
{
    return t->facts[ROW_KEPT].n + tally_left_out(t);
}

uint64_t tally_left_out(const struct tally *t)
{
    uint64_t sum = 0;

    for (size_t i = LEFT_TOO_LONG; i < N_LEFT; i++)
        sum += t->facts[i].n;
    return sum;
}

enum tally_fact tally_main_reason(const struct tally *t)
{
    size_t best = LEFT_TOO_LONG;

    for (size_t i = best; i < N_LEFT; i++)
        if (t->facts[i].n > t->facts[best].n)
            best = i;
    return (enum tally_fact)best;
}

const char *tally_words(enum tally_fact fact)
{
    return words[fact];
}

static void print_facts(const struct tally *t, size_t begin, size_t end, const char *indent,
                        FILE *out)
{
    char n[TALLY_NUMBER_MAX], line[TALLY_NUMBER_MAX];

    for (size_t i = begin; i < end; i++) {
        if (t->facts[i].n == 0)
            continue;
        fprintf(out, "%s%s: %s", indent, words[i], tally_number(t->facts[i].n, n));
        if (t->facts[i].line > 0)
            fprintf(out, ", the first in line %s", tally_number(t->facts[i].line, line));
        fputc('\n', out);
    }
}

void tally_print_left_out(const struct tally *t, FILE *out)
{
    print_facts(t, LEFT_TOO_LONG, N_LEFT, "  ", out);
}

void tally_print_seen(const struct tally *t, FILE *out)
{
    print_facts(t, N_LEFT, N_FACTS, "", out);
}

const char *tally_number(uint64_t n, char buf[TALLY_NUMBER_MAX])
{
    char *p = buf + TALLY_NUMBER_MAX - 1;

    *p = '\0';
    for (int digits = 0; digits == 0 || n > 0; digits++, n /= 10) {
        if (digits > 0 && digits % 3 == 0)
            *--p = ',';
        *--p = (char)('0' + n % 10);
    }
    return p;
}
