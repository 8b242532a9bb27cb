/* Questions to the outside and who waits for their answers; for the verbs of this room only. */
#ifndef PEAL_FLOW_OPS_H
#define PEAL_FLOW_OPS_H

#include "flow/answer.h"
#include "flow/inner.h"
#include "flow/store.h"

#define OPS_SPARE 1024 /* questions under way beyond one for each call */

struct flow_op {
    struct ops *ops;
    struct flow_runtime *rt;
    struct flow *f; /* who waits; NULL: nobody (any more) */
    /* What is still to be done about an answer that nobody waits for. Not called once the runtime
     * is closed. May be NULL. */
    void (*late)(struct flow_op *op, const struct flow_answer *answer);
    char key[STORE_KEY_MAX + 1]; /* for `late` */
    uint64_t leg;
};

struct ops *ops_open(uint32_t max); /* NULL: no memory */
void ops_close(struct ops *o);
uint32_t ops_in_flight(const struct ops *o);

/* NULL: too many are under way. With `waits`, the call waits for this one. */
struct flow_op *op_begin(struct flow *f, bool waits);
struct flow_op *ops_spare(struct flow_runtime *rt); /* as above, of no call */
void op_cancel(struct flow_op *op);                 /* it was never asked */
void op_forget(struct flow *f);                     /* the call does not wait any more */
/* The flow_answer_fn of every question; arg is the op. In the waiting verb's continuation f->answer
 * is set. */
void op_answered(void *arg, const struct flow_answer *answer);

/* Of a free-standing verb that asks outside: the call it runs in. *waits false: the script is over
 * (call:finally), the question is sent and its answer not waited for. */
struct flow *verb_outside(lua_State *L, bool *waits);
/* nil, the outcome's name, a sentence. */
int verb_refused(lua_State *L, enum err e, const char *why);

/* verbs_store.c: the locks the call still has; tell: give them back. */
void store_release(struct flow *f, bool tell);

/* json_lua.c. The value at index as JSON, in the runtime's scratch: valid until the next; raises
 * when it cannot be written. */
struct slice lua_to_json(lua_State *L, struct flow_runtime *rt, int index);
/* Pushes what the JSON says; false (and nothing pushed): it is no JSON. */
bool lua_from_json(lua_State *L, struct slice text);

#endif
