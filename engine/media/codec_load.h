/* How hard Opus encoders of one worker may try. Every 100 ms the worker's lateness and the share of
 * its time that went into encoding are looked at: where either says that time is short, complexity
 * falls by a step at once; after two calm seconds it rises by one. Pure; the caller brings the
 * clock. A state of zeros begins with CODEC_COMPLEXITY_FIRST. */
#ifndef PEAL_MEDIA_CODEC_LOAD_H
#define PEAL_MEDIA_CODEC_LOAD_H

#include <stdint.h>

struct codec_load {
    uint64_t window_us;         /* when the present one began; 0: never */
    uint64_t calm_us;           /* since when; 0: it is not calm */
    uint64_t spent_us, late_us; /* of the present window: encoding; greatest */
    uint8_t complexity;
};

/* An encoder took spent_us in a slot whose work began late_us after its time. Returns the
 * complexity for what is encoded next. */
uint32_t codec_load_note(struct codec_load *l, uint64_t now_us, uint64_t late_us,
                         uint64_t spent_us);

#endif
