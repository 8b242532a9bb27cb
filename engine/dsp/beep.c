/* The beep of a machine: one pure, steady tone of 70 ms to 1.5 s that stands alone.
 *
 * Pitches from 300 to 3800 Hz. Reported 40 to 80 ms after its end, because a tone that follows at
 * once makes it something else (SIT, dialling). Network tones (the plan's, and anything from 380 to
 * 500 Hz) are beeps only right after speech and when not repeated. */
#include <math.h>

#include "dsp/num.h"
#include "dsp/tones.h"

#define BEEP_MIN_MS      70
#define BEEP_MAX_MS      1500
#define EDGE_ERROR_MS    8
#define SHARE_MIN        0.90f
#define DRIFT_MAX_HZ     10.0f
#define F_MIN_HZ         300.0f
#define SWELL_MAX        2.5f     /* 4 dB: notes of music die away */
#define POWER_MIN        40000.0f /* −38 dBm0 */
#define ALONE_MS         40
#define REPEAT_MS        7000
#define NETWORK_LOW_HZ   380.0f
#define NETWORK_HIGH_HZ  500.0f
#define QUIET_MS         15
#define VOICE_TOP_HZ     500.0f /* below, a sung vowel can be this pure */
#define VOICE_QUIET_MS   80
#define VOICE_SHARE      0.96f
#define VOICE_DRIFT_HZ   5.0f
#define SPEECH_BEFORE_MS 5000
#define SAME_HZ          15.0f

static bool network_tone(const struct leg *l, float f_hz)
{
    return (f_hz >= NETWORK_LOW_HZ && f_hz <= NETWORK_HIGH_HZ) || plan_match(l->plan, f_hz, 0);
}

static bool repeated(const struct beep_track *b, const struct segment *g)
{
    return b->has_last && fabsf(b->last.f_hz[0] - g->f_hz[0]) <= SAME_HZ &&
           g->start_ms - b->last.end_ms < REPEAT_MS;
}

void beep_segment(struct leg *l, const struct segment *g)
{
    struct beep_track *b = &l->beep;
    uint32_t length = g->end_ms - g->start_ms;
    bool low = g->f_hz[0] < VOICE_TOP_HZ;
    bool pure = g->tones == 1 && length >= BEEP_MIN_MS - EDGE_ERROR_MS &&
                g->share >= (low ? VOICE_SHARE : SHARE_MIN) && g->swell <= SWELL_MAX &&
                g->drift_hz <= (low ? VOICE_DRIFT_HZ : DRIFT_MAX_HZ);
    bool shape = pure && length <= BEEP_MAX_MS + 2 * EDGE_ERROR_MS && g->f_hz[0] >= F_MIN_HZ &&
                 g->power >= POWER_MIN;
    bool alone = g->quiet_ms >= (low ? VOICE_QUIET_MS : QUIET_MS) && g->fell && !repeated(b, g);
    if (network_tone(l, g->f_hz[0]) && !voice_before(l, g->start_ms, SPEECH_BEFORE_MS))
        alone = false;
    if (shape && alone) {
        b->pending = *g;
        b->waiting = true;
    }
    if (pure) {
        b->last = *g;
        b->has_last = true;
    }
}

void beep_run(struct leg *l, struct sink *s)
{
    struct beep_track *b = &l->beep;
    if (!b->waiting)
        return;
    const struct segment *g = &b->pending;
    if (l->track.on || l->track.prev_valid) {
        b->waiting = false;
        return;
    }
    if (l->now_ms - g->end_ms < ALONE_MS)
        return;
    b->waiting = false;
    if (network_tone(l, g->f_hz[0]))
        l->cadence = (struct cadence){0}; /* it is not the first beat of a network tone */
    amd_beep(l, g->start_ms, s);
    struct dsp_event *e = sink_add(s, DSP_BEEP, 0, g->start_ms, g->end_ms);
    if (!e)
        return;
    e->confidence = g->share > 0.97f ? 0.95f : 0.85f;
    e->level_ddb = num_level_ddb(g->power);
    e->freq_hz[0] = (uint16_t)(g->f_hz[0] + 0.5f);
}
