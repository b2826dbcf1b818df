#include <stdio.h>
#include <string.h>

#include "common/options_internal.h"

#include "common/banned.h"

#define HELP_WIDTH 80
#define HELP_INDENT 28

/* Text flowing between `indent` and HELP_WIDTH. */
struct flow {
    FILE *out;
    size_t indent, column;
};

static size_t columns(const char *s, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++)
        n += ((unsigned char)s[i] & 0xc0) != 0x80; /* UTF-8: not a continuation */
    return n;
}

static void flow_words(struct flow *f, const char *text)
{
    for (const char *word = text + strspn(text, " "); *word != '\0';) {
        size_t len = strcspn(word, " "), width = columns(word, len);
        bool at_start = f->column <= f->indent;

        if (!at_start && f->column + 1 + width > HELP_WIDTH) {
            fputc('\n', f->out);
            f->column = 0;
            at_start = true;
        }
        if (at_start)
            fprintf(f->out, "%*s", (int)(f->indent - f->column), "");
        else
            fputc(' ', f->out);
        fwrite(word, 1, len, f->out);
        f->column = (at_start ? f->indent : f->column + 1) + width;
        word += len;
        word += strspn(word, " ");
    }
}

static void print_paragraph(const char *text)
{
    struct flow f = {.out = stdout};

    flow_words(&f, text);
    fputc('\n', stdout);
}

/* "  --name VALUE" and the help beside it, or below where the left side is too wide. */
static void print_option(const char *name, const char *metavar, const char *help, const char *note)
{
    struct flow f = {.out = stdout, .indent = HELP_INDENT};
    int width =
        printf("  --%s%s%s", name, metavar != NULL ? " " : "", metavar != NULL ? metavar : "");

    f.column = (size_t)width;
    if (f.column + 2 > HELP_INDENT) {
        fputc('\n', stdout);
        f.column = 0;
    }
    flow_words(&f, help);
    flow_words(&f, note);
    fputc('\n', stdout);
}

static void print_spec(const struct option_spec *spec)
{
    char variable[OPTION_NAME_MAX], range[64] = "", note[256];
    bool has_default = spec->fallback != NULL && spec->kind != OPTION_FLAG;

    if (spec->kind == OPTION_GROUP) {
        printf("\n%s:\n", spec->help);
        return;
    }
    option_variable(spec->name, variable);
    if (spec->kind == OPTION_UINT && spec->max > 0)
        snprintf(range, sizeof(range), ", %llu to %llu", (unsigned long long)spec->min,
                 (unsigned long long)spec->max);
    snprintf(note, sizeof(note), "[%s%s%s%s]", variable, range, has_default ? ", default " : "",
             has_default ? spec->fallback : "");
    print_option(spec->name, spec->kind == OPTION_FLAG ? NULL : spec->metavar, spec->help, note);
}

void options_print_help(const struct options *o)
{
    printf("usage: %s %s\n\n", o->program, o->synopsis);
    print_paragraph(o->summary);
    if (o->n_specs > 0 && o->specs[0].kind != OPTION_GROUP)
        printf("\noptions:\n");
    for (size_t i = 0; i < o->n_specs; i++)
        print_spec(&o->specs[i]);
    fputc('\n', stdout);
    print_option("help", NULL, "Show this and exit.", "");
    print_option("version", NULL, "Show the version and exit.", "");
    fputc('\n', stdout);
    print_paragraph(
        "Each option is also read from the environment variable in brackets, and from a "
        "file " OPTIONS_ENV_FILE " in the current directory; the command line goes first, then "
        "the environment.");
    if (o->epilogue != NULL)
        printf("\n%s\n", o->epilogue);
}
