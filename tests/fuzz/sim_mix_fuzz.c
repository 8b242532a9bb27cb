/* Mixes: weights, numbers, spells, rates of answering. Every draw of a mix that is taken is one of
 * its scenarios, and the same again for the same number, attempt and time. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sim/mix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const numbers[] = {"+12025550100", "agent-1", "", "0"};
    char error[MIX_ERROR_MAX] = "";
    struct mix *m = NULL;

    if (size > 1 << 20)
        return 0;
    if (mix_load_text(&m, "f.yaml", slice_of((const char *)data, size), error) != OK) {
        if (strncmp(error, "f.yaml", 6) != 0)
            abort();
        return 0;
    }
    for (uint32_t i = 0; i < 4; i++)
        for (uint32_t attempt = 1; attempt < 4; attempt++) {
            struct slice number = slice_cstr(numbers[i]);
            double at_s = 700.0 * attempt;
            uint32_t drawn = mix_draw(m, 7, number, attempt, at_s);
            if (drawn >= mix_scenario_count(m) || drawn != mix_draw(m, 7, number, attempt, at_s))
                abort();
        }
    mix_free(m);
    return 0;
}
