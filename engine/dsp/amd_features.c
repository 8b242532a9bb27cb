/* Features of an answer; see amd_features.h. Each block costs a few additions, and while there is
 * speech one pass over its samples for the tilt. */
#include "dsp/amd_features.h"

#include "dsp/num.h"
#include "dsp/state.h"

#define COUNT_MAX     60000 /* blocks: 20 minutes, then the sums stand still */
#define SYLLABLE_DDB  40
#define PAUSE_MIN     3 /* blocks */
#define PAUSE_MAX     11
#define TILT_NONE_DDB (-400)
#define ONSET_PITCHES 3

static int distance(int a, int b)
{
    return a > b ? a - b : b - a;
}

static int16_t limit(int64_t v)
{
    return (int16_t)(v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : v);
}

/* Ten times the logarithm of the energy of x[i] − x[i−1] over that of x, in tenths of a dB. */
static int16_t tilt_of(const struct leg *l)
{
    struct tilt t = history_tilt(l);
    if (!(t.energy > 0) || !(t.change > 0))
        return TILT_NONE_DDB;
    return limit((int64_t)num_level_ddb(t.change) - num_level_ddb(t.energy));
}

static void burst_begin(struct amd_features *f, uint32_t start_ms)
{
    if (f->bursts) {
        uint32_t gap = start_ms - f->last_voice_ms;
        uint16_t gap_ms = num_u16(gap);
        f->first_gap_ms = f->first_gap_ms ? f->first_gap_ms : gap_ms;
        f->longest_gap_ms = gap_ms > f->longest_gap_ms ? gap_ms : f->longest_gap_ms;
        f->last_gap_ms = gap_ms;
    } else {
        f->first_ms = start_ms;
    }
    f->bursts = (uint8_t)(f->bursts + (f->bursts < UINT8_MAX));
    f->spurt_ms = start_ms;
    f->last = (struct amd_burst){0};
    f->run = f->run_last = f->pause_blocks = 0;
    f->burst_syllables = f->pitch_count = 0;
    f->syllable_ms = start_ms;
    f->speaking = true;
    f->falling = false;
}

static void burst_grow(struct amd_features *f)
{
    uint32_t length = f->last_voice_ms - f->spurt_ms;
    uint16_t ms = num_u16(length);
    f->longest_burst_ms = ms > f->longest_burst_ms ? ms : f->longest_burst_ms;
    if (f->bursts == 1)
        f->first_burst_ms = ms;
    if (f->bursts == 2)
        f->second_burst_ms = ms;
}

/* A syllable: the level comes up again after having gone down from a peak. */
static void follow_level(struct amd_features *f, int16_t level, uint32_t now_ms)
{
    if (f->active == 0)
        f->mean_level = f->peak = f->trough = f->end_level = level;
    f->mean_level = (int16_t)(f->mean_level + (level - f->mean_level) / 8);
    f->end_level = (int16_t)(f->end_level + (level - f->end_level) / 4);
    f->level_spread_sum += distance(level, f->mean_level);
    if (f->falling) {
        f->trough = level < f->trough ? level : f->trough;
        if (level > f->trough + SYLLABLE_DDB) {
            f->falling = false;
            f->peak = level;
            f->syllables = (uint16_t)(f->syllables + (f->syllables < COUNT_MAX));
            f->burst_syllables = (uint16_t)(f->burst_syllables + (f->burst_syllables < COUNT_MAX));
            f->syllable_ms = now_ms - DSP_BLOCK_MS;
        }
    } else {
        f->peak = level > f->peak ? level : f->peak;
        if (level < f->peak - SYLLABLE_DDB) {
            f->falling = true;
            f->trough = level;
        }
    }
}

static void follow_pitch(struct amd_features *f, int16_t pitch)
{
    if (f->voiced == 0)
        f->mean_pitch = f->pitch_now = f->pitch_low = f->pitch_high = pitch;
    /* An octave's error of the pitch finder moves the smoothed pitch by a semitone and a half. */
    int step = pitch - f->pitch_now;
    step = step > 60 ? 60 : step < -60 ? -60 : step;
    f->pitch_now = (int16_t)(f->pitch_now + step / 4);
    f->mean_pitch = (int16_t)(f->mean_pitch + (f->pitch_now - f->mean_pitch) / 16);
    f->pitch_spread_sum += distance(f->pitch_now, f->mean_pitch);
    f->pitch_low = f->pitch_now < f->pitch_low ? f->pitch_now : f->pitch_low;
    f->pitch_high = f->pitch_now > f->pitch_high ? f->pitch_now : f->pitch_high;
    f->pitches[f->pitch_count % AMD_PITCHES] = f->pitch_now;
    f->pitch_count = (uint16_t)(f->pitch_count + (f->pitch_count < COUNT_MAX));
    if (f->pitch_count == ONSET_PITCHES) {
        int sum = 0;
        for (unsigned i = 0; i < ONSET_PITCHES; i++)
            sum += f->pitches[i];
        f->onset_pitch = (int16_t)(sum / ONSET_PITCHES);
    }
}

