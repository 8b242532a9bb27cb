/* What a call's audio is made of, where its owner says so: one law of G.711 before the other, or a
 * payload that nobody here decodes, offered under its own name and sent as it was captured. */
#include "call/internal.h"

void call_choose_codecs(struct call *c, const struct call_dial *dial)
{
    if (dial->codecs)
        sdp_session_codecs(&c->sdp, dial->codecs);
    if (dial->alike)
        sdp_session_prefer(&c->sdp, dial->alike->codec);
}

static bool is_too_late(const struct call *c)
{
    return c->state > CALL_STATE_RINGING || c->remote_set;
}

enum err call_set_codecs(struct call *c, const struct sdp_codecs *codecs)
{
    return is_too_late(c) ? ERR_STATE : sdp_session_codecs(&c->sdp, codecs);
}

enum err call_set_payload(struct call *c, const struct call_payload *p)
{
    struct slice name = slice_cstr(p->name);
    enum sdp_codec codec = sdp_codec_find(name, p->rate_hz, p->channels);

    if (is_too_late(c))
        return ERR_STATE;
    if (codec == SDP_CODEC_PCMU || codec == SDP_CODEC_PCMA) {
        c->sdp.codecs[0] = codec;
        c->sdp.codecs[1] = codec == SDP_CODEC_PCMA ? SDP_CODEC_PCMU : SDP_CODEC_PCMA;
        c->sdp.ncodecs = 2;
        c->sdp.own_order = true;
        return OK;
    }
    return sdp_session_raw(&c->sdp, name, p->rate_hz, p->channels, p->pt,
                           p->fmtp ? slice_cstr(p->fmtp) : SLICE_NONE);
}
