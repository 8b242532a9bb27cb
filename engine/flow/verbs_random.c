/* Dice. Every draw comes from the leg's own source (run seed, script name, leg number), so a plan
 * is the same whatever else happens in the run. */
#include <math.h>
#include <string.h>

#include "flow/inner.h"

static struct rng *dice(lua_State *L)
{
    struct flow *f = flow_of(L);

    if (!f)
        luaL_error(L, "draws need a call: make them inside run = function(call) … end");
    return &f->rng;
}

static double positive(lua_State *L, int index)
{
    double v = luaL_checknumber(L, index);

    luaL_argcheck(L, v > 0 && v < 1e9, index, "must be above 0");
    return v;
}

/* Cuts v to the options' min and max. */
static int bounded(lua_State *L, double v, int options_index)
{
    static const char *const options[] = {"min", "max", NULL};

    opt_only(L, options_index, options);
    double lo = opt_number(L, options_index, "min", -HUGE_VAL, -HUGE_VAL, HUGE_VAL);
    double hi = opt_number(L, options_index, "max", HUGE_VAL, -HUGE_VAL, HUGE_VAL);
    if (lo > hi)
        return luaL_error(L, "min is above max");
    lua_pushnumber(L, v < lo ? lo : v > hi ? hi : v);
    return 1;
}

/*@sim exp(mean [, { min = a, max = b }])
 * An exponentially distributed number; cut to min and max where given.
 */
static int random_exp(lua_State *L)
{
    return bounded(L, rng_exp(dice(L), positive(L, 1)), 2);
}

/*@sim normal(mean, deviation [, { min = a, max = b }])
 * A normally distributed number.
 */
static int random_normal(lua_State *L)
{
    double mean = luaL_checknumber(L, 1), deviation = luaL_checknumber(L, 2);

    return bounded(L, rng_normal(dice(L), mean, deviation), 3);
}

/*@sim lognormal(mean, cv [, { min = a, max = b }])
 * A lognormally distributed number by its own mean and coefficient of variation: the usual shape
 * of talk times.
 */
static int random_lognormal(lua_State *L)
{
    double mean = positive(L, 1);

    return bounded(L, rng_lognormal(dice(L), mean, positive(L, 2)), 3);
}

/*@sim uniform(low, high)
 * A number from low to high.
 */
static int random_uniform(lua_State *L)
{
    double lo = luaL_checknumber(L, 1), hi = luaL_checknumber(L, 2);

    luaL_argcheck(L, lo <= hi, 2, "must not be below the first");
    lua_pushnumber(L, rng_uniform(dice(L), lo, hi));
    return 1;
}

/*@sim chance(share)
 * true in that share of draws (0 to 1).
 */
static int random_chance(lua_State *L)
{
    double share = luaL_checknumber(L, 1);

    luaL_argcheck(L, share >= 0 && share <= 1, 1, "a share is from 0 to 1");
    lua_pushboolean(L, rng_unit(dice(L)) < share);
    return 1;
}

static double weight_of(lua_State *L, int index, const char *what)
{
    if (lua_type(L, index) != LUA_TNUMBER || !(lua_tonumber(L, index) >= 0))
        luaL_error(L, "choose: the weight of %s must be a number, 0 or more", what);
    return lua_tonumber(L, index);
}

/* By weights { name = weight, … }, walked in the order of names. */
static int choose_weighted(lua_State *L, struct rng *rng)
{
    double total = 0, at;

    lua_settop(L, 1);
    for (int round = 0; round < 2; round++) {
        double sum = 0;
        at = round ? rng_unit(rng) * total : 0;
        lua_pushcfunction(L, sandbox_pairs);
        lua_pushvalue(L, 1);
        lua_call(L, 1, 1);
        for (;;) {
            lua_pushvalue(L, 2);
            lua_call(L, 0, 2);
            if (lua_isnil(L, 3))
                break;
            double w = weight_of(L, 4, lua_tostring(L, 3));
            sum += w;
            if (round && w > 0 && at < sum) {
                lua_settop(L, 3);
                return 1;
            }
            lua_settop(L, 2);
        }
        lua_settop(L, 1);
        total = sum;
        if (!(total > 0))
            break;
    }
    return luaL_error(L, "choose: the weights add up to nothing");
}

/*@sim choose { a, b, c } or choose { name = weight, … }
 * One item of a list, each equally likely; or one of the names, by weight.
 */
static int random_choose(lua_State *L)
{
    struct rng *rng = dice(L);

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Unsigned n = lua_rawlen(L, 1);
    if (n == 0)
        return choose_weighted(L, rng);
    if (n > UINT32_MAX)
        return luaL_error(L, "choose: the list is too long");
    lua_rawgeti(L, 1, 1 + (lua_Integer)rng_below(rng, (uint32_t)n));
    return 1;
}

/*@sim pick(folder)
 * A file of a folder of the audio root, drawn by the leg's dice: call:play(pick("human")).
 */
static int random_pick(lua_State *L)
{
    struct flow *f = flow_of(L);
    const char *folder = luaL_checkstring(L, 1);
    struct rng *rng = dice(L);
    uint32_t n = f->rt->sounds ? sounds_folder_count(f->rt->sounds, folder) : 0;

    if (n == 0)
        flow_fail(L, "pick: there are no sound files in the audio folder's %s/", folder);
    lua_pushstring(L, sounds_folder_at(f->rt->sounds, folder, rng_below(rng, n)));
    return 1;
}

const struct verb verbs_random[] = {
    {"exp", random_exp, VERB_SIM},
    {"normal", random_normal, VERB_SIM},
    {"lognormal", random_lognormal, VERB_SIM},
    {"uniform", random_uniform, VERB_SIM},
    {"chance", random_chance, VERB_SIM},
    {"choose", random_choose, VERB_SIM},
    {"pick", random_pick, VERB_SIM},
    {NULL, NULL, VERB_SIM},
};
