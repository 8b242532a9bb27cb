/* Library files of any content: the check sum is put right, so that what lies behind it is reached;
 * what loads must be usable and come back the same from a leg's point of view. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/dsp.h"
#include "dsp/prints.h"

#define MUST(what)                                                                                 \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "prints_fuzz: line %d: not so: %s\n", __LINE__, #what);                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static void listen(const struct prints *p, const uint8_t *data, size_t size)
{
    static struct prints_leg leg;
    static struct dsp_state state;
    struct dsp_amd_config amd;

    dsp_amd_defaults(&amd);
    dsp_state_init(&state, dsp_plan_find("itu"), &amd);
    prints_leg_init(&leg, p);
    dsp_state_prints(&state, &leg);
    dsp_state_phase(&state, DSP_EARLY);
    for (unsigned n = 0; n < 100 && size; n++) {
        int16_t block[DSP_BLOCK_SAMPLES];
        struct dsp_event out[DSP_EVENTS_PER_LEG_MAX];
        struct dsp_block b = {.state = &state, .samples = block};

        for (unsigned i = 0; i < DSP_BLOCK_SAMPLES; i++)
            block[i] = (int16_t)((data[(n * 97 + i / 8) % size] - 128) * 100 * (i & 4 ? 1 : -1));
        size_t events = dsp_process(&b, 1, out);
        for (size_t i = 0; i < events; i++)
            if (out[i].kind == DSP_KNOWN)
                MUST(out[i].freq_hz[0] < prints_count(p) && out[i].confidence <= 1 &&
                     out[i].start_ms <= out[i].end_ms);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[PRINTS_ERROR_MAX];
    struct prints *p = NULL;
    uint8_t *bytes = malloc(size + 8);

    if (!bytes)
        return 0;
    memcpy(bytes, data, size);
    size_t len = size;
    if (size >= 8) {
        uint64_t check = prints_checksum(bytes, size - 8);
        for (unsigned i = 0; i < 8; i++)
            bytes[size - 8 + i] = (uint8_t)(check >> 8 * i);
    }
    error[0] = '\0';
    if (prints_parse(&p, bytes, len, "input", error)) {
        MUST(error[0] && strlen(error) < sizeof error);
    } else {
        for (uint32_t i = 0; i < prints_count(p); i++) {
            const struct prints_info *info = prints_info_of(p, i);
            MUST(info->id[0] && memchr(info->id, 0, sizeof info->id));
            MUST(memchr(info->result, 0, sizeof info->result) && info->ms <= PRINTS_MS_MAX);
        }
        MUST(prints_index(p) == OK);
        listen(p, data, size);
        prints_close(p);
    }
    free(bytes);
    return 0;
}
