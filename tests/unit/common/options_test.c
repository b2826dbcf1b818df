#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/options.h"
#include "tests/unit/common/capture.h"

static const char *url, *web;
static uint64_t workers, rate;
static bool loop;

static const struct option_spec specs[] = {
    {.name = "mqtt-url",
     .metavar = "URL",
     .kind = OPTION_STRING,
     .target = &url,
     .fallback = "mqtt://127.0.0.1:1883",
     .help = "The broker. With mqtts:// the connection is encrypted and the broker must show a "
             "certificate that the system trusts."},
    {.kind = OPTION_GROUP, .help = "running"},
    {.name = "web", .metavar = "DIR", .kind = OPTION_STRING, .target = &web, .help = "Files."},
    {.name = "workers",
     .metavar = "N",
     .kind = OPTION_UINT,
     .target = &workers,
     .fallback = "1",
     .min = 1,
     .max = 64,
     .help = "Threads."},
    {.name = "ticks-a-second-over-all-symbols",
     .metavar = "N",
     .kind = OPTION_UINT,
     .target = &rate,
     .help = "Speed."},
    {.name = "loop", .kind = OPTION_FLAG, .target = &loop, .help = "Again and again."},
};

static struct options program = {.program = "tapecast-test",
                                 .synopsis = "[options]",
                                 .summary = "Tests the options.",
                                 .epilogue = "examples:\n  tapecast-test --loop",
                                 .specs = specs,
                                 .n_specs = ARRAY_SIZE(specs)};

struct outcome {
    bool ok;
    struct options_result result;
    struct capture out, err;
};

/* Read a command line of words separated by blanks. */
static struct outcome *run(const char *line)
{
    static struct outcome o;
    static char copy[256];
    static char *argv[32];
    int argc = 0;

    snprintf(copy, sizeof(copy), "tapecast-test %s", line);
    for (char *rest = copy, *word; (word = strsep(&rest, " ")) != NULL;)
        if (*word != '\0')
            argv[argc++] = word;
    argv[argc] = NULL;
    options_release(&o.result); /* of the run before; string targets lived until now */
    capture_begin(&o.out, STDOUT_FILENO);
    capture_begin(&o.err, STDERR_FILENO);
    o.ok = options_read(&program, argc, argv, &o.result);
    capture_end(&o.err);
    capture_end(&o.out);
    return &o;
}

static void read_well(const char *line)
{
    struct outcome *o = run(line);

    if (!o->ok)
        fail_msg("%s: %s", line, o->err.text);
    assert_string_equal(o->out.text, "");
    assert_string_equal(o->err.text, "");
}

/* One line on stderr that holds `expected`, and exit status 2. */
static void refuse(const char *line, const char *expected)
{
    struct outcome *o = run(line);

    assert_false(o->ok);
    assert_int_equal(o->result.exit_status, 2);
    assert_string_equal(o->out.text, "");
    assert_int_equal(capture_count(&o->err, "\n"), 1);
    if (strstr(o->err.text, expected) == NULL)
        fail_msg("%s: %s", line, o->err.text);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *f = fopen(path, "w");

    fputs(text, f);
    fclose(f);
    assert_int_equal(chmod(path, mode), 0);
}

static void defaults_fill_what_is_not_given(void **state)
{
    (void)state;
    loop = true;
    web = "old";
    rate = 7;
    read_well("");
    assert_string_equal(url, "mqtt://127.0.0.1:1883");
    assert_null(web);
    assert_int_equal(workers, 1);
    assert_int_equal(rate, 0);
    assert_false(loop);
}

static void both_forms_of_a_value_are_read_and_the_last_wins(void **state)
{
    (void)state;
    read_well("--web a --workers=3 --loop --mqtt-url=x=y");
    assert_string_equal(web, "a");
    assert_int_equal(workers, 3);
    assert_true(loop);
    assert_string_equal(url, "x=y");
    read_well("--web a --web=b --loop --loop=no --web=-c");
    assert_string_equal(web, "-c");
    assert_false(loop);
    read_well("--web=");
    assert_string_equal(web, "");
    read_well("--web -");
    assert_string_equal(web, "-");
    read_well("--ticks-a-second-over-all-symbols 18446744073709551615");
    assert_true(rate == UINT64_MAX);
}

static void the_command_line_goes_before_the_environment_before_the_file(void **state)
{
    (void)state;
    write_file(".env", "TAPECAST_WEB=file\nTAPECAST_WORKERS=4\nTAPECAST_LOOP=yes\n", 0600);
    read_well("");
    assert_string_equal(web, "file");
    assert_int_equal(workers, 4);
    assert_true(loop);
    setenv("TAPECAST_WEB", "environment", 1);
    setenv("TAPECAST_WORKERS", "", 1); /* empty is not set */
    setenv("TAPECAST_LOOP", "off", 1);
    read_well("");
    assert_string_equal(web, "environment");
    assert_int_equal(workers, 4);
    assert_false(loop);
    read_well("--web=line --workers 5 --loop");
    assert_string_equal(web, "line");
    assert_int_equal(workers, 5);
    assert_true(loop);
}

