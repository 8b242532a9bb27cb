/* Keeping the worst. */
#include "sim/worst.h"

#include <stdlib.h>
#include <string.h>

#include "sim/figures.h"

#define FAILED (UINT64_MAX / 2)

static uint64_t score_of(const struct outcome_call *c)
{
    if (figures_call_failed(c))
        return FAILED;
    uint64_t us = c->kind == FLOW_KIND_CALLER ? figures_setup_us(c) : 0;
    return us == UINT64_MAX ? 0 : us;
}

uint32_t worst_offer(struct worst *w, uint32_t index, const struct outcome_call *c,
                     const struct trace_call *trace)
{
    struct worst_call *place = w->call;
    uint32_t out = WORST_NONE;
    uint64_t score = score_of(c);

    if (score == 0)
        return index;
    if (w->count < WORST_MAX) {
        place = &w->call[w->count++];
    } else {
        for (uint32_t i = 1; i < WORST_MAX; i++)
            if (w->call[i].score < place->score)
                place = &w->call[i];
        if (place->score >= score)
            return index;
        out = place->call;
        free(place->trace);
    }
    *place = (struct worst_call){.score = score, .call = index};
    if (trace)
        place->trace = malloc(sizeof *place->trace);
    if (place->trace)
        memcpy(place->trace, trace, sizeof *trace);
    return out;
}

static int worse_first(const void *a, const void *b)
{
    const struct worst_call *x = a, *y = b;

    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->call < y->call ? -1 : x->call > y->call;
}

void worst_sort(struct worst *w)
{
    qsort(w->call, w->count, sizeof *w->call, worse_first);
}

bool worst_has(const struct worst *w, uint32_t index)
{
    for (uint32_t i = 0; i < w->count; i++)
        if (w->call[i].call == index)
            return true;
    return false;
}

void worst_fini(struct worst *w)
{
    for (uint32_t i = 0; i < w->count; i++)
        free(w->call[i].trace);
    w->count = 0;
}
