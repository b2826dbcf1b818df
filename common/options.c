#include "common/options_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/banned.h"

/* One line on stderr; a stranger's line breaks in it become '?'. Always false, the result of
 * options_read(). */
static bool fail(const struct options *o, struct options_result *ret, const char *format, ...)
    PRINTF_LIKE(3, 4);
static bool fail(const struct options *o, struct options_result *ret, const char *format, ...)
{
    char line[1024];
    va_list ap;

    va_start(ap, format);
    vsnprintf(line, sizeof(line), format, ap);
    va_end(ap);
    for (char *p = line; *p != '\0'; p++)
        if (iscntrl((unsigned char)*p))
            *p = '?';
    fprintf(stderr, "%s: %s (see %s --help)\n", o->program, line, o->program);
    ret->exit_status = 2;
    return false;
}

void option_variable(const char *option, char buf[OPTION_NAME_MAX])
{
    snprintf(buf, OPTION_NAME_MAX, "TAPECAST_%s", option);
    for (char *p = buf; *p != '\0'; p++)
        *p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
}

const char *option_unless_empty(const char *s)
{
    return s != NULL && *s != '\0' ? s : NULL;
}

/*
 * An unknown option: which one was meant?
 */

/* How many letters to add, drop or change to make `b` of `a` (Levenshtein). */
static size_t distance(const char *a, const char *b)
{
    size_t row[OPTION_NAME_MAX + 1], b_len = strnlen(b, OPTION_NAME_MAX);

    for (size_t k = 0; k <= b_len; k++)
        row[k] = k;
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (size_t k = 0; k < b_len; k++) {
            size_t change = diagonal + (a[i] != b[k]);
            size_t add_or_drop = (row[k] < row[k + 1] ? row[k] : row[k + 1]) + 1;

            diagonal = row[k + 1];
            row[k + 1] = change < add_or_drop ? change : add_or_drop;
        }
    }
    return row[b_len];
}

struct guess {
    const char *name; /* the nearest so far; NULL for none */
    size_t distance;
};

static void guess(struct guess *g, const char *typed, const char *name)
{
    size_t d = distance(typed, name);

    if (d < g->distance)
        *g = (struct guess){name, d};
}

/* The option nearest to `typed`, NULL when none is near. */
static const char *nearest(const struct options *o, const char *typed)
{
    struct guess g = {.distance = strlen(typed) / 3 + 2}; /* more wrong is another word */

    for (size_t i = 0; i < o->n_specs; i++)
        if (o->specs[i].kind != OPTION_GROUP)
            guess(&g, typed, o->specs[i].name);
    guess(&g, typed, "help");
    guess(&g, typed, "version");
    return g.name;
}

static bool fail_unknown(const struct options *o, const char *name, struct options_result *ret)
{
    const char *meant = strlen(name) < OPTION_NAME_MAX ? nearest(o, name) : NULL;

    if (meant != NULL)
        return fail(o, ret, "unknown option --%s; did you mean --%s?", name, meant);
    return fail(o, ret, "unknown option --%s", name);
}

/*
 * The command line: which text each option is given
 */

struct reader {
    const struct options *o;
    char **argv;
    int argc, next;
    const char **values; /* one for each spec; NULL when not given */
    struct options_result *ret;
};

/* Index of the option called by the first `len` bytes of `name`; -1 for none. */
static long find_spec(const struct options *o, const char *name, size_t len)
{
    for (size_t i = 0; i < o->n_specs; i++)
        if (o->specs[i].kind != OPTION_GROUP && strlen(o->specs[i].name) == len &&
            memcmp(o->specs[i].name, name, len) == 0)
            return (long)i;
    return -1;
}

/* The option of number `i` is given `value`. */
static bool give(struct reader *r, long i, const char *value)
{
    char *list;

    if (r->o->specs[i].kind != OPTION_LIST || r->values[i] == NULL) {
        r->values[i] = value;
        return true;
    }
    if (asprintf(&list, "%s %s", r->values[i], value) < 0)
        return fail(r->o, r->ret, "out of memory");
    free(r->ret->lists[i]);
    r->values[i] = r->ret->lists[i] = list;
    return true;
}

/* Read the option `arg`, which follows "--". */
static bool read_option(struct reader *r, char *arg)
{
    const struct options *o = r->o;
    char *equals = strchr(arg, '=');
    size_t len = equals != NULL ? (size_t)(equals - arg) : strlen(arg);
    long i = find_spec(o, arg, len);
    const struct option_spec *spec;

    if (i < 0) {
        arg[len] = '\0'; /* show the name alone: the value may be anything */
        return fail_unknown(o, arg, r->ret);
    }
    spec = &o->specs[i];
    if (equals != NULL)
        return give(r, i, equals + 1);
    if (spec->kind == OPTION_FLAG)
        return give(r, i, "true");
    if (r->next < r->argc && strncmp(r->argv[r->next], "--", 2) != 0)
        return give(r, i, r->argv[r->next++]);
    return fail(o, r->ret, "--%s needs a value: --%s %s", spec->name, spec->name, spec->metavar);
}

static bool read_argument(struct reader *r, char *arg)
{
    if (!r->o->takes_arguments)
        return fail(r->o, r->ret, "unexpected argument '%s'", arg);
    r->ret->arguments[r->ret->n_arguments++] = arg;
    return true;
}

