/* The store of call scripts (flow/store.h) in Redis: what members, orders, locks and missed calls
 * are kept in, shared by all engines on that Redis. Values are plain: a text is a string, a list is
 * a list, so that other programs and people can read and write them under PREFIX + key. Locks are
 * under PREFIX + "lock:" + key.
 *
 * A connection of its own, so that scripts and the dialer never wait for each other. Each operation
 * is one command or one function of the library `peal_store`, which is loaded on every connection.
 * Loop thread only. */
#ifndef PEAL_QUEUE_STORE_H
#define PEAL_QUEUE_STORE_H

#include "flow/store.h"
#include "io/loop.h"

#define STORE_PREFIX_MAX     64
#define STORE_IN_FLIGHT_MAX  4096
#define STORE_PREFIX_DEFAULT "peal:"

struct store;

struct store_config {
    struct loop *loop;
    const char *url;    /* queue/redis.h */
    const char *prefix; /* of every key; NULL: "peal:" */
    /* Connected, or why not. May be NULL. */
    void (*on_state)(void *arg, bool up, const char *why);
    void *arg;
};

/* ERR_INVALID: the URL cannot be read (logged), or the prefix is too long. */
enum err store_open(struct store **out, const struct store_config *config);
/* Whatever is not answered yet is answered ERR_CLOSED, before it returns. s may be NULL. */
void store_close(struct store *s);
/* For flow_config.store; lives as long as s. */
const struct flow_store *store_for_flows(const struct store *s);
bool store_up(const struct store *s);
const char *store_error(const struct store *s); /* why it is not up; "" when it is */
uint32_t store_in_flight(const struct store *s);

#endif
