/* The way of a block: energies, then the detectors of the leg's phase, then the events.
 *
 * Each leg is worked through on its own, so events cannot depend on the batch. The interface is
 * made for a core that works on many legs at once; this one does not, and needs about 3 µs a leg.
 */
#include "dsp/dsp.h"

#include <assert.h>
#include <string.h>

#include "dsp/num.h"
#include "dsp/state.h"

#define QUIET_DDB     (-480) /* below this there is no sound worth the name */
#define ZERO_STEP_MAX 16     /* A-law's idle value is 8 */

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
                                 .greeting_ms = 5000,
                                 .after_greeting_ms = 600,
                                 .total_ms = 8000};
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
    l->phase = DSP_OFF;
}

void dsp_state_phase(struct dsp_state *s, enum dsp_phase phase)
{
    struct leg *l = leg_of(s);
    l->phase = (uint8_t)phase;
}

void dsp_state_want_beep(struct dsp_state *s, bool wanted)
{
    leg_of(s)->want_beep = wanted;
}

int16_t dsp_state_level(const struct dsp_state *s)
{
    return ((const struct leg *)(const void *)s->opaque)->level_ddb;
}

/* Energies of the block's four slots; says whether it is digital zero. */
static void ingest(struct leg *l, const int16_t *x)
{
    memmove(l->history, l->history + DSP_BLOCK_SAMPLES,
            sizeof l->history - DSP_BLOCK_SAMPLES * sizeof *x);
    memcpy(l->history + HISTORY_SAMPLES - DSP_BLOCK_SAMPLES, x, DSP_BLOCK_SAMPLES * sizeof *x);
    int64_t total = 0;
    int16_t lowest = x[0];
    int16_t highest = x[0];
    for (unsigned slot = 0; slot < SLOTS_PER_BLOCK; slot++) {
        int64_t sum = 0;
        for (unsigned i = 0; i < SLOT_SAMPLES; i++) {
            int16_t v = x[slot * SLOT_SAMPLES + i];
            sum += v * v;
            lowest = v < lowest ? v : lowest;
            highest = v > highest ? v : highest;
        }
        l->slot[l->slot_count++ % SLOT_RING] = (float)sum / SLOT_SAMPLES;
        total += sum;
    }
    l->zero = lowest == highest && highest <= ZERO_STEP_MAX && lowest >= -ZERO_STEP_MAX;
    l->level_ddb = l->zero ? -990 : num_level_ddb((float)total / DSP_BLOCK_SAMPLES);
}

static void block_run(struct leg *l, const struct dsp_block *b, struct sink *s)
{
    static const int16_t nothing[DSP_BLOCK_SAMPLES];
    bool packet = !(b->flags & DSP_FLAG_NO_RTP) && b->samples;
    l->now_ms += DSP_BLOCK_MS;
    if (l->phase == DSP_OFF)
        return;
    ingest(l, packet ? b->samples : nothing);
    silence_run(l, l->level_ddb < QUIET_DDB, packet, s);
}

size_t dsp_process(const struct dsp_block *blocks, size_t n, struct dsp_event *out)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        struct sink s = {.out = out + count, .leg = blocks[i].leg};
        block_run(leg_of(blocks[i].state), &blocks[i], &s);
        count += s.count;
    }
    return count;
}
