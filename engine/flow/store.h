/* What scripts keep between calls, as the flow room asks for it: the room above that knows Redis
 * (queue/store.h) gives the functions. Values are texts; what a script sees in them is the flow
 * room's matter. Each operation is one step for everybody who asks, and every question gets exactly
 * one answer, never from inside of `ask`. */
#ifndef PEAL_FLOW_STORE_H
#define PEAL_FLOW_STORE_H

#include "flow/answer.h"

#define STORE_KEY_MAX   200   /* bytes of a key as the script gives it */
#define STORE_VALUE_MAX 65536 /* bytes of a value as it is stored */
#define STORE_ITEMS_MAX 1000  /* items of one list that are given out at once */

enum store_op {
    STORE_GET,    /* a text, or nothing */
    STORE_PUT,    /* number: 1 when stored, 0 when `only` did not hold */
    STORE_ADD,    /* number: the sum */
    STORE_PUSH,   /* number: length of the list; nothing: it has `max` items already */
    STORE_TAKE,   /* a text, given out once: the value, or the oldest item of a list; or nothing */
    STORE_LIST,   /* items of a list, oldest first */
    STORE_REMOVE, /* number: how many values or items went */
    STORE_LOCK,   /* number: 1 when it is ours now, 0 when it is another's */
    STORE_UNLOCK  /* number: 1 when it was ours */
};
const char *store_op_name(enum store_op op); /* "get", … */

enum store_only { STORE_ALWAYS, STORE_IF_NEW, STORE_IF_OLD, STORE_IF_SAME };

struct store_ask {
    enum store_op op;
    struct slice key;
    struct slice value;    /* PUT, PUSH; REMOVE: of the items of a list, p NULL: all of it */
    struct slice expected; /* PUT with STORE_IF_SAME */
    struct slice token;    /* LOCK, UNLOCK: who */
    enum store_only only;
    uint64_t ttl_ms; /* 0: for good (PUT), as it was (ADD, PUSH); a LOCK has one */
    int64_t by;      /* ADD */
    uint32_t max;    /* PUSH, LIST; 0: no bound of the script's own */
};

struct flow_store {
    void *arg;
    /* Borrows what it is given during the call. ERR_CLOSED: not connected; ERR_FULL: too much
     * under way; ERR_NOMEM. */
    enum err (*ask)(void *arg, const struct store_ask *ask, flow_answer_fn *answered,
                    void *answered_arg);
};

#endif
