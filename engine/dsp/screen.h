/* The screen before DTMF and fax tones: how strong each of ten frequencies is in each 10 ms.
 * Private to the room. */
#ifndef PEAL_DSP_SCREEN_H
#define PEAL_DSP_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#define SCREEN_HALF 80 /* samples */
#define SCREEN_DTMF 8  /* four rows, four columns */
#define SCREEN_CNG  8
#define SCREEN_CED  9
#define SCREEN_BANK 10 /* those of DTMF, 1100 and 2100 Hz */

extern const float screen_hz[SCREEN_BANK];

/* Squared correlation of each half of a block of 160 samples with each of the bank; fax: with the
 * last two as well. */
void screen_powers(const int16_t *block, bool fax, float power[2][SCREEN_BANK]);

#endif
