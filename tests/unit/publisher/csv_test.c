#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "publisher/replay/csv.h"

/* Rows as text: fields in brackets, `line:` before each row, `!` after one with a fault. */
#define SHOWN_MAX 4096

static void show(const struct csv_row *row, char *shown)
{
    size_t n = strlen(shown);

    n += (size_t)snprintf(shown + n, SHOWN_MAX - n, "%llu:", (unsigned long long)row->line);
    for (size_t i = 0; i < row->n && n < SHOWN_MAX; i++)
        n += (size_t)snprintf(shown + n, SHOWN_MAX - n, "[%.*s]", (int)row->fields[i].len,
                              row->fields[i].text);
    assert_true(n + 4 < SHOWN_MAX);
    snprintf(shown + n, SHOWN_MAX - n, "%s\n", row->fault == CSV_OK ? "" : "!");
}

static void feed(struct csv *c, const char *bytes, size_t len)
{
    size_t cap;
    char *space = csv_space(c, &cap);

    assert_true(cap >= len);
    memcpy(space, bytes, len);
    csv_added(c, len);
}

/* Copy the text without its NUL. */
static void put(char *to, const char *text)
{
    for (; *text != '\0'; text++)
        *to++ = *text;
}

/* Read `text` in two pieces, cut at `cut`. */
static void read_cut(const char *text, size_t len, size_t cut, char *shown)
{
    static struct csv_row row;
    struct csv c;

    shown[0] = '\0';
    assert_int_equal(csv_init(&c), 0);
    feed(&c, text, cut);
    while (csv_next(&c, false, &row))
        show(&row, shown);
    feed(&c, text + cut, len - cut);
    while (csv_next(&c, false, &row))
        show(&row, shown);
    while (csv_next(&c, true, &row))
        show(&row, shown);
    csv_release(&c);
}

static void assert_rows(const char *text, const char *expected)
{
    char shown[SHOWN_MAX];
    size_t len = strlen(text);

    for (size_t cut = 0; cut <= len; cut++) {
        read_cut(text, len, cut, shown);
        assert_string_equal(shown, expected);
    }
}

static void rows_come_out_the_same_wherever_the_bytes_are_cut(void **state)
{
    (void)state;
    assert_rows("date,open,close\r\n"
                "2016-04-15,\"1,5\",\"say \"\"hi\"\"\"\r\n"
                "\r\n"
                "\"two\r\nlines\", 3 ,\n"
                "last,row,without a newline",
                "1:[date][open][close]\n"
                "2:[2016-04-15][1,5][say \"hi\"]\n"
                "4:[two\r\nlines][3][]\n"
                "6:[last][row][without a newline]\n");
}

static void the_most_frequent_separator_of_the_first_line_is_taken(void **state)
{
    (void)state;
    assert_rows("a;b;c\n1,5;2;3\n", "1:[a][b][c]\n2:[1,5][2][3]\n");
    assert_rows("a\tb\tc\n1\t\t3\n", "1:[a][b][c]\n2:[1][][3]\n");
    assert_rows("a,b;c,d\n", "1:[a][b;c][d]\n");
    assert_rows("\"a;b;c;d\",e\n", "1:[a;b;c;d][e]\n");
    assert_rows("alone\n1,2\n", "1:[alone]\n2:[1][2]\n");
}

static void a_byte_order_mark_is_not_part_of_the_first_name(void **state)
{
    (void)state;
    assert_rows("\xEF\xBB\xBF"
                "date,close\n",
                "1:[date][close]\n");
    assert_rows("\xEF\xBB", "1:[\xEF\xBB]\n");
}

static void empty_lines_are_no_rows_and_yet_count_as_lines(void **state)
{
    (void)state;
    assert_rows("\n\r\n  \na,b\n\n\nc,d\n\n", "4:[a][b]\n7:[c][d]\n");
    assert_rows("", "");
    assert_rows("\n", "");
}

static void empty_fields_at_the_end_are_fields(void **state)
{
    (void)state;
    assert_rows("a,b,c\n,,\n", "1:[a][b][c]\n2:[][][]\n");
}

