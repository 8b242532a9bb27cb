/* Tone segments: looks that agree make one; its edges are found in the 5 ms energies.
 *
 * A segment begins with two looks in a row that hear the same, and ends when the energy has gone
 * for 30 ms, when another tone has taken over, or when looks hear no tone any more. Low tones
 * within 100 Hz of each other beat, and a look of 32 ms cannot part them: such a cluster is
 * followed by its centre, and the fine view of 64 ms votes on whether it is one tone or two. */
#include "dsp/tones.h"

#include <math.h>

#include "dsp/num.h"
#include "dsp/spectrum.h"

#define AGREE_HZ         15.0f
#define AGREE_CLUSTER_HZ 25.0f
#define TURNING_HZ       2100.0f /* the only tone whose phase is turned over (answer.c) … */
#define TURNING_OFF_HZ   20.0f
#define TURNED_HZ        25.0f /* … and how far off looks with the reversal in them see it */
#define WEAK_SHARE       0.55f /* of the energy: enough for a tone to go on, not to begin */
#define BAD_LOOKS_MAX    4 /* looks without the tone before it is over: a phase reversal costs 3 */
#define EDGE_SHARE       0.25f /* −6 dB: where a tone begins and ends */
#define INSIDE_SHARE     0.6f  /* of the tone's power: a look wholly inside */
#define MOST_SHARE       0.7f
#define QUIET_SLOTS      6 /* 30 ms, longer than a beat of 40 Hz or a lost packet */
#define LATE_BLOCKS      0xfu
#define HOLD_MS          240   /* of packets in a row that may be missing within a tone */
#define GAP_REACH_MS     20    /* from missing packets to where a look after them puts an edge */
#define FLAT_SHARE       0.45f /* of samples within 5 % of the highest; a sine has 0.2 */
#define FINE_AFTER_MS    64    /* the fine view must be full of the tone */
#define BEAT_AFTER_MS    160   /* the same of the beats' */
#define VOTES_FIRST      8     /* of the fine view, one a block; then … */
#define VOTES_EACH       4     /* … one in so many blocks */
#define LOOK_MS          (LOOK_SAMPLES * 1000 / DSP_RATE_HZ)
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

/* With the running mean, or with where the tone was last: it may glide. */
static bool segment_agrees(const struct tone_track *t, const struct look *k)
{
    struct look mean = {.f_hz = {t->seg.f_hz[0], t->seg.f_hz[1]},
                        .centre_hz = t->seg.f_hz[0],
                        .tones = t->seg.tones,
                        .cluster = t->cluster};
    if (looks_agree(&mean, k))
        return true;
    mean.f_hz[0] = mean.centre_hz = t->seen_hz;
    return t->seg.tones == 1 && looks_agree(&mean, k);
}

/* An answer tone with a reversal in the look: two looks in a row can put it 17 Hz beside itself. */
static bool turns_over(const struct tone_track *t, const struct look *k)
{
    return fabsf(t->seg.f_hz[0] - TURNING_HZ) <= TURNING_OFF_HZ && k->lobe_share < CLEAR_SHARE &&
           fabsf(t->seen_hz - k->f_hz[0]) <= TURNED_HZ;
}

/* Whether a single tone still stands out of what noise, clipping or a reversal adds to it. */
static bool goes_on(const struct tone_track *t, const struct look *k)
{
    return t->seg.tones == 1 && k->lobe_share >= WEAK_SHARE &&
           (fabsf(t->seen_hz - k->f_hz[0]) <= AGREE_HZ || turns_over(t, k) ||
            (k->tones == 2 && fabsf(t->seen_hz - k->f_hz[1]) <= AGREE_HZ));
}

static bool slot_missing(const struct leg *l, unsigned back)
{
    return l->missing_bits >> back / SLOTS_PER_BLOCK & 1u;
}

/* How many slots in a row from that one back had no packet. */
static unsigned missing_slots(const struct leg *l, unsigned back)
{
    unsigned n = 0;
    while (back + n < SLOT_RING - 1 && slot_missing(l, back + n))
        n++;
    return n;
}

/* Remembers the newest run of missing packets, which may be longer than the ring of slots. */
static void gap_follow(struct leg *l)
{
    struct tone_track *t = &l->track;
    if (!(l->missing_bits & 1u))
        return;
    if (!(l->missing_bits & 2u) || t->gap_to_ms + DSP_BLOCK_MS != l->now_ms)
        t->gap_from_ms = l->now_ms - DSP_BLOCK_MS;
    t->gap_to_ms = l->now_ms;
}

/* Where one tone went over into something else, as looks tell it: they are late after missing
 * packets, so an edge right after these was anywhere in them. It is put into their middle, and
 * slack_ms is how far it may be off. */
