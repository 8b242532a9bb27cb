/* Holiday files: whatever the bytes, dates that exist or a sentence about a line. */
#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "campaign/file.h"
#include "campaign/holidays.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char error[CAMPAIGN_ERROR_MAX];
    struct holidays *h;

    if (size > HOLIDAYS_FILE_MAX)
        return 0;
    enum err e = holidays_parse(&h, "fuzz.txt", slice_of((const char *)data, size), error);
    if (e) {
        assert(!h && strncmp(error, "fuzz.txt:", 9) == 0 && strlen(error) > 12);
        return 0;
    }
    assert(h->count <= HOLIDAYS_MAX);
    for (uint32_t i = 0; i < h->count; i++) {
        const struct holiday *d = &h->days[i];
        assert(d->month >= 1 && d->month <= 12 && d->day >= 1 && d->day <= 31);
        assert(strlen(d->name) < sizeof(d->name));
        assert(holidays_find(h, d->year ? d->year : 2024, d->month, d->day));
    }
    free(h);
    return 0;
}
