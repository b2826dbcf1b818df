#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/list.h"
#include "common/macros.h"
#include "common/rng.h"

#define MOST 100

struct item {
    int key, at; /* `at`: its place at the beginning */
    struct list link;
};

static const struct item *item_of(const struct list *link)
{
    return CONTAINER_OF(link, struct item, link);
}

static bool smaller(const struct list *a, const struct list *b)
{
    return item_of(a)->key < item_of(b)->key;
}

static void check_order(const struct list *head, size_t n)
{
    const struct list *l = head->next;

    for (size_t i = 0; i < n; i++, l = l->next) {
        assert_ptr_not_equal(l, head);
        assert_ptr_equal(l->next->prev, l);
        if (l->prev == head)
            continue;
        assert_true(item_of(l->prev)->key <= item_of(l)->key);
        if (item_of(l->prev)->key == item_of(l)->key)
            assert_true(item_of(l->prev)->at < item_of(l)->at);
    }
    assert_ptr_equal(l, head);
}

static void sorting_keeps_all_and_the_order_of_equals(void **state)
{
    struct item items[MOST];
    struct list head;
    struct rng random;

    (void)state;
    rng_seed(&random, 7);
    for (size_t n = 0; n <= MOST; n++) {
        list_init(&head);
        for (size_t i = 0; i < n; i++) {
            items[i] = (struct item){.key = (int)(rng_next(&random) % 20), .at = (int)i};
            list_append(&head, &items[i].link);
        }
        list_sort(&head, n, smaller);
        check_order(&head, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorting_keeps_all_and_the_order_of_equals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
