#include "publisher/metrics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

#include "common/banned.h"

#define PREFIX "tapecast_publisher_"

static void put_head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help, name, type);
}

/* A label's value: a symbol may hold quotes. */
static void put_value(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void put_quotes(FILE *out, const struct publish_counts *c)
{
    const struct {
        const char *result;
        uint64_t n;
    } counts[] = {
        {"published", c->published}, {"conflated", c->conflated}, {"rejected", c->rejected}};

    put_head(out, "quotes_total", "counter",
             "Quotes sent, replaced by a newer one before they were sent, not fit to be shown.");
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
        fprintf(out, PREFIX "quotes_total{result=\"%s\"} %llu\n", counts[i].result,
                (unsigned long long)counts[i].n);
}

static void put_feeds(FILE *out, const struct sources *s, const struct choice_counts *c)
{
    put_head(out, "feed_condition", "gauge", "1 for the condition that the feed is in.");
    for (size_t i = 0; i < s->n; i++)
        for (int k = FEED_STARTING; k <= FEED_ENDED; k++)
            fprintf(out, PREFIX "feed_condition{feed=\"%s\",condition=\"%s\"} %d\n",
                    s->feeds[i].feed->name, feed_condition_name((enum feed_condition)k),
                    s->feeds[i].state.condition == (enum feed_condition)k);
    put_head(out, "feed_quotes_total", "counter", "Quotes that the feed gave.");
    for (size_t i = 0; i < s->n; i++)
        fprintf(out, PREFIX "feed_quotes_total{feed=\"%s\"} %llu\n", s->feeds[i].feed->name,
                (unsigned long long)s->feeds[i].taken);
    put_head(out, "feed_symbols", "gauge", "Symbols whose price is taken from the feed.");
    for (size_t i = 0; i < s->n; i++)
        fprintf(out, PREFIX "feed_symbols{feed=\"%s\"} %u\n", s->feeds[i].feed->name,
                c->symbols[i]);
    put_head(out, "feed_changes_total", "counter", "Changes of a symbol from one feed to another.");
    fprintf(out, PREFIX "feed_changes_total %llu\n", (unsigned long long)c->changes);
}

static void put_states(FILE *out, const struct choice_counts *c)
{
    put_head(out, "symbols", "gauge", "Symbols of live feeds by how fresh their prices are.");
    for (int i = 0; i < N_FRESH_STATES; i++)
        fprintf(out, PREFIX "symbols{state=\"%s\"} %u\n", fresh_state_name((enum fresh_state)i),
                c->states[i]);
}

static void put_delays(FILE *out, const struct histogram *h)
{
    unsigned long long below = 0;

    put_head(out, "delay_seconds", "histogram",
             "From a live feed's reading a price to its being on the broker's socket.");
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        below += h->counts[i];
        fprintf(out, PREFIX "delay_seconds_bucket{le=\"%g\"} %llu\n", histogram_bounds[i], below);
    }
    below += h->counts[HISTOGRAM_BUCKETS];
    fprintf(out, PREFIX "delay_seconds_bucket{le=\"+Inf\"} %llu\n", below);
    fprintf(out, PREFIX "delay_seconds_sum %g\n" PREFIX "delay_seconds_count %llu\n", h->sum,
            below);
}

static double age_s(const struct choice_symbol *s)
{
    return s->age_ms / 1000;
}

static double usual_s(const struct choice_symbol *s)
{
    return s->usual_ms / 1000;
}

static double is_stale(const struct choice_symbol *s)
{
    return s->state == FRESH_STALE;
}

/* One line a symbol of a live feed. */
static void put_symbols(FILE *out, const struct status *s, const char *name, const char *help,
                        double (*value)(const struct choice_symbol *))
{
    struct choice_symbol symbol;

    put_head(out, name, "gauge", help);
    for (size_t i = 0; i < choice_n_symbols(s->choice); i++) {
        if (!choice_symbol(s->choice, i, s->now, &symbol) || symbol.mode != MODE_LIVE)
            continue;
        fprintf(out, PREFIX "%s{symbol=\"", name);
        put_value(out, symbol.symbol);
        fprintf(out, "\",feed=\"%s\"} %.3f\n", s->sources->feeds[symbol.feed].feed->name,
                value(&symbol));
    }
}

static void put_all(FILE *out, const struct status *s)
{
    struct choice_counts counts = choice_count(s->choice, s->now);

    put_quotes(out, &s->counts);
    put_delays(out, s->delays);
    put_feeds(out, s->sources, &counts);
    put_states(out, &counts);
    put_symbols(out, s, "symbol_stale",
                "1 when the symbol has been silent for longer than usual while its market is open.",
                is_stale);
    put_symbols(out, s, "symbol_age_seconds", "Since the symbol's feed last told of it.", age_s);
    put_symbols(out, s, "symbol_usual_seconds",
                "The usual gap between its prices at this time of day; 0 for not known yet.",
                usual_s);
}

/* Returns 0 or a negative errno. */
static int write_file(const char *path, const struct status *s)
{
    char *beside;
    FILE *out;
    int r = 0;

    if (asprintf(&beside, "%s.new", path) < 0)
        return -ENOMEM;
    out = fopen(beside, "we");
    if (out == NULL) {
        r = -errno;
        goto out;
    }
    put_all(out, s);
    errno = 0;
    if (ferror(out) | fclose(out))
        r = errno != 0 ? -errno : -EIO;
    if (r == 0 && rename(beside, path) < 0)
        r = -errno;
    if (r < 0)
        unlink(beside);
out:
    free(beside);
    return r;
}

void metrics_write(struct metrics *m, const struct status *s)
{
    int r;

    if (m->path == NULL)
        return;
    r = write_file(m->path, s);
    if (r < 0 && !m->failed)
        log_warn("--metrics-file: cannot write %s: %s", m->path, strerror(-r));
    m->failed = r < 0;
}
