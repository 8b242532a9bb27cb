/* Views of the last samples by frequency. Bin k of a look is at k × 31.25 Hz. */
#ifndef PEAL_DSP_SPECTRUM_H
#define PEAL_DSP_SPECTRUM_H

#include "dsp/state.h"

/* The two windows of 32 ms that end 10 ms before the last sample and with it. idle: no tone is
 * being followed, so that the first one counts only beside a second one with a tone; else it is
 * left empty. False, and looks as they were: there is nothing in them but quiet. */
bool spectrum_look(const struct leg *l, bool idle, struct look looks[LOOKS_PER_BLOCK]);

/* The last 64 ms around centre_hz ± 90 Hz: one tone (1) or two (2) and their frequencies. */
unsigned spectrum_fine(const struct leg *l, float centre_hz, float f_hz[2]);

/* Whether 120 ms up to 30 ms ago are two tones about as strong that are too near each other to be
 * told apart by that view, 24 to 32 Hz: their energy beats. Sets their frequencies if so. */
bool spectrum_beats(const struct leg *l, float centre_hz, float f_hz[2]);

/* Strongest normalised autocorrelation (0…1) of the last 64 ms at pitches of 62 to 400 Hz. pitch
 * is set to the highest of those pitches that is about as strong, tenths of a semitone over 62.5
 * Hz. */
float spectrum_voiced(const struct leg *l, int16_t *pitch);

/* Powers of the bins of the two windows in 336 samples, as spectrum_look sees them. */
#define SPECTRUM_BINS (LOOK_SAMPLES / 2 + 5) /* 0…128, to whole vectors */
void spectrum_powers(const int16_t *x, float early[SPECTRUM_BINS], float late[SPECTRUM_BINS]);

#endif
