/* The codecs that go beside G.711: Opus (RFC 6716, RFC 7587) by libopus, G.722 and linear samples
 * (RFC 3551). A coder is one leg's encoder and decoder of one codec.
 *
 * Samples are 16 bit, mono, at the coder's own rate: 16 kHz, of L16/8000 8 kHz. Opus is neither
 * encoded nor decoded above that: what is wider passes only from leg to leg as it is. The control
 * thread makes and frees coders; all else here allocates nothing and is called by one thread. */
#ifndef PEAL_MEDIA_CODEC_H
#define PEAL_MEDIA_CODEC_H

#include <stddef.h>

#include "base/err.h"
#include "media/conceal.h"
#include "media/g722.h"

enum media_codec { /* static payload types (RFC 3551) where they have one */
                   MEDIA_PCMU = 0,
                   MEDIA_PCMA = 8,
                   MEDIA_G722 = 9,
                   MEDIA_OPUS = 128,
                   MEDIA_L16_8,
                   MEDIA_L16_16
};
#define CODEC_PACKED  4                   /* that have coders */
#define CODEC_MS_MAX  120                 /* in a packet (RFC 7587 section 4.2) */
#define CODEC_PCM_MAX (CODEC_MS_MAX * 16) /* samples of a packet */

static inline bool codec_is_packed(enum media_codec c)
{
    return c != MEDIA_PCMU && c != MEDIA_PCMA;
}
uint32_t codec_index(enum media_codec c);     /* of those that are packed: below CODEC_PACKED */
uint32_t codec_clock_khz(enum media_codec c); /* of RTP: 48 Opus, 16 L16/16000, else 8 */
uint32_t codec_khz(enum media_codec c);       /* of samples */
bool codec_is_known(enum media_codec c);
/* The longest packet of ours that is no longer than was asked for, in ms. */
uint32_t codec_ptime_ms(enum media_codec c, uint32_t asked_ms);

/* What the far end wishes of Opus (RFC 7587 section 6.1), all of them zero: the defaults. */
struct codec_wishes {
    bool fec, dtx, constant; /* useinbandfec, usedtx, cbr */
    uint32_t playback_hz;    /* maxplaybackrate; 0: 48000 */
    uint32_t bits_per_s;     /* maxaveragebitrate; 0: ours */
};

#define CODEC_COMPLEXITY_MAX   9 /* of Opus; what it begins with is CODEC_COMPLEXITY_FIRST */
#define CODEC_COMPLEXITY_FIRST 5

struct OpusEncoder;
struct OpusDecoder;

struct coder {
    enum media_codec codec;
    uint32_t khz, clock_khz;
    struct OpusEncoder *opus_out;
    struct OpusDecoder *opus_in;
    uint8_t complexity, loss_percent;
    bool is_narrow;   /* what is encoded has nothing above 4 kHz */
    bool told_silent; /* the last packet encoded said that none follow */
    bool silent;      /* the last packet decoded was one of discontinuous transmission */
    struct codec_wishes wishes;
    struct g722 g722_out, g722_in;
    struct conceal conceal;
};

/* ERR_NOMEM; ERR_INVALID: not one of ours. Control thread. */
enum err coder_open(struct coder *c, enum media_codec codec);
void coder_close(struct coder *c);
size_t coder_bytes(const struct coder *c); /* of memory, all of it */

/* Encoding. */
void coder_wish(struct coder *c, const struct codec_wishes *w);
/* Cheap when nothing changes. complexity: 0…CODEC_COMPLEXITY_MAX; loss: of packets on the way to
 * the far end, in percent, by which redundancy is measured out; narrow: nothing above 4 kHz comes.
 */
void coder_tune(struct coder *c, uint32_t complexity, uint32_t loss_percent, bool narrow);
/* One packet of that many samples (codec_ptime_ms of them, or 20 ms). Its bytes; 0: nothing is to
 * be sent (discontinuous transmission), or there is not room enough. */
uint32_t coder_encode(struct coder *c, const int16_t *pcm, uint32_t samples, uint8_t *out,
                      uint32_t room);

/* Decoding. Samples that a packet holds; 0: malformed. At most CODEC_PCM_MAX. */
uint32_t coder_samples(const struct coder *c, const uint8_t *payload, uint32_t len);
/* Decodes; `samples` is what coder_samples said. false: malformed, pcm was concealed instead. */
bool coder_decode(struct coder *c, const uint8_t *payload, uint32_t len, int16_t *pcm,
                  uint32_t samples);
/* A gap of so many samples, in whole 2.5 ms, at most CODEC_PCM_MAX. after: the packet that follows
 * directly, NULL when it is not there. true: it told what was in the gap (in-band FEC). */
bool coder_conceal(struct coder *c, const uint8_t *after, uint32_t len, int16_t *pcm,
                   uint32_t samples);
/* Forgets what was heard: something else begins. */
void coder_restart(struct coder *c);

#endif
