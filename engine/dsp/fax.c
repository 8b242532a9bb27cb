/* Tones of fax machines and modems: CNG of T.30, 1100 Hz for half a second every three; the answer
 * tones CED, 2100 Hz for 2.6 to 4 s, with or without the marks of V.25 and V.8 (answer.c), and of
 * Bell 103 and 212A, 2225 Hz.
 *
 * CNG is said after a burst of the right length, surer from the second on; right after speech it
 * is taken for a beep instead. An answer tone is said when it has lasted a second, longer than
 * beeps are. */
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
#define BELL_HZ          2225.0f
#define ANSWER_WITHIN_HZ 19.0f /* ±15 Hz, and our error */
#define ANSWER_AFTER_MS  1000
#define ANSWER_SURE_MS   1600 /* after speech, when it could be a beep */
#define SPEECH_BEFORE_MS 3000
#define BROKEN_MS        500 /* a pause this short within an answer tone is lost packets */

static void report(enum dsp_kind kind, unsigned detail, const struct segment *g, float confidence,
                   struct sink *s)
{
    struct dsp_event *e = sink_add(s, kind, detail, g->start_ms, g->end_ms);
    if (!e)
        return;
    e->confidence = confidence;
    e->level_ddb = num_level_ddb(g->power);
    e->freq_hz[0] = (uint16_t)(g->f_hz[0] + 0.5f);
}

static bool near(const struct segment *g, float f_hz)
{
    return g->tones == 1 && fabsf(g->f_hz[0] - f_hz) <= ANSWER_WITHIN_HZ;
}

/* True when the segment was a fax's. */
bool fax_segment(struct leg *l, const struct segment *g, struct sink *s)
{
    struct fax_track *t = &l->fax;
    bool answer = near(g, CED_HZ) || near(g, BELL_HZ);
    bool rest = answer && t->ced_end_ms && g->start_ms < t->ced_end_ms + BROKEN_MS;
    /* Missing packets may have cut one off: it is no beep, unless it answers speech as they do. */
    bool cut = answer && g->slack_ms && !voice_as_loud(l, g, SPEECH_BEFORE_MS);
    t->said_end_ms = t->answer_reported ? g->end_ms : t->said_end_ms;
    if (t->answer_reported || rest || cut) {
        t->ced_end_ms = g->end_ms;
        return true;
    }
    if (g->tones != 1 || fabsf(g->f_hz[0] - CNG_HZ) > CNG_WITHIN_HZ)
        return false;
    uint32_t length = g->end_ms - g->start_ms;
    bool again =
        t->cng_end_ms && in_range(g->start_ms - t->cng_end_ms, CNG_PAUSE_MIN_MS, CNG_PAUSE_MAX_MS);
    if (g->joined_before || g->joined_after ||
        !in_range(length, CNG_MIN_MS - (uint32_t)g->slack_ms, CNG_MAX_MS + (uint32_t)g->slack_ms)) {
        t->cng_end_ms = again ? g->end_ms : t->cng_end_ms;
        return again; /* in time, so it is one that missing packets made longer or shorter */
    }
    t->cng_end_ms = g->end_ms; /* even if it is called a beep now: a second one will tell */
    if (!again && voice_as_loud(l, g, SPEECH_BEFORE_MS))
        return false;
    report(DSP_CNG, 0, g, again ? 0.97f : 0.6f, s);
    return true;
}

void fax_run(struct leg *l, struct sink *s)
{
    struct fax_track *f = &l->fax;
    const struct tone_track *t = &l->track;
    if (!t->on || f->answer_reported)
        return;
    bool ced = near(&t->seg, CED_HZ), bell = near(&t->seg, BELL_HZ);
    if (ced && !f->answer_runs) {
        answer_begin(&f->answer);
        f->answer_runs = true;
    }
    if (ced)
        answer_run(l, &f->answer);
    uint32_t length = l->now_ms - t->seg.start_ms;
    if (!(ced || bell) || length < ANSWER_AFTER_MS)
        return;
    if (f->said_end_ms && t->seg.start_ms < f->said_end_ms + BROKEN_MS) {
        f->answer_reported = true; /* the rest of it */
        return;
    }
    if (length < ANSWER_SURE_MS && voice_as_loud(l, &t->seg, SPEECH_BEFORE_MS))
        return;
    struct segment g = tones_running(l);
    if (ced)
        report(DSP_CED, answer_kind(&f->answer), &g, 0.9f, s);
    else
        report(DSP_MODEM, 0, &g, 0.9f, s);
    f->answer_reported = true;
}
