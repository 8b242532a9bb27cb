/* Voice activity: blocks well above the noise floor, some of them voiced, none of them a tone.
 *
 * The floor follows falling levels fast and rising ones slowly; sound that stays level for 300 ms
 * without pitch, or a second with it, is noise and becomes the floor. A spurt begins with four
 * active blocks of six of which two are voiced (so steady noise, clicks and breath begin none), and
 * ends when 240 ms have been quiet. Its times are those of the first and last active block. */
#include "dsp/num.h"
#include "dsp/spectrum.h"

#define FLOOR_START_DDB (-600)
#define FLOOR_MIN_DDB   (-700)
#define ABOVE_FLOOR_DDB 90
#define ACTIVE_MIN_DDB  (-480)
#define VOICED_MIN      0.5f
#define START_WINDOW    0x3fu /* six blocks */
#define START_ACTIVE    4
#define START_VOICED    2
#define END_WINDOW      0xfffu /* twelve blocks */
#define STEADY_DDB      40
#define STEADY_UNVOICED 15
#define STEADY_VOICED   50
#define STEADY_WINDOW   0x7fffu
#define AS_LOUD_DDB     150
#define CREEP_BLOCKS    4 /* 0.1 dB in so many while active */

static void follow_floor(struct voice *v, int16_t level, bool active)
{
    int off = level - v->slow_ddb;
    v->steady_blocks = off < STEADY_DDB && off > -STEADY_DDB
                           ? (uint8_t)(v->steady_blocks + (v->steady_blocks < UINT8_MAX))
                           : 0;
    v->slow_ddb = (int16_t)(v->slow_ddb + off / 4);
    bool unvoiced = (v->voiced_bits & STEADY_WINDOW) == 0;
    if (v->steady_blocks >= STEADY_VOICED || (v->steady_blocks >= STEADY_UNVOICED && unvoiced))
        v->floor_ddb = v->slow_ddb;
    else if (level < v->floor_ddb)
        v->floor_ddb = (int16_t)(v->floor_ddb + (level - v->floor_ddb) / 4);
    else if (!active)
        v->floor_ddb = (int16_t)(v->floor_ddb + (level - v->floor_ddb) / 16);
    else if (++v->creep >= CREEP_BLOCKS) {
        v->creep = 0;
        v->floor_ddb++;
    }
    if (v->floor_ddb < FLOOR_MIN_DDB)
        v->floor_ddb = FLOOR_MIN_DDB;
}

static void spurt_begin(struct leg *l, struct sink *s)
{
    struct voice *v = &l->voice;
    unsigned oldest = 0;
    for (unsigned i = 0, quiet = 0; i < 32 && quiet < 3; i++) {
        quiet = v->active_bits >> i & 1u ? 0 : quiet + 1;
        oldest = quiet ? oldest : i;
    }
    uint32_t length = (oldest + 1) * DSP_BLOCK_MS;
    v->start_ms = l->now_ms > length ? l->now_ms - length : 0;
    v->on = true;
    v->earlier_ms = v->heard_ms;
    v->last_active_ms = v->heard_ms = v->confirmed_ms = l->now_ms;
    v->power_sum = 0;
    v->power_count = 0;
    struct dsp_event *e = s ? sink_add(s, DSP_SPEECH_START, 0, v->start_ms, l->now_ms) : NULL;
    if (e) {
        e->confidence = 0.8f;
        e->level_ddb = l->level_ddb;
    }
}

static void spurt_end(struct leg *l, struct sink *s)
{
    struct voice *v = &l->voice;
    v->on = false;
    v->active_bits = v->voiced_bits = 0;
    struct dsp_event *e = s ? sink_add(s, DSP_SPEECH_END, 0, v->start_ms, v->last_active_ms) : NULL;
    if (e) {
        e->confidence = 0.8f;
        e->level_ddb = num_level_ddb(v->power_count ? v->power_sum / v->power_count : 0);
    }
}

void voice_run(struct leg *l, bool packet, bool lost, enum tone_state tone, struct sink *s)
{
    struct voice *v = &l->voice;
    bool active = false;
    bool voiced = false;
    if (lost) { /* what was goes on, for the 40 ms that concealment is worth */
        active = v->active_bits & 1u;
        voiced = v->voiced_bits & 1u;
    } else if (packet && !l->zero && tone != TONE_SURE) {
        int threshold = v->floor_ddb + ABOVE_FLOOR_DDB;
        active = l->level_ddb > (threshold > ACTIVE_MIN_DDB ? threshold : ACTIVE_MIN_DDB);
        voiced = active && spectrum_voiced(l, &v->pitch) >= VOICED_MIN;
        follow_floor(v, l->level_ddb, active);
    }
    v->active_bits = v->active_bits << 1 | active;
    v->voiced_bits = v->voiced_bits << 1 | voiced;
    if (tone == TONE_NONE && (v->active_bits & 8u))
        v->loud_ddb = (int16_t)(v->loud_ddb + (v->recent_ddb[2] - v->loud_ddb) / 4);
    v->recent_ddb[2] = v->recent_ddb[1];
    v->recent_ddb[1] = v->recent_ddb[0];
    v->recent_ddb[0] = l->level_ddb;
    if (!v->on) {
        if (tone == TONE_SURE)
            v->active_bits = v->voiced_bits = 0;
        if (tone == TONE_NONE && (v->active_bits & START_WINDOW) &&
            __builtin_popcount(v->active_bits & START_WINDOW) >= START_ACTIVE &&
            __builtin_popcount(v->voiced_bits & START_WINDOW) >= START_VOICED)
            spurt_begin(l, s);
        return;
    }
    if (active && (v->active_bits & 6u)) { /* not a click on its own */
        v->last_active_ms = v->heard_ms = l->now_ms;
        v->power_sum += slot_back(l, 0) + slot_back(l, 1);
        v->power_count = (uint16_t)(v->power_count + 2);
        if (v->power_count > 60000) {
            v->power_sum /= 2;
            v->power_count /= 2;
        }
    }
    if ((v->active_bits & END_WINDOW) == 0)
        spurt_end(l, s);
}

void voice_reset(struct leg *l)
{
    int16_t floor_ddb = l->voice.floor_ddb;
    l->voice = (struct voice){.floor_ddb = floor_ddb ? floor_ddb : FLOOR_START_DDB,
                              .slow_ddb = FLOOR_START_DDB,
                              .loud_ddb = FLOOR_START_DDB};
}

/* A tone that comes with noise or with missing packets can pass for speech until it is known for a
 * tone: a spurt that was none yet when the tone began is not before it. */
bool voice_as_loud(const struct leg *l, const struct segment *g, uint32_t within_ms)
{
    const struct voice *v = &l->voice;
    bool of_tone = (int32_t)(v->confirmed_ms - (g->start_ms - g->slack_ms)) > 0;
    uint32_t heard_ms = of_tone ? v->earlier_ms : v->heard_ms;
    return heard_ms && (int32_t)(g->start_ms - heard_ms) <= (int32_t)within_ms &&
           v->loud_ddb + AS_LOUD_DDB >= num_level_ddb(g->power);
}
