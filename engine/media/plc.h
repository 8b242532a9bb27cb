/* Concealment of lost G.711 audio, after the idea of ITU-T G.711 Appendix I: the last pitch period
 * (5…15 ms, found by correlation) is repeated, faded by 20 % every 10 ms after the first 10, silent
 * after 60 ms, and cross-faded into the audio that comes again. Unlike the Appendix there is no
 * extra delay of 3.75 ms: the loop of the period is smoothed instead of its first entry.
 *
 * Also keeps the leg's recent blocks, so that no sample is copied: the owner decodes into
 * plc_next() and then says what it was. One thread. */
#ifndef PEAL_MEDIA_PLC_H
#define PEAL_MEDIA_PLC_H

#include <stdbool.h>
#include <stdint.h>

#define PLC_BLOCK     160
#define PLC_PITCH_MIN 40
#define PLC_PITCH_MAX 120
#define PLC_LOST_MAX  3 /* blocks until silence */

struct plc {
    int16_t block[3][PLC_BLOCK]; /* ring; `at` is the present one */
    int16_t period[PLC_PITCH_MAX];
    uint8_t at;
    uint8_t lost; /* blocks concealed in a row, up to PLC_LOST_MAX + 1 */
    uint16_t pitch, phase;
};

/* Nothing has been heard yet: what comes first is faded in, as after a long loss. */
void plc_begin(struct plc *p);
/* Where the next block's samples go. */
int16_t *plc_next(struct plc *p);
/* The block at plc_next() was filled with real samples. */
void plc_good(struct plc *p);
/* It is to be invented. */
void plc_lost(struct plc *p);
/* Only samples [from, to) of it are real. */
void plc_partial(struct plc *p, uint32_t from, uint32_t to);

static inline const int16_t *plc_block(const struct plc *p)
{
    return p->block[p->at];
}

#endif
