#include "gateway/doors/mqtt_client_id.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/letter.h"

#include "common/banned.h"

#define TAKEOVERS_MAX 10000 /* letters of all workers; past it nobody gets an id */

/* ---- at this worker ---- */

static bool has_client_id(const struct hash_node *node, const void *key)
{
    const struct mqtt_session *s = CONTAINER_OF(node, struct mqtt_session, by_id);
    const struct slice *id = key;

    return s->client_id_len == id->len && memcmp(s->client_id, id->at, id->len) == 0;
}

static struct mqtt_session *find_client(const struct worker *w, struct slice id)
{
    uint32_t hash = hash_more(HASH_SEED, id.at, id.len);
    struct hash_node *node = hash_table_find(&w->mqtt_clients, hash, has_client_id, &id);

    return node != NULL ? CONTAINER_OF(node, struct mqtt_session, by_id) : NULL;
}

/* Be known by `id`, which nobody else is. Returns 0; -ENOMEM. */
static int remember_client(struct mqtt_session *s, struct slice id)
{
    char *copy = malloc(id.len);
    int r;

    if (copy == NULL)
        return -ENOMEM;
    r = hash_table_add(&session_worker(s)->mqtt_clients, &s->by_id,
                       hash_more(HASH_SEED, id.at, id.len));
    if (r < 0) {
        free(copy);
        return r;
    }
    memcpy(copy, id.at, id.len);
    s->client_id = copy;
    s->client_id_len = (uint16_t)id.len;
    return 0;
}

void mqtt_client_id_release(struct mqtt_session *s)
{
    if (s->client_id == NULL)
        return;
    hash_table_remove(&session_worker(s)->mqtt_clients, &s->by_id);
    free(s->client_id);
    s->client_id = NULL;
}

/* ---- at the others ---- */

/* "Somebody came with this id as number `connected`": whoever had it before ends. Later ones have
 * greater numbers, so of those that come at once with the same id one is left, everywhere. */
struct takeover {
    struct letter letter;
    uint64_t connected;
    size_t len;
    char id[];
};

static void take_over(struct letter *l, struct worker *w)
{
    struct takeover *t = CONTAINER_OF(l, struct takeover, letter);
    struct mqtt_session *s = NULL;

    if (w != NULL) {
        atomic_fetch_sub(&w->shared->takeovers, 1);
        s = find_client(w, (struct slice){t->id, t->len});
    }
    if (s != NULL && s->connected < t->connected)
        mqtt_session_disconnect(s, MQTT_SESSION_TAKEN_OVER,
                                "another connection came with this client id");
    free(t);
}

static int tell_worker(struct worker *w, struct slice id, uint64_t connected)
{
    struct takeover *t;

    if (atomic_fetch_add(&w->shared->takeovers, 1) >= TAKEOVERS_MAX) {
        atomic_fetch_sub(&w->shared->takeovers, 1);
        return -EAGAIN;
    }
    t = malloc(sizeof(*t) + id.len);
    if (t == NULL) {
        atomic_fetch_sub(&w->shared->takeovers, 1);
        return -ENOMEM;
    }
    *t = (struct takeover){.letter.open = take_over, .connected = connected, .len = id.len};
    list_init(&t->letter.link);
    memcpy(t->id, id.at, id.len);
    worker_post(w, &t->letter);
    return 0;
}

static int tell_other_workers(const struct mqtt_session *s, struct slice id)
{
    struct worker *own = session_worker(s);
    int r = 0;

    for (size_t i = 0; i < own->shared->n_workers && r == 0; i++)
        if (&own->shared->workers[i] != own)
            r = tell_worker(&own->shared->workers[i], id, s->connected);
    return r;
}

/* ---- everywhere ---- */

struct slice mqtt_client_id_make(struct worker *w, char buf[MQTT_CLIENT_ID_MADE])
{
    int n = snprintf(buf, MQTT_CLIENT_ID_MADE, "tapecast-%016llx",
                     (unsigned long long)rng_next(&w->rng));

    return (struct slice){buf, (size_t)n};
}

int mqtt_client_id_take(struct mqtt_session *s, struct slice id, bool made)
{
    struct worker *w = session_worker(s);
    struct mqtt_session *before = find_client(w, id);
    int r;

    s->connected = atomic_fetch_add(&w->shared->connects, 1);
    r = made ? 0 : tell_other_workers(s, id);
    if (r < 0)
        return r;
    if (before != NULL)
        mqtt_session_disconnect(before, MQTT_SESSION_TAKEN_OVER,
                                "another connection came with this client id");
    return remember_client(s, id);
}
