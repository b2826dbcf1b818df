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
#include <zlib.h>

#include "publisher/replay/textfile.h"

static char path[] = "/tmp/textfile_test_XXXXXX";
static char text[200000]; /* more than one read */

static int make_file(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + i * 7919 % 26 * (i % 3));
    return fd < 0 || close(fd) < 0 ? -1 : 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_bytes(const void *bytes, size_t len)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static size_t gzip_text(unsigned char **ret)
{
    gzFile gz = gzopen(path, "wb");
    FILE *f;
    long len;

    assert_int_equal(gzwrite(gz, text, sizeof(text)), sizeof(text));
    assert_int_equal(gzclose(gz), Z_OK);
    f = fopen(path, "r");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    len = ftell(f);
    rewind(f);
    *ret = malloc((size_t)len);
    assert_non_null(*ret);
    assert_int_equal(fread(*ret, 1, (size_t)len, f), len);
    fclose(f);
    return (size_t)len;
}

/* Read all of the file, which must be a beginning of `text`; `ret_damage` as textfile_damage(). */
static size_t read_all(size_t piece, const char **ret_damage)
{
    static char buf[sizeof(text)];
    struct textfile *t;
    size_t total = 0;
    long n;

    assert_int_equal(textfile_open(path, &t), 0);
    while ((n = textfile_read(t, buf, piece)) > 0) {
        assert_true(total + (size_t)n <= sizeof(text));
        assert_memory_equal(buf, text + total, (size_t)n);
        total += (size_t)n;
    }
    assert_int_equal(n, 0);
    assert_int_equal(textfile_read(t, buf, piece), 0); /* the end stays */
    *ret_damage = textfile_damage(t);
    assert_in_range(textfile_percent(t), 0, 100);
    textfile_close(t);
    return total;
}

static void plain_and_gzip_text_read_the_same(void **state)
{
    const char *damage;
    unsigned char *gz;

    (void)state;
    write_bytes(text, sizeof(text));
    assert_int_equal(read_all(4096, &damage), sizeof(text));
    assert_null(damage);
    gzip_text(&gz);
    assert_int_equal(read_all(4096, &damage), sizeof(text));
    assert_null(damage);
    assert_int_equal(read_all(1, &damage), sizeof(text));
    free(gz);
}

static void gzip_that_ends_early_gives_what_there_is_and_says_so(void **state)
{
    const char *damage;
    unsigned char *gz;
    size_t len = gzip_text(&gz), before = 0;

    (void)state;
    for (size_t cut = 20; cut < len; cut += 1 + len / 50) {
        size_t total;

        write_bytes(gz, cut);
        total = read_all(65536, &damage);
        assert_true(total >= before);
        assert_non_null(damage);
        before = total;
    }
    assert_true(before > sizeof(text) / 2);
    free(gz);
}

static void gzip_with_a_wrong_byte_is_damaged(void **state)
{
    const char *damage;
    unsigned char *gz;
    size_t len = gzip_text(&gz);

    (void)state;
    gz[len - 6] ^= 1; /* the checksum */
    write_bytes(gz, len);
    read_all(65536, &damage);
    assert_string_equal(damage, "its gzip data is damaged");
    free(gz);
}

static void an_empty_file_ends_at_once(void **state)
{
    const char *damage;

    (void)state;
    write_bytes("", 0);
    assert_int_equal(read_all(10, &damage), 0);
    assert_null(damage);
}

static void what_cannot_be_opened_is_told(void **state)
{
    struct textfile *t;

    (void)state;
    assert_int_equal(textfile_open("/nowhere/at/all.csv", &t), -ENOENT);
    assert_int_equal(textfile_open("/tmp", &t), -EISDIR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_and_gzip_text_read_the_same),
        cmocka_unit_test(gzip_that_ends_early_gives_what_there_is_and_says_so),
        cmocka_unit_test(gzip_with_a_wrong_byte_is_damaged),
        cmocka_unit_test(an_empty_file_ends_at_once),
        cmocka_unit_test(what_cannot_be_opened_is_told),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
