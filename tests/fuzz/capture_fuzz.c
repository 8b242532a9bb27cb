/* Packet captures from anywhere: datagrams lie inside the file, and the recording made of their RTP
 * is whole and bounded. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "media/capture.h"
#include "media/recording.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct capture c;
    struct capture_packet p;
    struct recording r;
    char message[RECORDING_ERROR_MAX];
    uint64_t sum = 0;

    if (capture_open(&c, data, size) != OK)
        return 0;
    while (capture_next(&c, &p)) {
        assert(p.data >= data && p.data + p.len <= data + size);
        assert(p.from.family == 4 || p.from.family == 6);
        for (size_t i = 0; i < p.len; i++)
            sum += p.data[i];
    }
    assert(c.at <= size && c.links <= CAPTURE_INTERFACES_MAX);
    if (recording_from_capture(&r, data, size, 0, "fuzz", message) != OK)
        return sum == 1;
    assert(r.blocks > 0 && r.blocks <= RECORDING_BLOCKS_MAX);
    assert(r.streams > 0 && r.streams <= RECORDING_STREAMS_MAX && r.keys <= RECORDING_KEYS_MAX);
    assert(r.channel >= 1 && r.channel <= r.streams && strchr(r.stream[0].text, '>'));
    for (size_t i = 0; i < (size_t)r.blocks * DSP_BLOCK_SAMPLES; i++)
        sum += (uint16_t)r.pcm[i];
    for (uint32_t i = 0; i < r.blocks; i++)
        assert((r.flags[i] & ~7u) == 0);
    recording_free(&r);
    return sum == 1;
}
