/* The way of a block: energies, then the detectors of the leg's phase, then the events.
 *
 * Each leg is worked through on its own, so events cannot depend on the batch: vectors lie along a
 * leg's samples and bins, which needs no transposing and copes with legs that need nothing. What
 * the batch gives is time to fetch the states of the legs that come next. */
#include "dsp/dsp.h"

#include <assert.h>
#include <string.h>

#include "dsp/amd_model.h"
#include "dsp/dtmf.h"
#include "dsp/num.h"
#include "dsp/prints_inner.h"
#include "dsp/tones.h"

#define QUIET_DDB   (-480) /* below this there is no sound worth the name */
#define FETCH_FIRST 4      /* legs ahead: the first line of a state … */
#define FETCH_REST  2      /* … and the others, which depend on it */
#define HOLD_BLOCKS 2      /* concealment is trusted, and states are held, for 40 ms */
#define FAX_HANG    100    /* blocks for which talk goes on listening after a hint of fax */

struct dsp_event *sink_add(struct sink *s, enum dsp_kind kind, unsigned detail, uint32_t start_ms,
                           uint32_t end_ms)
{
    unsigned most = kind == DSP_VERDICT ? DSP_EVENTS_PER_LEG_MAX : DSP_EVENTS_PER_LEG_MAX - 1;
    if (s->count >= most)
        return NULL;
    struct dsp_event *e = &s->out[s->count++];
    *e = (struct dsp_event){.leg = s->leg,
                            .kind = (uint8_t)kind,
                            .detail = (uint8_t)detail,
                            .start_ms = start_ms,
                            .end_ms = end_ms,
                            .level_ddb = -990};
    return e;
}

static struct leg *leg_of(struct dsp_state *s)
{
    return (struct leg *)(void *)s->opaque;
}

void dsp_amd_defaults(struct dsp_amd_config *c)
{
    *c = (struct dsp_amd_config){.initial_silence_ms = 4000,
                                 .greeting_ms = 5200,
                                 .after_greeting_ms = 600,
                                 .total_ms = 8000,
                                 .mode = DSP_AMD_MODEL,
                                 .limit_ms = 2000,
                                 .drop_cost_s = 2500,
                                 .agent_cost_s = 15};
}

void dsp_state_init(struct dsp_state *s, const struct dsp_plan *plan,
                    const struct dsp_amd_config *amd)
{
    assert(plan && amd);
    struct leg *l = leg_of(s);
    memset(l, 0, sizeof *l);
    l->plan = plan;
    l->amd_config = *amd;
    l->level_ddb = -990;
    l->dtmf.prev_code = 0xff;
    voice_reset(l);
}

void dsp_state_phase(struct dsp_state *s, enum dsp_phase phase)
{
    struct leg *l = leg_of(s);
    if (phase == l->phase)
        return;
    l->phase = (uint8_t)phase;
    l->fax_hang = 0;
    l->silence.running = false;
    if (phase == DSP_TALK || phase == DSP_OFF)
        return; /* a beep that has begun may still be wanted */
    /* Ringing that stops because of the answer must not be finished as if it came after it. */
    tones_reset(l);
    voice_reset(l);
    if (l->prints)
        prints_reset(l->prints);
    if (phase == DSP_ANSWERED) {
        l->amd = (struct amd){0};
        l->features = (struct amd_features){0};
    }
}

void dsp_state_want_beep(struct dsp_state *s, bool wanted)
{
    leg_of(s)->want_beep = wanted;
}

void dsp_state_prints(struct dsp_state *s, struct prints_leg *prints)
{
    leg_of(s)->prints = prints;
}

bool dsp_state_key_on(const struct dsp_state *s)
{
    const struct leg *l = (const struct leg *)(const void *)s->opaque;

    return l->dtmf.on && l->dtmf.reported;
}

int16_t dsp_state_level(const struct dsp_state *s)
{
    return num_level_ddb(((const struct leg *)(const void *)s->opaque)->power);
}

float dsp_state_machine(const struct dsp_state *s)
{
    uint16_t machine = ((const struct leg *)(const void *)s->opaque)->amd.machine;
    return machine ? (float)machine / AMD_MODEL_ONE : -1;
}

/* A lost block's energies say nothing: the last block's stand in. */
static void hold_slots(struct leg *l)
{
    for (unsigned i = 0; i < SLOTS_PER_BLOCK; i++) {
        unsigned at = (l->slot_count - SLOTS_PER_BLOCK + i) % SLOT_RING;
        l->slot[at] = l->slot[(at + SLOT_RING - SLOTS_PER_BLOCK) % SLOT_RING];
    }
}

