#include "publisher/replay/survey.h"

#include <errno.h>
#include <stdlib.h>

#include "common/banned.h"

/* Calls `visit` for each two neighbouring rows of a symbol. `last` has one entry a symbol. */
typedef void visit_fn(struct survey *v, const struct row *before, const struct row *row);

static void each_step(const struct series *s, const struct row **last, struct survey *v,
                      visit_fn *visit)
{
    for (size_t i = 0; i < s->index.n; i++)
        last[i] = NULL;
    for (size_t i = 0; i < s->n_order; i++) {
        const struct row *row = series_at(s, i);

        if (last[row->symbol] != NULL)
            visit(v, last[row->symbol], row);
        last[row->symbol] = row;
    }
}

static bool within_day(const struct row *before, const struct row *row)
{
    return before->day == row->day && before->time_ns < row->time_ns;
}

/* The step that most have, by majority vote: `missing_bars` is the vote's counter meanwhile. */
static void vote(struct survey *v, const struct row *before, const struct row *row)
{
    if (!within_day(before, row))
        return;
    if (v->missing_bars == 0)
        v->usual_step_ns = row->time_ns - before->time_ns;
    if (v->usual_step_ns == row->time_ns - before->time_ns)
        v->missing_bars++;
    else
        v->missing_bars--;
}

static void count(struct survey *v, const struct row *before, const struct row *row)
{
    int32_t days = row->day - before->day;

    if (v->usual_step_ns > 0 && within_day(before, row) &&
        row->time_ns - before->time_ns > v->usual_step_ns)
        v->missing_bars++;
    if (days > SURVEY_LONG_GAP_DAYS)
        v->long_gaps++;
    if (days > SURVEY_LONG_GAP_DAYS && days > v->longest_days) {
        v->longest_days = days;
        v->longest_after = before->day;
        v->longest_symbol = row->symbol;
    }
}

int survey_series(const struct series *s, bool bars, struct survey *ret)
{
    const struct row **last = calloc(s->index.n + 1u, sizeof(const struct row *));
    struct survey v = {0};

    if (last == NULL)
        return -ENOMEM;
    if (bars)
        each_step(s, last, &v, vote);
    v.missing_bars = 0;
    each_step(s, last, &v, count);
    free(last);
    *ret = v;
    return 0;
}
