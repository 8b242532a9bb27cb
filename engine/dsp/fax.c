/* Fax tones of T.30: CNG, 1100 Hz for half a second every three; CED, 2100 Hz for 2.6 to 4 s.
 *
 * CNG is said after a burst of the right length, surer from the second on; right after speech it
 * is taken for a beep instead. CED (and V.8 ANSam, whose phase turns over every 450 ms) is said
 * when it has lasted a second, longer than beeps are. */
#include <math.h>

#include "dsp/num.h"
#include "dsp/tones.h"

#define CNG_HZ           1100.0f
#define CNG_WITHIN_HZ    42.0f /* ±38 Hz, and our error */
#define CNG_MIN_MS       425
#define CNG_MAX_MS       575
#define CNG_PAUSE_MIN_MS 2550
#define CNG_PAUSE_MAX_MS 3450
#define CED_HZ           2100.0f
#define CED_WITHIN_HZ    19.0f /* ±15 Hz, and our error */
#define CED_AFTER_MS     1000
#define SPEECH_BEFORE_MS 3000

static void report(enum dsp_kind kind, const struct segment *g, float confidence, struct sink *s)
{
    struct dsp_event *e = sink_add(s, kind, 0, g->start_ms, g->end_ms);
    if (!e)
        return;
    e->confidence = confidence;
    e->level_ddb = num_level_ddb(g->power);
    e->freq_hz[0] = (uint16_t)(g->f_hz[0] + 0.5f);
}

/* True when the segment was a fax's. */
bool fax_segment(struct leg *l, const struct segment *g, struct sink *s)
{
    if (l->fax.ced_reported)
        return true;
    uint32_t length = g->end_ms - g->start_ms;
    if (g->tones != 1 || g->joined_before || g->joined_after ||
        fabsf(g->f_hz[0] - CNG_HZ) > CNG_WITHIN_HZ || !in_range(length, CNG_MIN_MS, CNG_MAX_MS))
        return false;
    bool again = l->fax.cng_end_ms &&
                 in_range(g->start_ms - l->fax.cng_end_ms, CNG_PAUSE_MIN_MS, CNG_PAUSE_MAX_MS);
    if (!again && voice_before(l, g->start_ms, SPEECH_BEFORE_MS))
        return false;
    l->fax.cng_end_ms = g->end_ms;
    report(DSP_CNG, g, again ? 0.97f : 0.6f, s);
    return true;
}

void fax_run(struct leg *l, struct sink *s)
{
    const struct tone_track *t = &l->track;
    if (!t->on || l->fax.ced_reported || t->seg.tones != 1 ||
        l->now_ms - t->seg.start_ms < CED_AFTER_MS ||
        fabsf(t->seg.f_hz[0] - CED_HZ) > CED_WITHIN_HZ)
        return;
    struct segment g = tones_running(l);
    report(DSP_CED, &g, 0.9f, s);
    l->fax.ced_reported = true;
}
