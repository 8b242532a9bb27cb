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
#define CNG_MIN_MS       415   /* 425 … 575, and our error */
#define CNG_MAX_MS       585
#define CNG_PAUSE_MIN_MS 2550
#define CNG_PAUSE_MAX_MS 3450
#define CED_HZ           2100.0f
#define CED_WITHIN_HZ    19.0f /* ±15 Hz, and our error */
#define CED_AFTER_MS     1000
#define CED_SURE_MS      1600 /* after speech, when it could be a beep */
#define SPEECH_BEFORE_MS 3000
#define BROKEN_MS        500 /* a pause this short within CED is lost packets */

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
    struct fax_track *t = &l->fax;
    bool answer = g->tones == 1 && fabsf(g->f_hz[0] - CED_HZ) <= CED_WITHIN_HZ;
    bool rest = answer && t->ced_end_ms && g->start_ms - t->ced_end_ms < BROKEN_MS;
    if (t->ced_reported || rest) {
        t->ced_end_ms = g->end_ms;
        return true;
    }
    uint32_t length = g->end_ms - g->start_ms;
    if (g->tones != 1 || g->joined_before || g->joined_after ||
        fabsf(g->f_hz[0] - CNG_HZ) > CNG_WITHIN_HZ ||
        !in_range(length, CNG_MIN_MS - (uint32_t)g->slack_ms, CNG_MAX_MS + (uint32_t)g->slack_ms))
        return false;
    bool again =
        t->cng_end_ms && in_range(g->start_ms - t->cng_end_ms, CNG_PAUSE_MIN_MS, CNG_PAUSE_MAX_MS);
    t->cng_end_ms = g->end_ms; /* even if it is called a beep now: a second one will tell */
    if (!again && voice_as_loud(l, g, SPEECH_BEFORE_MS))
        return false;
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
    if (voice_as_loud(l, &t->seg, SPEECH_BEFORE_MS) && l->now_ms - t->seg.start_ms < CED_SURE_MS)
        return;
    struct segment g = tones_running(l);
    report(DSP_CED, &g, 0.9f, s);
    l->fax.ced_reported = true;
}
