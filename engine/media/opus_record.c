/* See opus_record.h. Two channels are two streams of one channel: telephony's channels have nothing
 * in common, and joint coding would let one be heard in the other. A page is written each second,
 * so a crash costs at most that. */
#include "media/opus_record.h"

#include <opus/opus_multistream.h>
#include <stdlib.h>
#include <string.h>

#include "media/record.h"

#define RATE_HZ        8000
#define BLOCK          160
#define GRANULE_STEP   960 /* 20 ms at 48 kHz (RFC 7845 section 4) */
#define PACKET_MAX     2048
#define PACKETS_A_PAGE 50

struct opus_record {
    OpusMSEncoder *encoder;
    opus_record_out_fn *to;
    void *arg;
    uint32_t channels, skip_48k, packets_here;
    int complexity;
    uint64_t blocks, packets; /* put in; coded */
    struct ogg ogg;
    uint8_t page[OGG_PAGE_MAX];
};

static void write_page(struct opus_record *o, uint64_t granule, bool last)
{
    o->to(o->arg, o->page, ogg_page(&o->ogg, granule, last, o->page));
    o->packets_here = 0;
}

static void write_headers(struct opus_record *o)
{
    uint8_t packet[OGG_OPUS_TAGS_MAX];

    ogg_add(&o->ogg, packet, ogg_opus_head(packet, o->channels, o->skip_48k, RATE_HZ));
    write_page(o, 0, false);
    ogg_add(&o->ogg, packet, ogg_opus_tags(packet, opus_get_version_string()));
    write_page(o, 0, false);
}

enum err opus_record_open(struct opus_record **out, uint32_t channels, uint32_t bitrate,
                          uint32_t serial, opus_record_out_fn *to, void *arg)
{
    static const unsigned char mapping[] = {0, 1};
    struct opus_record *o = calloc(1, sizeof(*o));
    opus_int32 lookahead = 0;
    int error = OPUS_OK;

    if (!o)
        return ERR_NOMEM;
    o->encoder = opus_multistream_encoder_create(RATE_HZ, (int)channels, (int)channels, 0, mapping,
                                                 OPUS_APPLICATION_VOIP, &error);
    if (error != OPUS_OK ||
        opus_multistream_encoder_ctl(o->encoder,
                                     OPUS_SET_BITRATE((opus_int32)(bitrate * channels))) ||
        opus_multistream_encoder_ctl(o->encoder, OPUS_GET_LOOKAHEAD(&lookahead))) {
        if (o->encoder)
            opus_multistream_encoder_destroy(o->encoder);
        free(o);
        return error == OPUS_ALLOC_FAIL ? ERR_NOMEM : ERR_INVALID;
    }
    o->channels = channels;
    o->skip_48k = (uint32_t)lookahead * (48000 / RATE_HZ);
    o->to = to;
    o->arg = arg;
    o->complexity = -1;
    ogg_init(&o->ogg, serial);
    opus_record_complexity(o, RECORD_COMPLEXITY_DEFAULT);
    write_headers(o);
    *out = o;
    return OK;
}

void opus_record_complexity(struct opus_record *o, int complexity)
{
    if (o->complexity == complexity)
        return;
    o->complexity = complexity;
    opus_multistream_encoder_ctl(o->encoder, OPUS_SET_COMPLEXITY(complexity));
}

static void code(struct opus_record *o, const int16_t *pcm)
{
    uint8_t packet[PACKET_MAX];
    int n = opus_multistream_encode(o->encoder, pcm, BLOCK, packet, sizeof(packet));

    if (n < 0)
        n = 0; /* an empty packet is a lost one to the decoder: the time stays right */
    if (!ogg_add(&o->ogg, packet, (uint32_t)n)) {
        write_page(o, o->packets * GRANULE_STEP, false);
        ogg_add(&o->ogg, packet, (uint32_t)n);
    }
    o->packets++;
    o->packets_here++;
}

void opus_record_block(struct opus_record *o, const int16_t *pcm)
{
    code(o, pcm);
    o->blocks++;
    if (o->packets_here >= PACKETS_A_PAGE)
        write_page(o, o->packets * GRANULE_STEP, false);
}

void opus_record_close(struct opus_record *o)
{
    static const int16_t silence[2 * BLOCK];
    uint64_t end = o->skip_48k + o->blocks * GRANULE_STEP;

    /* What the encoder still looks ahead at; the granule position cuts the rest off. */
    while (o->packets * GRANULE_STEP < end)
        code(o, silence);
    write_page(o, end, true);
    opus_multistream_encoder_destroy(o->encoder);
    free(o);
}
