/* Plan time against real time. */
#include "sim/tempo.h"

void tempo_init(struct tempo *t, uint64_t zero_us)
{
    *t = (struct tempo){.base_us = zero_us, .rate = 1};
}

uint64_t tempo_due(const struct tempo *t, uint64_t plan_us)
{
    double ahead = (double)plan_us - t->plan_us;

    if (t->paused)
        return UINT64_MAX;
    if (ahead <= 0)
        return t->base_us;
    return t->base_us + (uint64_t)(ahead / t->rate);
}

void tempo_set(struct tempo *t, uint64_t now_us, double rate, bool paused)
{
    if (now_us > t->base_us) {
        if (!t->paused)
            t->plan_us += (double)(now_us - t->base_us) * t->rate;
        t->base_us = now_us;
    }
    t->rate = rate;
    t->paused = paused;
}
