/* RTP as it comes from anywhere: the header, the sequence bookkeeping, keys and the jitter buffer.
 * Input: datagrams, each after two bytes of its length and one of the time that passed before it.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "media/event.h"
#include "media/jitter.h"
#include "media/plc.h"
#include "media/rtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void play(struct jitter *j, struct plc *plc, uint32_t now)
{
    uint8_t out[JITTER_BLOCK];
    uint32_t from = 0, to = 0;
    int16_t *pcm = plc_next(plc);

    memset(pcm, 0x55, sizeof(plc->block[0]));
    switch (jitter_get(j, now, now & 1, out, &from, &to)) {
    case JITTER_PARTIAL:
        assert(from < to && to <= JITTER_BLOCK && to - from < JITTER_BLOCK);
        plc_partial(plc, from, to);
        break;
    case JITTER_LOST:
    case JITTER_NOTHING:
        plc_lost(plc);
        break;
    case JITTER_BLOCK_OK:
        plc_good(plc);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct jitter j;
    struct rtp_source source = {0};
    struct event_receiver keys = {0};
    struct plc plc = {0};
    uint32_t now = 1000, played = now;

    jitter_init(&j);
    while (size >= 3) {
        size_t n = rtp_get16(data), room = size - 3;
        struct rtp_packet p;

        n = n > room ? room : n;
        now += data[2] * 8u;
        if (rtp_parse(data + 3, n, &p) == OK) {
            assert(p.payload >= data + 3 && p.payload + p.payload_len <= data + 3 + n);
            uint64_t before = source.received;

            if (rtp_source_take(&source, &p, now, true) != RTP_DUPLICATE)
                jitter_put(&j, p.timestamp, p.payload, p.payload_len, now);
            assert(source.received >= 1 && source.received <= before + 1);
            event_take(&keys, p.payload, p.payload_len, p.timestamp, (uint64_t)now * 125);
        }
        for (; (int32_t)(now - played) >= JITTER_BLOCK; played += JITTER_BLOCK)
            play(&j, &plc, played);
        data += 3 + n;
        size -= 3 + n;
    }
    assert(jitter_target(&j) >= JITTER_DELAY_MIN && jitter_target(&j) <= JITTER_DELAY_MAX);
    rtp_source_fraction(&source);
    return 0;
}
