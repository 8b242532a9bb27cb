/* The shape of a recording, for a picture: the highest sample of each of WAVEFORM_POINTS stretches
 * of either side, 0 to 100. Reads the file at the end of a run, off every path that is timed. */
#ifndef PEAL_SIM_WAVEFORM_H
#define PEAL_SIM_WAVEFORM_H

#include <stdbool.h>
#include <stdint.h>

#define WAVEFORM_POINTS    600
#define WAVEFORM_BYTES_MAX (64u * 1024 * 1024)

struct waveform {
    uint32_t ms, points;
    uint8_t far[WAVEFORM_POINTS], near[WAVEFORM_POINTS]; /* left and right of a call's recording */
};

bool waveform_read(struct waveform *w, const char *path); /* false: there is nothing to draw */

#endif