static void flags_in_the_environment_have_words(void **state)
{
    static const char *const yes[] = {"1", "true", "TRUE", "Yes", "on"};
    static const char *const no[] = {"0", "false", "no", "OFF"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
        setenv("TAPECAST_LOOP", yes[i], 1);
        read_well("");
        assert_true(loop);
    }
    for (size_t i = 0; i < ARRAY_SIZE(no); i++) {
        setenv("TAPECAST_LOOP", no[i], 1);
        read_well("");
        assert_false(loop);
    }
    setenv("TAPECAST_LOOP", "maybe", 1);
    refuse("", "TAPECAST_LOOP: 'maybe' is neither true nor false");
}

static void a_mistake_gets_one_line_that_says_what_to_do(void **state)
{
    (void)state;
    refuse("--mqtt-ulr x", "unknown option --mqtt-ulr; did you mean --mqtt-url?");
    refuse("--worker=3", "did you mean --workers?");
    refuse("--hepl", "did you mean --help?");
    refuse("--symbol", "unknown option --symbol (");
    refuse("--secret=hunter2", "unknown option --secret (");
    refuse("-x", "unknown option -x; options begin with two dashes");
    refuse("--web", "--web needs a value: --web DIR");
    refuse("--web --loop", "--web needs a value");
    refuse("--workers", "--workers needs a value: --workers N");
    refuse("--workers 0", "--workers: 0 is not within 1 to 64");
    refuse("--workers 65", "not within 1 to 64");
    refuse("--workers=", "--workers: '' is not a whole number");
    refuse("--workers -1", "'-1' is not a whole number");
    refuse("--workers 3x", "'3x' is not a whole number");
    refuse("--workers 99999999999999999999", "is not a whole number");
    refuse("--loop=perhaps", "--loop: 'perhaps' is neither true nor false");
    refuse("AAPL", "unexpected argument 'AAPL'");
    refuse("--bad\nline\x1b", "unknown option --bad?line?");
}

static void a_mistake_outside_the_command_line_says_where(void **state)
{
    (void)state;
    setenv("TAPECAST_WORKERS", "many", 1);
    refuse("", "TAPECAST_WORKERS: 'many' is not a whole number");
    unsetenv("TAPECAST_WORKERS");
    write_file(".env", "TAPECAST_WORKERS=100\n", 0600);
    refuse("", "TAPECAST_WORKERS in .env: 100 is not within 1 to 64");
    write_file(".env", "\nwhat?\n", 0600);
    refuse("", "line 2 of .env is not KEY=VALUE");
}

static void arguments_are_kept_in_order(void **state)
{
    struct outcome *o;

    (void)state;
    program.takes_arguments = true;
    o = run("AAPL --loop - MSFT -- --web -x");
    assert_true(o->ok);
    assert_int_equal(o->result.n_arguments, 5);
    assert_string_equal(o->result.arguments[0], "AAPL");
    assert_string_equal(o->result.arguments[1], "-");
    assert_string_equal(o->result.arguments[2], "MSFT");
    assert_string_equal(o->result.arguments[3], "--web");
    assert_string_equal(o->result.arguments[4], "-x");
    assert_true(loop);
    assert_null(web);
    program.takes_arguments = false;
}

static void help_is_made_from_the_table_and_fits_80_columns(void **state)
{
    struct outcome *o;
    size_t width = 0;

    (void)state;
    write_file(".env", "broken, which does not keep help away\n", 0600);
    o = run("--workers 0 --help");
    assert_false(o->ok);
    assert_int_equal(o->result.exit_status, 0);
    assert_string_equal(o->err.text, "");
    assert_non_null(strstr(o->out.text, "usage: tapecast-test [options]\n"));
    assert_non_null(strstr(o->out.text, "\n  --mqtt-url URL            The broker."));
    assert_non_null(strstr(o->out.text, "[TAPECAST_MQTT_URL, default\n"));
    assert_non_null(strstr(o->out.text, "\n                            mqtt://127.0.0.1:1883]\n"));
    assert_non_null(strstr(o->out.text, "\nrunning:\n"));
    assert_non_null(strstr(o->out.text, "[TAPECAST_WORKERS, 1 to 64, default 1]"));
    assert_non_null(strstr(o->out.text, "\n  --ticks-a-second-over-all-symbols N\n"
                                        "                            Speed."));
    assert_non_null(strstr(o->out.text, "\n  --loop                    Again"));
    assert_non_null(strstr(o->out.text, "\n  --version "));
    assert_non_null(strstr(o->out.text, "examples:\n  tapecast-test --loop\n"));
    for (const char *p = o->out.text; *p != '\0'; p++) {
        width = *p == '\n' ? 0 : width + 1;
        assert_true(width <= 80);
        assert_false(*p == ' ' && p[1] == '\n');
    }
}

static void version_is_one_line(void **state)
{
    struct outcome *o = run("--version");

    (void)state;
    assert_false(o->ok);
    assert_int_equal(o->result.exit_status, 0);
    assert_string_equal(o->out.text, "tapecast-test " TAPECAST_VERSION "\n");
}

