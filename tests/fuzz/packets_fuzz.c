/* rtpdump files from anywhere: what is accepted lies inside its own bytes, in order of time. */
#include <assert.h>
#include <stdint.h>

#include "media/packets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct packets *p;
    char message[PACKETS_ERROR_MAX];
    uint64_t sum = 0;

    if (packets_parse(data, size, &p, message) != OK)
        return 0;
    assert(p->count > 0);
    for (uint32_t i = 0; i < p->count; i++) {
        const struct packet *k = &p->packet[i];

        assert(k->len <= PACKETS_STEP_MAX && k->payload + (size_t)k->len <= size);
        assert(i == 0 || k->at_ms >= p->packet[i - 1].at_ms);
        for (uint32_t b = 0; b < k->len; b++)
            sum += p->bytes[k->payload + b];
    }
    packets_unref(p);
    return sum == 1;
}
