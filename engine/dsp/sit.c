/* Special information tones: three tones one after another, low, middle and high.
 *
 * In North America the first two are low or high of their kind and short or long, which tells the
 * category (GR-1162); elsewhere (ITU-T E.180: 950, 1400, 1800 Hz of 330 ms) there is one. Pitches,
 * lengths and categories are the plan's (plan.h). */
#include <math.h>
#include <string.h>

#include "dsp/num.h"
#include "dsp/tones.h"

#define LEVEL_SPREAD 8.0f /* 9 dB between the parts */

/* Which of the three this tone can be; 0 for none. */
static unsigned place(const struct plan_sit *p, const struct segment *g)
{
    uint32_t length = g->end_ms - g->start_ms;
    if (g->tones != 1 ||
        !in_range(length + g->slack_ms, p->length.min_ms, p->length.max_ms + 2u * g->slack_ms))
        return 0;
    for (unsigned i = 0; i < 3; i++)
        if (g->f_hz[0] >= (float)p->hz_min[i] && g->f_hz[0] <= (float)p->hz_max[i])
            return i + 1;
    return 0;
}

static char pitch(const struct plan_sit *p, unsigned i, float f_hz)
{
    if (fabsf(f_hz - p->low_hz[i]) <= p->within_hz[i])
        return 'L';
    return fabsf(f_hz - p->high_hz[i]) <= p->within_hz[i] ? 'H' : '?';
}

static enum dsp_sit category(const struct plan_sit *p, const struct segment seg[2])
{
    char length[2], pitches[2];
    for (unsigned i = 0; i < 2; i++) {
        length[i] = seg[i].end_ms - seg[i].start_ms < p->long_ms ? 'S' : 'L';
        pitches[i] = pitch(p, i, seg[i].f_hz[0]);
    }
    for (unsigned i = 0; p->category[i].sit != SIT_NONE; i++)
        if (memcmp(p->category[i].length, length, 2) == 0 &&
            memcmp(p->category[i].pitch, pitches, 2) == 0)
            return (enum dsp_sit)p->category[i].sit;
    return SIT_ITU;
}

static bool follows(const struct plan_sit *p, const struct segment *before, const struct segment *g)
{
    int32_t gap = (int32_t)(g->start_ms - before->end_ms);
    float ratio = before->power / g->power;
    return gap <= p->gap_ms && gap >= -p->gap_ms && ratio < LEVEL_SPREAD &&
           ratio > 1 / LEVEL_SPREAD;
}

/* True when the segment is or may be part of a SIT, so that it is not a beep. */
bool sit_segment(struct leg *l, const struct segment *g, struct sink *s)
{
    struct sit_track *t = &l->sit;
    const struct plan_sit *p = &l->plan->sit;
    unsigned which = place(p, g);
    if (which == 1) {
        t->seg[0] = *g;
        t->count = 1;
        return false; /* what follows will tell */
    }
    if (which == 2 && t->count == 1 && follows(p, &t->seg[0], g)) {
        t->seg[1] = *g;
        t->count = 2;
        return true;
    }
    bool whole = which == 3 && t->count == 2 && follows(p, &t->seg[1], g);
    t->count = 0;
    if (!whole)
        return false;
    enum dsp_sit sit = category(p, t->seg);
    struct dsp_event *e = sink_add(s, DSP_SIT, sit, t->seg[0].start_ms, g->end_ms);
    if (e) {
        e->confidence = sit == SIT_ITU ? 0.9f : 0.97f;
        e->level_ddb = num_level_ddb(t->seg[0].power);
        e->freq_hz[0] = (uint16_t)(t->seg[0].f_hz[0] + 0.5f);
        e->freq_hz[1] = (uint16_t)(t->seg[1].f_hz[0] + 0.5f);
    }
    return true;
}
