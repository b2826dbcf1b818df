#include "publisher/feeds/sessions.h"

#include "common/banned.h"

#define LATE_MS 5000
#define CLOSING_MS 60000

struct sessions sessions_at(const struct calendar *c, struct wall t)
{
    return (struct sessions){
        .now = calendar_session(c, t),
        .late = calendar_session(c, (struct wall){t.ms - LATE_MS}),
        .closing = calendar_session(c, (struct wall){t.ms - CLOSING_MS}),
    };
}

enum quote_session sessions_label(const struct sessions *s, enum quote_session made)
{
    if (made == SESSION_UNKNOWN || made == s->now || made == s->closing)
        return made;
    return s->now;
}

bool sessions_are_over(const struct sessions *s, enum quote_session shown)
{
    return shown != SESSION_UNKNOWN && shown != s->now && shown != s->late;
}
