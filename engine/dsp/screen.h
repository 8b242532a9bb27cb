/* The screen before DTMF and fax tones: how strong each of ten frequencies is in each 10 ms.
 * Private to the room. */
#ifndef PEAL_DSP_SCREEN_H
#define PEAL_DSP_SCREEN_H

#include <stdint.h>

#define SCREEN_HALF 80 /* samples */
#define SCREEN_BANK 12 /* eight of DTMF (rows, columns), 1100 and 2100 Hz, two of no use */
#define SCREEN_CNG  8
#define SCREEN_CED  9

extern const float screen_hz[SCREEN_BANK];

/* Squared correlation of each half of a block of 160 samples with each of the bank. */
void screen_powers(const int16_t *block, float power[2][SCREEN_BANK]);

#endif
