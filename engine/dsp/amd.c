/* Human or machine, by the pattern of speech and silence after answer.
 *
 * People say something short and wait; machines talk on. A short greeting followed by
 * after_greeting_ms of silence is a human; a longer one (a firm's) needs a longer silence, since
 * recordings pause too; a greeting that goes on beyond greeting_ms, or a beep, is a machine. The
 * clock starts with the first packet after answer. Digital zero before the first real sound is the
 * carrier's, not the callee's: it does not count as silence until DEAD_LIMIT_MS. Tones are neither
 * speech nor silence, so ringing or busy after answer gives no verdict before total_ms. */
#include "dsp/amd_model.h"
#include "dsp/num.h"
#include "dsp/tones.h"

#define DEAD_LIMIT_MS   8000 /* of digital zero and nothing else */
#define SHORT_MS        1800 /* a person's greeting */
#define LONG_GAP_MS     1000 /* silence that ends a longer one */
#define STIR_MS         120
#define CADENCE_HOLD_MS 7000 /* a network tone may still come back */
#define MODEL_PERIOD_MS 100
#define CLOSE_PERIOD_MS 40
#define CLOSE_GAP_MS    800
#define TALK_PERIOD_MS  200
#define TALK_MIN_MS     1500
#define HASTE_MS        380
#define WAIT_MAX_MS     20000 /* it costs more than losing them long before: the cube stays small */
#define CONNECT_MS      250 /* from the verdict, looked for each 100 ms, until the agent is heard */
#define LEAST_MS        800 /* of silence that a verdict may take, whatever the limit is */
#define STIRRING        7u  /* blocks: sound that may turn out to be the next words */

static uint32_t speech_of(const struct amd *a)
{
    return a->speech_ms + (a->speaking ? a->last_voice_ms - a->spurt_ms : 0);
}

static void verdict(struct leg *l, enum dsp_verdict v, float confidence, struct sink *s)
{
    struct amd *a = &l->amd;
    a->done = true;
    struct dsp_event *e = sink_add(s, DSP_VERDICT, v, a->clock_ms, l->now_ms);
    if (!e)
        return;
    e->confidence = confidence;
    e->freq_hz[0] = num_u16(speech_of(a));
    e->freq_hz[1] = num_u16(l->now_ms - (a->spurts ? a->last_voice_ms : a->clock_ms));
}

/* Takes over what the voice detector knows; returns the speech so far. */
static uint32_t listen(struct leg *l)
{
    struct amd *a = &l->amd;
    const struct voice *v = &l->voice;
    if (v->on && !a->speaking) {
        a->spurt_ms = v->start_ms > a->clock_ms ? v->start_ms : a->clock_ms;
        if (!a->spurts)
            a->first_ms = a->spurt_ms;
        a->spurts = (uint8_t)(a->spurts < UINT8_MAX ? a->spurts + 1 : UINT8_MAX);
        a->speaking = true;
    }
    if (a->speaking)
        a->last_voice_ms = v->last_active_ms;
    if (!v->on && a->speaking) {
        a->speech_ms += a->last_voice_ms - a->spurt_ms;
        a->speaking = false;
    }
    return speech_of(a);
}

/* Ringing after the answer: somebody may still come, so the model waits, but not for ever. */
static bool tones_lately(const struct leg *l)
{
    const struct amd *a = &l->amd;
    const struct dsp_amd_config *c = &l->amd_config;
    return c->mode == DSP_AMD_MODEL && a->tone_heard &&
           l->now_ms - a->quiet_from_ms < c->initial_silence_ms &&
           l->now_ms - a->real_ms < 2u * c->total_ms;
}

static void before_speech(struct leg *l, struct sink *s)
{
    struct amd *a = &l->amd;
    if (!a->real) {
        if (l->now_ms - a->clock_ms >= DEAD_LIMIT_MS)
            verdict(l, VERDICT_SILENT, 0.9f, s);
        return;
    }
    bool network = l->cadence.count && l->now_ms - l->cadence.last_end_ms < CADENCE_HOLD_MS;
    if (l->track.on || network) {
        a->quiet_from_ms = l->now_ms;
        a->tone_heard = true;
    }
    if (l->now_ms - a->quiet_from_ms >= l->amd_config.initial_silence_ms && !a->tone_heard)
        verdict(l, VERDICT_SILENT, 0.9f, s);
    else if (l->now_ms - a->real_ms >= l->amd_config.total_ms && !tones_lately(l))
        verdict(l, VERDICT_UNSURE, 0.5f, s);
}

static void after_speech(struct leg *l, uint32_t speech_ms, struct sink *s)
{
    struct amd *a = &l->amd;
    const struct dsp_amd_config *c = &l->amd_config;
    uint32_t gap = l->now_ms - a->last_voice_ms;
    bool brief = speech_ms <= SHORT_MS;
    uint32_t enough =
        brief || c->after_greeting_ms > LONG_GAP_MS ? c->after_greeting_ms : LONG_GAP_MS;
    /* Sound that may turn out to be the next words: worth a moment. */
    bool stirring = (l->voice.active_bits & 7u) && gap < enough + STIR_MS;
    if (a->last_voice_ms - a->first_ms >= c->greeting_ms)
        verdict(l, VERDICT_MACHINE, 0.85f, s);
    else if (gap >= enough && !l->track.on && !l->beep.waiting && !stirring)
        verdict(l, VERDICT_HUMAN, brief ? 0.9f : 0.65f, s);
    else if (l->now_ms - a->real_ms >= c->total_ms)
        verdict(l, VERDICT_UNSURE, 0.5f, s);
}

