#include <criterion/criterion.h>

#include "base/list.h"
#include "base/rng.h"

struct item {
    int id;
    struct list_node node;
};

static int ids(struct list *l, int *out)
{
    int n = 0;

    list_each(at, tmp, l) out[n++] = container_of(at, struct item, node)->id;
    return n;
}

Test(list, order_and_removal)
{
    struct list l;
    struct item a = {.id = 1}, b = {.id = 2}, c = {.id = 3};
    int got[3];

    list_init(&l);
    cr_assert(list_empty(&l));
    cr_assert_null(list_pop_front(&l));
    list_push_back(&l, &b.node);
    list_push_back(&l, &c.node);
    list_push_front(&l, &a.node);
    cr_assert_eq(ids(&l, got), 3);
    cr_assert(got[0] == 1 && got[1] == 2 && got[2] == 3);
    list_remove(&b.node);
    list_remove(&b.node);
    cr_assert_not(list_linked(&b.node));
    cr_assert_eq(ids(&l, got), 2);
    cr_assert(got[0] == 1 && got[1] == 3);
    cr_assert_eq(list_pop_front(&l), &a.node);
    cr_assert_eq(list_pop_front(&l), &c.node);
    cr_assert(list_empty(&l));
}

Test(list, a_node_may_leave_during_the_walk)
{
    struct list l;
    struct item items[10];
    int got[10];

    list_init(&l);
    for (int i = 0; i < 10; i++) {
        items[i].id = i;
        list_push_back(&l, &items[i].node);
    }
    list_each(at, tmp, &l) if (container_of(at, struct item, node)->id % 2) list_remove(at);
    cr_assert_eq(ids(&l, got), 5);
    for (int i = 0; i < 5; i++)
        cr_assert_eq(got[i], 2 * i);
}
