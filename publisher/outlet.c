#include "publisher/outlet.h"

#include "publisher/source.h"

#include "common/banned.h"

#define QUOTES_PER_TURN 256 /* then the broker and signals have their turn */

static bool sink_takes(void *ctx)
{
    const struct outlet *o = ctx;

    return broker_is_drained(o->broker);
}

static int sink_send(void *ctx, const char *topic, const void *payload, size_t len)
{
    struct outlet *o = ctx;

    burst_begin(&o->burst, o->broker);
    return broker_publish(o->broker, topic, payload, len, 0, true);
}

static void sink_sent(void *ctx, struct mono heard)
{
    struct outlet *o = ctx;

    if (o->paced)
        heard = (struct mono){0}; /* it has waited for its turn */
    burst_add(&o->burst, o->broker, heard);
}

static void on_chosen(void *ctx, const struct quote *q)
{
    struct outlet *o = ctx;

    publish_quote(o->publish, q);
}

int outlet_open(struct outlet *o, const struct outlet_config *c)
{
    const struct publish_sink sink = {
        .takes = sink_takes, .send = sink_send, .sent = sink_sent, .ctx = o};
    const struct choice_config choice = {
        .lineup = c->lineup, .calendar = c->calendar, .give = on_chosen, .ctx = o};
    struct source_owner owner = *c->owner;
    int r;

    o->broker = c->broker;
    o->paced = c->interval_ms > 0;
    if (o->paced)
        owner.ready = NULL; /* whoever sleeps until the next turn has to know of it */
    r = publish_new((int64_t)c->interval_ms, &sink, &o->publish);
    if (r == 0)
        r = choice_new(&choice, &o->choice);
    if (r == 0)
        r = sources_start(c->lineup, c->calendar, &owner, &o->sources);
    return r;
}

void outlet_release(struct outlet *o)
{
    sources_release(&o->sources);
    choice_free(o->choice);
    publish_free(o->publish);
}

void outlet_take(struct outlet *o, struct mono now)
{
    struct quote q;
    size_t feed;

    for (int i = 0; i < QUOTES_PER_TURN; i++) {
        if (sources_take(&o->sources, publish_is_blocked(o->publish), &q, &feed) < 0)
            break;
        choice_offer(o->choice, feed, &q, now);
        publish_run(o->publish, now);
    }
    burst_end(&o->burst, o->broker);
}

void outlet_run(struct outlet *o, struct mono now)
{
    publish_run(o->publish, now);
    burst_end(&o->burst, o->broker);
}

size_t outlet_poll(const struct outlet *o, struct pollfd *fds)
{
    return sources_poll(&o->sources, publish_is_blocked(o->publish), fds);
}
