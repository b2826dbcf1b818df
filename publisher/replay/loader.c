#include "publisher/replay/loader.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"

#include "common/banned.h"

#define PROGRESS_AFTER_MS 2000
#define PROGRESS_EVERY_MS 250

/* On a terminal, how far a long load is. */
struct progress {
    struct mono next;
    bool shown;
};

static void show_progress(struct progress *p, const struct loader *l)
{
    char number[TALLY_NUMBER_MAX];

    if (mono_before(mono_now(), p->next))
        return;
    p->next = mono_add_ms(mono_now(), PROGRESS_EVERY_MS);
    p->shown = true;
    fprintf(stderr, "\rreading %s: %d %%, %s rows", l->tape->request.path,
            textfile_percent(l->file), tally_number(tally_read(&l->tape->tally), number));
}

static void clear_progress(const struct progress *p)
{
    if (p->shown)
        fputs("\r\033[K", stderr);
}

static bool is_stopped(int stop_fd)
{
    struct pollfd p = {.fd = stop_fd, .events = POLLIN};

    return poll(&p, 1, 0) > 0;
}

/* Take the rows in the buffer until more bytes are needed. */
static int take_rows(struct loader *l, bool ended)
{
    int r = 0;

    while (r == 0 && csv_next(&l->csv, ended, l->fields))
        r = tape_take(l->tape, l->fields);
    return r;
}

static int read_failed(const struct tape *t, int r)
{
    log_error("%s: cannot read %s: %s", tape_task(&t->request), t->request.path, strerror(-r));
    return r;
}

/* Read one piece of the file. Returns 1 when there is more, 0 at the end, or a negative errno. A
 * line that damage cut off is not a row: its last number may be half of one. */
static int read_piece(struct loader *l)
{
    size_t cap;
    char *space = csv_space(&l->csv, &cap);
    long n = textfile_read(l->file, space, cap);
    int r;

    if (n < 0)
        return read_failed(l->tape, (int)n);
    if (n == 0) {
        l->tape->damage = textfile_damage(l->file);
        return l->tape->damage == NULL ? take_rows(l, true) : 0;
    }
    if (!l->csv.begun && memchr(space, '\0', (size_t)n) != NULL) { /* an archive, or UTF-16 */
        log_error("%s: %s is neither text nor gzip: unpack it, or save it as CSV in UTF-8",
                  tape_task(&l->tape->request), l->tape->request.path);
        return -EBADMSG;
    }
    csv_added(&l->csv, (size_t)n);
    r = take_rows(l, false);
    return r < 0 ? r : 1;
}

/* One line when nothing can be played: why. */
static int check_not_empty(const struct tape *t)
{
    char number[TALLY_NUMBER_MAX];
    enum tally_fact reason = tally_main_reason(&t->tally);

    if (t->series.n_order > 0)
        return 0;
    if (tally_read(&t->tally) == 0)
        log_error("%s: %s has no rows%s%s: give %sa CSV file of bars or ticks",
                  tape_task(&t->request), t->request.path, t->damage != NULL ? ", " : "",
                  t->damage != NULL ? t->damage : "", t->request.imports ? "" : "--file ");
    else
        log_error("%s: %s has no row that can be %s: of %s, most were left out for: %s "
                  "(first in line %llu)",
                  tape_task(&t->request), t->request.path, t->request.imports ? "taken" : "played",
                  tally_number(tally_read(&t->tally), number), tally_words(reason),
                  (unsigned long long)t->tally.facts[reason].line);
    return -EBADMSG;
}

static void log_layout(const struct tape *t)
{
    const struct layout *l = &t->layout;

    if (t->damage != NULL)
        log_warn("%s: %s: %s: %s what could be read", tape_task(&t->request), t->request.path,
                 t->damage, t->request.imports ? "taking" : "playing");
    log_info("%s: %s: %s, %s%s%s%s; times are %s", tape_task(&t->request), t->request.path,
             t->ticks ? "ticks" : "bars", l->description,
             t->symbol[0] != '\0' ? ", symbol is " : "", t->symbol,
             l->google ? " (Google Finance)" : "", timestamp_form_name(t->time_form));
}

static int out_of_memory(const struct tape *t)
{
    log_error("%s: not enough memory for %s: choose some of its rows with %s",
              tape_task(&t->request), t->request.path, tape_option(&t->request));
    return -ENOMEM;
}

static int open_file(struct loader *l)
{
    int r;

    l->fields = malloc(sizeof(*l->fields));
    if (l->fields == NULL || csv_init(&l->csv) < 0)
        return -ENOMEM;
    r = textfile_open(l->tape->request.path, &l->file);
    return r < 0 && r != -ENOMEM ? read_failed(l->tape, r) : r;
}

int loader_open(struct loader *l, struct tape *tape)
{
    int r;

    *l = (struct loader){.tape = tape};
    r = open_file(l);
    if (r == 0)
        r = read_piece(l);
    if (r == 0)
        r = check_not_empty(tape); /* nothing at all was read */
    if (r == -ENOMEM)
        out_of_memory(tape);
    if (r < 0)
        loader_close(l);
    return r < 0 ? r : 0;
}

void loader_close(struct loader *l)
{
    textfile_close(l->file);
    csv_release(&l->csv);
    free(l->fields);
    *l = (struct loader){0};
}

int loader_run(struct loader *l, int stop_fd)
{
    struct progress progress = {.next = MONO_NEVER};
    int r;

    if (isatty(STDERR_FILENO))
        progress.next = mono_add_ms(mono_now(), PROGRESS_AFTER_MS);
    do {
        r = is_stopped(stop_fd) ? -ECANCELED : read_piece(l);
        show_progress(&progress, l);
    } while (r > 0);
    clear_progress(&progress);
    if (r == 0)
        r = tape_finish(l->tape);
    if (r == 0)
        r = check_not_empty(l->tape);
    if (r == 0)
        log_layout(l->tape);
    return r == -ENOMEM ? out_of_memory(l->tape) : r;
}
