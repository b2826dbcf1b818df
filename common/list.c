#include "common/list.h"

#include "common/banned.h"

/* Chains: nodes by their `next` alone, the last one's is NULL. */

static struct list *merge(struct list *a, struct list *b,
                          bool (*before)(const struct list *a, const struct list *b))
{
    struct list *first, **end = &first;

    while (a != NULL && b != NULL) {
        struct list **from = before(b, a) ? &b : &a;
        *end = *from;
        end = &(*from)->next;
        *from = *end;
    }
    *end = a != NULL ? a : b;
    return first;
}

/* Take `n` nodes, at least one, off the front of *rest and put them in order. */
static struct list *take_sorted(struct list **rest, size_t n,
                                bool (*before)(const struct list *a, const struct list *b))
{
    struct list *front = *rest;

    if (n == 1) {
        *rest = front->next;
        front->next = NULL;
        return front;
    }
    front = take_sorted(rest, n / 2, before);
    return merge(front, take_sorted(rest, n - n / 2, before), before);
}

void list_sort(struct list *head, size_t n,
               bool (*before)(const struct list *a, const struct list *b))
{
    struct list *rest = head->next, *next;

    if (n == 0)
        return;
    next = take_sorted(&rest, n, before);
    list_init(head);
    for (struct list *node = next; node != NULL; node = next) {
        next = node->next;
        list_append(head, node);
    }
}