static void burst_add(struct amd_burst *b, int16_t level, bool voiced, int16_t pitch)
{
    b->level_sum += level;
    b->blocks++;
    if (voiced) {
        b->pitch_sum += pitch;
        b->voiced++;
    }
}

static void active_block(struct leg *l, bool voiced)
{
    struct amd_features *f = &l->features;
    if (f->pause_blocks >= PAUSE_MIN && f->pause_blocks <= PAUSE_MAX)
        f->short_pauses = (uint16_t)(f->short_pauses + (f->short_pauses < COUNT_MAX));
    f->pause_blocks = 0;
    if (f->active >= COUNT_MAX)
        return;
    int16_t tilt = tilt_of(l);
    follow_level(f, l->level_ddb, l->now_ms);
    if (voiced)
        follow_pitch(f, l->voice.pitch);
    burst_add(&f->last, l->level_ddb, voiced, f->pitch_now);
    if (f->bursts == 1)
        f->first = f->last;
    f->tilt_change_sum += f->active ? distance(tilt, f->tilt) : 0;
    f->tilt = tilt;
    f->mean_tilt = (int16_t)(f->active ? f->mean_tilt + (tilt - f->mean_tilt) / 16 : tilt);
    f->end_tilt = (int16_t)(f->active ? f->end_tilt + (tilt - f->end_tilt) / 4 : tilt);
    f->active++;
    f->voiced = (uint16_t)(f->voiced + voiced);
    f->run = (uint16_t)(voiced ? f->run + 1 : 0);
    f->run_last = f->run ? f->run : f->run_last;
    f->run_longest = f->run > f->run_longest ? f->run : f->run_longest;
}

void amd_features_run(struct leg *l)
{
    struct amd_features *f = &l->features;
    const struct voice *v = &l->voice;
    f->tone |= l->track.on && l->track.looks > 10 && !v->on;
    if (v->on && !f->speaking)
        burst_begin(f, v->start_ms > l->amd.clock_ms ? v->start_ms : l->amd.clock_ms);
    if (f->speaking) {
        f->last_voice_ms = v->last_active_ms;
        burst_grow(f);
    }
    bool active = v->active_bits & 1u;
    if (v->on || f->front.started)
        amd_front_run(&f->front, l->level_ddb, v->on && active, l->now_ms);
    if (v->on && active) {
        active_block(l, v->voiced_bits & 1u);
    } else if (f->bursts) {
        f->run = 0;
        f->pause_blocks = (uint16_t)(f->pause_blocks + (f->pause_blocks < COUNT_MAX));
        if (f->idle < COUNT_MAX) {
            f->idle++;
            f->zero = (uint16_t)(f->zero + l->zero);
        }
    }
    if (!v->on && f->speaking) {
        f->finished_ms += f->last_voice_ms - f->spurt_ms;
        f->speaking = false;
    }
}

static int mean(int64_t sum, int count)
{
    return count ? (int)(sum / count) : 0;
}

static void put_times(const struct leg *l, uint32_t real_ms, int16_t *out)
{
    const struct amd_features *f = &l->features;
    uint32_t last = f->last_voice_ms - f->spurt_ms;
    uint32_t speech = f->finished_ms + (f->speaking ? last : 0);
    uint32_t gap = l->now_ms - f->last_voice_ms;
    out[AMD_SINCE_ONSET] = limit((l->now_ms - f->first_ms) / 10);
    out[AMD_ONSET_DELAY] = limit(f->first_ms > real_ms ? (f->first_ms - real_ms) / 10 : 0);
    out[AMD_FIRST_BURST] = limit(f->first_burst_ms / 10);
    out[AMD_GAP] = limit(gap / 10);
    out[AMD_FIRST_GAP] = limit(f->first_gap_ms / 10);
    out[AMD_LONGEST_GAP] = limit(f->longest_gap_ms / 10);
    out[AMD_BURSTS] = f->bursts;
    out[AMD_LONGEST_BURST] = limit(f->longest_burst_ms / 10);
    out[AMD_LAST_BURST] = limit(last / 10);
    out[AMD_SPEECH] = limit(speech / 10);
    out[AMD_LAST_GAP] = limit(f->last_gap_ms / 10);
    out[AMD_SECOND_BURST] = limit(f->second_burst_ms / 10);
    out[AMD_LAST_SYLLABLE] = limit(((int64_t)f->last_voice_ms - f->syllable_ms) / 10);
    out[AMD_SYLLABLE_RATE] = limit(speech ? f->syllables * 10000LL / speech : 0);
}

