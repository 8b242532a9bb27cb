/* Fates. Each kind of draw has a stream of its own: what the number is, what it does in this
 * stretch of time, and what this one call is like. */
#include "simulate/people.h"

#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/rng.h"

#define RINGS_MAX_MS   300000.0
#define PEOPLE_MAX     20000000u
#define FAX_VERDICT_MS 1500 /* a second of tone */

struct resident {
    struct hash_node node;
    const struct zone *zone;
    char number[];
};

struct people {
    const struct population *population;
    const struct zone *zone;
    uint64_t seed;
    struct hash_table residents;
};

static const struct hash_seed fixed = {0x70656f70, 0x6c65};

enum err people_open(struct people **out, const struct population *population,
                     const struct zone *zone, uint64_t seed)
{
    struct people *p = calloc(1, sizeof(*p));

    *out = NULL;
    if (!p)
        return ERR_NOMEM;
    *p = (struct people){.population = population, .zone = zone, .seed = seed};
    enum err e = hash_table_init(&p->residents, PEOPLE_MAX);
    if (e != OK) {
        people_close(p);
        return e;
    }
    *out = p;
    return OK;
}

static void forget(struct hash_node *n, void *arg)
{
    struct people *p = arg;

    hash_remove(&p->residents, n);
    free(container_of(n, struct resident, node));
}

void people_close(struct people *p)
{
    if (!p)
        return;
    hash_each(&p->residents, forget, p);
    hash_table_fini(&p->residents);
    free(p);
}

static bool matches(const struct hash_node *n, const void *key)
{
    return slice_eq(slice_cstr(container_of(n, const struct resident, node)->number),
                    *(const struct slice *)key);
}

static struct resident *resident_of(const struct people *p, struct slice number)
{
    struct hash_node *n =
        hash_find(&p->residents, hash_slice(fixed, number), matches, &number);

    return n ? container_of(n, struct resident, node) : NULL;
}

enum err people_lives(struct people *p, struct slice number, const struct zone *zone)
{
    if (zone == p->zone || resident_of(p, number))
        return OK;
    struct resident *r = malloc(sizeof(*r) + number.len + 1);

    if (!r)
        return ERR_NOMEM;
    *r = (struct resident){.zone = zone};
    memcpy(r->number, number.p, number.len);
    r->number[number.len] = '\0';
    enum err e = hash_insert(&p->residents, &r->node, hash_slice(fixed, number));
    if (e != OK)
        free(r);
    return e;
}

/* ---- drawing ---- */

static struct rng stream(const struct people *p, struct slice number, const char *what, uint64_t at)
{
    const struct hash_seed seed = {p->seed, at};
    struct rng r;

    rng_seed_stream(&r, hash_slice(seed, number), slice_cstr(what), at);
    return r;
}

/* Milliseconds of a lognormal law, within bounds. */
static uint32_t draw_ms(struct rng *r, uint32_t mean_ms, double cv, double most)
{
    double ms = cv > 0 && mean_ms ? rng_lognormal(r, mean_ms, cv) : mean_ms;

    return (uint32_t)fmin(fmax(ms, 1), most);
}

struct nature {
    bool vacant, fax, machine, machine_at_once;
    double readiness;
    uint64_t phase_ms; /* when its stretches of time begin */
};

static struct nature nature_of(const struct people *p, struct slice number)
{
    const struct population *q = p->population;
    struct rng r = stream(p, number, "nature", 0);
    double what = rng_unit(&r);
    struct nature n = {
        .vacant = what < q->numbers.vacant,
        .fax = what >= q->numbers.vacant && what < q->numbers.vacant + q->numbers.fax,
    };

    n.machine = rng_unit(&r) < q->numbers.machine;
    n.machine_at_once = rng_unit(&r) < q->machines.at_once;
    n.readiness = q->numbers.readiness > 0 ? rng_lognormal(&r, 1, q->numbers.readiness) : 1;
    n.phase_ms = rng_below(&r, q->state.lasts_ms);
    return n;
}

static double answers_at(const struct people *p, struct slice number, uint64_t wall_ms)
{
    const struct resident *home = resident_of(p, number);
    struct zone_local local;

    zone_to_local(home ? home->zone : p->zone, wall_ms, &local);
    return p->population->answer.share * p->population->answer.hours[local.day_ms / 3600000 % 24] *
           p->population->answer.weekdays[local.weekday % 7];
}

