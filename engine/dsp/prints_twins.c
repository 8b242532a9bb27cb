/* Twins: recordings of a library that hold the same sound for a while. Which of them a line plays
 * cannot be told from that while; a leg does not wait for a difference that does not come, and who
 * grows a library is told. Not for media workers but for print_differ(). */
#include <stdlib.h>

#include "dsp/prints_inner.h"

#define TWIN_FRAMES    (PRINTS_TWIN_MS / PRINTS_FRAME_MS)
#define VOTES_NEEDED   6
#define PLACES_MAX     65536 /* hits kept of one recording: in further ones no twin is sought */
#define ONE_SIDED_BITS 8     /* a frame that sounds here and is silent there differs by so many */

struct print_difference print_differ(const struct print_frame *a, const struct print_frame *b,
                                     uint32_t frames)
{
    struct print_difference d = {0};
    for (uint32_t i = 0; i < frames; i++) {
        uint32_t mask = a[i].mask & b[i].mask;
        d.all += (uint32_t)__builtin_popcount(mask);
        d.wrong += (uint32_t)__builtin_popcount((a[i].bits ^ b[i].bits) & mask);
        if (!a[i].mask != !b[i].mask) {
            d.all += ONE_SIDED_BITS;
            d.wrong += ONE_SIDED_BITS;
        }
    }
    return d;
}

/* Another recording's frame that sounds like one of ours, as (recording, difference of places). */
struct place {
    uint32_t recording;
    int32_t shift;
};

static int by_place(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->recording != y->recording)
        return x->recording < y->recording ? -1 : 1;
    return (x->shift > y->shift) - (x->shift < y->shift);
}

static uint32_t find_places(const struct prints *p, uint32_t index, struct place *out)
{
    const struct print_recording *r = &p->recording[index];
    uint32_t n = 0;
    for (uint32_t at = r->start; at < r->start + r->frames; at++)
        for (unsigned table = 0; table < PRINT_TABLES; table++) {
            uint32_t key = print_key_of(table, p->all[at].bits);
            uint32_t b = print_bucket(p, key);
            if (!p->all[at].mask)
                continue;
            for (uint32_t i = p->bucket[b]; i < p->bucket[b + 1] && n < PLACES_MAX; i++) {
                uint32_t other = prints_recording_at(p, p->key[i].at);
                if (p->key[i].key == key && other != index)
                    out[n++] = (struct place){other, (int32_t)(p->key[i].at - at)};
            }
        }
    qsort(out, n, sizeof *out, by_place);
    return n;
}

/* The longest while that is alike at that shift, in whole windows and what joins them. */
static struct prints_twin longest(const struct prints *p, uint32_t index, const struct place *at)
{
    const struct print_recording *r = &p->recording[index], *o = &p->recording[at->recording];
    struct prints_twin best = {.index = at->recording};
    uint32_t run = 0;
    for (uint32_t i = 0; i + TWIN_FRAMES <= r->frames; i += 5) {
        int64_t there = (int64_t)r->start + i + at->shift - o->start;
        struct print_difference d = {0};
        if (there >= 0 && there + TWIN_FRAMES <= o->frames)
            d = print_differ(p->all + r->start + i, p->all + o->start + there, TWIN_FRAMES);
        bool same = d.all >= PRINT_ALIKE_BITS && (float)d.wrong <= PRINT_ALIKE * (float)d.all;
        run = !same ? 0 : run ? run + 5 : TWIN_FRAMES;
        if (run * PRINTS_FRAME_MS > best.ms)
            best = (struct prints_twin){.index = at->recording,
                                        .from_ms = (i + TWIN_FRAMES - run) * PRINTS_FRAME_MS,
                                        .there_ms =
                                            ((uint32_t)there + TWIN_FRAMES - run) * PRINTS_FRAME_MS,
                                        .ms = run * PRINTS_FRAME_MS};
    }
    return best;
}

/* The best shift of one other recording, of those with enough hits. */
static struct prints_twin best_shift(const struct prints *p, uint32_t index, const struct place *at,
                                     uint32_t n)
{
    struct prints_twin best = {0};
    for (uint32_t i = 0; i < n;) {
        uint32_t votes = 1;
        while (i + votes < n && at[i + votes].shift == at[i].shift)
            votes++;
        if (votes >= VOTES_NEEDED) {
            struct prints_twin t = longest(p, index, &at[i]);
            if (t.ms > best.ms)
                best = t;
        }
        i += votes;
    }
    return best;
}

uint32_t prints_twins(const struct prints *p, uint32_t index, struct prints_twin *out, uint32_t max)
{
    struct place *at = index < p->count && p->bucket ? malloc(PLACES_MAX * sizeof *at) : NULL;
    uint32_t n = at ? find_places(p, index, at) : 0, found = 0;
    for (uint32_t i = 0; i < n && found < max;) {
        uint32_t same = 1;
        while (i + same < n && at[i + same].recording == at[i].recording)
            same++;
        struct prints_twin t = best_shift(p, index, at + i, same);
        if (t.ms)
            out[found++] = t;
        i += same;
    }
    free(at);
    return found;
}
