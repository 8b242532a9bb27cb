/* Means by bucket from overlaps; peaks by sweeping over all beginnings and ends in order. */
#include "report/timeline.h"

#include <stdlib.h>

enum err timeline_add(struct timeline *t, const struct timeline_call *c)
{
    if (t->count == t->capacity) {
        uint64_t capacity = t->capacity ? t->capacity * 2 : 1024;
        struct timeline_call *more = realloc(t->calls, capacity * sizeof(*more));
        if (!more)
            return ERR_NOMEM;
        t->calls = more;
        t->capacity = capacity;
    }
    t->calls[t->count++] = *c;
    return OK;
}

void timeline_fini(struct timeline *t)
{
    free(t->calls);
    *t = (struct timeline){0};
}

/* Adds [from, to) to a class of each bucket it overlaps, in milliseconds. */
static void overlap(struct summary *s, double (*sums)[3], int class, uint64_t from, uint64_t to)
{
    if (to <= from)
        return;
    uint64_t first = (from - s->first_wall_ms) / s->bucket_ms;
    uint64_t last = (to - 1 - s->first_wall_ms) / s->bucket_ms;
    for (uint64_t b = first; b <= last && b < s->bucket_count; b++) {
        uint64_t start = s->first_wall_ms + b * s->bucket_ms, end = start + s->bucket_ms;
        sums[b][class] += (double)((to < end ? to : end) - (from > start ? from : start));
    }
}

struct edge {
    uint64_t at;
    int32_t change;
};

static int compare_edges(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;

    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->change - y->change; /* an end frees its place before the next begins */
}

static enum err sweep(const struct timeline *t, struct summary *s)
{
    struct edge *edges = malloc(t->count * 2 * sizeof(*edges));
    int64_t air = 0;

    if (!edges)
        return ERR_NOMEM;
    for (uint64_t i = 0; i < t->count; i++) {
        edges[2 * i] = (struct edge){t->calls[i].invite, 1};
        edges[2 * i + 1] = (struct edge){t->calls[i].end, -1};
    }
    qsort(edges, t->count * 2, sizeof(*edges), compare_edges);
    for (uint64_t i = 0; i < t->count * 2; i++) {
        air += edges[i].change;
        uint64_t b = (edges[i].at - s->first_wall_ms) / s->bucket_ms;
        if (b < s->bucket_count && air > s->over_time[b].peak)
            s->over_time[b].peak = (uint32_t)air;
        if (air > s->peak_concurrent)
            s->peak_concurrent = (uint32_t)air;
    }
    free(edges);
    return OK;
}

static void bounds(struct timeline *t, struct summary *s)
{
    s->first_wall_ms = t->calls[0].invite;
    for (uint64_t i = 0; i < t->count; i++) {
        struct timeline_call *c = &t->calls[i];
        if (c->end < c->invite)
            c->end = c->invite;
        if (c->invite < s->first_wall_ms)
            s->first_wall_ms = c->invite;
        if (c->end > s->last_wall_ms)
            s->last_wall_ms = c->end;
    }
    uint64_t span = s->last_wall_ms - s->first_wall_ms + 1;
    uint64_t bucket = span / SUMMARY_TIME_BUCKETS + 1;
    s->bucket_ms = bucket > UINT32_MAX ? UINT32_MAX : (uint32_t)(bucket < 250 ? 250 : bucket);
    uint64_t count = span / s->bucket_ms + 1;
    s->bucket_count = count > SUMMARY_TIME_BUCKETS ? SUMMARY_TIME_BUCKETS : (uint32_t)count;
}

enum err timeline_sum(struct timeline *t, struct summary *s)
{
    double(*sums)[3] = calloc(SUMMARY_TIME_BUCKETS, sizeof(*sums));

    if (!sums)
        return ERR_NOMEM;
    if (t->count) {
        bounds(t, s);
        for (uint64_t i = 0; i < t->count; i++) {
            const struct timeline_call *c = &t->calls[i];
            uint64_t answered = c->answered ? c->answered : c->end;
            uint64_t connected = c->connected ? c->connected : c->end;
            overlap(s, sums, 0, c->invite, answered);
            overlap(s, sums, 1, answered, connected);
            overlap(s, sums, 2, connected, c->end);
        }
        for (uint32_t b = 0; b < s->bucket_count; b++) {
            s->over_time[b].ringing = (uint32_t)(sums[b][0] * 100 / s->bucket_ms + 0.5);
            s->over_time[b].answered = (uint32_t)(sums[b][1] * 100 / s->bucket_ms + 0.5);
            s->over_time[b].connected = (uint32_t)(sums[b][2] * 100 / s->bucket_ms + 0.5);
        }
    }
    free(sums);
    return t->count ? sweep(t, s) : OK;
}
