/* Silence that lasts: said at 1, 2, 3, 5, 8, 13, 21… seconds of it. Quiet is what is faint
 * (-48 dBm0) or does not rise above the line's steady noise.
 *
 * Digital zero (a carrier that sends packets with nothing in them) is told from quiet: a run in
 * which every packet was digital zero is dead air, any other run is silence. Intervals without
 * packets belong to the run but say nothing about its kind. */
#include "dsp/state.h"

#define FIRST_MS          1000
#define SECOND_MS         2000
#define NOISE_LEAST_DDB   (-660)
#define NOISE_SPREAD_DDB  60
#define NOISE_CHANGED_DDB 60
#define NOTHING_DDB       (-990)
#define HEARD             1 /* details of noise */
#define DESCRIBED         2

/* Once for each silence. A second of it, level within a few dB: noise, as a room or a comfort noise
 * generator has it. */
static void tell_noise(struct leg *l, struct sink *s)
{
    struct silence *q = &l->silence;
    bool heard = q->min_ddb <= q->max_ddb; /* else there was no packet with samples */
    bool steady =
        heard && q->min_ddb >= NOISE_LEAST_DDB && q->max_ddb - q->min_ddb <= NOISE_SPREAD_DDB;
    if (!(steady || q->described))
        return;
    q->noise_said = true;
    int16_t level = (int16_t)(heard ? (q->min_ddb + q->max_ddb) / 2 : NOTHING_DDB);
    int changed = level - q->noise_ddb;
    if (q->noise_ddb && changed < NOISE_CHANGED_DDB && changed > -NOISE_CHANGED_DDB)
        return;
    q->noise_ddb = level;
    struct dsp_event *e =
        sink_add(s, DSP_NOISE, q->described ? DESCRIBED : HEARD, q->start_ms, l->now_ms);
    if (!e)
        return;
    e->confidence = q->described ? 1.0f : 0.8f;
    e->level_ddb = level;
}

void silence_run(struct leg *l, bool quiet, bool packet, bool described, struct sink *s)
{
    struct silence *q = &l->silence;
    if (!quiet) {
        q->running = false;
        return;
    }
    if (!q->running) {
        *q = (struct silence){.noise_ddb = q->noise_ddb,
                              .min_ddb = INT16_MAX,
                              .max_ddb = INT16_MIN,
                              .start_ms = l->now_ms - DSP_BLOCK_MS,
                              .next_ms = FIRST_MS,
                              .after_ms = SECOND_MS,
                              .running = true,
                              .all_zero = true};
    }
    if (packet) {
        q->any_packet = true;
        q->all_zero = q->all_zero && l->zero;
        q->min_ddb = l->level_ddb < q->min_ddb ? l->level_ddb : q->min_ddb;
        q->max_ddb = l->level_ddb > q->max_ddb ? l->level_ddb : q->max_ddb;
    }
    q->described |= described;
    if (!q->noise_said && l->now_ms - q->start_ms >= FIRST_MS)
        tell_noise(l, s);
    if (l->now_ms - q->start_ms < q->next_ms)
        return;
    bool dead = q->any_packet && q->all_zero;
    struct dsp_event *e = sink_add(s, dead ? DSP_DEAD_AIR : DSP_SILENCE, 0, q->start_ms, l->now_ms);
    if (e)
        e->confidence = 1.0f;
    uint32_t sum = q->next_ms + q->after_ms;
    q->next_ms = q->after_ms;
    q->after_ms = sum;
}
