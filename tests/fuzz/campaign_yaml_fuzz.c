/* Campaign files: whatever the bytes, a campaign in its bounds or a sentence about a line. */
#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "campaign/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char error[CAMPAIGN_ERROR_MAX];
    struct campaign *c;

    if (size > 65536)
        return 0;
    enum err e = campaign_parse(&c, "fuzz.yaml", slice_of((const char *)data, size), error);
    if (e) {
        assert(!c && strncmp(error, "fuzz.yaml:", 10) == 0 && strlen(error) > 12);
        return 0;
    }
    assert(c->name[0] && c->trunk_count >= 1 && c->trunk_count <= CAMPAIGN_TRUNKS_MAX);
    assert(c->agent_count <= CAMPAIGN_AGENTS_MAX && c->zone && c->country);
    for (uint32_t i = 0; i < c->trunk_count; i++)
        assert(c->trunks[i].name[0] && addr_is_set(&c->trunks[i].address));
    for (int r = 0; r < RESULT_COUNT; r++)
        assert(c->rules[r].how_count && (retry_is_final(&c->rules[r]) || c->rules[r].after_count));
    campaign_free(c);
    return 0;
}
