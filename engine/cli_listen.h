/* What `peal listen` found in one recording, for its printers. Private to the command. */
#ifndef PEAL_CLI_LISTEN_H
#define PEAL_CLI_LISTEN_H

#include "call/record.h"
#include "dsp/prints.h"
#include "media/recording.h"

#define FINDINGS_MAX 20000 /* events kept; more are counted */

struct finding {
    struct dsp_event event;
    uint32_t at_ms; /* when it was said */
};

struct findings {
    const char *path, *plan;
    const struct recording *recording, *ours; /* ours: what we sent meanwhile, NULL: not known */
    uint32_t answered_ms;                     /* RECORDING_NEVER: not */
    struct finding *at;
    uint32_t n, dropped;
    int16_t *level_ddb; /* of each block, dBm0 × 10 */
    int8_t *machine;    /* percent that a machine answered, of each block; -1: no opinion */
    const struct prints *prints; /* NULL: no library */
    struct finding verdict;      /* kind DSP_NONE: none came */
    uint32_t beep_ms;            /* end of the first beep after answer; 0: none */
    enum result result;
};

/* A digit, SIT category, verdict, recording's id… "" where the kind has none. text: a place. */
const char *finding_detail(const struct findings *f, const struct dsp_event *e, char text[2]);

/* Writes the page; false with a sentence on stderr. */
bool listen_plot(const struct findings *f, const char *out_path);

#endif
