/* Tone plans: whatever the bytes, a plan in its bounds or a sentence about a line. */
#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "dsp/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_sit(const struct plan_sit *s)
{
    unsigned n = 0;
    for (int i = 0; i < 3; i++)
        assert(s->hz_min[i] && s->hz_min[i] <= s->hz_max[i]);
    while (n < SIT_COUNT && s->category[n].sit != SIT_NONE)
        assert(s->category[n++].sit < SIT_COUNT);
    assert(n < SIT_COUNT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct dsp_plan p;
    char error[DSP_PLAN_ERROR_MAX];
    unsigned n = 0;

    if (size > PLAN_FILE_MAX)
        return 0;
    if (plan_parse(&p, "fuzz.yaml", (const char *)data, size, dsp_plan_find("itu"), error) != OK) {
        assert(strncmp(error, "fuzz.yaml:", 10) == 0 && strlen(error) > 14);
        return 0;
    }
    assert(p.name[0] && strlen(p.name) < sizeof(p.name) && strlen(p.title) < sizeof(p.title));
    for (; p.tone[n].kind != DSP_NONE; n++) {
        const struct plan_tone *t = &p.tone[n];
        assert(n < PLAN_TONES_MAX && t->kind < DSP_KIND_COUNT && t->freq_hz[0] >= 200);
        assert(t->steps == 0 || t->steps == 2 || t->steps == 4);
        assert(t->freq_hz[1] == 0 || t->freq_hz[1] > t->freq_hz[0]);
        assert(t->level_min_ddb <= t->level_max_ddb);
        for (unsigned i = 0; i < t->steps; i++)
            assert(t->step[i].min_ms && t->step[i].min_ms <= t->step[i].max_ms);
    }
    assert(n > 0);
    check_sit(&p.sit);
    (void)plan_loud(&p, plan_match(&p, p.tone[0].freq_hz[0], p.tone[0].freq_hz[1]), -200);
    return 0;
}
