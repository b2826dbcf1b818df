#include "gateway/hub/cohort.h"

#include <stdlib.h>

#include "gateway/hub/channel.h"

#include "common/banned.h"

struct cohort *cohort_new(struct channel *c)
{
    struct cohort *k = c->own.channel == NULL ? &c->own : malloc(sizeof(*k));

    if (k == NULL)
        return NULL;
    *k = (struct cohort){.channel = c};
    list_init(&k->readers);
    list_init(&k->behind);
    c->n_cohorts++;
    return k;
}

static void leave_log(struct cohort *k)
{
    list_remove(&k->behind);
    if (k->chunk != NULL)
        k->chunk->refs--;
    k->chunk = NULL;
}

void cohort_free_if_empty(struct cohort *k)
{
    struct channel *c = k->channel;

    if (k->n > 0)
        return;
    leave_log(k);
    if (c->front == k)
        c->front = NULL;
    c->n_cohorts--;
    if (k == &c->own)
        k->channel = NULL;
    else
        free(k);
}

void cohort_add(struct cohort *k, struct reader *r)
{
    list_move_to_end(&k->readers, &r->link);
    r->cohort = k;
    r->state = READER_LIVE;
    k->n++;
}

void cohort_remove(struct reader *r)
{
    list_remove(&r->link);
    r->cohort->n--;
    r->cohort = NULL;
}

void cohort_fall_behind(struct cohort *k, struct chunk *chunk, uint32_t offset, struct list *behind)
{
    k->channel->front = NULL;
    k->chunk = chunk;
    k->chunk->refs++;
    k->offset = offset;
    list_append(behind, &k->behind);
}

void cohort_come_up(struct cohort *k)
{
    leave_log(k);
    k->channel->front = k;
}
