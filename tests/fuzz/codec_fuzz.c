/* Payloads of Opus, G.722 and linear samples as they come from anywhere, through packets that wait,
 * decoders, concealment and the narrowing filter. Input: a byte that names the codec, then packets,
 * each after its length, the time that passed before it, the step of its timestamp in 10 ms and of
 * its sequence number. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "media/coding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void play(struct coding *c, uint32_t now)
{
    int16_t narrow[CODING_BLOCK];

    coding_hear(c, now, narrow);
    assert(c->ahead <= CODING_AHEAD);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum media_codec codecs[] = {MEDIA_OPUS, MEDIA_G722, MEDIA_L16_8, MEDIA_L16_16};
    struct coding *c;
    uint32_t ts = 0, now = 100000, played = now;
    uint16_t seq = 0;

    if (size == 0 || coding_open(codecs[data[0] % 4], &c) != OK)
        return 0;
    uint32_t ms = c->coder.clock_khz;

    coding_restart(c);
    data++;
    size--;
    while (size >= 4) {
        size_t n = data[0] * 2u, room = size - 4;

        n = n > room ? room : n;
        now += data[1] * ms;
        ts += (uint32_t)((int8_t)data[2] * 10 * (int32_t)ms);
        seq = (uint16_t)(seq + (int8_t)data[3]);
        coding_take(c, seq, ts, data + 4, (uint32_t)n, now);
        for (; (int32_t)(now - played) >= (int32_t)(20 * ms); played += 20 * ms)
            play(c, played);
        data += 4 + n;
        size -= 4 + n;
    }
    assert(jitter_packets_target(&c->jitter) <= 300 * ms);
    coding_close(c);
    return 0;
}
