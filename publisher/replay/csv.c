#include "publisher/replay/csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/banned.h"

int csv_init(struct csv *c)
{
    char *buf = malloc(CSV_BUFFER);

    if (buf == NULL)
        return -ENOMEM;
    *c = (struct csv){.buf = buf, .line = 1};
    return 0;
}

void csv_release(struct csv *c)
{
    free(c->buf);
    *c = (struct csv){0};
}

char *csv_space(struct csv *c, size_t *ret_cap)
{
    memmove(c->buf, c->buf + c->start, c->end - c->start);
    c->end -= c->start;
    c->start = 0;
    *ret_cap = CSV_BUFFER - c->end;
    return c->buf + c->end;
}

void csv_added(struct csv *c, size_t n)
{
    c->end += n;
}

static bool is_blank(char ch)
{
    return ch == ' ' || ch == '\t' || ch == '\r';
}

static bool blank_line(const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] != ' ' && p[i] != '\r')
            return false;
    return true;
}

static char most_frequent_separator(const char *line, size_t len)
{
    static const char candidates[] = {'\t', ';', ','}; /* the earlier one wins a tie */
    size_t counts[sizeof(candidates)] = {0};
    size_t best = sizeof(candidates) - 1;
    bool quoted = false;

    for (size_t i = 0; i < len; i++) {
        if (line[i] == '"')
            quoted = !quoted;
        for (size_t k = 0; k < sizeof(candidates) && !quoted; k++)
            counts[k] += line[i] == candidates[k];
    }
    for (size_t k = sizeof(candidates); k-- > 0;)
        if (counts[k] > 0 && counts[k] >= counts[best])
            best = k;
    return candidates[best];
}

/* The end of the row that begins at `p`, newlines in quotes passed over; NULL when it is not within
 * `len`. At the end of all input the row may end without a newline. */
static const char *quoted_row_end(const char *p, size_t len, char separator, bool ended)
{
    const char *end = p + len;
    bool field_begins = true, quoted = false;

    for (; p < end; p++) {
        if (quoted) {
            if (*p == '"' && p + 1 < end && p[1] == '"')
                p++;
            else if (*p == '"')
                quoted = false;
            continue;
        }
        if (*p == '\n')
            return p;
        if (*p == '"' && field_begins)
            quoted = true;
        field_begins = *p == separator || (field_begins && *p == ' ');
    }
    return ended && !quoted ? end : NULL;
}

/* One field that begins with a quote: unescaped in place up to the closing quote; what follows it
 * before the separator is kept as it is. */
static char *take_quoted(char *p, char *end, char separator, struct csv_field *ret)
{
    char *out = p;

    ret->text = p;
    for (p++; p < end; p++) {
        if (*p == '"' && (p + 1 == end || p[1] != '"'))
            break;
        if (*p == '"')
            p++;
        *out++ = *p;
    }
    if (p < end)
        p++; /* the closing quote */
    while (p < end && *p != separator)
        *out++ = *p++;
    ret->len = (size_t)(out - ret->text);
    return p;
}

static char *take_plain(char *p, char *end, char separator, struct csv_field *ret)
{
    char *stop = memchr(p, separator, (size_t)(end - p));

    if (stop == NULL)
        stop = end;
    *ret = (struct csv_field){p, (size_t)(stop - p)};
    return stop;
}

static void trim(struct csv_field *f)
{
    while (f->len > 0 && is_blank(f->text[f->len - 1]))
        f->len--;
    while (f->len > 0 && is_blank(f->text[0])) {
        f->text++;
        f->len--;
    }
}

static void split(char *p, char *end, char separator, bool quotes, struct csv_row *row)
{
    row->n = 0;
    for (;;) {
        struct csv_field field;

        while (p < end && *p == ' ')
            p++;
        if (quotes && p < end && *p == '"')
            p = take_quoted(p, end, separator, &field);
        else
            p = take_plain(p, end, separator, &field);
        trim(&field);
        if (row->n < CSV_MAX_FIELDS)
            row->fields[row->n++] = field;
        if (p == end)
            return;
        p++; /* the separator */
    }
}

static uint64_t count_newlines(const char *p, const char *end)
{
    uint64_t n = 0;

    while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        n++;
        p++;
    }
    return n;
}

/* Go past `len` bytes of the line and past its newline, which the end of the input may lack. */
static void pass_over(struct csv *c, size_t len)
{
    c->start += len;
    if (c->start < c->end) {
        c->start++;
        c->line++;
    }
}

static void give(struct csv *c, size_t len, enum csv_fault fault, struct csv_row *ret)
{
    char *begin = c->buf + c->start;

    ret->line = c->line;
    ret->fault = fault;
    c->line += count_newlines(begin, begin + len); /* within quotes; before split() moves bytes */
    split(begin, begin + len, c->separator, fault == CSV_OK, ret);
    pass_over(c, len);
}

/* Go past the rest of an overlong row. False: it goes on. */
static bool finish_skipping(struct csv *c, bool ended, struct csv_row *ret)
{
    const char *begin = c->buf + c->start;
    size_t left = c->end - c->start;
    const char *newline = memchr(begin, '\n', left);

    pass_over(c, newline != NULL ? (size_t)(newline - begin) : left);
    if (newline == NULL && !ended)
        return false;
    ret->n = 0;
    ret->line = c->skipping;
    ret->fault = CSV_TOO_LONG;
    c->skipping = 0;
    return true;
}

static bool skip_byte_order_mark(struct csv *c, bool ended)
{
    if (c->end - c->start < 3 && !ended)
        return false;
    if (c->end - c->start >= 3 && memcmp(c->buf + c->start, "\xEF\xBB\xBF", 3) == 0)
        c->start += 3;
    c->begun = true;
    return true;
}

/* How long the next line is, or what there is of one that is too long. False: it is not complete.
 */
static bool line_length(const struct csv *c, bool ended, size_t *ret)
{
    const char *p = c->buf + c->start;
    size_t left = c->end - c->start;
    const char *newline = memchr(p, '\n', left);

    *ret = newline != NULL ? (size_t)(newline - p) : left;
    return newline != NULL || left > CSV_MAX_ROW || (ended && left > 0);
}

/* Give the row that begins with a line of `len` bytes. False: its quotes go on beyond what is here.
 */
static bool take_row(struct csv *c, size_t len, bool ended, struct csv_row *ret)
{
    const char *p = c->buf + c->start, *end;
    size_t left = c->end - c->start;
    bool whole = left <= CSV_MAX_ROW;

    if (memchr(p, '"', len) == NULL) {
        give(c, len, CSV_OK, ret);
        return true;
    }
    end = quoted_row_end(p, whole ? left : CSV_MAX_ROW + 1, c->separator, ended && whole);
    if (end == NULL && whole && !ended)
        return false;
    if (end == NULL)
        give(c, len, CSV_UNCLOSED_QUOTE, ret);
    else
        give(c, (size_t)(end - p), CSV_OK, ret);
    return true;
}

bool csv_next(struct csv *c, bool ended, struct csv_row *ret)
{
    if (!c->begun && !skip_byte_order_mark(c, ended))
        return false;

    while (c->skipping == 0) {
        const char *p = c->buf + c->start;
        size_t len;

        if (!line_length(c, ended, &len))
            return false;
        if (len > CSV_MAX_ROW) {
            c->skipping = c->line;
        } else if (blank_line(p, len)) {
            pass_over(c, len);
        } else {
            if (c->separator == '\0')
                c->separator = most_frequent_separator(p, len);
            return take_row(c, len, ended, ret);
        }
    }
    return finish_skipping(c, ended, ret);
}
