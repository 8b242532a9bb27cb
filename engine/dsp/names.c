/* Names of what the detectors report, as they stand in records and scripts. */
#include "dsp/dsp.h"

const char *dsp_kind_name(enum dsp_kind k)
{
    static const char *const names[DSP_KIND_COUNT] = {
        "none",    "dtmf",  "ringback",     "busy",         "reorder",    "dial_tone", "sit",
        "cng",     "ced",   "beep",         "speech_start", "speech_end", "silence",   "dead_air",
        "verdict", "known", "unobtainable", "modem",        "preamble"};
    return (unsigned)k < DSP_KIND_COUNT ? names[k] : "unknown";
}

const char *dsp_sit_name(enum dsp_sit s)
{
    static const char *const names[SIT_COUNT] = {"none",       "ic",       "vc",       "ro_intra",
                                                 "ro_inter",   "nc_intra", "nc_inter", "reserved_1",
                                                 "reserved_2", "itu"};
    return (unsigned)s < SIT_COUNT ? names[s] : "unknown";
}

const char *dsp_answer_name(enum dsp_answer a)
{
    static const char *const names[ANSWER_COUNT] = {"ans", "ans_pr", "ansam", "ansam_pr"};
    return (unsigned)a < ANSWER_COUNT ? names[a] : "unknown";
}

const char *dsp_verdict_name(enum dsp_verdict v)
{
    static const char *const names[VERDICT_COUNT] = {"none", "human", "machine", "silent",
                                                     "unsure"};
    return (unsigned)v < VERDICT_COUNT ? names[v] : "unknown";
}