/* The last burst's melody: how its end lies to what was just before. */
static void put_melody(const struct amd_features *f, int16_t *out)
{
    unsigned n = f->pitch_count < AMD_PITCHES ? f->pitch_count : AMD_PITCHES;
    int low = f->pitch_now, high = f->pitch_now;
    for (unsigned i = 0; i < n; i++) {
        low = f->pitches[i] < low ? f->pitches[i] : low;
        high = f->pitches[i] > high ? f->pitches[i] : high;
    }
    out[AMD_PITCH_RISE] = limit(f->pitch_now - low);
    out[AMD_PITCH_FALL] = limit(high - f->pitch_now);
    out[AMD_PITCH_OVER_LOW] = limit(f->pitch_now - f->pitch_low);
    out[AMD_PITCH_ONSET] = limit(f->pitch_count >= ONSET_PITCHES
                                     ? f->onset_pitch - mean(f->last.pitch_sum, f->last.voiced)
                                     : 0);
}

static void put_front(const struct leg *l, int16_t *out)
{
    const struct amd_front *f = &l->features.front;
    uint32_t last = f->last_ms - f->spurt_ms;
    out[AMD_FRONT_GAP] = limit(amd_front_gap(f, l->now_ms) / 10);
    out[AMD_FRONT_BURSTS] = f->bursts;
    out[AMD_FRONT_FIRST] = limit(f->first_burst_ms / 10);
    out[AMD_FRONT_LAST] = limit(last / 10);
    out[AMD_FRONT_LONGEST] = limit(f->longest_burst_ms / 10);
    out[AMD_FRONT_LONGEST_GAP] = limit(f->longest_gap_ms / 10);
    out[AMD_FRONT_LAST_GAP] = limit(f->last_gap_ms / 10);
    out[AMD_FRONT_SPEECH] = limit((f->finished_ms + (f->speaking ? last : 0)) / 10);
    out[AMD_FRONT_SHARE] = limit(f->share * 100 / 4096);
    out[AMD_FRONT_OVER] = limit(f->loud_ddb - f->back_ddb);
}

void amd_features_get(const struct leg *l, uint32_t real_ms, int16_t out[AMD_FEATURE_COUNT])
{
    const struct amd_features *f = &l->features;
    const struct amd_burst *a = &f->first, *b = &f->last;
    int level = mean(b->level_sum, b->blocks);
    int pitch = mean(b->pitch_sum, b->voiced);
    int all = mean(f->level_spread_sum, f->active);
    put_times(l, real_ms, out);
    put_melody(f, out);
    put_front(l, out);
    out[AMD_LAST_SYLLABLES] = limit(f->burst_syllables);
    out[AMD_LAST_VOICED] = limit(mean(b->voiced * 100LL, b->blocks));
    out[AMD_TILT_END] = limit(f->end_tilt - f->mean_tilt);
    out[AMD_VOICED_SHARE] = limit(mean(f->voiced * 100LL, f->active));
    out[AMD_SYLLABLES] = limit(f->syllables);
    out[AMD_SHORT_PAUSES] = limit(f->short_pauses);
    out[AMD_LEVEL_SPREAD] = limit(all);
    out[AMD_LEVEL_CHANGE] = limit(level - mean(a->level_sum, a->blocks));
    out[AMD_LEVEL_END] = limit(f->end_level - level);
    out[AMD_ABOVE_FLOOR] = limit(f->mean_level - l->voice.floor_ddb);
    out[AMD_PITCH_SPREAD] = limit(mean(f->pitch_spread_sum, f->voiced));
    out[AMD_PITCH_RANGE] = limit(f->pitch_high - f->pitch_low);
    out[AMD_PITCH_END] = limit(b->voiced ? f->pitch_now - pitch : 0);
    out[AMD_PITCH_CHANGE] =
        limit(b->voiced && a->voiced ? pitch - mean(a->pitch_sum, a->voiced) : 0);
    out[AMD_TILT_SPREAD] = limit(mean(f->tilt_change_sum, f->active));
    out[AMD_VOICED_RUN] = limit(f->run_longest);
    out[AMD_VOICED_END] = limit(f->run_last);
    out[AMD_TONE_HEARD] = f->tone;
    out[AMD_ZERO_SHARE] = limit(mean(f->zero * 100LL, f->idle));
}
