#include "common/list.h"

#include "common/banned.h"

/* All of `a` and `b`, which are in order, into the empty `head`. */
static void merge(struct list *head, struct list *a, struct list *b,
                  bool (*before)(const struct list *a, const struct list *b))
{
    while (!list_empty(a) && !list_empty(b))
        list_move_to_end(head, before(b->next, a->next) ? b->next : a->next);
    list_take_all(head, a);
    list_take_all(head, b);
}

void list_sort(struct list *head, size_t n,
               bool (*before)(const struct list *a, const struct list *b))
{
    struct list front, back;

    if (n < 2)
        return;
    list_init(&front);
    list_init(&back);
    for (size_t i = 0; i < n / 2; i++)
        list_move_to_end(&front, head->next);
    list_take_all(&back, head);
    list_sort(&front, n / 2, before);
    list_sort(&back, n - n / 2, before);
    merge(head, &front, &back, before);
}
