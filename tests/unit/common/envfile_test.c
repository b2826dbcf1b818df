#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/envfile.h"

/* Read `text` as a file. */
static int read_text(const char *text, size_t len, struct envfile **ret, size_t *ret_line)
{
    char path[] = "/tmp/tapecast-envfile-test-XXXXXX";
    int fd = mkstemp(path), r;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), (ssize_t)len);
    close(fd);
    r = envfile_read(path, ret, ret_line);
    unlink(path);
    return r;
}

static void assert_value(const char *line, const char *expected)
{
    struct envfile *e = NULL;
    size_t number;

    if (read_text(line, strlen(line), &e, &number) != 0)
        fail_msg("refused: %s", line);
    assert_non_null(envfile_get(e, "K"));
    assert_string_equal(envfile_get(e, "K"), expected);
    envfile_free(e);
}

static void a_value_is_what_a_shell_would_make_of_it(void **state)
{
    (void)state;
    assert_value("K=v", "v");
    assert_value("K=v\n", "v");
    assert_value("K=v\r\n", "v");
    assert_value("  export\tK=v  ", "v");
    assert_value("K=", "");
    assert_value("K= # nothing", "");
    assert_value("K=#nothing", "");
    assert_value("K=a#b", "a#b");
    assert_value("K=a #b", "a");
    assert_value("K=a b", "a b");
    assert_value("K=a=b", "a=b");
    assert_value("K='a # b'", "a # b");
    assert_value("K='a\\n\"'", "a\\n\"");
    assert_value("K=\"a # b\" # c", "a # b");
    assert_value("K=\"\\\"\\\\\\$\\`\\n'\"", "\"\\$`\\n'");
    assert_value("K=\"\"", "");
    assert_value("K='\xc3\xa9'", "\xc3\xa9");
    assert_value("\xef\xbb\xbfK=v", "v");
    assert_value("# K=1\n\n \t\nK=2\n#K=3", "2");
    assert_value("K=1\nK=2", "2");
    assert_value("EXPORTED=1\nexport=2\nK=3", "3");
}

static void a_key_that_is_not_there_has_no_value(void **state)
{
    struct envfile *e = NULL;
    size_t line;

    (void)state;
    assert_int_equal(read_text("KEY=v", 5, &e, &line), 0);
    assert_null(envfile_get(e, "K"));
    assert_null(envfile_get(e, ""));
    assert_null(envfile_get(NULL, "K"));
    envfile_free(e);
    envfile_free(NULL);
}

static void a_line_that_is_none_is_named(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        size_t line;
    } cases[] = {
        {"K", 1, 1},         {"A=1\n\nB 2\n", 9, 3}, {"=v", 2, 1},          {"1K=v", 4, 1},
        {"K-L=v", 5, 1},     {"K =v", 4, 1},         {"K=\"v", 4, 1},       {"K='v\nL=w'", 9, 1},
        {"K=\"v\\\"", 6, 1}, {"K=\"v\"w", 6, 1},     {"A=1\nK=v\0w", 9, 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct envfile *e = NULL;
        size_t line = 0;

        assert_int_equal(read_text(cases[i].text, cases[i].len, &e, &line), -EBADMSG);
        assert_int_equal(line, cases[i].line);
        assert_null(e);
    }
}

static void a_missing_file_is_an_empty_one(void **state)
{
    struct envfile *e = NULL;
    size_t line;

    (void)state;
    assert_int_equal(envfile_read("/nonexistent/.env", &e, &line), 0);
    assert_null(envfile_get(e, "K"));
    envfile_free(e);
    assert_int_equal(read_text("", 0, &e, &line), 0);
    envfile_free(e);
}

static void a_file_that_cannot_be_one_is_refused(void **state)
{
    struct envfile *e = NULL;
    size_t line;
    char *big = malloc(65537);

    (void)state;
    assert_int_equal(envfile_read("/", &e, &line), -EISDIR);
    memset(big, '\n', 65537);
    assert_int_equal(read_text(big, 65537, &e, &line), -EFBIG);
    assert_int_equal(read_text(big, 65536, &e, &line), 0);
    envfile_free(e);
    free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_what_a_shell_would_make_of_it),
        cmocka_unit_test(a_key_that_is_not_there_has_no_value),
        cmocka_unit_test(a_line_that_is_none_is_named),
        cmocka_unit_test(a_missing_file_is_an_empty_one),
        cmocka_unit_test(a_file_that_cannot_be_one_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
