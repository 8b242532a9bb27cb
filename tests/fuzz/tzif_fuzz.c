/* Time zone files: whatever the bytes, no zone, or one whose clocks can be asked at any instant. */
#undef NDEBUG
#include <assert.h>

#include "campaign/window.h"
#include "campaign/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t instants[] = {0, 1774868400000, 1792713600000, 4102444800000,
                                        253402300799000};
    struct windows w;
    struct zone *z;
    char why[256];

    if (zone_parse(&z, SLICE("fuzz"), data, size) != OK)
        return 0;
    assert(windows_parse(SLICE("mon-fri 09:00-21:00, daily 02:15-02:45"), &w, why, sizeof(why)) ==
           OK);
    for (size_t i = 0; i < sizeof(instants) / sizeof(instants[0]); i++) {
        struct zone_local t;
        zone_to_local(z, instants[i], &t);
        assert(t.month >= 1 && t.month <= 12 && t.day >= 1 && t.day <= 31 && t.weekday < 7 &&
               t.day_ms < 86400000);
        uint64_t at = windows_next(&w, z, instants[i]);
        assert(at >= instants[i]);
        assert(at == WINDOW_NEVER || windows_open_at(&w, z, at));
    }
    zone_close(z);
    return 0;
}
