#include "sip/codecs.h"

#include "sip/sdp.h"

static const struct sdp_codec_facts facts[SDP_CODEC_COUNT] = {
    [SDP_CODEC_NONE] = {{"", 0}, 0, 0, SDP_PT_NONE, {"", 0}, NULL},
    [SDP_CODEC_PCMU] = {{"PCMU", 4}, 8000, 1, 0, {"pcmu", 4}, NULL},
    [SDP_CODEC_PCMA] = {{"PCMA", 4}, 8000, 1, 8, {"pcma", 4}, NULL},
    [SDP_CODEC_G722] = {{"G722", 4}, 8000, 1, 9, {"g722", 4}, NULL},
    /* Always so, whatever is sent (RFC 7587 section 7). */
    [SDP_CODEC_OPUS] = {{"opus", 4}, 48000, 2, 111, {"opus", 4}, "useinbandfec=1"},
    [SDP_CODEC_L16] = {{"L16", 3}, 8000, 1, 117, {"l16", 3}, NULL},
    [SDP_CODEC_L16_WIDE] = {{"L16", 3}, 16000, 1, 118, {"l16-16k", 7}, NULL},
    [SDP_CODEC_RAW] = {{"", 0}, 0, 0, SDP_PT_NONE, {"", 0}, NULL},
};

const struct sdp_codec_facts *sdp_codec_facts(enum sdp_codec c)
{
    return &facts[(unsigned)c < SDP_CODEC_COUNT ? c : SDP_CODEC_NONE];
}

struct slice sdp_codec_name(enum sdp_codec c)
{
    return sdp_codec_facts(c)->name;
}

enum sdp_codec sdp_codec_find(struct slice encoding, uint32_t rate_hz, unsigned channels)
{
    for (unsigned c = SDP_CODEC_NONE + 1; c < SDP_CODEC_RAW; c++)
        if (facts[c].rate_hz == rate_hz && facts[c].channels == channels &&
            slice_ieq(facts[c].name, encoding))
            return (enum sdp_codec)c;
    return SDP_CODEC_NONE;
}

uint8_t sdp_codec_pt(enum sdp_codec c)
{
    return sdp_codec_facts(c)->pt;
}

enum err sdp_codecs_add(struct sdp_codecs *c, struct slice word)
{
    for (unsigned k = SDP_CODEC_NONE + 1; k < SDP_CODEC_RAW; k++) {
        if (!slice_ieq(facts[k].word, word))
            continue;
        for (unsigned i = 0; i < c->n; i++)
            if (c->list[i] == k)
                return ERR_EXISTS;
        c->list[c->n++] = (uint8_t)k; /* there are fewer than places */
        return OK;
    }
    return ERR_INVALID;
}

_Static_assert(SDP_CODEC_RAW - 1 <= SDP_CODECS_MAX, "a place for each");

enum err sdp_codecs_parse(struct slice text, struct sdp_codecs *out, struct slice *wrong)
{
    struct slice rest = text;

    out->n = 0;
    do {
        slice_cut(rest, ',', wrong, &rest);
        *wrong = slice_trim(*wrong);
        enum err err = sdp_codecs_add(out, *wrong);

        if (err)
            return err;
    } while (rest.len);
    return OK;
}