static bool read_command_line(struct reader *r)
{
    bool only_arguments = false, ok = true;

    while (ok && r->next < r->argc) {
        char *arg = r->argv[r->next++];

        if (only_arguments || arg[0] != '-' || arg[1] == '\0') {
            ok = read_argument(r, arg);
        } else if (strcmp(arg, "--") == 0) {
            only_arguments = true;
        } else if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
            options_print_help(r->o);
            ok = false;
        } else if (strcmp(arg, "--version") == 0) {
            printf("%s %s\n", r->o->program, TAPECAST_VERSION);
            ok = false;
        } else if (arg[1] != '-') {
            ok = fail(r->o, r->ret, "unknown option %s; options begin with two dashes", arg);
        } else {
            ok = read_option(r, arg + 2);
        }
    }
    return ok;
}

/*
 * Values: from text to target
 */

static bool parse_uint(const char *text, uint64_t *ret)
{
    uint64_t v = 0;

    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++)
        if (!isdigit((unsigned char)*text) || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(*text - '0'), &v))
            return false;
    *ret = v;
    return true;
}

static bool parse_flag(const char *text, bool *ret)
{
    static const char *const words[] = {"0", "1", "false", "true", "no", "yes", "off", "on"};

    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strcasecmp(text, words[i]) == 0) {
            *ret = i % 2 == 1;
            return true;
        }
    return false;
}

/* Store `text`, which `origin` (an option or a variable) gave. */
static bool store(struct reader *r, const struct option_spec *spec, const char *origin,
                  const char *text)
{
    uint64_t max = spec->max > 0 ? spec->max : UINT64_MAX, number;
    bool flag;

    switch (spec->kind) {
    case OPTION_STRING:
    case OPTION_LIST:
        *(const char **)spec->target = text;
        break;
    case OPTION_UINT:
        if (!parse_uint(text, &number))
            return fail(r->o, r->ret, "%s: '%s' is not a whole number", origin, text);
        if (number < spec->min || number > max)
            return fail(r->o, r->ret, "%s: %s is not within %llu to %llu", origin, text,
                        (unsigned long long)spec->min, (unsigned long long)max);
        *(uint64_t *)spec->target = number;
        break;
    case OPTION_FLAG:
        if (!parse_flag(text, &flag))
            return fail(r->o, r->ret, "%s: '%s' is neither true nor false", origin, text);
        *(bool *)spec->target = flag;
        break;
    case OPTION_GROUP:
        break;
    }
    return true;
}

static void store_nothing(const struct option_spec *spec)
{
    if (spec->kind == OPTION_STRING || spec->kind == OPTION_LIST)
        *(const char **)spec->target = NULL;
    else if (spec->kind == OPTION_UINT)
        *(uint64_t *)spec->target = 0;
    else if (spec->kind == OPTION_FLAG)
        *(bool *)spec->target = false;
}

/* The text that counts for one option, by precedence, into its target. */
static bool resolve(struct reader *r, const struct option_spec *spec, const char *given)
{
    char option[OPTION_NAME_MAX + 2], variable[OPTION_NAME_MAX], in_file[OPTION_NAME_MAX + 16];
    const char *text;

    if (spec->kind == OPTION_GROUP)
        return true;
    snprintf(option, sizeof(option), "--%s", spec->name);
    if (given != NULL)
        return store(r, spec, option, given);

    option_variable(spec->name, variable);
    text = option_unless_empty(getenv(variable));
    if (text != NULL)
        return store(r, spec, variable, text);

    text = option_unless_empty(envfile_get(r->ret->env, variable));
    if (text != NULL) {
        snprintf(in_file, sizeof(in_file), "%s in " OPTIONS_ENV_FILE, variable);
        return store(r, spec, in_file, text);
    }
    if (spec->fallback != NULL)
        return store(r, spec, option, spec->fallback);
    store_nothing(spec);
    return true;
}

static bool read_env_file(const struct options *o, struct options_result *ret)
{
    size_t line = 0;
    int r = envfile_read(OPTIONS_ENV_FILE, &ret->env, &line);

    if (r == -EBADMSG)
        return fail(o, ret, "line %zu of " OPTIONS_ENV_FILE " is not KEY=VALUE", line);
    if (r < 0)
        return fail(o, ret, "cannot read " OPTIONS_ENV_FILE ": %s", strerror(-r));
    return true;
}

bool options_read(const struct options *o, int argc, char **argv, struct options_result *ret)
{
    struct reader r = {.o = o, .argv = argv, .argc = argc, .next = 1, .ret = ret};
    bool ok;

    *ret = (struct options_result){0};
    r.values = calloc(o->n_specs + 1, sizeof(*r.values));
    ret->arguments = calloc((size_t)argc + 1, sizeof(*ret->arguments));
    ret->lists = calloc(o->n_specs + 1, sizeof(*ret->lists));
    ret->n_lists = o->n_specs;
    if (r.values == NULL || ret->arguments == NULL || ret->lists == NULL) {
        free(r.values);
        return fail(o, ret, "out of memory");
    }
    ok = read_command_line(&r) && read_env_file(o, ret);
    for (size_t i = 0; ok && i < o->n_specs; i++)
        ok = resolve(&r, &o->specs[i], r.values[i]);
    free(r.values);
    return ok;
}

void options_release(struct options_result *r)
{
    envfile_free(r->env);
    free(r->arguments);
    for (size_t i = 0; r->lists != NULL && i < r->n_lists; i++)
        free(r->lists[i]);
    free(r->lists);
    *r = (struct options_result){0};
}
