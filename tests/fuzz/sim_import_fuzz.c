/* Captures from anywhere, as `peal-sim import` reads them: SIP over UDP and TCP, fragments, SDP,
 * RTP, and the scripts made of the calls found. Reads only; nothing is written. */
#include <stdint.h>

#include "sim/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    import_try(data, size);
    return 0;
}
