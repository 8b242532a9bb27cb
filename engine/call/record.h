/* What is kept of one call attempt: times, evidence, result. Plain data; filled by the control
 * thread, copied whole to the thread that writes records. */
#ifndef PEAL_CALL_RECORD_H
#define PEAL_CALL_RECORD_H

#include "call/result.h"

#define CALL_EVIDENCE_MAX 48 /* further events are counted in evidence_dropped */
#define CALL_TIME_NONE    UINT32_MAX

/* Milliseconds since the INVITE left (claimed: before it, so it is negative in spirit and kept as a
 * wall-clock stamp); CALL_TIME_NONE where it did not happen. */
enum call_mark {
    MARK_FIRST_1XX,
    MARK_RINGING,     /* first 180, or ringback heard */
    MARK_EARLY_MEDIA, /* first RTP before answer */
    MARK_ANSWERED,
    MARK_FIRST_RTP, /* first RTP after answer */
    MARK_SPEECH_ON, /* of the callee after answer */
    MARK_GREETING_END,
    MARK_VERDICT,
    MARK_CONNECT,     /* decided to connect to an agent */
    MARK_AGENT_HEARD, /* first packet bridged from the agent */
    MARK_END,
    MARK_COUNT
};
const char *call_mark_name(enum call_mark m); /* "first_1xx" … */

enum call_ender { ENDED_BY_NOBODY, ENDED_BY_US, ENDED_BY_CALLEE, ENDED_BY_NETWORK };
const char *call_ender_name(enum call_ender e); /* "us", "callee", "network" */

enum evidence_kind {
    EVIDENCE_SIP,     /* code: final or provisional SIP status */
    EVIDENCE_Q850,    /* code: cause of a Reason header */
    EVIDENCE_HEARD,   /* code: enum dsp_kind; detail as in struct dsp_event. DSP_KNOWN: detail is
                       * the recording's enum result, freq_hz as in dsp.h */
    EVIDENCE_VERDICT, /* code: enum dsp_verdict */
    EVIDENCE_MEDIA,   /* code: 0 first RTP, 1 RTP stopped, 2 never any RTP */
    EVIDENCE_TIMER    /* code: which limit ran out: 0 ring, 1 analysis, 2 answer delay */
};

struct evidence {
    uint8_t kind;   /* enum evidence_kind */
    uint8_t detail; /* digit, SIT category… */
    uint16_t code;
    uint16_t freq_hz[2];
    int16_t level_ddb;         /* dBm0 × 10 */
    float confidence;          /* 0…1 */
    uint32_t start_ms, end_ms; /* since the INVITE */
    bool early;                /* heard before answer */
};

struct call_media_stats {
    uint64_t rtp_received, rtp_sent, rtp_lost, rtp_late, rtp_rejected;
    bool shared;                         /* by the socket that legs share (media/shared.h) */
    uint64_t srtp_forged, srtp_replayed; /* packets that did not open, or were here before */
    char srtp[24];                       /* suite that held last, "" when the audio was plain */
    char codec[12];                      /* agreed on last, "" before that */
    uint32_t jitter_us, rtt_us;          /* last known; 0: unknown */
    uint64_t made_lost, made_duplicate, made_reordered; /* of what we sent, by call_impair */
    /* Of what came in (media/quality.h), and what the far end says of what we sent (RFC 3611): */
    uint16_t mos_hundredths, far_mos_hundredths; /* estimated, conversational; 0: unknown */
    bool mos_is_wide;                            /* of the scale for wide band (media/emodel.h) */
    uint16_t burst_ms, gap_ms;                   /* mean; 0: there was none */
    uint8_t burst_density, far_loss_rate;        /* 1/256 */
    uint64_t rtp_discarded;                      /* came, and too late or early to be played */
};

struct call_record {
    /* Who and what. */
    char campaign[64], lead[64], number[40], caller_id[40], trunk[32], agent[32];
    char group[32];       /* of agents that the callee was to go to; "": any, or none */
    char number_kind[16]; /* "mobile", "" when it is not told */
    uint8_t number_place; /* of the number among the lead's, 1…; 0: not known */
    char call_id[128];    /* SIP Call-ID of the attempt */
    uint32_t attempt;     /* 1… of this lead */
    uint64_t claimed_wall_ms, invite_wall_ms;
    uint32_t at_ms[MARK_COUNT];

    /* What was seen and heard. */
    struct evidence evidence[CALL_EVIDENCE_MAX];
    uint32_t evidence_count, evidence_dropped;
    uint16_t sip_code; /* final response, 0: none */
    uint16_t q850;     /* of a Reason header, 0: none */
    enum call_ender ended_by;
    bool cancelled; /* we gave up while it rang */
    char sip_reason[64];
    char known_id[48];    /* of the known recording heard last, "" when none */
    uint16_t known_index; /* of it in the library */

    /* What it means. */
    char outcome[32];            /* what the agent chose by key; "" for nothing */
    char mark[32], comment[128]; /* what the campaign's rules leave with the lead; "" for none */
    enum result result;
    enum delivery delivery;
    float confidence;
    float score; /* chance of a live answer that was expected of the lead; 0: none */
    uint32_t answer_to_agent_ms; /* CALL_TIME_NONE: no agent */
    bool by_flow;                /* a flow had the call before its agent, if it got one */
    bool abandoned_strict;       /* clock from the end of the first greeting */
    uint64_t beep_ms;            /* end of the beep since the INVITE, 0: none */

    struct call_media_stats media;
    char recording[256]; /* path, "" when none */
    char recording_error[96];
    uint64_t recording_lost_bytes; /* of its audio */
};

void call_record_init(struct call_record *r);
/* Keeps the evidence, or counts it as dropped when there is no room. */
void call_record_add(struct call_record *r, const struct evidence *e);

#endif
