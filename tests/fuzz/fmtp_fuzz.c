/* Format parameters as a peer writes them. */
#include <assert.h>

#include "sip/fmtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of((const char *)data, size > 4096 ? 4096 : size), value;
    struct fmtp_opus o;
    uint64_t n;

    fmtp_opus(text, &o);
    assert(o.playback_hz == 0 || (o.playback_hz >= 8000 && o.playback_hz <= 48000));
    assert(o.bits_per_s == 0 || (o.bits_per_s >= 6000 && o.bits_per_s <= 510000));
    if (fmtp_value(text, SLICE("useinbandfec"), &value) && value.len)
        assert(value.p >= text.p && value.p + value.len <= text.p + text.len);
    if (fmtp_number(text, SLICE("ptime"), 120, &n))
        assert(n <= 120);
    return 0;
}
