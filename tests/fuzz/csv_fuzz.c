/* Lists of leads: whatever the bytes, every row is a lead or a reason, and the end is reached. */
#undef NDEBUG
#include <assert.h>
#include <stdlib.h>

#include "campaign/csv.h"
#include "campaign/leads.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[LEADS_REASON_MAX];
    struct leads *l;
    struct lead lead;
    uint64_t given = 0, bad = 0;
    enum err e;

    if (size > 1 << 20)
        return 0;
    if (leads_open_memory(&l, slice_of((const char *)data, size), number_country_find(SLICE("us")),
                          error) != OK) {
        assert(error[0]);
        return 0;
    }
    while ((e = leads_next(l, &lead)) != ERR_CLOSED) {
        assert(e == OK || e == ERR_INVALID);
        assert(leads_line(l) >= 1);
        if (e == ERR_INVALID) {
            assert(leads_reason(l)[0]);
            bad++;
            continue;
        }
        given++;
        assert(lead.id[0] && (lead.number_count > 0) == (lead.result == RESULT_NONE));
        for (uint32_t i = 0; i < lead.number_count; i++)
            assert(lead.numbers[i].number[0] == '+' && !strpbrk(lead.numbers[i].kind, " ,"));
        assert(lead.fields.len >= 2 && lead.fields.p[0] == '{' &&
               lead.fields.p[lead.fields.len - 1] == '}');
        assert(csv_is_utf8(lead.fields) && csv_is_utf8(lead.name));
    }
    const struct leads_stats *s = leads_stats_of(l);
    assert(s->leads == given && s->rejected == bad && s->rows == given + bad);
    leads_close(l);
    return 0;
}
