/* Packet captures from anywhere: frames lie inside the file, what they hold can be read, fragments
 * put together or not, and the recording made of their RTP is whole and bounded. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "media/net.h"
#include "media/recording.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct net n;
    struct net_packet p;
    struct recording r;
    char message[RECORDING_ERROR_MAX];
    uint64_t sum = 0;

    if (net_open(&n, data, size) != OK) {
        net_close(&n);
        return 0;
    }
    while (net_next(&n, &p)) {
        assert(p.number <= n.capture.packets && p.len <= 65535);
        assert(p.from.family == 4 || p.from.family == 6);
        for (size_t i = 0; i < p.len; i++)
            sum += p.data[i];
    }
    assert(n.capture.at <= size && n.capture.links <= CAPTURE_INTERFACES_MAX);
    assert(n.count.udp + n.count.tcp <= n.count.frames);
    net_close(&n);
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
