/* Network tones: the plan's frequencies with the plan's rhythm.
 *
 * Lengths of tones and pauses are kept, newest first. Within each pause, as soon as it is long
 * enough to be the last pause of a tone's cycle, the cycles before it are compared; a tone is said
 * once per cycle from the second on (and not before a second of it). Ringing is slow, so its first
 * cycle already counts, with less confidence, as soon as its pause is longer than a busy tone's. */
#include <math.h>
#include <string.h>

#include "dsp/num.h"
#include "dsp/tones.h"

#define SHORTEST_MS       60 /* shorter tones are not the network's */
#define BRIDGED_MS        50 /* a pause this short is a lost packet */
#define LONGEST_OFF_MS    7000
#define SAME_HZ           15.0f
#define RING_EARLY_MS     1500 /* a pause this long after a ring is enough for the first report */
#define STEADY_MS         2500 /* a tone without pause this long is dial tone */
#define TWO_CYCLES_MIN_MS 1000

static bool same_tone(const struct cadence *c, const struct segment *g)
{
    return fabsf(c->f_hz[0] - g->f_hz[0]) <= SAME_HZ && fabsf(c->f_hz[1] - g->f_hz[1]) <= SAME_HZ;
}

/* Those of the plan that it could be. */
static uint32_t tones_of(const struct leg *l, const struct segment *g)
{
    return plan_loud(l->plan, plan_match(l->plan, g->f_hz[0], g->f_hz[1]), num_level_ddb(g->power));
}

void cadence_segment(struct leg *l, const struct segment *g)
{
    struct cadence *c = &l->cadence;
    uint32_t length = g->end_ms - g->start_ms;
    c->steady_reported = false;
    if (length < SHORTEST_MS)
        return;
    uint32_t gap = g->start_ms - c->last_end_ms;
    if (c->count && same_tone(c, g) && (gap < BRIDGED_MS || g->start_ms < c->last_end_ms)) {
        length = g->end_ms - c->last_start_ms;
        c->on_ms[0] = num_u16(length);
        c->last_end_ms = g->end_ms;
        return;
    }
    uint32_t mask = tones_of(l, g);
    if (!mask || !(mask & c->mask) || gap > LONGEST_OFF_MS)
        *c = (struct cadence){.mask = mask};
    if (!mask)
        return;
    memmove(c->on_ms + 1, c->on_ms, sizeof c->on_ms - sizeof c->on_ms[0]);
    memmove(c->off_ms + 1, c->off_ms, sizeof c->off_ms - sizeof c->off_ms[0]);
    c->on_ms[0] = num_u16(length);
    c->off_ms[0] = (uint16_t)(c->count ? gap : 0);
    c->count = (uint8_t)(c->count < CADENCE_PAIRS ? c->count + 1 : CADENCE_PAIRS);
    c->mask &= mask;
    c->f_hz[0] = g->f_hz[0];
    c->f_hz[1] = g->f_hz[1];
    c->power = g->power;
    c->last_start_ms = g->start_ms;
    c->last_end_ms = g->end_ms;
    c->reported = false;
}

/* How many whole cycles of the tone end with the present pause; *length_ms gets their length
 * without that pause. */
static unsigned cycles(const struct cadence *c, const struct plan_tone *t, uint32_t *length_ms)
{
    unsigned step = t->steps - 2u;
    unsigned whole = 0;
    uint32_t length = 0;
    for (unsigned i = 0; i < c->count; i++) {
        if (!in_range(c->on_ms[i], t->step[step].min_ms, t->step[step].max_ms))
            break;
        length += c->on_ms[i];
        if (step == 0) {
            whole++;
            *length_ms = length;
        }
        unsigned before = (step + t->steps - 1u) % t->steps;
        if (!in_range(c->off_ms[i], t->step[before].min_ms, t->step[before].max_ms))
            break;
        length += c->off_ms[i];
        step = (step + t->steps - 2u) % t->steps;
    }
    return whole;
}

static void report(const struct leg *l, const struct segment *g, unsigned kind, float confidence,
                   uint32_t start_ms, struct sink *s)
{
    struct dsp_event *e = sink_add(s, (enum dsp_kind)kind, 0, start_ms, l->now_ms);
    if (!e)
        return;
    e->confidence = confidence;
    e->level_ddb = num_level_ddb(g->power);
    e->freq_hz[0] = (uint16_t)(g->f_hz[0] + 0.5f);
    e->freq_hz[1] = (uint16_t)(g->f_hz[1] + 0.5f);
}

static void watch_pause(struct leg *l, struct sink *s)
{
    struct cadence *c = &l->cadence;
    uint32_t pause = l->now_ms - c->last_end_ms;
    for (unsigned i = 0; i < PLAN_TONES_MAX; i++) {
        const struct plan_tone *t = &l->plan->tone[i];
        if (!(c->mask >> i & 1u) || t->steps < 2)
            continue;
        const struct plan_range *last = &t->step[t->steps - 1];
        bool ring = t->kind == DSP_RINGBACK;
        uint32_t enough = ring && last->min_ms > RING_EARLY_MS ? RING_EARLY_MS : last->min_ms;
        if (!in_range(pause, enough, last->max_ms))
            continue;
        uint32_t length = 0;
        unsigned whole = cycles(c, t, &length);
        if (whole < (ring ? 1u : 2u) || (!ring && length + pause < TWO_CYCLES_MIN_MS))
            continue;
        struct segment g = {.f_hz = {c->f_hz[0], c->f_hz[1]}, .power = c->power};
        float confidence = whole == 1 ? 0.6f : whole == 2 ? 0.9f : 0.97f;
        report(l, &g, t->kind, confidence, c->last_end_ms - length, s);
        c->reported = true;
        return;
    }
}

static void watch_steady(struct leg *l, struct sink *s)
{
    if (l->cadence.steady_reported || l->now_ms - l->track.seg.start_ms < STEADY_MS)
        return;
    struct segment g = tones_running(l);
    uint32_t mask = tones_of(l, &g);
    for (unsigned i = 0; i < PLAN_TONES_MAX; i++)
        if ((mask >> i & 1u) && l->plan->tone[i].steps == 0) {
            report(l, &g, l->plan->tone[i].kind, 0.9f, g.start_ms, s);
            l->cadence.steady_reported = true;
            return;
        }
}

void cadence_run(struct leg *l, struct sink *s)
{
    if (l->track.on)
        watch_steady(l, s);
    else if (l->cadence.count && !l->cadence.reported)
        watch_pause(l, s);
}