/* What it costs to let a person wait, in 100,000ths of losing them: little at first, for nobody
 * minds a moment, and much from two seconds on, when they ask again or hang up. Under HASTE_MS a
 * pause says nothing yet, so only those are connected who are very likely people. */
static uint64_t wait_share(uint32_t gap_ms)
{
    uint64_t gap = gap_ms < WAIT_MAX_MS ? gap_ms / 10 : WAIT_MAX_MS / 10;
    return gap_ms < HASTE_MS ? 30 : 76 + 20 * gap * gap * gap / 1000000;
}

/* A look costs as much as the detectors' work of several packets: none is taken while nothing can
 * be decided yet, and fewer while the other side talks. In the pause in which most people get their
 * verdict they come close together, since nobody should wait for the next one. */
static bool look_is_due(const struct leg *l)
{
    const struct amd *a = &l->amd;
    const struct amd_front *f = &l->features.front;
    uint32_t since = l->now_ms - a->clock_ms;
    if (f->speaking)
        return since % TALK_PERIOD_MS == 0 && l->now_ms - a->first_ms >= TALK_MIN_MS;
    uint32_t gap = amd_front_gap(f, l->now_ms);
    bool close = gap >= HASTE_MS && gap < CLOSE_GAP_MS;
    return since % (close ? CLOSE_PERIOD_MS : MODEL_PERIOD_MS) == 0;
}

/* Who waits longer than the limit of abandonment counts as abandoned, even when the agent comes
 * then: from here on there is nothing to be gained by listening. */
static bool limit_is_near(const struct leg *l)
{
    uint32_t limit = l->amd_config.limit_ms;
    uint32_t most = limit > LEAST_MS + CONNECT_MS ? limit - CONNECT_MS : LEAST_MS;

    return limit && !l->voice.on && l->now_ms - l->amd.last_voice_ms >= most;
}

/* The model's way: costs of acting now, in seconds of an agent times 10,000.
 *
 * Dropping costs drop_cost when it is a human, connecting agent_cost when it is a machine, waiting
 * what wait_share says. Once that exceeds what connecting risks, waiting for more evidence does not
 * pay: the deadline. Pauses are those of the voice in front, so that a talking office behind it
 * hides none. */
static void by_model(struct leg *l, struct sink *s)
{
    struct amd *a = &l->amd;
    const struct dsp_amd_config *c = &l->amd_config;
    const struct amd_front *f = &l->features.front;
    if (!look_is_due(l))
        return;
    int16_t features[AMD_FEATURE_COUNT];
    amd_features_get(l, a->real_ms, features);
    uint32_t machine = amd_model_probability(amd_model_score(features));
    uint32_t human = AMD_MODEL_ONE - machine;
    uint32_t gap = amd_front_gap(f, l->now_ms);
    a->machine = (uint16_t)machine;
    uint64_t connect = (uint64_t)machine * c->agent_cost_s;
    uint64_t drop = (uint64_t)human * c->drop_cost_s;
    uint64_t wait = drop * wait_share(gap) / 100000;
    bool quiet = !f->speaking && !(f->bits & STIRRING) && !l->track.on && !l->beep.waiting;
    uint32_t heard_ms = l->now_ms - a->first_ms;
    bool enough = (quiet && (connect <= wait || heard_ms >= c->total_ms)) ||
                  (!f->speaking && limit_is_near(l));
    if (drop < connect)
        verdict(l, VERDICT_MACHINE, (float)machine / AMD_MODEL_ONE, s);
    else if (enough && human >= machine)
        verdict(l, VERDICT_HUMAN, (float)human / AMD_MODEL_ONE, s);
    else if (enough || heard_ms >= 2u * c->total_ms)
        verdict(l, VERDICT_UNSURE, 0.5f, s);
}

void amd_run(struct leg *l, bool packet, struct sink *s)
{
    struct amd *a = &l->amd;
    if (a->done)
        return;
    if (!a->started) {
        if (!packet)
            return;
        a->started = true;
        a->clock_ms = l->now_ms - DSP_BLOCK_MS;
    }
    if (!a->real && packet && !l->zero) {
        a->real = true;
        a->real_ms = a->quiet_from_ms = l->now_ms - DSP_BLOCK_MS;
    }
    amd_features_run(l);
    uint32_t speech_ms = listen(l);
    if (a->spurts && l->amd_config.mode == DSP_AMD_MODEL)
        by_model(l, s);
    else if (a->spurts)
        after_speech(l, speech_ms, s);
    else
        before_speech(l, s);
}

void amd_beep(struct leg *l, uint32_t start_ms, struct sink *s)
{
    struct amd *a = &l->amd;
    if (l->phase == DSP_ANSWERED && a->started && !a->done && start_ms >= a->clock_ms)
        verdict(l, VERDICT_MACHINE, 0.95f, s);
}
