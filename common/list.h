/*
 * list -- intrusive doubly linked lists: a head that points to itself when empty. Nothing is owned;
 * one thread.
 */
#ifndef TAPECAST_COMMON_LIST_H
#define TAPECAST_COMMON_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *prev, *next;
};

static inline void list_init(struct list *l)
{
    l->prev = l->next = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_append(struct list *head, struct list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

/* Unlink; a node that is in no list (as list_init() and this leave it) stays so. */
static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

static inline void list_move_to_end(struct list *head, struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_append(head, node);
}

/* All of `from` behind what `to` has; `from` is empty then. */
static inline void list_take_all(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

/* Put the `n` members of `head` in order; those of which neither is before the other stay as they
 * are. Time n log n, no memory but the stack, log n deep. */
void list_sort(struct list *head, size_t n,
               bool (*before)(const struct list *a, const struct list *b));

#endif
