#include "publisher/freshness.h"

#include "common/banned.h"

#define FIRST_MS 60000   /* from a session's beginning to the first price, at least */
#define SET_MS 2000      /* the wall clock moving that much by itself has been set */
#define LENIENT 10       /* times the silence that was nothing */
#define LENIENT_MS 3.6e6 /* and an hour at least, as a halt may take */
#define LULL_MS 600000   /* … of a whole feed, off hours */
#define ONE_OF_MANY 1.5  /* a symbol may be halted: it is given more than the whole feed */
#define LEAST_MS 4000    /* and looked at a few times a second: told within 5 s */
#define OFF_HOURS 3      /* few trade then, and in fits and starts */

enum { PRE, REGULAR, POST, ROUND_THE_CLOCK }; /* indexes of beat.paces */

const char *fresh_state_name(enum fresh_state state)
{
    static const char *const names[] = {
        [FRESH_UNKNOWN] = "unknown",
        [FRESH_GOOD] = "fresh",
        [FRESH_STALE] = "stale",
        [FRESH_CLOSED] = "closed",
    };

    return names[state];
}

/* Which pace holds in `session`; -1: nothing is expected. */
static int pace_of(enum quote_session session, bool has_hours)
{
    if (!has_hours)
        return ROUND_THE_CLOCK;
    switch (session) {
    case SESSION_PRE:
        return PRE;
    case SESSION_REGULAR:
        return REGULAR;
    case SESSION_POST:
        return POST;
    case SESSION_UNKNOWN:
    case SESSION_CLOSED:
        break;
    }
    return -1;
}

static bool is_whole_feed(const struct freshness *f, const struct beat *b)
{
    return b == &f->all[0] || b == &f->all[1];
}

/* From when on the silence of `b` is odd. */
static struct mono overdue(const struct freshness *f, const struct beat *b, int pace)
{
    const struct pulse *p = &b->paces[pace];
    double patience_ms = pulse_patience_ms(p) * (is_whole_feed(f, b) ? 1 : ONE_OF_MANY);
    struct mono from = p->last;

    if (pace != REGULAR && pace != ROUND_THE_CLOCK)
        patience_ms *= OFF_HOURS;
    if (patience_ms < LEAST_MS)
        patience_ms = LEAST_MS;

    if (!pulse_is_learned(p))
        return MONO_NEVER;
    if (mono_before(from, f->since))
        from = f->since;
    if (pace != ROUND_THE_CLOCK && mono_before(from, f->session_since))
        from = mono_add_ms(f->session_since, FIRST_MS);
    if (b->day == f->day && b->pace == pace && patience_ms < b->patience_ms)
        patience_ms = b->patience_ms;
    return mono_add_ms(from, (int64_t)patience_ms);
}

static bool is_overdue(const struct freshness *f, const struct beat *b, int pace, struct mono now)
{
    return pace >= 0 && !mono_before(now, overdue(f, b, pace));
}

/* Its silence was nothing: for the rest of this session it has to be much longer, and `least_ms`.
 */
static void forgive(const struct freshness *f, struct beat *b, int pace, double least_ms,
                    struct mono now)
{
    b->patience_ms = LENIENT * (double)(now.ns - b->paces[pace].last.ns) / 1e6;
    if (b->patience_ms < least_ms)
        b->patience_ms = least_ms;
    b->day = f->day;
    b->pace = pace;
}

static void beat(const struct freshness *f, struct beat *b, int pace, struct mono now)
{
    struct pulse *p = &b->paces[pace];
    bool was_away = mono_before(p->last, f->since) ||
                    (pace != ROUND_THE_CLOCK && mono_before(p->last, f->session_since));

    if (was_away) {
        pulse_pause(p);
    } else if (is_overdue(f, b, pace, now)) {
        forgive(f, b, pace, LENIENT_MS, now);
    }
    pulse_beat(p, now);
    b->heard = now;
}

int64_t freshness_look(struct freshness *f, struct mono now, struct wall wall,
                       enum quote_session session, int32_t day)
{
    int64_t ahead_ms = wall.ms - now.ns / 1000000, set_ms = ahead_ms - f->wall_ahead_ms;
    bool first = f->since.ns == 0;

    f->wall_ahead_ms = ahead_ms;
    f->day = day;
    if (first || session != f->session) {
        f->session_since = now;
    }
    f->session = session;
    if (!first && set_ms < SET_MS && set_ms > -SET_MS)
        return 0;
    f->since = now;
    return first ? 0 : set_ms;
}

void freshness_set_down(struct freshness *f, bool down, struct mono now)
{
    if (f->down && !down)
        f->since = now;
    f->down = down;
}

void freshness_heard(struct freshness *f, struct fresh *s, enum quote_session session,
                     struct mono now)
{
    int pace;

    s->has_hours = session != SESSION_UNKNOWN;
    pace = pace_of(session, s->has_hours);
    s->beat.heard = now;
    if (pace < 0)
        return;
    if (freshness_is_silent(f, now)) {
        if (pace == PRE || pace == POST) { /* few trade then: nobody had anything to say */
            forgive(f, &f->all[0], pace, LULL_MS, now);
            forgive(f, &s->beat, pace, LENIENT_MS, now);
        }
        f->since = now; /* or the feed was away: nobody could have said anything */
    }
    beat(f, &f->all[!s->has_hours], pace, now);
    beat(f, &s->beat, pace, now);
}

bool freshness_is_silent(const struct freshness *f, struct mono now)
{
    return is_overdue(f, &f->all[0], pace_of(f->session, true), now) ||
           is_overdue(f, &f->all[1], ROUND_THE_CLOCK, now);
}

enum fresh_state freshness_state(const struct freshness *f, const struct fresh *s, struct mono now)
{
    int pace = pace_of(f->session, s->has_hours);

    if (s->beat.heard.ns == 0)
        return FRESH_UNKNOWN;
    if (pace < 0)
        return FRESH_CLOSED;
    if (f->down || is_overdue(f, &f->all[!s->has_hours], pace, now) ||
        is_overdue(f, &s->beat, pace, now))
        return FRESH_STALE;
    return FRESH_GOOD;
}

double freshness_usual_ms(const struct freshness *f, const struct fresh *s)
{
    int pace = pace_of(f->session, s->has_hours);

    return pace < 0 ? 0 : pulse_usual_ms(&s->beat.paces[pace]);
}