static void known_run(struct leg *l, struct sink *s)
{
    struct print_match m;
    if (!prints_run(l->prints, l->now_ms, &m))
        return;
    struct dsp_event *e = sink_add(s, DSP_KNOWN, 0, m.start_ms, l->now_ms);
    if (!e)
        return;
    e->freq_hz[0] = m.recording;
    e->freq_hz[1] = m.offset_frames;
    e->confidence = m.confidence;
    e->level_ddb = l->level_ddb;
}

/* All but DTMF and level. */
static void analyse(struct leg *l, bool packet, bool lost, bool described, struct sink *s)
{
    bool reported = l->phase != DSP_TALK;
    l->level_ddb = num_level_ddb(l->power);
    tones_run(l, lost, s);
    if (reported && l->prints)
        known_run(l, s);
    if (l->track.on)
        fax_run(l, s);
    if (reported && (l->track.on || l->cadence.count))
        cadence_run(l, s);
    if (l->phase == DSP_ANSWERED || l->want_beep)
        beep_run(l, s);
    if (reported || l->want_beep)
        voice_run(l, packet, lost, tones_state(l), reported ? s : NULL);
    if (!reported)
        return;
    bool sound = (l->voice.active_bits & 7u) || l->track.on;
    silence_run(l, l->level_ddb < QUIET_DDB || !sound, packet, described, s);
    if (l->clip.bits || l->power >= CLIP_POWER)
        clip_run(l, packet, s);
    if (l->phase == DSP_ANSWERED)
        amd_run(l, packet, s);
}

static void block_run(struct leg *l, const struct dsp_block *b, struct sink *s)
{
    static const int16_t nothing[DSP_BLOCK_SAMPLES];
    bool packet = !(b->flags & DSP_FLAG_NO_RTP) && b->samples;
    l->now_ms += DSP_BLOCK_MS;
    if (l->phase == DSP_OFF)
        return;
    history_add(l, packet ? b->samples : nothing);
    bool lost = packet && (b->flags & DSP_FLAG_LOST);
    l->sound_ms = packet && !lost && !l->zero ? l->now_ms : l->sound_ms;
    l->lost_run = (uint8_t)(lost && l->lost_run < UINT8_MAX ? l->lost_run + 1 : lost);
    l->missing_bits = (uint8_t)(l->missing_bits << 1 | (lost || !packet));
    bool hold = lost && l->lost_run <= HOLD_BLOCKS;
    if (hold)
        hold_slots(l);
    bool fax = dtmf_run(l, hold, b->flags & DSP_FLAG_DTMF_EVENT, s);
    /* Not read again below: with its neighbours in one load, it would wait for this store. */
    uint8_t hang = (uint8_t)(fax ? FAX_HANG : l->fax_hang ? l->fax_hang - 1 : 0);
    l->fax_hang = hang;
    if (l->phase != DSP_TALK || hang || l->want_beep)
        analyse(l, packet && !lost, hold, b->flags & DSP_FLAG_COMFORT, s);
    else
        l->track.on = l->track.prev_valid = false;
    if (b->sent_db || l->echo_hang)
        echo_run(l, b->sent_db, packet, lost, s);
}

static void fetch(const void *p, size_t bytes)
{
    const char *line = p, *end = line + bytes;
    for (; line + 192 < end; line += 256) {
        __builtin_prefetch(line, 1);
        __builtin_prefetch(line + 64, 1);
        __builtin_prefetch(line + 128, 1);
        __builtin_prefetch(line + 192, 1);
    }
    for (; line < end; line += 64)
        __builtin_prefetch(line, 1);
}

/* A leg was last worked on 20 ms ago and has left the near caches: the lines that its phase needs
 * are asked for while others are worked on. Its first line must have come. */
static void leg_fetch(const struct leg *l)
{
    if (l->phase == DSP_OFF)
        return;
    if (l->phase == DSP_TALK && !l->fax_hang && !l->want_beep) {
        fetch(l, offsetof(struct leg, voice));
        fetch(l->history[(l->newest + 1) % HISTORY_BLOCKS], sizeof l->history[0]);
    } else {
        fetch(l, offsetof(struct leg, echo));
    }
    if (l->echo_hang)
        fetch(&l->echo, sizeof l->echo);
}

size_t dsp_process(const struct dsp_block *blocks, size_t n, struct dsp_event *out)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = i ? FETCH_FIRST : 0; k <= FETCH_FIRST; k++)
            if (i + k < n)
                __builtin_prefetch(leg_of(blocks[i + k].state), 1);
        for (size_t k = i ? FETCH_REST : 1; k <= FETCH_REST; k++)
            if (i + k < n)
                leg_fetch(leg_of(blocks[i + k].state));
        struct sink s = {.out = out + count, .leg = blocks[i].leg};
        block_run(leg_of(blocks[i].state), &blocks[i], &s);
        count += s.count;
    }
    return count;
}
