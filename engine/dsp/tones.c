/* Tone segments: looks that agree make one; its edges are found in the 5 ms energies.
 *
 * A segment begins with two looks in a row that hear the same, and ends when the energy has gone
 * for 30 ms, when another tone has taken over, or when looks hear no tone any more. Low tones
 * within 100 Hz of each other beat, and a look of 32 ms cannot part them: such a cluster is
 * followed by its centre, and the fine view of 64 ms votes on whether it is one tone or two. */
#include "dsp/tones.h"

#include <math.h>

#include "dsp/spectrum.h"

#define AGREE_HZ         15.0f
#define AGREE_CLUSTER_HZ 25.0f
#define BAD_LOOKS_MAX    4 /* looks without the tone before it is over: a phase reversal costs 3 */
#define EDGE_SHARE       0.25f /* −6 dB: where a tone begins and ends */
#define INSIDE_SHARE     0.6f  /* of the tone's power: a look wholly inside */
#define QUIET_SLOTS      6     /* 30 ms, longer than a beat of 40 Hz or a lost packet */
#define FINE_AFTER_MS    64    /* the fine view must be full of the tone */
#define HALF_LOOK_MS     16
#define JOINED_BACK_MS   24 /* from a new tone's first clear look to where it took over */
#define SURE_AFTER_MS    80 /* vowels stand still for less */
#define QUIET_BEFORE_MS  90
#define SURE_PURITY      0.93f
#define SURE_SWELL       2.0f
#define CLEAR_SHARE      0.9f
#define SURE_SHARE       0.85f
#define SURE_DRIFT_HZ    12.0f

static bool looks_agree(const struct look *a, const struct look *b)
{
    if (a->cluster || b->cluster)
        return a->tones == 1 && b->tones == 1 &&
               fabsf(a->centre_hz - b->centre_hz) <= AGREE_CLUSTER_HZ;
    return a->tones == b->tones && fabsf(a->f_hz[0] - b->f_hz[0]) <= AGREE_HZ &&
           fabsf(a->f_hz[1] - b->f_hz[1]) <= AGREE_HZ;
}

static bool segment_agrees(const struct tone_track *t, const struct look *k)
{
    struct look mean = {.f_hz = {t->seg.f_hz[0], t->seg.f_hz[1]},
                        .centre_hz = t->seg.f_hz[0],
                        .tones = t->seg.tones,
                        .cluster = t->cluster};
    return looks_agree(&mean, k);
}

/* Where the tone that filled the look ending at look_ms began. */
static uint32_t onset_ms(const struct leg *l, uint32_t look_ms, float power)
{
    uint32_t earliest = look_ms > 2 * HALF_LOOK_MS ? look_ms - 2 * HALF_LOOK_MS : 0;
    uint32_t at = look_ms - 10; /* well inside */
    uint32_t found = at;
    while (at > earliest && (l->now_ms - at) / SLOT_MS < SLOT_RING - 1) {
        if (slot_back(l, (l->now_ms - at) / SLOT_MS) >= EDGE_SHARE * power)
            found = at - SLOT_MS;
        at -= SLOT_MS;
    }
    return found;
}

/* How long before the start it was 6 dB quieter, as far as that is known. */
static uint8_t quiet_before_ms(const struct leg *l, uint32_t start_ms, float power)
{
    uint32_t back = (l->now_ms - start_ms) / SLOT_MS;
    uint32_t i = back;
    while (i < SLOT_RING && i < back + QUIET_BEFORE_MS / SLOT_MS &&
           slot_back(l, i) < EDGE_SHARE * power)
        i++;
    return (uint8_t)((i - back) * SLOT_MS);
}