static uint32_t edge_in_gap(const struct leg *l, uint32_t at_ms, uint8_t *slack_ms)
{
    const struct tone_track *t = &l->track;
    *slack_ms = 0;
    if (at_ms <= t->gap_from_ms || at_ms > t->gap_to_ms + GAP_REACH_MS)
        return at_ms;
    *slack_ms = (uint8_t)((t->gap_to_ms - t->gap_from_ms) / 2);
    return t->gap_from_ms + *slack_ms;
}

static void add_slack(struct segment *g, uint32_t ms)
{
    g->slack_ms = (uint8_t)(g->slack_ms + ms < UINT8_MAX ? g->slack_ms + ms : UINT8_MAX);
}

/* Where the tone that filled the look ending at look_ms began. */
static uint32_t onset_ms(const struct leg *l, uint32_t look_ms, float power)
{
    uint32_t earliest = look_ms > LOOK_MS ? look_ms - LOOK_MS : 0;
    uint32_t at = look_ms - 10; /* well inside */
    uint32_t found = at;
    /* After missing packets the first look that says something is late. */
    bool late = l->missing_bits & LATE_BLOCKS;
    while ((at > earliest || (late && found == at)) && at >= SLOT_MS &&
           (l->now_ms - at) / SLOT_MS < SLOT_RING - 1) {
        if (slot_back(l, (l->now_ms - at) / SLOT_MS) >= EDGE_SHARE * power)
            found = at - SLOT_MS;
        at -= SLOT_MS;
    }
    return found;
}

/* The start of a tone that followed quiet: how long before it was 6 dB quieter, and how quiet, as
 * far as that is known; how fast it rose; and what missing packets leave open. */
static void segment_onset(struct leg *l, uint32_t first_ms, float power)
{
    struct segment *g = &l->track.seg;
    g->start_ms = onset_ms(l, first_ms, power);
    unsigned back = (l->now_ms - g->start_ms) / SLOT_MS;
    unsigned quiet = 0, rise = back;
    for (unsigned i = back; i < SLOT_RING && quiet < QUIET_BEFORE_MS / SLOT_MS; i++) {
        if (slot_missing(l, i))
            continue; /* concealment fades, which is no quiet */
        if (slot_back(l, i) >= EDGE_SHARE * power)
            break;
        g->before += slot_back(l, i);
        quiet++;
    }
    g->before = quiet ? g->before / (float)quiet : power;
    g->quiet_ms = (uint8_t)(quiet * SLOT_MS);
    while (rise > 0 && slot_back(l, rise - 1) < MOST_SHARE * power)
        rise--;
    g->rise_ms = (uint8_t)((back - rise) * SLOT_MS);
    const struct tone_track *t = &l->track;
    bool in_gap = g->start_ms > t->gap_from_ms && g->start_ms <= t->gap_to_ms;
    uint32_t open_ms =
        (in_gap ? g->start_ms - t->gap_from_ms : missing_slots(l, back) * SLOT_MS) / 2;
    add_slack(g, open_ms);
    g->start_ms -= open_ms < g->start_ms ? open_ms : g->start_ms;
}

static bool flat_topped(const struct leg *l)
{
    unsigned near_top = num_near_top(history_block(l, 0), DSP_BLOCK_SAMPLES);
    return (float)near_top >= FLAT_SHARE * DSP_BLOCK_SAMPLES;
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
    if (joined)
        t->seg.start_ms = edge_in_gap(l, first_ms - JOINED_BACK_MS, &t->seg.slack_ms);
    else
        segment_onset(l, first_ms, power);
    t->seg.flat = flat_topped(l);
    t->on = true;
    t->cluster = k->cluster;
    t->looks = t->bad_looks = 0;
    t->share_sum = t->purity_sum = 0;
    t->last_f_hz = t->f_first_hz = t->f_kept_hz = 0;
    t->path_hz = 0;
    t->seen_hz = k->cluster ? k->centre_hz : k->f_hz[0];
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
    t->seen_hz = f;
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
        t->path_hz += t->f_kept_hz > 0 ? fabsf(t->last_f_hz - t->f_kept_hz) : 0;
        t->f_first_hz = t->f_first_hz > 0 ? t->f_first_hz : t->last_f_hz;
        t->f_kept_hz = t->last_f_hz;
    }
    /* Not across a phase reversal, nor partly past the end. */
    bool clear =
        k->cluster ? k->power >= INSIDE_SHARE * t->seg.power : k->lobe_share >= CLEAR_SHARE;
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
    g.looks = t->looks;
    g.path_hz = t->path_hz;
    g.glide_hz = t->f_kept_hz - t->f_first_hz;
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
    unsigned last = (l->now_ms - end_ms) / SLOT_MS;
    for (unsigned i = last; i < SLOT_RING && slot_back(l, i) < MOST_SHARE * g.power; i++)
        g.fall_ms = (uint8_t)(g.fall_ms + SLOT_MS);
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
    l->fax.answer_reported = l->fax.answer_runs = false;
}

