/* Silence that lasts: said at 1, 2, 3, 5, 8, 13, 21… seconds of it. Quiet is what is faint
 * (-48 dBm0) or does not rise above the line's steady noise.
 *
 * Digital zero (a carrier that sends packets with nothing in them) is told from quiet: a run in
 * which every packet was digital zero is dead air, any other run is silence. Intervals without
 * packets belong to the run but say nothing about its kind. */
#include "dsp/state.h"

#define FIRST_MS  1000
#define SECOND_MS 2000

void silence_run(struct leg *l, bool quiet, bool packet, struct sink *s)
{
    struct silence *q = &l->silence;
    if (!quiet) {
        q->running = false;
        return;
    }
    if (!q->running) {
        *q = (struct silence){.start_ms = l->now_ms - DSP_BLOCK_MS,
                              .next_ms = FIRST_MS,
                              .after_ms = SECOND_MS,
                              .running = true,
                              .all_zero = true};
    }
    if (packet) {
        q->any_packet = true;
        q->all_zero = q->all_zero && l->zero;
    }
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
