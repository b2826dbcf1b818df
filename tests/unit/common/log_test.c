#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "tests/unit/common/capture.h"

static void a_record_is_one_line_with_time_level_and_program(void **state)
{
    struct capture k;

    (void)state;
    log_init("gateway", LOG_INFO);
    capture_begin(&k, STDERR_FILENO);
    log_info("upstream is up: %s", "mqtt://127.0.0.1:1883");
    capture_end(&k);
    assert_int_equal(strlen(k.text), 24 + strlen(" info  gateway: upstream is up: "
                                                 "mqtt://127.0.0.1:1883\n"));
    assert_string_equal(k.text + 24, " info  gateway: upstream is up: mqtt://127.0.0.1:1883\n");
    assert_int_equal(k.text[10], 'T');
    assert_int_equal(k.text[23], 'Z');
}

static void levels_below_the_lowest_are_not_shown(void **state)
{
    struct capture k;

    (void)state;
    log_init("gateway", LOG_WARN);
    capture_begin(&k, STDERR_FILENO);
    log_debug("1");
    log_info("2");
    log_warn("3");
    log_error("4");
    capture_end(&k);
    log_init("gateway", LOG_INFO);
    assert_int_equal(capture_count(&k, "\n"), 2);
    assert_non_null(strstr(k.text, " warn  gateway: 3\n"));
    assert_non_null(strstr(k.text, " error gateway: 4\n"));
}

static void a_stranger_cannot_forge_a_line(void **state)
{
    struct capture k;

    (void)state;
    capture_begin(&k, STDERR_FILENO);
    log_info("%s", "a\n2026-01-01T00:00:00.000Z error forged\r\x1b[2J\x7f\tb");
    capture_end(&k);
    assert_int_equal(capture_count(&k, "\n"), 1);
    assert_non_null(strstr(k.text, "a?2026-01-01T00:00:00.000Z error forged??[2J??b\n"));
}

static void a_long_record_is_cut_visibly(void **state)
{
    static char text[5000];
    struct capture k;
    size_t len;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    capture_begin(&k, STDERR_FILENO);
    log_info("%s", text);
    capture_end(&k);
    len = strlen(k.text);
    assert_int_equal(len, 1024);
    assert_string_equal(k.text + len - 5, "x...\n");
}

static void errno_is_kept_and_may_be_shown(void **state)
{
    struct capture k;

    (void)state;
    capture_begin(&k, STDERR_FILENO);
    errno = ENOENT;
    log_info("%m");
    assert_int_equal(errno, ENOENT);
    capture_end(&k);
    assert_non_null(strstr(k.text, ": No such file or directory\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_one_line_with_time_level_and_program),
        cmocka_unit_test(levels_below_the_lowest_are_not_shown),
        cmocka_unit_test(a_stranger_cannot_forge_a_line),
        cmocka_unit_test(a_long_record_is_cut_visibly),
        cmocka_unit_test(errno_is_kept_and_may_be_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
