#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "examples/display/board.h"

#include "common/banned.h"

#define STALE_MS 30000
#define T0_S 1000 /* the monotonic clock at the start of each test, in seconds */
#define WALL_MS INT64_C(1712331900000)

static struct board *b;
static int64_t now_s; /* moved by the tests */

static struct mono now(void)
{
    return (struct mono){now_s * INT64_C(1000000000)};
}

static void make_board(const char *const *symbols, size_t n)
{
    now_s = T0_S;
    assert_int_equal(board_new(symbols, n, STALE_MS, now(), &b), 0);
}

static int any_symbols(void **state)
{
    (void)state;
    make_board(NULL, 0);
    board_link(b, BOARD_UP, "", now());
    return 0;
}

static int free_board(void **state)
{
    (void)state;
    board_free(b);
    return 0;
}

static void take_bytes(const char *topic, const void *payload, size_t len, bool retained)
{
    board_message(b, &(struct board_message){
                         .topic = topic,
                         .topic_len = strlen(topic),
                         .payload = payload,
                         .len = len,
                         .retained = retained,
                         .now = now(),
                         .wall = {WALL_MS + (now_s - T0_S) * 1000},
                     });
}

static void take(const char *topic, const char *payload)
{
    take_bytes(topic, payload, strlen(payload), false);
}

static void take_quote(const char *symbol, const char *price, const char *prev_close)
{
    char topic[64], json[256];

    snprintf(topic, sizeof(topic), "stocks/%s", symbol);
    snprintf(json, sizeof(json),
             "{\"symbol\":\"%s\",\"price\":%s,\"prev_close\":%s,\"timestamp\":%lld,\"seq\":1,"
             "\"mode\":\"demo\"}",
             symbol, price, prev_close, (long long)WALL_MS);
    take(topic, json);
}

static void assert_line(const char *expected)
{
    char line[BOARD_LINE_MAX];
    size_t len = board_next_line(b, line);

    assert_int_equal(len, strlen(expected));
    assert_memory_equal(line, expected, len);
}

static char frame[65536];

/* What a terminal of this size shows. */
static const char *draw(int columns, int lines, bool colour)
{
    const struct board_view view = {
        .columns = columns, .lines = lines, .colour = colour, .now = now()};
    FILE *out = fmemopen(frame, sizeof(frame), "w");

    assert_non_null(out);
    board_draw(b, &view, out);
    fclose(out);
    return frame;
}

