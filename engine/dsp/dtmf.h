/* DTMF digits, and the screen for fax tones that goes with them. Private to the room. */
#ifndef PEAL_DSP_DTMF_H
#define PEAL_DSP_DTMF_H

#include "dsp/state.h"

/* One block. lost: concealment, hold; muted: an RFC 4733 event is under way. Returns true when, in
 * TALK, a half block was mostly 1100 or 2100 Hz. */
bool dtmf_run(struct leg *l, bool lost, bool muted, struct sink *s);

#endif
