/* See call.h. A file of its own, as flows need it without calls. */
#include "call/call.h"

struct call_tone call_ringback(uint32_t total_ms)
{
    return (struct call_tone){.freq_hz = {440, 480},
                              .level_ddb = -190,
                              .on_ms = 2000,
                              .off_ms = 4000,
                              .total_ms = total_ms};
}