static bool shows(const char *text)
{
    return strstr(draw(80, 24, false), text) != NULL;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static void a_quote_becomes_one_line(void **state)
{
    (void)state;
    take_quote("AAPL", "189.45", "189.07");
    assert_true(board_has_line(b));
    assert_line("AAPL 189.45 +0.20%\n");
    assert_false(board_has_line(b));
    assert_line("");
}

static void a_fall_has_a_minus_and_no_move_has_no_sign(void **state)
{
    (void)state;
    take_quote("AAPL", "90", "100");
    assert_line("AAPL 90.00 -10.00%\n");
    take_quote("AAPL", "100", "100");
    assert_line("AAPL 100.00 0.00%\n");
}

static void a_price_keeps_all_its_digits(void **state)
{
    (void)state;
    take("stocks/X/price", "0.000012345678");
    assert_line("X 0.000012345678\n");
    take("stocks/X/price", "189.4");
    assert_line("X 189.40\n");
}

static void without_a_previous_close_there_is_no_percentage(void **state)
{
    (void)state;
    take("stocks/AAPL", "{\"symbol\":\"AAPL\",\"price\":5.5,\"timestamp\":1712331900000}");
    assert_line("AAPL 5.50\n");
    take_quote("MSFT", "5.5", "0");
    assert_line("MSFT 5.50\n");
}

static void a_bare_price_uses_the_previous_close_of_the_quote(void **state)
{
    (void)state;
    take_quote("AAPL", "110", "100");
    assert_line("AAPL 110.00 +10.00%\n");
    take("stocks/AAPL/price", "120");
    assert_line("AAPL 120.00 +20.00%\n");
}

static void the_price_topic_of_a_quote_just_told_is_no_update(void **state)
{
    (void)state;
    take_quote("AAPL", "189.45", "189.07");
    assert_line("AAPL 189.45 +0.20%\n");
    take("stocks/AAPL/price", "189.45");
    assert_false(board_has_line(b));
}

static void of_many_changes_the_newest_is_told(void **state)
{
    (void)state;
    take_quote("AAPL", "1", "1");
    take_quote("AAPL", "2", "1");
    assert_line("AAPL 2.00 +100.00%\n");
    assert_line("");
}

static void a_busy_symbol_does_not_silence_the_others(void **state)
{
    (void)state;
    take("stocks/A/price", "1");
    take("stocks/B/price", "1");
    assert_line("A 1.00\n");
    take("stocks/A/price", "2");
    assert_line("B 1.00\n");
    assert_line("A 2.00\n");
}

static void a_lost_link_is_told_once_for_each_value(void **state)
{
    (void)state;
    take_quote("AAPL", "189.45", "189.07");
    assert_line("AAPL 189.45 +0.20%\n");
    board_link(b, BOARD_AWAY, "gone", now());
    assert_line("AAPL 189.45 +0.20% old\n");
    board_link(b, BOARD_AWAY, "still gone", now());
    assert_line("");
    board_link(b, BOARD_UP, "", now());
    assert_line("");
    take_quote("AAPL", "189.45", "189.07");
    assert_line("AAPL 189.45 +0.20%\n");
}

static void an_escaped_symbol_is_shown_as_it_is_written(void **state)
{
    (void)state;
    take("stocks/BTC%2FUSD/price", "64000.5");
    assert_line("BTC/USD 64000.50\n");
}

static void the_longest_line_fits(void **state)
{
    (void)state;
    take("stocks/ABCDEFGHIJKLMNOPQRSTUVWX",
         "{\"symbol\":\"ABCDEFGHIJKLMNOPQRSTUVWX\",\"price\":-99999999999999.9999,"
         "\"prev_close\":-0.0000000001,\"timestamp\":1712331900000}");
    take("stocks/ABCDEFGHIJKLMNOPQRSTUVWX/price", "-0.999999999999999999");
    board_link(b, BOARD_AWAY, "", now());
    assert_line("ABCDEFGHIJKLMNOPQRSTUVWX -0.999999999999999999 +999999999900.00% old\n");
}

/* ---- strangers ------------------------------------------------------------------------------- */

static void assert_bad(const char *topic, const void *payload, size_t len)
{
    uint64_t bad = board_counts(b).bad;

    take_bytes(topic, payload, len, false);
    if (board_counts(b).bad != bad + 1 || board_has_line(b))
        fail_msg("accepted: %.*s", (int)len, (const char *)payload);
}

static void what_is_no_quote_is_counted_and_not_shown(void **state)
{
    static const char *const payloads[] = {
        "",
        "{",
        "null",
        "[]",
        "\"AAPL\"",
        "{}",
        "{\"symbol\":\"AAPL\"}",
        "{\"symbol\":\"AAPL\",\"price\":\"189.45\",\"timestamp\":1}",
        "{\"symbol\":\"AAPL\",\"price\":null,\"timestamp\":1}",
        "{\"symbol\":\"MSFT\",\"price\":1,\"timestamp\":1}", /* of another topic */
        "<html>",
        "189.45",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(payloads); i++)
        assert_bad("stocks/AAPL", payloads[i], strlen(payloads[i]));
    assert_true(shows("12 not understood"));
    assert_false(shows("AAPL"));
}

static void what_is_no_price_is_counted_and_not_shown(void **state)
{
    static const char *const payloads[] = {"",     " ",     "1 ", "1,5",     "NaN",     "inf",
                                           "0x10", "1e400", "-",  "\033[2J", "189.45\n"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(payloads); i++)
        assert_bad("stocks/AAPL/price", payloads[i], strlen(payloads[i]));
    assert_bad("stocks/AAPL/price", "1\0002", 3);
}

static void a_payload_is_bytes_with_a_length(void **state)
{
    const char *json = "{\"symbol\":\"AAPL\",\"price\":1.5,\"timestamp\":1712331900000}";
    size_t len = strlen(json);
    char *exact = malloc(len); /* no NUL behind it: the sanitizer sees a step too far */

    (void)state;
    assert_non_null(exact);
    memcpy(exact, json, len);
    for (size_t cut = 0; cut < len; cut++) {
        char *shorter = malloc(cut + 1);

        assert_non_null(shorter);
        memcpy(shorter, json, cut);
        assert_bad("stocks/AAPL", shorter, cut);
        free(shorter);
    }
    take_bytes("stocks/AAPL", exact, len, false);
    assert_line("AAPL 1.50\n");
    free(exact);
}

static void a_bad_symbol_is_counted(void **state)
{
    (void)state;
    take("stocks/", "1");
    take("stocks/%", "1");
    take("stocks/%zz/price", "1");
    take("stocks/%00/price", "1");
    take("stocks/ABCDEFGHIJKLMNOPQRSTUVWXY/price", "1");
    assert_int_equal(board_counts(b).bad, 5);
}

static void other_topics_are_none_of_our_business(void **state)
{
    (void)state;
    take("stocks/AAPL/bar/1m", "{\"t\":1}");
    take("stocks/AAPL/price/x", "1");
    take("stocks/AAPL/", "1");
    take("stocks", "1");
    take("status/publisher/a", "{}");
    assert_int_equal(board_counts(b).messages, 5);
    assert_int_equal(board_counts(b).bad, 0);
    assert_int_equal(board_counts(b).shown, 0);
}

/* Every byte a terminal could take for a command, in every place a stranger can put one. */
static void control_bytes_never_come_out(void **state)
{
    (void)state;
    take("stocks/A%1B[2J/price", "1");
    take("stocks/A%0D%0AB/price", "2");
    take("stocks/A%C2%9B2J/price", "3");        /* CSI in UTF-8 */
    take("stocks/\xe2\x80\xaeLIVE/price", "4"); /* right-to-left override */
    take("stocks/A%7F B/price", "5");
    board_link(b, BOARD_AWAY, "\033]0;title\a\n\x9b", now());
    draw(80, 24, false);
    for (const char *p = frame; *p != '\0'; p++)
        assert_true(*p == '\n' || (' ' <= *p && *p <= '~'));
    while (board_has_line(b)) {
        char line[BOARD_LINE_MAX];
        size_t len = board_next_line(b, line);

        for (size_t i = 0; i + 1 < len; i++)
            assert_true(' ' <= line[i] && line[i] <= '~');
    }
    assert_int_equal(board_counts(b).shown, 5);
}

/* ---- the table ------------------------------------------------------------------------------- */

static void symbols_asked_for_keep_their_order_and_wait(void **state)
{
    static const char *const symbols[] = {"MSFT", "AAPL"};

    (void)state;
    make_board(symbols, 2);
    take_quote("AAPL", "189.45", "189.07");
    take_quote("TSLA", "1", "1");
    assert_string_equal(draw(80, 24, false), "connecting to \n"
                                             "SYMBOL     PRICE  CHANGE       %   AGE\n"
                                             "MSFT           -                      \n"
                                             "AAPL    ^ 189.45   +0.38  +0.20%    0s");
    board_free(b);
}

static void other_symbols_come_in_alphabetical_order(void **state)
{
    (void)state;
    take("stocks/MSFT/price", "1");
    take("stocks/AAPL/price", "1");
    take("stocks/TSLA/price", "1");
    take("stocks/GOOG/price", "1");
    take("stocks/AAPL/price", "2");
    assert_string_equal(draw(80, 24, false), "live\n"
                                             "SYMBOL     PRICE   AGE\n"
                                             "AAPL    ^   2.00    0s\n"
                                             "GOOG        1.00    0s\n"
                                             "MSFT        1.00    0s\n"
                                             "TSLA        1.00    0s");
}

static void the_state_line_follows_the_link_and_the_data(void **state)
{
    (void)state;
    board_link(b, BOARD_UP, "", now());
    assert_true(shows("connected, waiting for prices"));
    now_s += 30;
    assert_true(shows("no data for 30s"));
    take("stocks/AAPL/price", "1");
    assert_true(shows("live"));
    now_s += 29;
    assert_true(shows("live"));
    now_s += 91;
    assert_true(shows("no data for 2m"));
    board_link(b, BOARD_AWAY, "nobody answers there", now());
    now_s += 7;
    board_link(b, BOARD_AWAY, "nobody answers there", now());
    assert_true(shows("disconnected for 7s, retrying: nobody answers there"));
    assert_true(shows("old"));
    board_link(b, BOARD_UP, "", now());
    assert_true(shows("connected, waiting for prices"));
    assert_true(shows("old")); /* until it is told again */
    take("stocks/AAPL/price", "1");
    assert_false(shows("old"));
}

static void a_retained_quote_is_as_old_as_its_timestamp(void **state)
{
    char json[128];

    (void)state;
    snprintf(json, sizeof(json), "{\"symbol\":\"AAPL\",\"price\":1,\"timestamp\":%lld}",
             (long long)WALL_MS - 7200000);
    take_bytes("stocks/AAPL", json, strlen(json), true);
    assert_true(shows(" 2h"));
    assert_true(shows("waiting for prices")); /* it is no news */
    take("stocks/AAPL", json);
    assert_true(shows(" 0s"));
}

static void an_age_nobody_knows_is_not_shown(void **state)
{
    const char *replay = "{\"symbol\":\"B\",\"price\":1,\"timestamp\":1,\"mode\":\"replay\"}";
    const char *future = "{\"symbol\":\"C\",\"price\":1,\"timestamp\":9007199254740991}";

    (void)state;
    take_bytes("stocks/A/price", "1", 1, true);
    take_bytes("stocks/B", replay, strlen(replay), true);
    assert_string_equal(draw(80, 24, false), "connected, waiting for prices\n"
                                             "SYMBOL     PRICE   AGE\n"
                                             "A           1.00      \n"
                                             "B           1.00      ");
    take_bytes("stocks/C", future, strlen(future), true);
    assert_true(shows(" 0s"));
}

static void colours_are_used_only_when_wanted(void **state)
{
    (void)state;
    take_quote("AAPL", "2", "1");
    take_quote("MSFT", "1", "2");
    assert_null(strchr(draw(80, 24, false), '\033'));
    draw(80, 24, true);
    assert_non_null(strstr(frame, "\033[32m^   2.00"));
    assert_non_null(strstr(frame, "\033[31mv   1.00"));
    now_s += 30; /* old values have no colour */
    draw(80, 24, true);
    assert_null(strstr(frame, "\033[32m^"));
    assert_non_null(strstr(frame, "\033[2m^   2.00"));
}

/* Widest line in columns and number of lines of the last frame, escapes left out. */
static void measure(int *ret_width, int *ret_lines)
{
    int width = 0;

    *ret_width = 0;
    *ret_lines = 1;
    for (const char *p = frame; *p != '\0'; p++) {
        if (*p == '\033')
            p += strcspn(p, "m");
        else if (*p == '\n') {
            width = 0;
            (*ret_lines)++;
        } else if (++width > *ret_width)
            *ret_width = width;
    }
}

static void every_size_of_terminal_is_kept_to(void **state)
{
    int width, height;

    (void)state;
    for (int i = 0; i < 60; i++) {
        char symbol[16];

        snprintf(symbol, sizeof(symbol), "SYM%d", i);
        take_quote(symbol, i == 7 ? "123456789.123456789" : "12.5", "11");
    }
    take("stocks/X", "{");
    for (int columns = 1; columns < 200; columns++)
        for (int lines = 1; lines < 80; lines += 1 + lines / 8) {
            draw(columns, lines, columns % 2 == 0);
            measure(&width, &height);
            if (width > columns || height > lines)
                fail_msg("%d x %d took %d x %d", columns, lines, width, height);
        }
}

static void a_price_is_never_cut(void **state)
{
    (void)state;
    take("stocks/AAPL/price", "123456789.12");
    assert_non_null(strstr(draw(18, 5, false), "123456789.12"));
    assert_null(strstr(draw(14, 5, false), "123"));
    assert_non_null(strstr(frame, "###"));
}

static void columns_leave_before_the_price_does(void **state)
{
    (void)state;
    take_quote("AAPL", "189.45", "189.07");
    assert_non_null(strstr(draw(38, 5, false), "AAPL    ^ 189.45   +0.38  +0.20%    0s"));
    assert_non_null(strstr(draw(37, 5, false), "AAPL    ^ 189.45   +0.38  +0.20%"));
    assert_non_null(strstr(draw(31, 5, false), "AAPL    ^ 189.45  +0.20%"));
    assert_non_null(strstr(draw(23, 5, false), "AAPL    ^ 189.45"));
    assert_null(strchr(frame, '%'));
}

static void what_does_not_fit_below_goes_beside_or_is_counted(void **state)
{
    (void)state;
    for (int i = 0; i < 12; i++) {
        char topic[32];

        snprintf(topic, sizeof(topic), "stocks/S%02d/price", i);
        take(topic, "1");
    }
    draw(80, 8, false); /* five rows: three panels */
    assert_non_null(strstr(frame, "\nS00         1.00    0s    S04         1.00    0s    S08  "));
    assert_null(strstr(frame, "more"));
    draw(40, 8, false);
    assert_non_null(strstr(frame, "\n7 more in a larger window"));
}

static void symbols_beyond_the_table_are_counted(void **state)
{
    char topic[32];

    (void)state;
    for (int i = 0; i < BOARD_MAX_SYMBOLS + 5; i++) {
        snprintf(topic, sizeof(topic), "stocks/S%04d/price", 9999 - i);
        take(topic, "1");
    }
    assert_int_equal(board_counts(b).shown, BOARD_MAX_SYMBOLS);
    assert_int_equal(board_counts(b).over, 5);
    take("stocks/S9999/price", "2"); /* those within go on */
    assert_int_equal(board_counts(b).shown, BOARD_MAX_SYMBOLS + 1);
    assert_true(shows("5 for symbols beyond the first 1000"));
}

static void too_many_symbols_to_ask_for_are_refused(void **state)
{
    static const char *symbols[BOARD_MAX_SYMBOLS + 1];
    struct board *none = NULL;

    (void)state;
    assert_int_equal(board_new(symbols, ARRAY_SIZE(symbols), STALE_MS, now(), &none), -E2BIG);
    assert_null(none);
    board_free(NULL);
}

#define WITH_BOARD(test) cmocka_unit_test_setup_teardown(test, any_symbols, free_board)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BOARD(a_quote_becomes_one_line),
        WITH_BOARD(a_fall_has_a_minus_and_no_move_has_no_sign),
        WITH_BOARD(a_price_keeps_all_its_digits),
        WITH_BOARD(without_a_previous_close_there_is_no_percentage),
        WITH_BOARD(a_bare_price_uses_the_previous_close_of_the_quote),
        WITH_BOARD(the_price_topic_of_a_quote_just_told_is_no_update),
        WITH_BOARD(of_many_changes_the_newest_is_told),
        WITH_BOARD(a_busy_symbol_does_not_silence_the_others),
        WITH_BOARD(a_lost_link_is_told_once_for_each_value),
        WITH_BOARD(an_escaped_symbol_is_shown_as_it_is_written),
        WITH_BOARD(the_longest_line_fits),
        WITH_BOARD(what_is_no_quote_is_counted_and_not_shown),
        WITH_BOARD(what_is_no_price_is_counted_and_not_shown),
        WITH_BOARD(a_payload_is_bytes_with_a_length),
        WITH_BOARD(a_bad_symbol_is_counted),
        WITH_BOARD(other_topics_are_none_of_our_business),
        WITH_BOARD(control_bytes_never_come_out),
        cmocka_unit_test(symbols_asked_for_keep_their_order_and_wait),
        WITH_BOARD(other_symbols_come_in_alphabetical_order),
        WITH_BOARD(the_state_line_follows_the_link_and_the_data),
        WITH_BOARD(a_retained_quote_is_as_old_as_its_timestamp),
        WITH_BOARD(an_age_nobody_knows_is_not_shown),
        WITH_BOARD(colours_are_used_only_when_wanted),
        WITH_BOARD(every_size_of_terminal_is_kept_to),
        WITH_BOARD(a_price_is_never_cut),
        WITH_BOARD(columns_leave_before_the_price_does),
        WITH_BOARD(what_does_not_fit_below_goes_beside_or_is_counted),
        WITH_BOARD(symbols_beyond_the_table_are_counted),
        cmocka_unit_test(too_many_symbols_to_ask_for_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
