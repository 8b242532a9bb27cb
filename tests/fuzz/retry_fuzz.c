/* Lists of a retry rule and patterns of labels: the first byte says which, the rest is the text. */
#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "campaign/retry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_after(const struct campaign_rule *r)
{
    struct zone *utc;
    uint64_t now = UINT64_C(1774868400000);

    assert(r->after_count >= 1 && r->after_count <= RETRY_STEPS_MAX);
    assert(zone_open(&utc, SLICE("UTC")) == OK);
    for (uint32_t i = 0; i < 10; i++) {
        uint64_t due = retry_due(r, i, utc, now);
        assert(due > now && due <= now + (RETRY_DAYS_MAX + 1) * UINT64_C(86400000));
    }
    zone_close(utc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct campaign_rule r = {0};

    if (size == 0 || size > 2000)
        return 0;
    char *text = malloc(size); /* exact, so that a byte too far is seen */
    assert(text);
    memcpy(text, data + 1, size - 1);
    struct slice s = slice_of(text, size - 1);
    switch (data[0] % 4) {
    case 0:
        if (retry_parse_after(s, &r) == OK)
            check_after(&r);
        break;
    case 1:
        if (retry_parse_next(s, &r) == OK)
            assert(r.how_count >= 1 && r.how_count <= RETRY_STEPS_MAX &&
                   retry_how_at(&r, 99) == r.how[r.how_count - 1]);
        break;
    case 2:
        if (retry_parse_priority(s, &r) == OK)
            assert(abs(retry_priority_at(&r, 3)) <= RETRY_PRIORITY_MAX);
        break;
    default:
        retry_label_matches(s, SLICE("ru-temporarily-blocked-1"));
        assert(!retry_label_matches(s, SLICE("x,")) || memchr(text, '*', s.len) ||
               memchr(text, '?', s.len));
    }
    free(text);
    return 0;
}
