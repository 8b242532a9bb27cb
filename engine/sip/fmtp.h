/* Format parameters: "name=value;name=value" of a=fmtp (RFC 8866 6.15), and what Opus says in them
 * (RFC 7587 6.1): the wishes of whoever wrote them, for what it receives. Any thread. */
#ifndef PEAL_SIP_FMTP_H
#define PEAL_SIP_FMTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* The value of the first parameter of that name, in any case; false: it is not there. */
bool fmtp_value(struct slice fmtp, struct slice name, struct slice *value);
/* As a number; false: not there, or no number from 0 to most. */
bool fmtp_number(struct slice fmtp, struct slice name, uint64_t most, uint64_t *number);

struct fmtp_opus {                   /* all zero: the defaults of RFC 7587 */
    bool fec, dtx, constant, stereo; /* useinbandfec, usedtx, cbr, stereo */
    uint32_t playback_hz;            /* maxplaybackrate; 0: 48000 */
    uint32_t bits_per_s;             /* maxaveragebitrate; 0: not said */
};
/* What is out of its range counts as not said. */
void fmtp_opus(struct slice fmtp, struct fmtp_opus *out);

#endif
