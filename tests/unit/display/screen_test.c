#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "examples/display/screen.h"

#include "common/banned.h"

static void a_frame_erases_what_it_does_not_cover(void **state)
{
    static const char expected[] = "\033[Hone\033[K\r\ntwo\033[K\033[J";
    struct screen s = {0};
    char bytes[128] = "";
    int pipe_fds[2];

    (void)state;
    assert_int_equal(pipe(pipe_fds), 0);
    s.out_fd = pipe_fds[1];
    assert_int_equal(screen_show(&s, "one\ntwo", 7), 0);
    assert_int_equal(read(pipe_fds[0], bytes, sizeof(bytes) - 1), strlen(expected));
    assert_string_equal(bytes, expected);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

static void a_failed_write_is_told(void **state)
{
    struct screen s = {.out_fd = open("/dev/full", O_WRONLY)};

    (void)state;
    assert_true(s.out_fd >= 0);
    assert_true(screen_show(&s, "x", 1) < 0);
    close(s.out_fd);
}

static void leaving_what_was_not_entered_writes_nothing(void **state)
{
    struct screen s = {.out_fd = -1};

    (void)state;
    screen_leave(&s);
    assert_false(s.on);
}

static void a_terminal_without_a_size_has_the_usual_one(void **state)
{
    int columns = 0, lines = 0;

    (void)state;
    screen_size(-1, &columns, &lines);
    assert_int_equal(columns, 80);
    assert_int_equal(lines, 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_erases_what_it_does_not_cover),
        cmocka_unit_test(a_failed_write_is_told),
        cmocka_unit_test(leaving_what_was_not_entered_writes_nothing),
        cmocka_unit_test(a_terminal_without_a_size_has_the_usual_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