static enum fate_kind kind_of(const struct people *p, struct slice number, const struct nature *n,
                              uint64_t wall_ms, struct rng *call)
{
    const struct population *q = p->population;
    uint64_t stretch = (wall_ms + n->phase_ms) / q->state.lasts_ms;
    struct rng state = stream(p, number, "state", stretch);
    double network = rng_unit(call), does = rng_unit(&state), at_home = rng_unit(&state);

    if (n->vacant)
        return FATE_VACANT;
    if (network < q->call.congestion)
        return FATE_CONGESTION;
    if (does < q->state.unreachable)
        return FATE_UNREACHABLE;
    if (does < q->state.unreachable + q->state.busy)
        return FATE_BUSY;
    if (n->fax)
        return FATE_FAX;
    if (network < q->call.congestion + q->call.rejected)
        return FATE_REJECTED;
    if (at_home < answers_at(p, number, wall_ms) * n->readiness)
        return FATE_HUMAN;
    return n->machine ? FATE_MACHINE : FATE_NOBODY;
}

static void draw_human(const struct population *q, struct rng *r, struct fate *f)
{
    double error = rng_unit(r);

    f->answer_ms = f->delay_ms + draw_ms(r, q->call.ring_ms, q->call.ring_cv, RINGS_MAX_MS);
    f->verdict_ms = draw_ms(r, q->verdict.human_ms, q->verdict.human_cv, 60000);
    f->verdict = error < q->verdict.unsure ? FATE_HEARD_UNSURE
                 : error < q->verdict.unsure + q->verdict.human_as_machine ? FATE_HEARD_MACHINE
                                                                           : FATE_HEARD_HUMAN;
    f->speech_ms = f->verdict_ms / 4;
    f->greeting_end_ms = f->verdict_ms * 2 / 3; /* a word or two, then a pause */
    f->patience_ms = draw_ms(r, q->talk.patience_ms, 0.5, 3600000);
    f->talk_ms = draw_ms(r, q->talk.length_ms, q->talk.cv, 4 * 3600000.0);
}

static void draw_machine(const struct population *q, const struct nature *n, struct rng *r,
                         struct fate *f)
{
    double error = rng_unit(r);
    uint32_t greeting_ms = draw_ms(r, q->machines.greeting_ms, q->machines.greeting_cv, 180000);

    f->answer_ms =
        f->delay_ms + (n->machine_at_once
                           ? 2000 + rng_below(r, 2000)
                           : draw_ms(r, q->machines.after_ms, q->machines.after_cv, RINGS_MAX_MS));
    f->verdict_ms = draw_ms(r, q->verdict.machine_ms, q->verdict.machine_cv, 60000);
    f->verdict = error < q->verdict.unsure ? FATE_HEARD_UNSURE
                 : error < q->verdict.unsure + q->verdict.machine_as_human ? FATE_HEARD_HUMAN
                                                                           : FATE_HEARD_MACHINE;
    f->speech_ms = 300;
    /* Where it was taken for a person, it paused like one. */
    f->greeting_end_ms =
        f->verdict == FATE_HEARD_MACHINE ? 300 + greeting_ms : f->verdict_ms * 2 / 3;
    if (rng_unit(r) < q->machines.beep)
        f->beep_ms = 300 + greeting_ms + 500;
    f->patience_ms = 60000 + 300 + greeting_ms; /* the end of its tape */
    f->talk_ms = draw_ms(r, q->talk.machine_ms, 0.4, 600000);
}

void people_fate(struct people *p, struct slice number, uint64_t wall_ms, struct fate *out)
{
    const struct population *q = p->population;
    struct nature n = nature_of(p, number);
    struct rng r = stream(p, number, "call", wall_ms);

    *out = (struct fate){.kind = kind_of(p, number, &n, wall_ms, &r)};
    out->delay_ms = draw_ms(&r, q->call.delay_ms, q->call.delay_cv, 30000);
    switch (out->kind) {
    case FATE_HUMAN:
        draw_human(q, &r, out);
        break;
    case FATE_MACHINE:
        draw_machine(q, &n, &r, out);
        break;
    case FATE_FAX:
        out->answer_ms = out->delay_ms + 4000;
        out->verdict_ms = FAX_VERDICT_MS;
        out->patience_ms = 30000;
        break;
    default:
        break;
    }
}
