/* Opus by libopus. Speech, mono, 16 kHz at most; 24 kbit/s unless the far end wishes less, 18 where
 * nothing above 4 kHz comes, and a third more while there is loss to make up for. The far end's
 * second channel, if any, is mixed in by the decoder. libopus allocates only in open; the encoder's
 * scratch is on the stack. */
#include <opus/opus.h>

#include <string.h>

#include "media/codec_inner.h"

#define RATE_HZ      16000
#define BITS_WIDE    24000
#define BITS_NARROW  18000
#define BITS_MORE    8000 /* for redundancy */
#define LOSS_MOST    30   /* percent that redundancy is made for; more helps nobody */
#define SILENT_BYTES 2    /* a packet that small says: nothing is sent now (RFC 7587 3.1.3) */

enum err codec_opus_open(struct coder *c)
{
    int failed = OPUS_OK;

    c->opus_out = opus_encoder_create(RATE_HZ, 1, OPUS_APPLICATION_VOIP, &failed);
    if (c->opus_out)
        c->opus_in = opus_decoder_create(RATE_HZ, 1, &failed);
    if (!c->opus_out || !c->opus_in) {
        codec_opus_close(c);
        return ERR_NOMEM;
    }
    opus_encoder_ctl(c->opus_out, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
    c->complexity = UINT8_MAX;
    codec_opus_wish(c, &c->wishes);
    codec_opus_tune(c, CODEC_COMPLEXITY_FIRST, 0, false);
    return OK;
}

void codec_opus_close(struct coder *c)
{
    if (c->opus_out)
        opus_encoder_destroy(c->opus_out);
    if (c->opus_in)
        opus_decoder_destroy(c->opus_in);
    c->opus_out = NULL;
    c->opus_in = NULL;
}

size_t codec_opus_bytes(void)
{
    return (size_t)opus_encoder_get_size(1) + (size_t)opus_decoder_get_size(1);
}

static void set_band(struct coder *c)
{
    uint32_t hz = c->wishes.playback_hz ? c->wishes.playback_hz : 48000;
    opus_int32 most = c->is_narrow || hz < 12000 ? OPUS_BANDWIDTH_NARROWBAND
                      : hz < 16000               ? OPUS_BANDWIDTH_MEDIUMBAND
                                                 : OPUS_BANDWIDTH_WIDEBAND;
    uint32_t bits = most == OPUS_BANDWIDTH_NARROWBAND ? BITS_NARROW : BITS_WIDE;

    if (c->wishes.fec && c->loss_percent)
        bits += BITS_MORE;
    if (c->wishes.bits_per_s && c->wishes.bits_per_s < bits)
        bits = c->wishes.bits_per_s < 6000 ? 6000 : c->wishes.bits_per_s;
    opus_encoder_ctl(c->opus_out, OPUS_SET_MAX_BANDWIDTH(most));
    opus_encoder_ctl(c->opus_out, OPUS_SET_BITRATE((opus_int32)bits));
}

void codec_opus_wish(struct coder *c, const struct codec_wishes *w)
{
    c->wishes = *w;
    opus_encoder_ctl(c->opus_out, OPUS_SET_INBAND_FEC(w->fec));
    opus_encoder_ctl(c->opus_out, OPUS_SET_DTX(w->dtx));
    opus_encoder_ctl(c->opus_out, OPUS_SET_VBR(!w->constant));
    set_band(c);
}

void codec_opus_tune(struct coder *c, uint32_t complexity, uint32_t loss_percent, bool narrow)
{
    loss_percent = loss_percent > LOSS_MOST ? LOSS_MOST : loss_percent;
    if (complexity != c->complexity) {
        c->complexity = (uint8_t)complexity;
        opus_encoder_ctl(c->opus_out, OPUS_SET_COMPLEXITY((opus_int32)complexity));
    }
    if (loss_percent != c->loss_percent) {
        c->loss_percent = (uint8_t)loss_percent;
        opus_encoder_ctl(c->opus_out, OPUS_SET_PACKET_LOSS_PERC((opus_int32)loss_percent));
        set_band(c);
    }
    if (narrow != c->is_narrow) {
        c->is_narrow = narrow;
        set_band(c);
    }
}

uint32_t codec_opus_encode(struct coder *c, const int16_t *pcm, uint32_t samples, uint8_t *out,
                           uint32_t room)
{
    opus_int32 n = opus_encode(c->opus_out, pcm, (int)samples, out, (opus_int32)room);

    if (n < 0)
        return 0;
    bool silent = n <= SILENT_BYTES && c->wishes.dtx, told = silent && c->told_silent;

    c->told_silent = silent; /* the first is sent, so that the far end knows that none is lost */
    return told ? 0 : (uint32_t)n;
}

uint32_t codec_opus_samples(const uint8_t *payload, uint32_t len)
{
    int n = len ? opus_packet_get_nb_samples(payload, (opus_int32)len, RATE_HZ) : 0;

    return n > 0 && n <= CODEC_PCM_MAX ? (uint32_t)n : 0;
}

/* libopus conceals in multiples of 2.5 ms; what is more odd cannot come of RTP's timestamps alone,
 * but a peer may write any. */
static void invent(struct coder *c, int16_t *pcm, uint32_t samples)
{
    uint32_t even = samples / (RATE_HZ / 400) * (RATE_HZ / 400);

    if (even == 0 || opus_decode(c->opus_in, NULL, 0, pcm, (int)even, 0) != (int)even)
        even = 0;
    memset(pcm + even, 0, (samples - even) * sizeof(*pcm));
}

bool codec_opus_decode(struct coder *c, const uint8_t *payload, uint32_t len, int16_t *pcm,
                       uint32_t samples)
{
    if (samples &&
        opus_decode(c->opus_in, payload, (opus_int32)len, pcm, (int)samples, 0) == (int)samples) {
        c->silent = len <= SILENT_BYTES;
        return true;
    }
    invent(c, pcm, samples);
    return false;
}

/* Is there a low bit-rate copy of the frame before in it? (RFC 6716 section 4.2.4) The copy is as
 * long as the packet's own first frame. */
static bool tells_before(const uint8_t *after, uint32_t len, uint32_t *samples)
{
    const unsigned char *frame[48];
    opus_int16 size[48];

    if (!after || len < 2)
        return false;
    int n = opus_packet_parse(after, (opus_int32)len, NULL, frame, size, NULL);
    bool celt_only = after[0] & 0x80;

    if (n < 1 || celt_only || size[0] < 1)
        return false;
    /* The first byte of a SILK frame begins with a flag of voice activity for each 20 ms, and then
     * one that the copy is there. */
    uint32_t each = (uint32_t)opus_packet_get_samples_per_frame(after, RATE_HZ);
    uint32_t parts = each > RATE_HZ / 50 ? each / (RATE_HZ / 50) : 1;

    *samples = each;
    return frame[0][0] & 0x80 >> parts;
}

bool codec_opus_conceal(struct coder *c, const uint8_t *after, uint32_t len, int16_t *pcm,
                        uint32_t samples)
{
    uint32_t told = 0, ahead;

    if (!tells_before(after, len, &told) || samples < told) {
        invent(c, pcm, samples);
        return false;
    }
    ahead = samples - told; /* only the last frame of a longer gap is told */
    if (ahead)
        invent(c, pcm, ahead);
    if (opus_decode(c->opus_in, after, (opus_int32)len, pcm + ahead, (int)told, 1) == (int)told)
        return true;
    invent(c, pcm + ahead, told);
    return false;
}

void codec_opus_restart(struct coder *c)
{
    opus_decoder_ctl(c->opus_in, OPUS_RESET_STATE);
}
