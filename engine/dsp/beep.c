/* The beep of a machine: one pure tone of 70 ms to 1.5 s with sharp edges that stands alone.
 *
 * Pitches from 190 Hz (100 ms or longer below 550 Hz) to 3800 Hz, steady or gliding evenly by up to
 * 300 Hz. What is not a beep but can be a pure tone (a sung vowel, a whistle, a note) swells,
 * wavers or has soft edges, the more so the lower and longer it is, so low and short ones must be
 * purer. Noise of the line and clipping are allowed for. Reported 40 to 80 ms after its end,
 * because a tone that follows at once makes it something else (SIT, dialling). A second beep of the
 * same pitch soon after the first is reported too, counted in detail: a message must wait for the
 * last one. Later ones are not: they would be a network's tone. Network tones (the plan's, and
 * anything from 380 to 500 Hz) are beeps only after speech about as loud, and when not repeated. */
#include <math.h>

#include "dsp/num.h"
#include "dsp/tones.h"

#define BEEP_MIN_MS      70
#define BEEP_MAX_MS      1500
#define EDGE_ERROR_MS    8
#define POWER_MIN        40000.0f /* −38 dBm0 */
#define F_MIN_HZ         190.0f
#define LOOKS_MIN        3
#define SHARE_MIN        0.91f
#define SHORT_MS         100 /* below, purer, as syllables are */
#define SHORT_SHARE      0.955f
#define FLAT_SHARE       0.78f /* a square wave leaves 0.81 to its first harmonic */
#define NOISE_MAX        0.3f  /* of the power: beyond, it is not the line's noise */
#define DRIFT_MAX_HZ     12.0f
#define SWELL_MAX        2.5f /* 4 dB: notes of music die away */
#define EVEN_SWELL       1.6f /* of short and of gliding ones */
#define EDGE_MAX_MS      10
#define SURE_SHARE       0.98f
#define GLIDE_MIN_MS     120
#define GLIDE_MAX_HZ     300.0f
#define LOW_HZ           550.0f /* below, a sung vowel can be this pure */
#define LOW_MIN_MS       100
#define LOW_SHARE        0.965f
#define LOW_DRIFT_HZ     5.0f
#define LOW_PURE_SHARE   0.98f
#define LOW_PURE_MS      120
#define LOW_PURE_DRIFT   10.0f
#define LOW_SWELL        2.0f
#define LOW_QUIET_MS     80
#define QUIET_MS         15
#define ALONE_MS         40
#define REPEAT_MS        7000
#define AGAIN_MS         400 /* from the end of a beep to the start of its second part */
#define NETWORK_LOW_HZ   380.0f
#define NETWORK_HIGH_HZ  500.0f
#define SPEECH_BEFORE_MS 5000
#define SAME_HZ          15.0f

static bool network_tone(const struct leg *l, float f_hz)
{
    return (f_hz >= NETWORK_LOW_HZ && f_hz <= NETWORK_HIGH_HZ) || plan_match(l->plan, f_hz, 0);
}

static struct beep_mark mark_of(const struct segment *g)
{
    return (struct beep_mark){g->end_ms, g->f_hz[0]};
}

static bool repeats(const struct beep_mark *before, const struct segment *g, uint32_t within_ms)
{
    return before->end_ms && fabsf(before->f_hz - g->f_hz[0]) <= SAME_HZ &&
           g->start_ms - before->end_ms < within_ms;
}

/* The tone's share of the energy that is not the line's steady noise. */
static float clean_share(const struct leg *l, const struct segment *g)
{
    float noise = num_power(l->voice.floor_ddb) / g->power;
    return g->share / (1 - (noise < NOISE_MAX ? noise : NOISE_MAX));
}

