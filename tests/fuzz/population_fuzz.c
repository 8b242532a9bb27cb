/* Population files: whatever the bytes, figures in their bounds or a sentence about a line. */
#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "simulate/population.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_share(double v)
{
    assert(v >= 0 && v <= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct population p;
    static char error[POPULATION_ERROR_MAX];

    if (population_parse(&p, "fuzz.yaml", slice_of((const char *)data, size), error) != OK) {
        assert(strncmp(error, "fuzz.yaml:", 10) == 0 && strlen(error) > 14);
        return 0;
    }
    check_share(p.numbers.vacant + p.numbers.fax);
    check_share(p.state.busy + p.state.unreachable);
    check_share(p.call.rejected + p.call.congestion);
    check_share(p.answer.share);
    check_share(p.machines.beep);
    for (int i = 0; i < 24; i++)
        assert(p.answer.hours[i] >= 0 && p.answer.hours[i] <= 100);
    for (int i = 0; i < 7; i++)
        assert(p.answer.weekdays[i] >= 0 && p.answer.weekdays[i] <= 100);
    assert(p.state.lasts_ms >= 1000 && p.call.ring_ms >= 500 && p.talk.length_ms >= 1000);
    assert(p.agents.shift_count >= 1 && p.agents.shift_count <= POPULATION_SHIFTS_MAX);
    assert(memchr(p.agents.zone, 0, sizeof(p.agents.zone)));
    return 0;
}
