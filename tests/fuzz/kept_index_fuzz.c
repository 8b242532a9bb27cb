/* Indexes of recordings from anywhere. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "report/kept.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count(void *arg, int64_t at_ms, const char *event, const char *detail)
{
    uint32_t *n = arg;

    (void)at_ms;
    assert(event && detail);
    (*n)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kept_recording r = {.length_ms = -1};
    uint32_t n = 0;

    kept_parse_index((const char *)data, size, &r, count, &n);
    assert(r.events == n);
    assert(memchr(r.owner, 0, sizeof(r.owner)) && memchr(r.call_id, 0, sizeof(r.call_id)));
    return 0;
}
