/* Agents of a simulation: when each is there, takes a break, and how long a wrap-up takes. What an
 * agent does is drawn from a stream of their own. */
#ifndef PEAL_SIMULATE_STAFF_H
#define PEAL_SIMULATE_STAFF_H

#include "base/rng.h"
#include "simulate/population.h"

struct staff_member {
    const struct windows *shift;
    struct rng rng;
    uint64_t break_wall_ms; /* the next one begins; 0: not known before they come */
    uint64_t back_wall_ms;  /* away until then */
};

struct staff {
    const struct population *population;
    const struct zone *zone; /* of the shifts */
    struct zone *own_zone;   /* … when the population names one */
    struct staff_member *members;
    uint32_t count;
};

enum err staff_init(struct staff *s, const struct population *population, const struct zone *zone,
                    uint32_t count, uint64_t seed);
void staff_fini(struct staff *s);

/* An agent is called: do they come? Then *leaves_wall_ms is when they mean to go again (the end of
 * the shift, or a break; WINDOW_NEVER). */
bool staff_comes(struct staff *s, uint32_t agent, uint64_t now_wall_ms, uint64_t *leaves_wall_ms);
/* They have gone at the time they meant to, or later. */
void staff_left(struct staff *s, uint32_t agent, uint64_t now_wall_ms);
uint32_t staff_wrap_up_ms(struct staff *s, uint32_t agent);

#endif
