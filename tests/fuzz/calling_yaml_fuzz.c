/* Calling rules: whatever the bytes, rules in their bounds or a sentence about a line. */
#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "campaign/calling.h"
#include "campaign/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char error[CAMPAIGN_ERROR_MAX];
    struct calling_rules *r;

    if (size > 65536)
        return 0;
    enum err e = calling_parse(&r, "fuzz.yaml", slice_of((const char *)data, size), error);
    if (e) {
        assert(!r && strncmp(error, "fuzz.yaml:", 10) == 0 && strlen(error) > 12);
        return 0;
    }
    assert(r->name[0] && r->zone_count <= CALENDAR_ZONES_MAX);
    assert(r->law.limits.count <= CALLING_LIMITS_MAX && r->region_count <= CALLING_REGIONS_MAX);
    assert(r->number_count <= CALLING_NUMBERS_MAX);
    for (uint32_t i = 0; i < r->number_count; i++)
        assert(calling_number(r, r->numbers[i].prefix) == &r->numbers[i]);
    for (uint32_t i = 0; i < r->region_count; i++)
        assert(r->regions[i].names[0] && !r->regions[i].law.holidays);
    calling_free(r);
    return 0;
}
