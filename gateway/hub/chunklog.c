#include "gateway/hub/chunklog.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/banned.h"

#define FREE_LARGE_KEPT                                                                            \
    64 /* 4 MiB: a burst's chunks are reused, a storm's go back to the system                      \
        */

static struct frame_mark *mark(const struct chunk *c, uint32_t n)
{
    return (struct frame_mark *)(void *)(c->bytes + c->cap) - 1 - n;
}

static size_t chunk_size(const struct chunk *c)
{
    return sizeof(*c) + c->cap;
}

/* A chunk with room for at least `need` bytes; the exact size class is chosen by the log's
 * appetite. */
static struct chunk *pool_take(struct chunk_pool *p, size_t need, bool large)
{
    size_t size = large || need > CHUNK_SMALL - sizeof(struct chunk) ? CHUNK_LARGE : CHUNK_SMALL;
    struct chunk **list = size == CHUNK_LARGE ? &p->free_large : &p->free_small;
    struct chunk *c = *list;

    if (need > CHUNK_LARGE - sizeof(struct chunk)) {
        size = (sizeof(struct chunk) + need + 15) & ~(size_t)15;
        c = NULL;
    }
    if (c != NULL) {
        *list = c->next;
        p->n_free_large -= size == CHUNK_LARGE;
    } else {
        c = aligned_alloc(16, size);
        if (c == NULL)
            return NULL;
        c->cap = (uint32_t)(size - sizeof(*c));
    }
    c->next = NULL;
    c->refs = c->sealed = c->n_frames = 0;
    p->bytes_in_use += size;
    return c;
}

static void pool_give(struct chunk_pool *p, struct chunk *c)
{
    size_t size = chunk_size(c);

    p->bytes_in_use -= size;
    if (size == CHUNK_SMALL) {
        c->next = p->free_small;
        p->free_small = c;
    } else if (size == CHUNK_LARGE && p->n_free_large < FREE_LARGE_KEPT) {
        c->next = p->free_large;
        p->free_large = c;
        p->n_free_large++;
    } else {
        free(c);
    }
}

static void free_list(struct chunk *c)
{
    while (c != NULL) {
        struct chunk *next = c->next;
        free(c);
        c = next;
    }
}

void chunk_pool_release(struct chunk_pool *p)
{
    free_list(p->free_small);
    free_list(p->free_large);
    *p = (struct chunk_pool){0};
}

void chunklog_init(struct chunklog *l, struct chunk_pool *pool, const struct encoding *e)
{
    *l = (struct chunklog){.pool = pool, .encoding = e};
}

void chunklog_drop_oldest(struct chunklog *l)
{
    struct chunk *c = l->oldest;

    l->oldest = c->next;
    if (l->oldest == NULL)
        l->newest = NULL;
    l->bytes -= chunk_size(c);
    pool_give(l->pool, c);
}

void chunklog_release(struct chunklog *l)
{
    l->open_messages = 0;
    while (l->oldest != NULL)
        chunklog_drop_oldest(l);
}

void chunklog_trim(struct chunklog *l)
{
    while (l->oldest != NULL && l->oldest->refs == 0 &&
           (l->oldest->next != NULL || l->open_messages == 0))
        chunklog_drop_oldest(l);
}

/* Is there room in `c` for `len` more bytes and the mark of the frame that they belong to? */
static bool has_room(const struct chunk *c, size_t used, size_t len)
{
    return used + len + (c->n_frames + 1) * sizeof(struct frame_mark) <= c->cap;
}

/* Begin a chunk that takes a frame of `len` bytes of messages. A log that already has one is busy:
 * it gets a large one. */
static int new_chunk(struct chunklog *l, size_t len)
{
    size_t need = ENCODING_HEADER_MAX + len + sizeof(struct frame_mark);
    struct chunk *c = pool_take(l->pool, need, l->newest != NULL);

    if (c == NULL)
        return -ENOMEM;
    c->base_version = l->version;
    if (l->newest != NULL)
        l->newest->next = c;
    else
        l->oldest = c;
    l->newest = c;
    l->bytes += chunk_size(c);
    return 0;
}

/* Where the next `len` bytes of the open frame go; opens one if need be. NULL when memory is out.
 */
static uint8_t *room_for(struct chunklog *l, size_t len)
{
    uint8_t header[ENCODING_HEADER_MAX];
    struct chunk *c;

    if (l->open_messages > 0 &&
        (l->open_len + len > FRAME_TARGET ||
         !has_room(l->newest, l->newest->sealed + l->open_header + l->open_len, len)))
        chunklog_seal(l);
    c = l->newest;
    if (l->open_messages == 0) {
        if (c == NULL || !has_room(c, c->sealed + ENCODING_HEADER_MAX, len)) {
            if (new_chunk(l, len) < 0)
                return NULL;
            c = l->newest;
        }
        /* Room for the longest header that the frame can come to. */
        l->open_header =
            (uint32_t)l->encoding->frame(header, len > FRAME_TARGET ? len : FRAME_TARGET);
    }
    return c->bytes + c->sealed + l->open_header + l->open_len;
}

int chunklog_append(struct chunklog *l, const struct message *m)
{
    size_t len = l->encoding->size(m);
    uint8_t *p = room_for(l, len);
    uint8_t *end;

    if (p == NULL)
        return -ENOMEM;
    end = l->encoding->write(p, m);
    assert(end == p + len);
    l->open_len += (uint32_t)(end - p);
    l->open_messages++;
    l->version = m->at.version;
    return 0;
}

void chunklog_skip(struct chunklog *l, uint64_t version)
{
    l->version = version;
}

void chunklog_seal(struct chunklog *l)
{
    struct chunk *c = l->newest;
    uint8_t header[ENCODING_HEADER_MAX];
    size_t header_len;
    uint8_t *frame;

    if (l->open_messages == 0)
        return;
    frame = c->bytes + c->sealed;
    header_len = l->encoding->frame(header, l->open_len);
    if (header_len < l->open_header) /* a short frame with a short header */
        memmove(frame + header_len, frame + l->open_header, l->open_len);
    memcpy(frame, header, header_len);
    c->sealed += (uint32_t)header_len + l->open_len;
    *mark(c, c->n_frames) = (struct frame_mark){
        .end = c->sealed,
        .messages = l->open_messages + (c->n_frames > 0 ? mark(c, c->n_frames - 1)->messages : 0),
        .version = l->version,
    };
    c->n_frames++;
    l->open_len = l->open_messages = 0;
}

const struct frame_mark *chunk_frame_at(const struct chunk *c, uint32_t offset)
{
    uint32_t low = 0, high = c->n_frames;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (mark(c, middle)->end <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->n_frames ? mark(c, low) : NULL;
}

uint64_t chunk_version_at(const struct chunk *c, uint32_t offset)
{
    return offset == 0 ? c->base_version : chunk_frame_at(c, offset - 1)->version;
}

uint32_t chunk_messages_before(const struct chunk *c, uint32_t offset)
{
    return offset == 0 ? 0 : chunk_frame_at(c, offset - 1)->messages;
}
