#include "sip/fmtp.h"

#include "sip/scan.h"

#define PARAMETERS_MAX 32 /* looked at; there are 11 of Opus */

#define PLAYBACK_MIN_HZ 8000
#define PLAYBACK_MAX_HZ 48000
#define BITS_MIN        6000
#define BITS_MAX        510000

bool fmtp_value(struct slice fmtp, struct slice name, struct slice *value)
{
    struct slice rest = fmtp, one, key;

    for (unsigned i = 0; i < PARAMETERS_MAX && rest.len; i++) {
        slice_cut(rest, ';', &one, &rest);
        slice_cut(one, '=', &key, value);
        *value = slice_trim(*value);
        if (slice_ieq(slice_trim(key), name))
            return true;
    }
    return false;
}

bool fmtp_number(struct slice fmtp, struct slice name, uint64_t most, uint64_t *number)
{
    struct slice value;

    if (!fmtp_value(fmtp, name, &value))
        return false;
    struct sip_scan scan = sip_scan_of(value);

    return sip_take_number(&scan, most, number) && scan.p == scan.end;
}

static bool is_on(struct slice fmtp, struct slice name)
{
    uint64_t n;

    return fmtp_number(fmtp, name, 1, &n) && n == 1;
}

static uint32_t within(struct slice fmtp, struct slice name, uint32_t least, uint32_t most)
{
    uint64_t n;

    return fmtp_number(fmtp, name, most, &n) && n >= least ? (uint32_t)n : 0;
}

void fmtp_opus(struct slice fmtp, struct fmtp_opus *out)
{
    *out = (struct fmtp_opus){
        .fec = is_on(fmtp, SLICE("useinbandfec")),
        .dtx = is_on(fmtp, SLICE("usedtx")),
        .constant = is_on(fmtp, SLICE("cbr")),
        .stereo = is_on(fmtp, SLICE("stereo")),
        .playback_hz = within(fmtp, SLICE("maxplaybackrate"), PLAYBACK_MIN_HZ, PLAYBACK_MAX_HZ),
        .bits_per_s = within(fmtp, SLICE("maxaveragebitrate"), BITS_MIN, BITS_MAX),
    };
}
