/* Lists of leads as JSON Lines: whatever the bytes, every line is a lead or a reason, and the end
 * is reached; what a lead says of its expiry gives an instant. */
#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "campaign/csv.h"
#include "campaign/leads.h"
#include "campaign/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct lead *lead, const struct zone *utc)
{
    assert(lead->id[0] && (lead->number_count > 0) == (lead->result == RESULT_NONE));
    assert(lead->number_count <= LEADS_NUMBERS_MAX);
    for (uint32_t i = 0; i < lead->number_count; i++) {
        assert(lead->numbers[i].number[0] == '+' && !strpbrk(lead->numbers[i].kind, " ,"));
        for (uint32_t k = 0; k < i; k++)
            assert(strcmp(lead->numbers[i].number, lead->numbers[k].number) != 0);
    }
    assert(lead->fields.len >= 2 && lead->fields.p[0] == '{' &&
           lead->fields.p[lead->fields.len - 1] == '}');
    assert(csv_is_utf8(lead->fields) && csv_is_utf8(lead->name) && csv_is_utf8(lead->zone));
    assert((lead_until_ms(&lead->expires, utc) != 0) == lead->expires.there ||
           lead->expires.year == 1970);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[LEADS_REASON_MAX];
    static struct zone *utc;
    struct leads *l;
    struct lead lead;
    enum err e;

    if (size > 1 << 20)
        return 0;
    if (!utc)
        assert(zone_open(&utc, SLICE("UTC")) == OK);
    char *text = malloc(size + 2); /* its own block, so that ASan sees one byte too far */

    memcpy(text, "{\n", 2); /* what tells JSON Lines in memory; a bad line of its own */
    memcpy(text + 2, data, size);
    assert(leads_open_memory(&l, slice_of(text, size + 2), number_country_find(SLICE("us")),
                             error) == OK);
    while ((e = leads_next(l, &lead)) != ERR_CLOSED) {
        assert(e == OK || e == ERR_INVALID);
        if (e == OK)
            look(&lead, utc);
        else
            assert(leads_reason(l)[0] && leads_raw(l).len);
    }
    const struct leads_stats *s = leads_stats_of(l);

    assert(s->rows == s->leads + s->rejected);
    leads_close(l);
    free(text);
    return 0;
}
