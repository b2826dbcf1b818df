#include "gateway/doors/door.h"

#include "gateway/doors/h2.h"

#include "common/banned.h"

/* /broker, behind the others, has no readers. */
static const struct door *const all[] = {
    [DOOR_MQTT] = &mqtt_door, [DOOR_WS] = &ws_door,   [DOOR_SSE] = &sse_door,
    [DOOR_GRPC] = &grpc_door, [DOORS] = &broker_door,
};

const struct door *door_by_id(enum door_id id)
{
    return all[id];
}

const struct door *door_of(const struct conn *c)
{
    for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
        if (all[i]->protocol == c->protocol)
            return all[i];
    return NULL;
}

size_t doors_say_goodbye(struct net *n, size_t most)
{
    size_t told = 0;

    for (struct list *l = n->conns.next, *next; l != &n->conns && told < most; l = next) {
        struct conn *c = CONTAINER_OF(l, struct conn, link);
        const struct door *d = door_of(c);
        next = l->next;
        if (c->finishing)
            continue;
        if (c->protocol == &h2_protocol) {
            told += h2_say_goodbye(c);
            continue;
        }
        if (d != NULL)
            d->say_goodbye(c);
        else
            conn_finish(c);
        told++;
    }
    return told;
}

void doors_end_expired(struct net *n, struct wall now)
{
    for (struct list *l = n->conns.next, *next; l != &n->conns; l = next) {
        struct conn *c = CONTAINER_OF(l, struct conn, link);
        const struct door *d = door_of(c);
        next = l->next;
        if (c->protocol == &h2_protocol)
            h2_end_expired(c, now);
        else if (d != NULL && !c->finishing && grant_has_ended(c->grant, now))
            d->say_expired(c);
    }
}