static void segment_begin(struct leg *l, const struct look *k, uint32_t look_ms, bool joined)
{
    struct tone_track *t = &l->track;
    uint32_t first_ms = look_ms - 10;
    float power = t->prev.power > k->power ? t->prev.power : k->power;
    t->seg = (struct segment){.f_hz = {k->cluster ? k->centre_hz : k->f_hz[0], k->f_hz[1]},
                              .power = power,
                              .tones = k->tones,
                              .joined_before = joined};
    t->seg.start_ms = joined ? first_ms - JOINED_BACK_MS : onset_ms(l, first_ms, power);
    t->seg.quiet_ms = joined ? 0 : quiet_before_ms(l, t->seg.start_ms, power);
    t->on = true;
    t->cluster = k->cluster;
    t->looks = t->bad_looks = 0;
    t->share_sum = t->purity_sum = 0;
    t->last_f_hz = 0;
    t->f_min_hz = t->power_min = 1e12f;
    t->power_max = 0;
    t->f_max_hz = 0;
    t->fine_single = t->fine_pair = 0;
    t->fine_f_sum[0] = t->fine_f_sum[1] = 0;
    t->fine_single_sum = 0;
    t->other_valid = false;
}

static void segment_add(struct tone_track *t, const struct look *k)
{
    t->bad_looks = 0;
    t->other_valid = false;
    if (k->power < INSIDE_SHARE * t->seg.power && !k->cluster)
        return; /* partly past the end */
    float weight = t->looks < 8 ? 1.0f / (float)(t->looks + 2) : 0.1f;
    float f = k->cluster ? k->centre_hz : k->f_hz[0];
    t->seg.f_hz[0] += weight * (f - t->seg.f_hz[0]);
    t->seg.f_hz[1] += weight * (k->f_hz[1] - t->seg.f_hz[1]);
    float settle = t->looks < 20 ? 1.0f / (float)(t->looks + 2) : 0.05f;
    t->seg.power += settle * (k->power - t->seg.power);
    /* The last look inside may already feel the end: it counts when the next one has come. */
    if (t->last_f_hz > 0) {
        t->power_min = t->last_power < t->power_min ? t->last_power : t->power_min;
        t->power_max = t->last_power > t->power_max ? t->last_power : t->power_max;
        t->f_min_hz = t->last_f_hz < t->f_min_hz ? t->last_f_hz : t->f_min_hz;
        t->f_max_hz = t->last_f_hz > t->f_max_hz ? t->last_f_hz : t->f_max_hz;
    }
    bool clear = k->cluster || k->lobe_share >= CLEAR_SHARE; /* not across a phase reversal */
    t->last_f_hz = clear ? k->f_hz[0] : 0;
    t->last_power = k->power;
    t->share_sum += k->lobe_share;
    t->purity_sum += k->share;
    if (t->looks < UINT16_MAX)
        t->looks++;
    else {
        t->share_sum -= k->lobe_share;
        t->purity_sum -= k->share;
    }
}

struct segment tones_running(const struct leg *l)
{
    const struct tone_track *t = &l->track;
    struct segment g = t->seg;
    g.end_ms = l->now_ms;
    g.share = t->looks ? t->share_sum / (float)t->looks : 0;
    g.purity = t->looks ? t->purity_sum / (float)t->looks : 0;
    g.drift_hz = t->f_max_hz > t->f_min_hz ? t->f_max_hz - t->f_min_hz : 0;
    g.swell = t->power_max > t->power_min ? t->power_max / t->power_min : 1;
    if (!t->cluster)
        return g;
    if (t->fine_pair > t->fine_single) {
        g.tones = 2;
        g.f_hz[0] = t->fine_f_sum[0] / t->fine_pair;
        g.f_hz[1] = t->fine_f_sum[1] / t->fine_pair;
    } else if (t->fine_single) {
        g.f_hz[0] = t->fine_single_sum / t->fine_single;
        g.f_hz[1] = 0;
    }
    return g;
}

enum ending { FELL, JOINED, LOST_IT };

static void segment_end(struct leg *l, uint32_t end_ms, enum ending how, struct sink *s)
{
    struct segment g = tones_running(l);
    l->track.on = false;
    l->track.prev_valid = false;
    g.end_ms = end_ms;
    g.joined_after = how == JOINED;
    g.fell = how == FELL;
    if (end_ms <= g.start_ms)
        return;
    bool taken = l->phase != DSP_TALK && sit_segment(l, &g, s);
    taken = fax_segment(l, &g, s) || taken;
    if (!taken)
        beep_segment(l, &g);
    cadence_segment(l, &g);
    l->fax.ced_reported = false;
}

