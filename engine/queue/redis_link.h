/* One connection of hiredis on our loop. It ends once, by itself or by link_drop; its owner is
 * told, maybe from inside a call that uses it, and must not use it after that. Loop thread only. */
#ifndef PEAL_QUEUE_REDIS_LINK_H
#define PEAL_QUEUE_REDIS_LINK_H

#include "queue/redis.h"

struct redisAsyncContext;
struct redis_link;

struct redis_link_owner {
    void *owner; /* hiredis' callbacks find it in the context's `data`, NULL after the end */
    void (*connected)(void *owner);
    /* what happened, and why ("" when it is not known). A connection that could not be made ends
     * like any other. */
    void (*gone)(void *owner, const char *what, const char *why);
};

/* NULL: why (REDIS_ERROR_MAX bytes) tells. Nothing is called from inside. */
struct redis_link *link_open(struct loop *loop, const struct redis_target *to,
                             const struct redis_link_owner *owner, char *why);
/* For hiredis' own functions that ask. */
struct redisAsyncContext *link_context(struct redis_link *k);
/* Once a turn: what was asked since the last goes out together. */
void link_flush(struct redis_link *k);
/* Inside a callback of hiredis: takes effect after it. */
void link_drop(struct redis_link *k);
size_t link_unsent(const struct redis_link *k); /* bytes */

#endif
