/* Questions to the outside. A question belongs to a call while that waits for its answer; when the
 * call ends or its limit runs out before, the question is nobody's and its answer is dropped. The
 * table outlives the runtime until the last answer has come, because whoever answers holds a
 * pointer into it. */
#include <assert.h>
#include <stdlib.h>

#include "flow/ops.h"

struct ops {
    struct pool pool;
    bool closed;
};

struct ops *ops_open(uint32_t max)
{
    struct ops *o = calloc(1, sizeof *o);

    if (o && pool_init(&o->pool, sizeof(struct flow_op), max) != OK) {
        free(o);
        return NULL;
    }
    return o;
}

static void ops_free(struct ops *o)
{
    pool_fini(&o->pool);
    free(o);
}

void ops_close(struct ops *o)
{
    if (!o)
        return;
    o->closed = true;
    if (o->pool.used == 0)
        ops_free(o);
}

uint32_t ops_in_flight(const struct ops *o)
{
    return o->pool.used;
}

struct flow_op *ops_spare(struct flow_runtime *rt)
{
    struct flow_op *op = pool_get(&rt->ops->pool);

    if (op) {
        op->ops = rt->ops;
        op->rt = rt;
    }
    return op;
}

struct flow_op *op_begin(struct flow *f, bool waits)
{
    struct flow_op *op = ops_spare(f->rt);

    if (op && waits) {
        assert(!f->op);
        op->f = f;
        f->op = op;
    }
    return op;
}

static void give_back(struct flow_op *op)
{
    struct ops *o = op->ops;

    pool_put(&o->pool, op);
    if (o->closed && o->pool.used == 0)
        ops_free(o);
}

void op_cancel(struct flow_op *op)
{
    if (op->f)
        op->f->op = NULL;
    give_back(op);
}

void op_forget(struct flow *f)
{
    if (!f->op)
        return;
    f->op->f = NULL;
    f->op = NULL;
}

void op_answered(void *arg, const struct flow_answer *answer)
{
    struct flow_op *op = arg;
    struct flow *f = op->f;

    if (!f) {
        if (op->late && !op->ops->closed)
            op->late(op, answer);
        give_back(op);
        return;
    }
    assert(!f->running);
    f->op = NULL;
    give_back(op);
    f->answer = answer;
    flow_wake(f);
    f->answer = NULL;
}

/* ---- for verbs that ask ---- */

struct flow *verb_outside(lua_State *L, bool *waits)
{
    struct flow *f = flow_of(L);

    if (!f)
        luaL_error(L, "this needs a call: use it inside run = function(call) … end");
    *waits = !f->over;
    if (*waits)
        verb_check(L, f);
    return f;
}

int verb_refused(lua_State *L, enum err e, const char *why)
{
    static const struct {
        enum err err;
        const char *outcome, *why;
    } names[] = {
        {ERR_TIMEOUT, "timeout", "there was no answer in time; whether it was done is not known"},
        {ERR_CLOSED, "unavailable", "it cannot be reached now"},
        {ERR_FULL, "busy", "too much is under way"},
        {ERR_INVALID, "wrong_type", "what is there is of another kind"},
        {ERR_TOO_LONG, "too_long", "it is too long"},
        {ERR_REFUSED, "refused", "it was refused"},
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].err == e) {
            lua_pushnil(L);
            lua_pushstring(L, names[i].outcome);
            lua_pushstring(L, why ? why : names[i].why);
            return 3;
        }
    lua_pushnil(L);
    lua_pushstring(L, "failed");
    lua_pushstring(L, why ? why : err_name(e));
    return 3;
}
