/* Who speaks in front: what is about as loud as the loudest voice so far, in bursts and gaps.
 *
 * The voice detector takes a talking office, a radio or music for speech that never ends. Beside
 * it, this counts the blocks within 12 dB of the speaker's own level, so that a person's pauses
 * are seen through the others' talk. When something much louder begins, what was before it was
 * background, and counting begins anew. Integers, a few operations a block. */
#ifndef PEAL_DSP_AMD_FRONT_H
#define PEAL_DSP_AMD_FRONT_H

#include <stdbool.h>
#include <stdint.h>

struct amd_front {
    uint32_t spurt_ms, last_ms; /* running or last burst: onset, last block in front */
    uint32_t finished_ms;       /* in finished bursts */
    int16_t loud_ddb;           /* the speaker's level */
    int16_t back_ddb;           /* running mean of what is not in front */
    uint16_t share;             /* of the last two seconds or so, in 1/4096 */
    uint16_t first_burst_ms, longest_burst_ms, longest_gap_ms, last_gap_ms;
    uint8_t bursts, louder; /* louder: blocks in a row far above loud_ddb */
    uint8_t bits;           /* newest block in bit 0 */
    bool started, speaking;
};

/* A block whose 20 ms end at now_ms; active: the voice detector's word on it. */
void amd_front_run(struct amd_front *f, int16_t level_ddb, bool active, uint32_t now_ms);
/* Since the last block in front, up to now_ms; 0 before there was one. */
uint32_t amd_front_gap(const struct amd_front *f, uint32_t now_ms);

#endif
