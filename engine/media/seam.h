/* Where two sources of a leg's audio meet: the last sample of one and the first of the next differ
 * by a step, which is heard as a click. The step is taken out of the next one's first SEAM_SAMPLES,
 * by what is left of it at each; nothing is delayed, and only G.711's bytes are needed, so a relay
 * stays one. Whoever changes the source says so (`due`); sound within one source is never touched.
 * One thread. */
#ifndef PEAL_MEDIA_SEAM_H
#define PEAL_MEDIA_SEAM_H

#include <stdbool.h>
#include <stdint.h>

#define SEAM_SAMPLES 48    /* 6 ms */
#define SEAM_STEP    96    /* less is no click */
#define SEAM_GAP_US  60000 /* after such a pause the far end has faded out by itself */

struct seam {
    bool due;
    bool known; /* last and alaw hold */
    bool alaw;
    uint8_t last; /* byte that was sent last */
    uint64_t at_us;
};

/* n bytes that are sent now: mended when a seam is due. */
void seam_mend(struct seam *s, uint8_t *coded, uint32_t n, bool alaw, uint64_t now_us);

static inline void seam_pass(struct seam *s, uint8_t *coded, uint32_t n, bool alaw, uint64_t now_us)
{
    if (s->due)
        seam_mend(s, coded, n, alaw, now_us);
    if (n) {
        s->last = coded[n - 1];
        s->alaw = alaw;
        s->known = true;
        s->at_us = now_us;
    }
}

#endif