/*
 * Secrets
 */

/* What options_secret() makes of the present environment and `.env`. */
static int secret(char **ret, struct capture *log)
{
    struct outcome *o = run("");
    int r;

    assert_true(o->ok);
    capture_begin(log, STDERR_FILENO);
    r = options_secret(&o->result, "TEST_KEY", ret);
    capture_end(log);
    return r;
}

static void assert_secret(const char *expected)
{
    struct capture log;
    char *value = NULL;

    assert_int_equal(secret(&value, &log), 0);
    assert_string_equal(log.text, "");
    if (expected == NULL)
        assert_null(value);
    else
        assert_string_equal(value, expected);
    free(value);
}

static void assert_no_secret(int error, const char *expected)
{
    struct capture log;
    char *value = NULL;

    assert_int_equal(secret(&value, &log), error);
    assert_null(value);
    assert_int_equal(capture_count(&log, "\n"), 1);
    assert_non_null(strstr(log.text, expected));
    assert_null(strstr(log.text, "hunter2"));
}

static void a_secret_comes_from_the_environment_the_env_file_or_a_file(void **state)
{
    (void)state;
    assert_secret(NULL);
    write_file("key", "hunter2\n", 0600);
    write_file(".env", "TEST_KEY_FILE=key\n", 0600);
    assert_secret("hunter2");
    write_file(".env", "TEST_KEY=from-env-file\nTEST_KEY_FILE=key\n", 0600);
    assert_secret("from-env-file");
    setenv("TEST_KEY_FILE", "key", 1);
    assert_secret("hunter2");
    setenv("TEST_KEY", "from-environment", 1);
    assert_secret("from-environment");
    setenv("TEST_KEY", "", 1);
    setenv("TEST_KEY_FILE", "", 1);
    write_file(".env", "", 0600);
    assert_secret(NULL);
}

static void a_secret_that_others_may_read_is_refused(void **state)
{
    (void)state;
    setenv("TEST_KEY_FILE", "key", 1);
    write_file("key", "hunter2\n", 0640);
    assert_no_secret(-EACCES, "TEST_KEY_FILE: others may read key; run: chmod 600 key");
    write_file("key", "hunter2\n", 0604);
    assert_no_secret(-EACCES, "others may read");
    write_file("key", "hunter2\n", 0400);
    assert_secret("hunter2");
}

static void a_secret_that_belongs_to_somebody_else_is_refused(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip(); /* nobody else can give a file away */
    setenv("TEST_KEY_FILE", "key", 1);
    write_file("key", "hunter2\n", 0600);
    assert_int_equal(chown("key", 65534, 65534), 0);
    assert_no_secret(-EACCES, "TEST_KEY_FILE: key belongs to somebody else");
}

static void a_secret_that_is_not_one_line_is_refused(void **state)
{
    (void)state;
    setenv("TEST_KEY_FILE", "key", 1);
    write_file("key", "hunter2\nhunter2\n", 0600);
    assert_no_secret(-EBADMSG, "TEST_KEY_FILE");
    write_file("key", "\n", 0600);
    assert_no_secret(-EBADMSG, "must hold one line");
    setenv("TEST_KEY_FILE", "missing", 1);
    assert_no_secret(-ENOENT, "TEST_KEY_FILE: cannot read missing: No such file");
    setenv("TEST_KEY_FILE", ".", 1);
    assert_no_secret(-EINVAL, "is not a file");
    setenv("TEST_KEY", "hunter2\r\nX-Injected: 1", 1);
    assert_no_secret(-EBADMSG, "TEST_KEY holds a control character");
}

/*
 * Each test in a clean environment and an empty directory
 */

static char directory[] = "/tmp/tapecast-options-test-XXXXXX";

static int enter_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) != NULL ? chdir(directory) : -1;
}

static int leave_directory(void **state)
{
    (void)state;
    options_release(&run("")->result);
    return chdir("/") == 0 ? rmdir(directory) : -1;
}

static int clean(void **state)
{
    (void)state;
    unlink(".env");
    unlink("key");
    return clearenv();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, clean, clean)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(defaults_fill_what_is_not_given),
        TEST(both_forms_of_a_value_are_read_and_the_last_wins),
        TEST(the_command_line_goes_before_the_environment_before_the_file),
        TEST(flags_in_the_environment_have_words),
        TEST(a_mistake_gets_one_line_that_says_what_to_do),
        TEST(a_mistake_outside_the_command_line_says_where),
        TEST(arguments_are_kept_in_order),
        TEST(help_is_made_from_the_table_and_fits_80_columns),
        TEST(version_is_one_line),
        TEST(a_secret_comes_from_the_environment_the_env_file_or_a_file),
        TEST(a_secret_that_others_may_read_is_refused),
        TEST(a_secret_that_belongs_to_somebody_else_is_refused),
        TEST(a_secret_that_is_not_one_line_is_refused),
    };

    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