static void a_quote_inside_a_field_is_a_character(void **state)
{
    (void)state;
    assert_rows("a,5\" disk,b\n", "1:[a][5\" disk][b]\n");
    assert_rows("\"a\"x,b\n", "1:[ax][b]\n");
}

static void a_quote_that_never_closes_costs_its_own_line_only(void **state)
{
    (void)state;
    assert_rows("a,b\n\"c,d\ne,f\n", "1:[a][b]\n2:[\"c][d]!\n3:[e][f]\n");
}

static void an_overlong_line_is_given_without_fields_and_passed_over(void **state)
{
    size_t len = 2 * CSV_MAX_ROW + 100;
    char *text = malloc(len), shown[SHOWN_MAX];

    (void)state;
    assert_non_null(text);
    memset(text, 'x', len);
    put(text, "a,b\n");
    put(text + len - 5, "\nc,d\n");
    for (size_t cut = 0; cut < len; cut += 1021) {
        read_cut(text, len, cut, shown);
        assert_string_equal(shown, "1:[a][b]\n2:!\n3:[c][d]\n");
    }
    free(text);
}

/* `n` bytes of one row, then another row. */
static void read_long_row(size_t n, bool quoted, size_t cut, struct csv_row *first)
{
    size_t len = n + 5;
    char *text = malloc(len);
    struct csv_row *row = first;
    struct csv c;

    assert_non_null(text);
    memset(text, 'x', len);
    if (quoted) {
        text[0] = '"';
        text[1] = '\n';
        text[n - 1] = '"';
    }
    put(text + n, "\na,b\n");
    assert_int_equal(csv_init(&c), 0);
    feed(&c, text, cut);
    if (!csv_next(&c, false, row)) {
        feed(&c, text + cut, len - cut);
        assert_true(csv_next(&c, true, row));
    }
    csv_release(&c);
    free(text);
}

static void the_longest_row_is_exactly_the_limit(void **state)
{
    static struct csv_row row;

    (void)state;
    for (size_t cut = CSV_MAX_ROW - 3; cut < CSV_MAX_ROW + 4; cut++) {
        read_long_row(CSV_MAX_ROW, false, cut, &row);
        assert_int_equal(row.fault, CSV_OK);
        read_long_row(CSV_MAX_ROW + 1, false, cut, &row);
        assert_int_equal(row.fault, CSV_TOO_LONG);
        read_long_row(CSV_MAX_ROW, true, cut, &row);
        assert_int_equal(row.fault, CSV_OK);
        read_long_row(CSV_MAX_ROW + 1, true, cut, &row);
        assert_int_equal(row.fault, CSV_UNCLOSED_QUOTE);
    }
}

static void fields_beyond_the_limit_are_not_given(void **state)
{
    static struct csv_row row;
    char text[2 * (CSV_MAX_FIELDS + 10)];
    struct csv c;

    (void)state;
    for (size_t i = 0; i < sizeof(text); i += 2)
        put(text + i, "1,");
    text[sizeof(text) - 1] = '\n';
    assert_int_equal(csv_init(&c), 0);
    feed(&c, text, sizeof(text));
    assert_true(csv_next(&c, true, &row));
    assert_int_equal(row.n, CSV_MAX_FIELDS);
    csv_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_out_the_same_wherever_the_bytes_are_cut),
        cmocka_unit_test(the_most_frequent_separator_of_the_first_line_is_taken),
        cmocka_unit_test(a_byte_order_mark_is_not_part_of_the_first_name),
        cmocka_unit_test(empty_lines_are_no_rows_and_yet_count_as_lines),
        cmocka_unit_test(empty_fields_at_the_end_are_fields),
        cmocka_unit_test(a_quote_inside_a_field_is_a_character),
        cmocka_unit_test(a_quote_that_never_closes_costs_its_own_line_only),
        cmocka_unit_test(an_overlong_line_is_given_without_fields_and_passed_over),
        cmocka_unit_test(the_longest_row_is_exactly_the_limit),
        cmocka_unit_test(fields_beyond_the_limit_are_not_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
