/* Which leg a datagram on the shared socket is for. Input: a byte that makes the number of legs,
 * then the datagram. Legs have the numbers that their places allow, so what is found must say so.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "media/stream.h"

#define LEGS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t number_at(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct worker w;
    static struct stream streams[LEGS_MAX], *table[LEGS_MAX];

    if (size < 1 || size > UINT32_MAX)
        return 0;
    w.socket.stream = table;
    w.max_legs = 1u + data[0] % LEGS_MAX;
    memset(table, 0, sizeof(table));
    for (uint32_t i = 0; i < w.max_legs; i += 2) {
        streams[i].index = i;
        streams[i].shared_number = UINT32_C(0xabcdef00) | i;
        table[i] = &streams[i];
    }
    const uint8_t *p = data + 1;
    const struct stream *s = shared_find(&w, p, (uint32_t)(size - 1));

    if (s) {
        assert(size - 1 >= RTP_HEADER_BYTES && size - 1 <= WORKER_RECEIVE_BYTES);
        assert(table[s->index] == s);
        assert(s->shared_number == number_at(p + (rtp_is_rtcp(p, size - 1) ? 4 : 8)));
    }
    return 0;
}
