/* WAV files from anywhere: every sample that the header promises can be read. */
#include <assert.h>
#include <stdint.h>

#include "media/wav.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wav w;
    int64_t sum = 0;

    if (wav_parse(data, size, &w) != OK)
        return 0;
    assert(w.data >= data && w.data <= data + size);
    for (size_t i = 0; i < w.frames; i++)
        sum += wav_sample(&w, i);
    return sum == 1;
}