static void track_look(struct leg *l, const struct look *k, uint32_t look_ms, struct sink *s)
{
    struct tone_track *t = &l->track;
    if (!t->on) {
        if (k->tones && t->prev_valid && looks_agree(&t->prev, k))
            segment_begin(l, k, look_ms, false);
        t->prev = *k;
        t->prev_valid = k->tones > 0;
        return;
    }
    if (k->tones && segment_agrees(t, k)) {
        segment_add(t, k);
        return;
    }
    t->bad_looks++;
    if (k->tones && t->other_valid && looks_agree(&t->other, k)) {
        t->prev = t->other;
        segment_end(l, look_ms - 10 - JOINED_BACK_MS, JOINED, s);
        segment_begin(l, k, look_ms, true);
        t->prev = *k;
        t->prev_valid = true;
        return;
    }
    t->other = *k;
    t->other_valid = k->tones > 0;
    if (t->bad_looks >= BAD_LOOKS_MAX)
        segment_end(l, look_ms - 10 * BAD_LOOKS_MAX, LOST_IT, s);
}

/* Ends the running segment when its energy has gone. */
static void watch_energy(struct leg *l, struct sink *s)
{
    float least = EDGE_SHARE * l->track.seg.power;
    for (unsigned i = 0; i < QUIET_SLOTS; i++)
        if (slot_back(l, i) >= least)
            return;
    unsigned back = QUIET_SLOTS;
    while (back < SLOT_RING - 1 && slot_back(l, back) < least)
        back++;
    segment_end(l, l->now_ms - back * SLOT_MS, FELL, s);
}

static void fine_vote(struct leg *l)
{
    struct tone_track *t = &l->track;
    float f[2];
    if (t->fine_pair == UINT8_MAX || t->fine_single == UINT8_MAX)
        return;
    if (spectrum_fine(l, t->seg.f_hz[0], f) == 2) {
        t->fine_pair++;
        t->fine_f_sum[0] += f[0];
        t->fine_f_sum[1] += f[1];
    } else {
        t->fine_single++;
        t->fine_single_sum += f[0];
    }
}

void tones_run(struct leg *l, bool lost, struct sink *s)
{
    struct tone_track *t = &l->track;
    if (!lost) {
        struct look looks[LOOKS_PER_BLOCK];
        spectrum_look(l, !t->on && !t->prev_valid, looks);
        for (unsigned i = 0; i < LOOKS_PER_BLOCK; i++)
            track_look(l, &looks[i], l->now_ms - 10 * (LOOKS_PER_BLOCK - 1 - i), s);
    }
    if (!t->on)
        return;
    if (!lost && t->cluster && !t->bad_looks &&
        l->now_ms - t->seg.start_ms >= FINE_AFTER_MS + SLOT_MS &&
        slot_back(l, 0) + slot_back(l, 1) + slot_back(l, 2) + slot_back(l, 3) >=
            EDGE_SHARE * t->seg.power)
        fine_vote(l);
    watch_energy(l, s);
}

enum tone_state tones_state(const struct leg *l)
{
    if (!l->track.on)
        return TONE_NONE;
    struct segment g = tones_running(l);
    if (g.end_ms - g.start_ms < SURE_AFTER_MS)
        return TONE_MAYBE;
    if (g.tones == 2) /* a vowel's two strongest harmonics are less pure, or swell */
        return g.purity >= SURE_PURITY && (l->track.cluster || g.swell <= SURE_SWELL) ? TONE_SURE
                                                                                      : TONE_NONE;
    return g.share >= SURE_SHARE && g.drift_hz <= SURE_DRIFT_HZ ? TONE_SURE : TONE_NONE;
}

void tones_reset(struct leg *l)
{
    l->track = (struct tone_track){0};
    l->cadence = (struct cadence){0};
    l->sit = (struct sit_track){0};
    l->fax = (struct fax_track){0};
    l->beep = (struct beep_track){0};
}
