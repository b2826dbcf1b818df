/*
 * The feed `replay`: plays a tape in the order of time, at a speed, once or for ever.
 *
 * The moment of each row follows from the first one's by the clock of the file alone, so a late row
 * does not delay those after it. All but replay_state() belongs to the feed's thread.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "publisher/feed.h"
#include "common/civil.h"
#include "publisher/replay/day.h"
#include "publisher/replay/loader.h"
#include "publisher/replay/tape.h"

#include "common/banned.h"

#define SPEED_MAX 0.0                  /* as fast as rows are taken */
#define QUIET_NS INT64_C(300000000000) /* a wait of five minutes is worth a state of its own */
#define PAUSE_MS 1000                  /* between a loop's rounds: one row alone must not spin */

struct feed {
    struct feed_config config;
    struct tape tape;
    struct loader loader; /* until the tape is loaded */
    bool loaded;
    struct day *days; /* by symbol */
    double speed;
    bool loop;

    struct mono start; /* when the first row was due */
    size_t position;   /* of the row to play next */
    uint64_t played, rounds;

    pthread_mutex_t lock; /* of `state` */
    struct feed_state state;
};

static const char *speed_text(const struct feed_options *options)
{
    return options->speed != NULL ? options->speed : "1";
}

static bool replay_lossless(const struct feed_options *options)
{
    return strcmp(speed_text(options), "max") == 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

static void set_state(struct feed *f, enum feed_condition condition, const char *detail)
{
    pthread_mutex_lock(&f->lock);
    f->state.condition = condition;
    snprintf(f->state.detail, sizeof(f->state.detail), "%s", detail);
    pthread_mutex_unlock(&f->lock);
}

static void set_live(struct feed *f)
{
    char detail[FEED_DETAIL_MAX];

    snprintf(detail, sizeof(detail), "at speed %.12s%s", speed_text(f->config.options),
             f->loop ? ", in a loop" : "");
    set_state(f, FEED_LIVE, detail);
}

static void replay_close(struct feed *f)
{
    if (f == NULL)
        return;
    loader_close(&f->loader);
    tape_release(&f->tape);
    free(f->days);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

static struct feed *new_feed(const struct feed_config *config, double speed)
{
    struct feed *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return NULL;
    f->config = *config;
    f->speed = speed;
    f->loop = config->options->loop;
    pthread_mutex_init(&f->lock, NULL);
    set_state(f, FEED_STARTING, "reading the file");
    return f;
}

static int replay_open(const struct feed_config *config, struct feed **ret)
{
    const struct tape_request request = {config->options->file, config->symbols, config->n_symbols,
                                         false};
    struct feed *f = NULL;
    double speed;
    int r;

    if (request.path == NULL) {
        log_error("the feed replay plays a file: name it with --file");
        return -EINVAL;
    }
    r = feed_speed(config->options, &speed);
    if (r < 0)
        return r;
    f = new_feed(config, speed);
    if (f == NULL)
        return -ENOMEM;
    r = tape_init(&f->tape, &request);
    if (r < 0)
        goto out;
    r = loader_open(&f->loader, &f->tape);
    if (r < 0)
        goto out;
    *ret = f;
    f = NULL; /* handed over */
out:
    replay_close(f);
    return r;
}

static void rewind_tape(struct feed *f)
{
    memset(f->days, 0, f->tape.series.index.n * sizeof(*f->days));
    f->position = 0;
    f->start = mono_add_ms(mono_now(), f->rounds++ > 0 ? PAUSE_MS : 0);
}

static int load(struct feed *f)
{
    int r = loader_run(&f->loader, f->config.stop_fd);

    loader_close(&f->loader);
    if (r < 0)
        goto out;
    f->days = calloc(f->tape.series.index.n, sizeof(*f->days));
    if (f->days == NULL) {
        r = -ENOMEM;
        goto out;
    }
    f->loaded = true;
    rewind_tape(f);
    set_live(f);
out:
    if (r < 0 && r != -ECANCELED)
        set_state(f, FEED_FAILED, "the file cannot be played");
    return r;
}

static struct wall row_time(const struct row *row)
{
    return (struct wall){row->time_ns / 1000000 - (row->time_ns % 1000000 < 0)};
}

static struct mono due(const struct feed *f, const struct row *row)
{
    const struct row *first = series_at(&f->tape.series, 0);
    /* unsigned: file times lie up to 584 years apart, and `row` is not before `first` */
    uint64_t apart_ns = (uint64_t)row->time_ns - (uint64_t)first->time_ns;
    double after_ns = (double)apart_ns / f->speed;

    if (after_ns >= (double)(INT64_MAX - f->start.ns))
        return MONO_NEVER;
    return (struct mono){f->start.ns + (int64_t)after_ns};
}

static void tell_wait(struct feed *f, const struct row *row)
{
    char time[WALL_TEXT_MAX], detail[FEED_DETAIL_MAX];

    wall_format(row_time(row), time);
    snprintf(detail, sizeof(detail), "the next row of the file is of %s", time);
    set_state(f, FEED_WAITING, detail);
}

/* Returns 0 when the row is due; -ETIMEDOUT; -ECANCELED. */
static int wait_for(struct feed *f, const struct row *row, struct mono deadline)
{
    struct mono t, now;
    bool quiet;
    int r;

    if (f->speed == SPEED_MAX)
        return 0;
    t = due(f, row);
    now = mono_now();
    if (!mono_before(now, t))
        return 0;
    quiet = t.ns - now.ns >= QUIET_NS;
    if (quiet)
        tell_wait(f, row);
    r = feed_wait(&f->config, mono_earlier(t, deadline));
    if (r < 0)
        return r;
    if (mono_before(deadline, t))
        return -ETIMEDOUT;
    if (quiet)
        set_live(f);
    return 0;
}

static void play(struct feed *f, const struct row *row, struct quote *ret)
{
    const struct series *s = &f->tape.series;
    struct day *day = &f->days[row->symbol];
    struct quote q = {
        .mode = MODE_REPLAY, .price = row_get(row, ROW_PRICE), .timestamp = row_time(row)};

    memcpy(q.symbol, s->symbols[row->symbol].name, sizeof(q.symbol));
    day_play(day, row, f->tape.ticks);
    day_fill(day, &q);
    f->played++;
    *ret = q;
}

static int replay_next(struct feed *f, struct mono deadline, struct quote *ret)
{
    const struct row *row;
    int r;

    if (!f->loaded) {
        r = load(f);
        if (r < 0)
            return r;
    }
    if (f->position == f->tape.series.n_order) {
        if (!f->loop) {
            set_state(f, FEED_ENDED, "the file has been played");
            return -ENODATA;
        }
        rewind_tape(f);
    }
    row = series_at(&f->tape.series, f->position);
    r = wait_for(f, row, deadline);
    if (r < 0)
        return r;
    f->position++;
    play(f, row, ret);
    return 0;
}

static void replay_state(struct feed *f, struct feed_state *ret)
{
    pthread_mutex_lock(&f->lock);
    *ret = f->state;
    pthread_mutex_unlock(&f->lock);
}

/* --- the summary --- */

static void print_head(const struct feed *f, uint64_t published, FILE *out)
{
    const struct tape *t = &f->tape;
    const struct series *s = &t->series;
    char number[TALLY_NUMBER_MAX], first[CIVIL_TEXT_MAX], last[CIVIL_TEXT_MAX];

    civil_format(series_at(s, 0)->day, first);
    civil_format(series_at(s, s->n_order - 1)->day, last);
    fprintf(out, "replay of %s\n", base_name(t->request.path));
    if (t->damage != NULL)
        fprintf(out, "the file is not whole: %s\n", t->damage);
    fprintf(out, "symbols: %s\n", tally_number(s->index.n, number));
    fprintf(out, "trading days: %s to %s\n", first, last);
    fprintf(out, "rows read: %s\n", tally_number(tally_read(&t->tally), number));
    if (f->rounds > 1 || f->played < s->n_order)
        fprintf(out, "rows played: %s\n", tally_number(f->played, number));
    if (f->rounds > 1)
        fprintf(out, "times begun: %s\n", tally_number(f->rounds, number));
    fprintf(out, "published: %s\n", tally_number(published, number));
    fprintf(out, "left out: %s\n", tally_number(tally_left_out(&t->tally), number));
    tally_print_left_out(&t->tally, out);
}

static void print_gaps(const struct tape *t, FILE *out)
{
    const struct survey *v = &t->survey;
    char number[TALLY_NUMBER_MAX], longest[TALLY_NUMBER_MAX], after[CIVIL_TEXT_MAX];

    if (v->long_gaps > 0) {
        civil_format(v->longest_after, after);
        fprintf(out, "gaps of more than %d days: %s, the longest %s days (%s after %s)\n",
                SURVEY_LONG_GAP_DAYS, tally_number(v->long_gaps, number),
                tally_number((uint64_t)v->longest_days, longest),
                t->series.symbols[v->longest_symbol].name, after);
    }
    if (v->missing_bars > 0)
        fprintf(out, "gaps within a day, longer than the usual step of %g s: %s\n",
                (double)v->usual_step_ns / 1e9, tally_number(v->missing_bars, number));
}

static void replay_summary(struct feed *f, uint64_t published, FILE *out)
{
    if (!f->loaded)
        return;
    print_head(f, published, out);
    tally_print_seen(&f->tape.tally, out);
    print_gaps(&f->tape, out);
}

const struct feed_ops feed_replay = {
    .name = "replay",
    .mode = MODE_REPLAY,
    .lossless = replay_lossless,
    .open = replay_open,
    .next = replay_next,
    .state = replay_state,
    .summary = replay_summary,
    .close = replay_close,
};