static bool low_is_pure(const struct segment *g, float share, uint32_t length)
{
    bool very = share >= LOW_PURE_SHARE && length >= LOW_PURE_MS;
    return share >= LOW_SHARE && length >= LOW_MIN_MS - EDGE_ERROR_MS &&
           g->drift_hz <= (very ? LOW_PURE_DRIFT : LOW_DRIFT_HZ) &&
           g->swell <= (very ? LOW_SWELL : EVEN_SWELL) && g->quiet_ms >= LOW_QUIET_MS;
}

static bool glides_evenly(const struct segment *g, uint32_t length)
{
    float glide = fabsf(g->glide_hz);
    return length >= GLIDE_MIN_MS && glide >= 0.8f * g->drift_hz && glide <= GLIDE_MAX_HZ &&
           g->path_hz <= 1.25f * glide + 8;
}

static bool is_pure(const struct leg *l, const struct segment *g, uint32_t length)
{
    float share = clean_share(l, g);
    if (g->looks < LOOKS_MIN)
        return false;
    bool flat = g->flat && share >= FLAT_SHARE;
    if (g->f_hz[0] < LOW_HZ)
        return low_is_pure(g, flat ? 1 : share, length);
    bool brief = length < SHORT_MS, steady = g->drift_hz <= DRIFT_MAX_HZ;
    return (flat || share >= (brief ? SHORT_SHARE : SHARE_MIN)) &&
           (steady || glides_evenly(g, length)) &&
           g->swell <= (brief || !steady ? EVEN_SWELL : SWELL_MAX);
}

/* What is unknown for missing packets is taken for good of a tone beyond doubt, but not that there
 * was quiet before one that another tone went over into. */
static bool has_edges(const struct leg *l, const struct segment *g)
{
    bool sure = g->slack_ms && !g->joined_before && (g->flat || clean_share(l, g) >= SURE_SHARE);
    return g->fell && (g->quiet_ms >= QUIET_MS || sure) && g->rise_ms <= EDGE_MAX_MS &&
           (g->fall_ms <= EDGE_MAX_MS || sure);
}

void beep_segment(struct leg *l, const struct segment *g)
{
    struct beep_track *b = &l->beep;
    uint32_t length = g->end_ms - g->start_ms;
    if (g->tones != 1 || length + g->slack_ms < BEEP_MIN_MS - EDGE_ERROR_MS)
        return;
    bool network = network_tone(l, g->f_hz[0]);
    bool again = !network && repeats(&b->said, g, AGAIN_MS);
    bool alone = again || !repeats(&b->last, g, REPEAT_MS);
    if (network && !voice_as_loud(l, g, SPEECH_BEFORE_MS))
        alone = false;
    if (alone && g->power >= POWER_MIN && g->f_hz[0] >= F_MIN_HZ &&
        length <= BEEP_MAX_MS + 2 * EDGE_ERROR_MS + (uint32_t)g->slack_ms && has_edges(l, g) &&
        is_pure(l, g, length)) {
        b->pending = *g;
        b->waiting = true;
        b->count = (uint8_t)(again ? b->count + (b->count < UINT8_MAX) : 1);
    }
    bool low = g->f_hz[0] < LOW_HZ; /* of which voices have many that are nearly pure */
    if (clean_share(l, g) >= (low ? LOW_SHARE : SHARE_MIN) && g->drift_hz <= DRIFT_MAX_HZ &&
        g->swell <= SWELL_MAX)
        b->last = mark_of(g);
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
    b->said = mark_of(g);
    if (network_tone(l, g->f_hz[0]))
        l->cadence = (struct cadence){0}; /* it is not the first beat of a network tone */
    amd_beep(l, g->start_ms, s);
    struct dsp_event *e = sink_add(s, DSP_BEEP, b->count, g->start_ms, g->end_ms);
    if (!e)
        return;
    e->confidence = g->share > 0.97f ? 0.95f : 0.85f;
    e->level_ddb = num_level_ddb(g->power);
    e->freq_hz[0] = (uint16_t)(g->f_hz[0] + 0.5f);
}
