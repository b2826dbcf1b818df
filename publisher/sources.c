#include "publisher/sources.h"

#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "common/secret.h"
#include "publisher/source.h"

#include "common/banned.h"

static void did_not_start(struct running *r, int result)
{
    r->result = result;
    r->state.condition = FEED_FAILED;
    snprintf(r->state.detail, sizeof(r->state.detail), "it did not start: %s", strerror(-result));
}

static int start(const struct lineup_feed *feed, struct calendar *calendar,
                 const struct source_owner *owner, struct running *ret)
{
    const struct feed_config config = {
        .symbols = feed->symbols.names,
        .n_symbols = feed->symbols.n,
        .options = &feed->options,
        .calendar = calendar,
        .stop_fd = -1,
    };
    int r;

    *ret = (struct running){.feed = feed};
    ret->lossless = feed->ops->lossless != NULL && feed->ops->lossless(&feed->options);
    r = source_start(feed->ops, &config, owner, &ret->source);
    if (r < 0)
        did_not_start(ret, r);
    return r;
}

int sources_start(const struct lineup *lineup, struct calendar *calendar,
                  const struct source_owner *owner, struct sources *ret)
{
    int first = 0;
    bool any = false;

    *ret = (struct sources){.lineup = lineup};
    for (size_t i = 0; i < lineup->n; i++) {
        int r = start(&lineup->feeds[i], calendar, owner, &ret->feeds[ret->n++]);

        if (r == -EINVAL)
            return r;
        any |= r == 0;
        if (first == 0)
            first = r;
    }
    return any ? 0 : first;
}

void sources_release(struct sources *s)
{
    for (size_t i = 0; i < s->n; i++)
        source_free(s->feeds[i].source);
    *s = (struct sources){0};
}

static bool is_wanted(const struct running *r, bool blocked)
{
    return r->source != NULL && r->result == 0 && !(blocked && r->lossless);
}

size_t sources_poll(const struct sources *s, bool blocked, struct pollfd *fds)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++)
        if (is_wanted(&s->feeds[i], blocked))
            fds[n++] = (struct pollfd){.fd = source_fd(s->feeds[i].source), .events = POLLIN};
    return n;
}

int sources_take(struct sources *s, bool blocked, struct quote *ret, size_t *ret_feed)
{
    for (size_t tries = 0; tries < s->n; tries++) {
        size_t i = s->turn;
        struct running *running = &s->feeds[i];
        int r;

        s->turn = (s->turn + 1) % s->n;
        if (!is_wanted(running, blocked))
            continue;
        r = source_take(running->source, ret);
        if (r == 0) {
            running->taken++;
            ret->mode = (uint8_t)running->feed->ops->mode;
            if (ret->mode == MODE_REPLAY)
                ret->heard = (struct mono){0}; /* by another clock */
            *ret_feed = i;
            return 0;
        }
        if (r != -EAGAIN)
            running->result = r;
    }
    return -EAGAIN;
}

bool sources_look(struct sources *s, size_t i)
{
    struct running *r = &s->feeds[i];
    const struct feed_state before = r->state;

    if (r->source == NULL)
        return false;
    source_state(r->source, &r->state);
    secret_mask(r->state.detail, strlen(r->state.detail)); /* a service's words may be in it */
    return r->state.condition != before.condition || r->state.asking != before.asking ||
           strcmp(r->state.detail, before.detail) != 0;
}

struct feed_state sources_state(const struct sources *s)
{
    static const enum feed_condition best_first[] = {FEED_LIVE,  FEED_WAITING, FEED_STARTING,
                                                     FEED_FAULT, FEED_FAILED,  FEED_ENDED};
    struct feed_state state = {.condition = FEED_ENDED};
    size_t best = 0, n = 0, len = 0;

    if (s->n == 1)
        return s->feeds[0].state;
    for (; best < ARRAY_SIZE(best_first) && n == 0; best++)
        for (size_t i = 0; i < s->n; i++)
            n += s->feeds[i].state.condition == best_first[best];
    state.condition = best_first[best - 1];
    len = (size_t)snprintf(state.detail, sizeof(state.detail), "%zu of %zu feeds: %s", n, s->n,
                           feed_condition_name(state.condition));
    for (size_t i = 0; i < s->n && len < sizeof(state.detail); i++)
        if (s->feeds[i].state.condition != state.condition)
            len += (size_t)snprintf(state.detail + len, sizeof(state.detail) - len, "; %s: %s",
                                    s->feeds[i].feed->name,
                                    feed_condition_name(s->feeds[i].state.condition));
    return state;
}

bool sources_ended(const struct sources *s, int *ret)
{
    int result = 0;

    for (size_t i = 0; i < s->n; i++) {
        if (s->feeds[i].result == 0)
            return false;
        if (s->feeds[i].result != -ENODATA)
            result = s->feeds[i].result;
    }
    *ret = result;
    return true;
}

bool sources_print_summaries(struct sources *s, const uint64_t *published, FILE *out)
{
    bool any = false;

    for (size_t i = 0; i < s->n; i++) {
        struct running *r = &s->feeds[i];

        if (r->source == NULL || r->feed->ops->summary == NULL)
            continue;
        source_summary(r->source, published[i], out);
        any = true;
    }
    return any;
}
