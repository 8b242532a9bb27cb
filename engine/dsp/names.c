/* Names of what the detectors report, as they stand in records and scripts. */
#include "dsp/dsp.h"

const char *dsp_kind_name(enum dsp_kind k)
{
    static const char *const names[DSP_KIND_COUNT] = {
        "none",     "dtmf",     "ringback", "busy",    "reorder",      "dial_tone",
        "sit",      "cng",      "ced",      "beep",    "speech_start", "speech_end",
        "silence",  "dead_air", "verdict",  "known",   "unobtainable", "modem",
        "preamble", "clipping", "noise",    "one_way", "echo"};
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

const char *dsp_detail_name(enum dsp_kind k, unsigned detail)
{
    static const char *const names[DSP_KIND_COUNT][3] = {
        [DSP_CLIPPING] = {"", "full_scale", "below"},
        [DSP_NOISE] = {"", "heard", "described"},
        [DSP_ONE_WAY] = {"", "no_packets", "zeros"},
    };
    switch (k) {
    case DSP_SIT:
        return dsp_sit_name((enum dsp_sit)detail);
    case DSP_CED:
        return dsp_answer_name((enum dsp_answer)detail);
    case DSP_VERDICT:
        return dsp_verdict_name((enum dsp_verdict)detail);
    default:
        return (unsigned)k < DSP_KIND_COUNT && detail < 3 && names[k][detail] ? names[k][detail]
                                                                              : "";
    }
}