/* Ends it where looks tell that it is over, while there is still as much energy. */
static void segment_change(struct leg *l, uint32_t end_ms, enum ending how, struct sink *s)
{
    uint8_t slack_ms;
    uint32_t at_ms = edge_in_gap(l, end_ms, &slack_ms);
    add_slack(&l->track.seg, slack_ms);
    segment_end(l, at_ms, how, s);
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
    if (goes_on(t, k)) {
        t->bad_looks = 0;
        t->other_valid = false;
        return;
    }
    t->bad_looks++;
    if (k->tones && t->other_valid && looks_agree(&t->other, k)) {
        t->prev = t->other;
        segment_change(l, look_ms - 10 - JOINED_BACK_MS, JOINED, s);
        segment_begin(l, k, look_ms, true);
        t->prev = *k;
        t->prev_valid = true;
        return;
    }
    t->other = *k;
    t->other_valid = k->tones > 0;
    /* Where the energy is going, watch_energy() will say so. */
    if (t->bad_looks >= BAD_LOOKS_MAX && slot_back(l, 0) >= EDGE_SHARE * t->seg.power)
        segment_change(l, look_ms - 10 * BAD_LOOKS_MAX, LOST_IT, s);
}

/* Ends the running segment when its energy has gone. Where packets were missing at the end, it is
 * put into their middle. */
static void watch_energy(struct leg *l, struct sink *s)
{
    struct tone_track *t = &l->track;
    float least = EDGE_SHARE * t->seg.power;
    unsigned back = 0, quiet = 0, missing = 0;
    uint32_t gap_ms = t->gap_to_ms - t->gap_from_ms;
    bool in_gap = l->missing_bits & 1u;
    if (in_gap && gap_ms <= HOLD_MS)
        return;
    for (; back < SLOT_RING - 1; back++) {
        bool unknown = slot_missing(l, back);
        if (!unknown && slot_back(l, back) >= least)
            break;
        quiet += !unknown;
        missing = unknown ? missing + 1 : 0; /* those right after the last loud one count */
    }
    if (quiet < QUIET_SLOTS && !in_gap)
        return;
    uint32_t open_ms = missing * SLOT_MS / 2, end_ms = l->now_ms - back * SLOT_MS;
    bool whole_ring = back == SLOT_RING - 1 && missing;
    if (whole_ring && end_ms >= t->gap_from_ms && t->gap_from_ms > t->seg.start_ms) {
        end_ms = t->gap_from_ms;
        open_ms = gap_ms / 2;
    }
    add_slack(&t->seg, open_ms);
    segment_end(l, end_ms + open_ms, FELL, s);
}

/* Views of 64 ms overlap, so once there are some, one in four blocks tells as much. */
static bool vote_due(const struct leg *l)
{
    const struct tone_track *t = &l->track;
    return t->fine_single + t->fine_pair < VOTES_FIRST ||
           (l->now_ms - t->seg.start_ms) / DSP_BLOCK_MS % VOTES_EACH == 0;
}

static void fine_vote(struct leg *l)
{
    struct tone_track *t = &l->track;
    float f[2];
    if (t->fine_pair == UINT8_MAX || t->fine_single == UINT8_MAX)
        return;
    bool pair = spectrum_fine(l, t->seg.f_hz[0], f) == 2;
    if (pair ||
        (l->now_ms - t->seg.start_ms >= BEAT_AFTER_MS && spectrum_beats(l, t->seg.f_hz[0], f))) {
        t->fine_pair++;
        t->fine_f_sum[0] += f[0];
        t->fine_f_sum[1] += f[1];
    } else {
        t->fine_single++;
        t->fine_single_sum += f[0];
    }
}

static void take_looks(struct leg *l, struct sink *s)
{
    struct tone_track *t = &l->track;
    struct look looks[LOOKS_PER_BLOCK];
    bool sound = spectrum_look(l, !t->on && !t->prev_valid, looks);
    bool clear = !(l->missing_bits & 2u); /* looks that reach into concealment say nothing */
    if (!sound && !t->on) {               /* most blocks of most calls */
        t->prev_valid = t->prev_valid && !clear;
        if (l->fax.preamble.flags)
            preamble_run(l, NULL, s);
        return;
    }
    if (!sound)
        memset(looks, 0, sizeof looks);
    for (unsigned i = 0; i < LOOKS_PER_BLOCK && clear; i++)
        track_look(l, &looks[i], l->now_ms - 10 * (LOOKS_PER_BLOCK - 1 - i), s);
    if (l->fax.preamble.flags || looks[LOOKS_PER_BLOCK - 1].f_hz[0] > 0)
        preamble_run(l, &looks[LOOKS_PER_BLOCK - 1], s);
}

void tones_run(struct leg *l, bool lost, struct sink *s)
{
    struct tone_track *t = &l->track;
    gap_follow(l);
    lost = lost || (t->on && l->missing_bits & 1u);
    if (lost)
        preamble_run(l, NULL, s);
    else
        take_looks(l, s);
    if (!t->on)
        return;
    if (!lost && t->cluster && !t->bad_looks && vote_due(l) &&
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
