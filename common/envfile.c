#include "common/envfile.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/banned.h"

#define FILE_MAX 65536

struct entry {
    const char *key, *value; /* in envfile.text */
};

struct envfile {
    char *text; /* the file, its lines cut up in place */
    struct entry *entries;
    size_t n;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static char *skip_blanks(char *p)
{
    while (is_blank(*p))
        p++;
    return p;
}

static bool is_key_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Nothing but blanks and a comment. */
static bool is_comment(char *line)
{
    char *p = skip_blanks(line);

    return *p == '\0' || *p == '#';
}

/* Take the quotes and backslashes out of the quoted value at `p`, in place. */
static bool cut_quoted(char *p)
{
    char quote = *p, *in = p + 1, *out = p;

    for (; *in != quote; in++) {
        if (*in == '\\' && quote == '"' && in[1] != '\0' && strchr("\"\\$`", in[1]) != NULL)
            in++;
        if (*in == '\0')
            return false;
        *out++ = *in;
    }
    if (!is_comment(in + 1))
        return false;
    *out = '\0';
    return true;
}

/* End the bare value at `p` before a comment and the blanks around it. */
static void cut_bare(char *p)
{
    char *end = p;

    for (char *c = p; *c != '\0' && !(*c == '#' && (c == p || is_blank(c[-1]))); c++)
        if (!is_blank(*c))
            end = c + 1;
    *end = '\0';
}

/* Read KEY=VALUE into `ret`. */
static bool parse_line(char *line, struct entry *ret)
{
    char *key = skip_blanks(line), *p, *value;

    if (strncmp(key, "export", 6) == 0 && is_blank(key[6]))
        key = skip_blanks(key + 6);
    for (p = key; is_key_char(*p); p++)
        ;
    if (p == key || isdigit((unsigned char)*key) || *p != '=')
        return false;
    *p = '\0';
    value = p + 1;
    if (*value == '"' || *value == '\'') {
        if (!cut_quoted(value))
            return false;
    } else {
        cut_bare(value);
    }
    *ret = (struct entry){key, value};
    return true;
}

/* Cut e->text, `len` bytes and a NUL, into entries. */
static int parse(struct envfile *e, size_t len, size_t *ret_line)
{
    char *line = e->text, *end = e->text + len, *next;

    if (len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0)
        line += 3;
    for (size_t number = 1; line < end; number++, line = next) {
        char *newline = memchr(line, '\n', (size_t)(end - line));
        char *line_end = newline != NULL ? newline : end;

        next = line_end + 1;
        *line_end = '\0';
        if (is_comment(line))
            continue;
        /* A NUL inside would hide the rest. */
        if (strlen(line) < (size_t)(line_end - line) || !parse_line(line, &e->entries[e->n])) {
            *ret_line = number;
            return -EBADMSG;
        }
        e->n++;
    }
    return 0;
}

static size_t count_lines(const char *text, size_t len)
{
    size_t n = 1;

    for (size_t i = 0; i < len; i++)
        n += text[i] == '\n';
    return n;
}

/* The file's bytes and a NUL. */
static int read_text(const char *path, char **ret, size_t *ret_len)
{
    FILE *f = fopen(path, "re");
    char *text = NULL;
    size_t len;
    int r = 0;

    if (f == NULL)
        return -errno;
    text = malloc(FILE_MAX + 2);
    if (text == NULL) {
        r = -ENOMEM;
        goto out;
    }
    len = fread(text, 1, FILE_MAX + 1, f);
    if (ferror(f)) {
        r = -errno;
        goto out;
    }
    if (len > FILE_MAX) {
        r = -EFBIG;
        goto out;
    }
    text[len] = '\0';
    *ret = text;
    *ret_len = len;
    text = NULL; /* handed over */
out:
    free(text);
    fclose(f);
    return r;
}

int envfile_read(const char *path, struct envfile **ret, size_t *ret_line)
{
    struct envfile *e = calloc(1, sizeof(*e));
    size_t len = 0;
    int r;

    if (e == NULL)
        return -ENOMEM;
    r = read_text(path, &e->text, &len);
    if (r < 0 && r != -ENOENT)
        goto out;
    e->entries = calloc(count_lines(e->text, len), sizeof(*e->entries));
    if (e->entries == NULL) {
        r = -ENOMEM;
        goto out;
    }
    r = parse(e, len, ret_line);
    if (r < 0)
        goto out;
    *ret = e;
    e = NULL; /* handed over */
out:
    envfile_free(e);
    return r;
}

void envfile_free(struct envfile *e)
{
    if (e == NULL)
        return;
    if (e->text != NULL)
        explicit_bzero(e->text, FILE_MAX + 2); /* secrets */
    free(e->text);
    free(e->entries);
    free(e);
}

const char *envfile_get(const struct envfile *e, const char *key)
{
    if (e == NULL)
        return NULL;
    for (size_t i = e->n; i > 0; i--)
        if (strcmp(e->entries[i - 1].key, key) == 0)
            return e->entries[i - 1].value;
    return NULL;
}
