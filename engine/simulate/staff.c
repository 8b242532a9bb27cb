/* Shifts are windows of the staff's zone. A break begins after an exponential time of work, so it
 * falls at any time of the day; an agent in a talk first ends it and wraps up. */
#include "simulate/staff.h"

#include <math.h>
#include <stdlib.h>

enum err staff_init(struct staff *s, const struct population *population, const struct zone *zone,
                    uint32_t count, uint64_t seed)
{
    *s = (struct staff){.population = population, .zone = zone, .count = count};
    if (population->agents.zone[0]) {
        enum err e = zone_open(&s->own_zone, slice_cstr(population->agents.zone));

        if (e != OK)
            return e;
        s->zone = s->own_zone;
    }
    s->members = calloc(count ? count : 1, sizeof(*s->members));
    if (!s->members)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        s->members[i].shift = &population->agents.shifts[i % population->agents.shift_count];
        rng_seed_stream(&s->members[i].rng, seed, SLICE("agent"), i);
    }
    return OK;
}

void staff_fini(struct staff *s)
{
    zone_close(s->own_zone);
    free(s->members);
    *s = (struct staff){0};
}

bool staff_comes(struct staff *s, uint32_t agent, uint64_t now_wall_ms, uint64_t *leaves_wall_ms)
{
    struct staff_member *m = &s->members[agent];
    uint64_t closes;

    if (now_wall_ms < m->back_wall_ms || !windows_open_at(m->shift, s->zone, now_wall_ms))
        return false;
    if (m->break_wall_ms <= now_wall_ms) /* has just come, or is back */
        m->break_wall_ms =
            now_wall_ms +
            (uint64_t)fmax(rng_exp(&m->rng, s->population->agents.break_every_ms), 1000);
    closes = windows_closes(m->shift, s->zone, now_wall_ms);
    *leaves_wall_ms = closes < m->break_wall_ms ? closes : m->break_wall_ms;
    return true;
}

void staff_left(struct staff *s, uint32_t agent, uint64_t now_wall_ms)
{
    struct staff_member *m = &s->members[agent];

    if (now_wall_ms < m->break_wall_ms) /* the shift is over */
        return;
    m->back_wall_ms =
        now_wall_ms + (uint64_t)rng_exp(&m->rng, s->population->agents.break_length_ms);
}

uint32_t staff_wrap_up_ms(struct staff *s, uint32_t agent)
{
    const struct population *p = s->population;
    double ms = p->wrap_up.length_ms;

    if (ms > 0 && p->wrap_up.cv > 0)
        ms = rng_lognormal(&s->members[agent].rng, ms, p->wrap_up.cv);
    return (uint32_t)fmin(fmax(ms, 1), 4 * 3600000.0);
}
