/* Concealment of lost audio for codecs that have none of their own, at 8 or 16 kHz and for pieces
 * of any length: the last pitch period (5…15 ms) is repeated, fades from the 10th millisecond on,
 * is silent after 60, and is mixed out of what comes again. As plc.h, which is made for whole
 * blocks of G.711 and its buffers. Pure; one thread a state. */
#ifndef PEAL_MEDIA_CONCEAL_H
#define PEAL_MEDIA_CONCEAL_H

#include <stdbool.h>
#include <stdint.h>

#define CONCEAL_HISTORY (16 * 40) /* samples */
#define CONCEAL_PERIOD  (16 * 15)

struct conceal {
    uint32_t khz;      /* 8 or 16 */
    uint32_t invented; /* samples in a row; 0: none now */
    uint32_t pitch, phase;
    int16_t history[CONCEAL_HISTORY]; /* newest last; 40 ms of it are used */
    int16_t period[CONCEAL_PERIOD];
};

void conceal_init(struct conceal *c, uint32_t khz);
/* Real samples came: they are remembered, and begin gently after invented ones. */
void conceal_good(struct conceal *c, int16_t *pcm, uint32_t samples);
/* Invents. */
void conceal_lost(struct conceal *c, int16_t *pcm, uint32_t samples);

#endif
