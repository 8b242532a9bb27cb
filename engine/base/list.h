/* Intrusive doubly linked list with a sentinel. The node lives in the caller's struct; an
 * initialised, unlinked node points to itself, so removal is always safe. */
#ifndef PEAL_BASE_LIST_H
#define PEAL_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_node {
    struct list_node *prev, *next;
};

struct list {
    struct list_node head;
};

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

static inline void list_node_init(struct list_node *n)
{
    n->prev = n->next = n;
}
static inline void list_init(struct list *l)
{
    list_node_init(&l->head);
}
static inline bool list_linked(const struct list_node *n)
{
    return n->next != n;
}
static inline bool list_empty(const struct list *l)
{
    return l->head.next == &l->head;
}

static inline void list_insert_before(struct list_node *at, struct list_node *n)
{
    n->prev = at->prev;
    n->next = at;
    at->prev->next = n;
    at->prev = n;
}

static inline void list_push_back(struct list *l, struct list_node *n)
{
    list_insert_before(&l->head, n);
}

static inline void list_push_front(struct list *l, struct list_node *n)
{
    list_insert_before(l->head.next, n);
}

/* Unlinks and re-initialises; harmless on an initialised, unlinked node. */
static inline void list_remove(struct list_node *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    list_node_init(n);
}

static inline struct list_node *list_first(const struct list *l)
{
    return list_empty(l) ? NULL : l->head.next;
}

static inline struct list_node *list_pop_front(struct list *l)
{
    struct list_node *n = list_first(l);

    if (n)
        list_remove(n);
    return n;
}

/* `n` may be removed inside the loop; other nodes must not be. */
#define list_each(n, tmp, l)                                                                       \
    for (struct list_node *n = (l)->head.next, *tmp = n->next; n != &(l)->head;                    \
         n = tmp, tmp = n->next)

#endif
