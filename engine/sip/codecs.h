/* The codecs that are offered and understood, and lists of them by preference as people write them.
 * The names of SDP and RTP (RFC 3551, RFC 7587). Any thread. */
#ifndef PEAL_SIP_CODECS_H
#define PEAL_SIP_CODECS_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

enum sdp_codec {
    SDP_CODEC_NONE,
    SDP_CODEC_PCMU,
    SDP_CODEC_PCMA,
    SDP_CODEC_G722,
    SDP_CODEC_OPUS,
    SDP_CODEC_L16,      /* 8 kHz */
    SDP_CODEC_L16_WIDE, /* 16 kHz */
    SDP_CODEC_RAW,      /* the session's own: sdp_session_raw */
    SDP_CODEC_COUNT
};

#define SDP_CODECS_MAX    8
#define SDP_TE_PT_DEFAULT 101 /* telephone-event at 8 kHz */
#define SDP_TE_PT_OPUS    110 /* … and at the clock of Opus */

struct sdp_codec_facts {
    struct slice name; /* "PCMU" */
    uint32_t rate_hz;  /* of a=rtpmap: the clock */
    uint8_t channels;
    uint8_t pt;        /* static payload type, or our usual dynamic one */
    struct slice word; /* in files and options: "pcmu" */
    const char *fmtp;  /* of ours; NULL: none */
};
const struct sdp_codec_facts *sdp_codec_facts(enum sdp_codec c);

struct slice sdp_codec_name(enum sdp_codec c);
enum sdp_codec sdp_codec_find(struct slice encoding, uint32_t rate_hz, unsigned channels);
uint8_t sdp_codec_pt(enum sdp_codec c);

/* By preference; n 0: what sdp_session_init has. */
struct sdp_codecs {
    uint8_t n;
    uint8_t list[SDP_CODECS_MAX]; /* enum sdp_codec */
};
#define SDP_CODEC_WORDS "pcmu, pcma, g722, opus, l16 and l16-16k"
/* Adds the codec of that word, in any case. ERR_INVALID: there is none such; ERR_EXISTS: it stands
 * there already. */
enum err sdp_codecs_add(struct sdp_codecs *c, struct slice word);
/* "opus,g722,pcma": all of them; the first word that is wrong is left in *wrong. */
enum err sdp_codecs_parse(struct slice text, struct sdp_codecs *out, struct slice *wrong);

#endif
