/* Offer and answer: see offer.h. Both sides of an exchange end in the same judgement of one media
 * of the peer; only payload numbers differ. */
#include "sip/offer.h"

#include <arpa/inet.h>

#include "sip/crypto.h"
#include "sip/offer_shared.h"

#define PTIME_DEFAULT_MS 20
#define PTIME_MIN_MS     10
#define PTIME_MAX_MS     100

enum err sdp_session_init(struct sdp_session *s, struct slice host, uint16_t port,
                          uint64_t session_id)
{
    *s = (struct sdp_session){
        .port = port,
        .codecs = {SDP_CODEC_PCMA, SDP_CODEC_PCMU},
        .ncodecs = 2,
        .te_pt = SDP_TE_PT_DEFAULT,
        .te_opus_pt = SDP_TE_PT_OPUS,
        .ptime_ms = PTIME_DEFAULT_MS,
        .dir = SDP_SENDRECV,
        .session_id = session_id,
        .version = session_id,
        .suite = SDES_SUITES,
    };
    return slice_copy(host, s->host, sizeof(s->host));
}

enum err sdp_session_codecs(struct sdp_session *s, const struct sdp_codecs *codecs)
{
    if (s->raw.rate_hz)
        return ERR_STATE;
    for (unsigned i = 0; i < codecs->n; i++)
        s->codecs[i] = (enum sdp_codec)codecs->list[i];
    if (codecs->n) {
        s->ncodecs = codecs->n;
        s->own_order = true;
    }
    return OK;
}

void sdp_session_prefer(struct sdp_session *s, enum sdp_codec codec)
{
    for (unsigned i = 1; i < s->ncodecs; i++) {
        if (s->codecs[i] != codec)
            continue;
        for (; i > 0; i--)
            s->codecs[i] = s->codecs[i - 1];
        s->codecs[0] = codec;
        s->own_order = true;
    }
}

void sdp_session_srtp(struct sdp_session *s, enum sdp_srtp srtp)
{
    s->srtp = srtp;
    for (unsigned i = 0; i < SDES_SUITES && srtp != SDP_SRTP_OFF; i++) {
        sdes_draw(&s->keys[i], (enum sdes_suite)i);
        s->keys[i].tag = i + 1;
    }
}

void sdp_session_mki(struct sdp_session *s, uint8_t bytes)
{
    for (unsigned i = 0; i < SDES_SUITES; i++) {
        s->keys[i].mki_bytes = bytes < 4 ? bytes : 4;
        s->keys[i].mki = bytes ? 1 : 0;
    }
}

void sdp_session_lifetime(struct sdp_session *s, uint64_t packets)
{
    for (unsigned i = 0; i < SDES_SUITES; i++)
        s->keys[i].lifetime = packets;
}

void sdp_session_rekey(struct sdp_session *s)
{
    for (unsigned i = 0; i < SDES_SUITES && s->srtp != SDP_SRTP_OFF; i++) {
        const struct sdes_key was = s->keys[i];

        sdes_draw(&s->keys[i], (enum sdes_suite)i);
        s->keys[i].tag = was.tag;
        s->keys[i].lifetime = was.lifetime;
        s->keys[i].mki_bytes = was.mki_bytes;
        s->keys[i].mki = was.mki_bytes ? (was.mki & 0x7f) + 1 : 0; /* fits one byte, too */
    }
}

void sdp_session_forget(struct sdp_session *s)
{
    OPENSSL_cleanse(s->keys, sizeof(s->keys));
    s->srtp = SDP_SRTP_OFF;
}

void sdp_negotiated_forget(struct sdp_negotiated *n)
{
    OPENSSL_cleanse(&n->ours, sizeof(n->ours));
    OPENSSL_cleanse(&n->theirs, sizeof(n->theirs));
}

enum err sdp_session_raw(struct sdp_session *s, struct slice name, uint32_t rate_hz,
                         uint8_t channels, uint8_t pt, struct slice fmtp)
{
    struct sdp_raw raw = {.rate_hz = rate_hz, .channels = channels ? channels : 1, .pt = pt};

    if (name.len == 0 || rate_hz == 0 || pt < 96 || pt > 127)
        return ERR_INVALID;
    if (slice_copy(name, raw.name, sizeof(raw.name)) != OK ||
        slice_copy(fmtp, raw.fmtp, sizeof(raw.fmtp)) != OK)
        return ERR_TOO_LONG;
    s->raw = raw;
    s->codecs[0] = SDP_CODEC_RAW;
    s->ncodecs = 1;
    s->ptime_ms = 0; /* it is as it was captured */
    if (s->te_pt == pt)
        s->te_pt = pt == 127 ? 126 : 127;
    return OK;
}

/* The payload type of our offers. */
static uint8_t own_pt(const struct sdp_session *s, enum sdp_codec c)
{
    if (c == SDP_CODEC_RAW)
        return s->raw.pt;
    return s->own_pts[c] ? s->own_pts[c] : sdp_codec_pt(c);
}

/* ---- writing ---- */

/* What the m= line of our audio lists. */
struct formats {
    enum sdp_codec codec[SDP_CODECS_MAX];
    uint8_t pt[SDP_CODECS_MAX];
    unsigned n;
    uint8_t te_pt, te_opus_pt;
    bool rtcp_mux, shared;
    enum sdp_dir dir;
    const struct sdes_key *keys; /* a=crypto lines */
    unsigned nkeys;
};

static void line_u64(struct buf *b, const char *before, uint64_t n)
{
    buf_puts(b, before);
    buf_u64(b, n);
    buf_puts(b, "\r\n");
}

static void write_format(struct buf *b, uint8_t pt, struct slice name, uint32_t rate_hz,
                         uint8_t channels, const char *fmtp)
{
    buf_puts(b, "a=rtpmap:");
    buf_u64(b, pt);
    buf_putc(b, ' ');
    buf_put(b, name);
    buf_putc(b, '/');
    buf_u64(b, rate_hz);
    if (channels > 1) {
        buf_putc(b, '/');
        buf_u64(b, channels);
    }
    buf_puts(b, "\r\n");
    if (!fmtp || !*fmtp)
        return;
    buf_puts(b, "a=fmtp:");
    buf_u64(b, pt);
    buf_putc(b, ' ');
    buf_puts(b, fmtp);
    buf_puts(b, "\r\n");
}

static void write_codec(struct buf *b, const struct sdp_session *s, enum sdp_codec c, uint8_t pt)
{
    const struct sdp_codec_facts *f = sdp_codec_facts(c);
    const struct sdp_raw *raw = &s->raw;

    if (c == SDP_CODEC_RAW)
        write_format(b, pt, slice_cstr(raw->name), raw->rate_hz, raw->channels, raw->fmtp);
    else
        write_format(b, pt, f->name, f->rate_hz, f->channels, f->fmtp);
}

/* telephone-event: at one clock, or at both for the peer to choose. */
static unsigned list_events(const struct formats *f, uint8_t pt[2], uint32_t hz[2])
{
    unsigned n = 0;

    if (f->te_pt != SDP_PT_NONE) {
        pt[n] = f->te_pt;
        hz[n++] = 8000;
    }
    if (f->te_opus_pt != SDP_PT_NONE) {
        pt[n] = f->te_opus_pt;
        hz[n++] = 48000;
    }
    return n;
}

static void write_audio(struct buf *b, const struct sdp_session *s, const struct formats *f)
{
    uint8_t te_pt[2];
    uint32_t te_hz[2];
    unsigned events = list_events(f, te_pt, te_hz);

    buf_puts(b, "m=");
    buf_puts(b, s->slots[s->audio_slot].kind); /* as the peer spelt it */
    buf_putc(b, ' ');
    buf_u64(b, s->port);
    buf_putc(b, ' ');
    buf_puts(b, s->slots[s->audio_slot].proto);
    for (unsigned i = 0; i < f->n; i++) {
        buf_putc(b, ' ');
        buf_u64(b, f->pt[i]);
    }
    for (unsigned i = 0; i < events; i++) {
        buf_putc(b, ' ');
        buf_u64(b, te_pt[i]);
    }
    buf_puts(b, "\r\n");
    for (unsigned i = 0; i < f->n; i++)
        write_codec(b, s, f->codec[i], f->pt[i]);
    for (unsigned i = 0; i < events; i++)
        write_format(b, te_pt[i], SLICE("telephone-event"), te_hz[i], 1, "0-15");
    for (unsigned i = 0; i < f->nkeys; i++)
        sdes_write(b, &f->keys[i]);
    if (s->rtcp_port && s->rtcp_port != s->port + 1)
        line_u64(b, "a=rtcp:", s->rtcp_port);
    if (f->rtcp_mux)
        buf_puts(b, "a=rtcp-mux\r\n");
    if (f->shared)
        shared_write(b, s);
    if (s->ptime_ms)
        line_u64(b, "a=ptime:", s->ptime_ms);
    buf_puts(b, "a=");
    buf_put(b, sdp_dir_name(f->dir));
    buf_puts(b, "\r\n");
}

static void write_refused(struct buf *b, const struct sdp_slot *slot)
{
    buf_puts(b, "m=");
    buf_puts(b, slot->kind);
    buf_puts(b, " 0 ");
    buf_puts(b, slot->proto);
    buf_putc(b, ' ');
    buf_puts(b, slot->format);
    buf_puts(b, "\r\n");
}

static void write_address(struct buf *b, const struct sdp_session *s)
{
    buf_puts(b, strchr(s->host, ':') ? "IN IP6 " : "IN IP4 ");
    buf_puts(b, s->host);
    buf_puts(b, "\r\n");
}

static uint64_t hash_text(struct slice s)
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a: only to notice a change of our own text */
    for (uint32_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3u;
    return h ? h : 1;
}

/* Writes the whole description; o= gets a new version when the rest is not what it was. */
static enum err write_description(struct sdp_session *s, const struct formats *f, struct buf *out)
{
    char text[SDP_TEXT_MAX];
    struct buf rest = buf_on(text, sizeof(text));
    buf_puts(&rest, "s=-\r\nc=");
    write_address(&rest, s);
    buf_puts(&rest, "t=0 0\r\n");
    for (unsigned i = 0; i < s->nslots; i++) {
        if (i == s->audio_slot)
            write_audio(&rest, s, f);
        else
            write_refused(&rest, &s->slots[i]);
    }
    uint64_t hash = hash_text(buf_slice(&rest));
    uint64_t version = s->version + (s->last_hash != 0 && s->last_hash != hash);
    size_t from = out->len;
    buf_puts(out, "v=0\r\no=- ");
    buf_u64(out, s->session_id);
    buf_putc(out, ' ');
    buf_u64(out, version);
    buf_putc(out, ' ');
    write_address(out, s);
    buf_put(out, buf_slice(&rest));
    if (buf_end(&rest) != OK || buf_end(out) != OK) {
        out->len = from;
        return ERR_TOO_LONG;
    }
    s->version = version;
    s->last_hash = hash;
    return OK;
}

static uint8_t number_not_taken(const bool *taken, uint8_t wanted)
{
    uint8_t pt = wanted;

    for (uint8_t other = 127; taken[pt] && other >= 96; other--)
        pt = other;
    return pt;
}

/* What an answer has agreed on keeps its number; nothing else may have the same. */
static void give_numbers(struct sdp_session *s)
{
    bool taken[128] = {0};

    for (unsigned i = 0; i < s->ncodecs; i++)
        if (s->own_pts[s->codecs[i]] || s->codecs[i] == SDP_CODEC_RAW)
            taken[own_pt(s, s->codecs[i]) & 127] = true;
    if (s->te_pt != SDP_PT_NONE) {
        s->te_pt = number_not_taken(taken, s->te_pt & 127);
        taken[s->te_pt] = true;
        s->te_opus_pt = number_not_taken(taken, s->te_opus_pt & 127);
        taken[s->te_opus_pt] = true;
    }
    for (unsigned i = 0; i < s->ncodecs; i++) {
        enum sdp_codec c = s->codecs[i];

        if (s->own_pts[c] || c == SDP_CODEC_RAW || sdp_codec_pt(c) == SDP_PT_NONE)
            continue;
        s->own_pts[c] = number_not_taken(taken, sdp_codec_pt(c));
        taken[s->own_pts[c]] = true;
    }
}

enum err sdp_write_offer(struct sdp_session *s, struct buf *out)
{
    give_numbers(s);

    struct formats f = {.te_pt = s->te_pt,
                        .te_opus_pt = SDP_PT_NONE,
                        .rtcp_mux = s->rtcp_mux,
                        .shared = s->shared_port != 0,
                        .dir = s->dir};
    for (unsigned i = 0; i < s->ncodecs && i < SDP_CODECS_MAX; i++) {
        if (own_pt(s, s->codecs[i]) == SDP_PT_NONE)
            return ERR_INVALID;
        f.codec[f.n] = s->codecs[i];
        f.pt[f.n++] = own_pt(s, s->codecs[i]);
        if (s->codecs[i] == SDP_CODEC_OPUS && s->te_pt != SDP_PT_NONE)
            f.te_opus_pt = s->te_opus_pt;
    }
    if (f.n == 0 || s->host[0] == 0)
        return ERR_INVALID;
    if (s->nslots == 0) {
        s->nslots = 1;
        s->audio_slot = 0;
        s->slots[0] = (struct sdp_slot){"audio", "RTP/AVP", "0"};
        if (s->srtp == SDP_SRTP_REQUIRED)
            s->slots[0] = (struct sdp_slot){"audio", "RTP/SAVP", "0"};
    }
    if (s->srtp != SDP_SRTP_OFF) {
        for (unsigned i = 0; i < SDES_SUITES && s->suite == SDES_SUITES; i++)
            s->keys[i].tag = i + 1; /* an answer may have named one otherwise */
        /* What holds is offered again as it is, so that no counter begins anew. */
        f.keys = s->suite < SDES_SUITES ? &s->keys[s->suite] : s->keys;
        f.nkeys = s->suite < SDES_SUITES ? 1 : SDES_SUITES;
    }
    return write_description(s, &f, out);
}

/* ---- judging a media of the peer ---- */

static bool is_any(struct sdp_conn c)
{
    char text[SDP_HOST_MAX];
    struct in_addr a4;
    struct in6_addr a6;
    if (slice_copy(c.host, text, sizeof(text)) != OK)
        return false;
    if (c.is_ip6)
        return inet_pton(AF_INET6, text, &a6) == 1 && IN6_IS_ADDR_UNSPECIFIED(&a6);
    return inet_pton(AF_INET, text, &a4) == 1 && a4.s_addr == 0;
}

static bool is_ours(const struct sdp_session *s, enum sdp_codec c)
{
    for (unsigned i = 0; i < s->ncodecs && i < SDP_CODECS_MAX; i++)
        if (c != SDP_CODEC_NONE && s->codecs[i] == c)
            return true;
    return false;
}

static enum sdp_codec codec_of(const struct sdp_session *s, const struct sdp_format *f)
{
    const struct sdp_raw *raw = &s->raw;

    if (raw->rate_hz && f->rate_hz == raw->rate_hz &&
        (f->channels ? f->channels : 1) == raw->channels &&
        slice_ieq(f->encoding, slice_cstr(raw->name)))
        return SDP_CODEC_RAW;
    return sdp_codec_find(f->encoding, f->rate_hz, f->channels);
}

static unsigned place_of(const struct sdp_session *s, enum sdp_codec c)
{
    unsigned i = 0;

    while (i < s->ncodecs && s->codecs[i] != c)
        i++;
    return i;
}

/* The peer's first format that we have; by our own order ours that the peer has. */
static const struct sdp_format *pick_codec(const struct sdp_session *s, const struct sdp_media *m,
                                           enum sdp_codec *codec)
{
    const struct sdp_format *found = NULL;

    for (unsigned i = 0; i < m->nformats; i++) {
        const struct sdp_format *f = &m->formats[i];
        enum sdp_codec c = codec_of(s, f);

        if (f->pt == SDP_PT_NONE || !is_ours(s, c) ||
            (found && (!s->own_order || place_of(s, c) >= place_of(s, *codec))))
            continue;
        found = f;
        *codec = c;
    }
    return found;
}

/* telephone-event at that clock. */
static uint8_t pick_te_at(const struct sdp_media *m, uint32_t rate_hz)
{
    for (unsigned i = 0; i < m->nformats; i++) {
        const struct sdp_format *f = &m->formats[i];
        if (f->rate_hz == rate_hz && slice_ieq(f->encoding, SLICE("telephone-event")))
            return f->pt;
    }
    return SDP_PT_NONE;
}

/* telephone-event at the codec's clock (RFC 4733 2.1), else at that of telephony, which many write
 * beside Opus, too. */
static void pick_te(const struct sdp_session *s, const struct sdp_media *m, bool is_answer,
                    struct sdp_negotiated *n)
{
    uint8_t pt = SDP_PT_NONE;

    n->te_hz = 48000;
    if (s->te_pt == SDP_PT_NONE)
        return;
    if (n->codec == SDP_CODEC_OPUS)
        pt = pick_te_at(m, n->te_hz);
    if (pt == SDP_PT_NONE)
        pt = pick_te_at(m, n->te_hz = 8000);
    n->te_send = n->te_recv = pt;
    if (is_answer && pt != SDP_PT_NONE)
        n->te_recv = n->te_hz == 8000 ? s->te_pt : s->te_opus_pt; /* what our offer called it */
}

static uint16_t pick_ptime(const struct sdp_session *s, const struct sdp_media *m)
{
    uint16_t ms = m->ptime_ms ? m->ptime_ms : s->ptime_ms;
    if (m->maxptime_ms && ms > m->maxptime_ms)
        ms = m->maxptime_ms;
    return ms >= PTIME_MIN_MS && ms <= PTIME_MAX_MS ? ms : PTIME_DEFAULT_MS;
}

static bool is_profile(const struct sdp_media *m, const char *plain, const char *feedback)
{
    return slice_ieq(m->proto, slice_cstr(plain)) || slice_ieq(m->proto, slice_cstr(feedback));
}

/* Their first line that is ours; an answer's one line must be among those that were offered. */
static bool pick_key(const struct sdp_session *s, const struct sdp *peer, const struct sdp_media *m,
                     bool is_answer, struct sdp_negotiated *n)
{
    for (unsigned i = m->first_line; i < m->first_line + m->nlines; i++) {
        struct slice name, value;
        struct sdes_key key;
        slice_cut(peer->lines[i].value, ':', &name, &value);
        if (peer->lines[i].type != 'a' || !slice_eq(name, SLICE("crypto")))
            continue;
        if (sdes_parse(value, &key, NULL) != OK)
            continue;
        n->ours = s->keys[key.suite];
        if (is_answer && n->ours.tag != key.tag)
            continue;
        n->ours.tag = key.tag;
        n->theirs = key;
        return true;
    }
    return false;
}

/* Is the peer's kind of RTP ours, and by which keys? */
static bool judge_profile(const struct sdp_session *s, const struct sdp *peer,
                          const struct sdp_media *m, bool is_answer, struct sdp_negotiated *n)
{
    bool sealed = is_profile(m, "RTP/SAVP", "RTP/SAVPF");
    if (!sealed && !is_profile(m, "RTP/AVP", "RTP/AVPF")) {
        n->why = "the peer's audio is neither RTP/AVP nor RTP/SAVP";
        return false;
    }
    if (s->srtp == SDP_SRTP_OFF) {
        n->why = "the peer's audio is not plain RTP (RTP/AVP)";
        return !sealed;
    }
    n->secure = pick_key(s, peer, m, is_answer, n);
    if (!n->secure && sealed)
        n->why = "the peer's audio is RTP/SAVP without a key (a=crypto) that we know";
    else if (!n->secure && s->srtp == SDP_SRTP_REQUIRED)
        n->why = "the peer's audio is not encrypted (no a=crypto that we know), which we require";
    else
        return true;
    return false;
}

/* Fills *n from an acceptable media; false with n->why when it is not acceptable. */
static bool judge(const struct sdp_session *s, const struct sdp *peer, unsigned media,
                  bool is_answer, struct sdp_negotiated *n)
{
    const struct sdp_media *m = &peer->media[media];
    enum sdp_codec codec;
    *n = (struct sdp_negotiated){.te_send = SDP_PT_NONE, .te_recv = SDP_PT_NONE};
    if (!slice_ieq(m->kind, SLICE("audio"))) {
        n->why = "the peer's description has no audio";
        return false;
    }
    if (m->port == 0) {
        n->why = "the peer's audio has port 0";
        return false;
    }
    if (!judge_profile(s, peer, m, is_answer, n))
        return false;
    const struct sdp_format *f = pick_codec(s, m, &codec);
    if (!f) {
        n->why = "the peer's audio has no codec of ours";
        return false;
    }
    n->why = NULL;
    bool deaf = is_any(m->conn); /* hold of RFC 2543: nothing can be sent there */
    enum sdp_dir theirs = sdp_dir_reverse(m->dir);
    n->active = true;
    n->codec = codec;
    n->pt_send = n->pt_recv = f->pt;
    pick_te(s, m, is_answer, n);
    if (codec == SDP_CODEC_OPUS)
        fmtp_opus(f->fmtp, &n->opus);
    n->host = m->conn.host;
    n->is_ip6 = m->conn.is_ip6;
    n->port = m->port;
    if (s->shared_port)
        shared_read(peer, media, n);
    n->rtcp_mux = m->rtcp_mux && s->rtcp_mux;
    n->rtcp_host = n->rtcp_mux ? m->conn.host : m->rtcp_conn.host;
    n->rtcp_port = n->rtcp_mux ? m->port : m->rtcp_port;
    n->dir = (enum sdp_dir)(s->dir & theirs & (deaf ? SDP_RECVONLY : SDP_SENDRECV));
    n->is_held = deaf || !(theirs & SDP_SENDONLY);
    n->ptime_ms = pick_ptime(s, m);
    return true;
}

/* ---- answering ---- */

static enum err keep_slots(struct sdp_session *s, const struct sdp *offer)
{
    for (unsigned i = 0; i < offer->nmedia; i++) {
        const struct sdp_media *m = &offer->media[i];
        struct sdp_slot *slot = &s->slots[i];
        if (slice_copy(m->kind, slot->kind, sizeof(slot->kind)) != OK ||
            slice_copy(m->proto, slot->proto, sizeof(slot->proto)) != OK ||
            slice_copy(m->formats[0].text, slot->format, sizeof(slot->format)) != OK)
            return ERR_TOO_LONG;
    }
    s->nslots = (uint8_t)offer->nmedia;
    return OK;
}

/* The stream that held before stays the stream while it is acceptable; else the first that is. */
static bool pick_media(const struct sdp_session *s, const struct sdp *offer,
                       struct sdp_negotiated *n)
{
    const char *why = "the peer's description has no audio";
    if (s->nslots > 0 && s->audio_slot < offer->nmedia &&
        judge(s, offer, s->audio_slot, false, n)) {
        n->media = s->audio_slot;
        return true;
    }
    for (unsigned i = 0; i < offer->nmedia; i++) {
        if (judge(s, offer, i, false, n)) {
            n->media = (uint16_t)i;
            return true;
        }
        if (slice_ieq(offer->media[i].kind, SLICE("audio")))
            why = n->why;
    }
    *n = (struct sdp_negotiated){.te_send = SDP_PT_NONE, .te_recv = SDP_PT_NONE, .why = why};
    return false;
}

enum err sdp_answer(struct sdp_session *s, const struct sdp *offer, struct buf *out,
                    struct sdp_negotiated *n)
{
    if (!pick_media(s, offer, n))
        return ERR_UNSUPPORTED;
    struct sdp_session next = *s; /* nothing of *s changes when the answer cannot be written */
    enum err e = keep_slots(&next, offer);
    next.audio_slot = (uint8_t)n->media;
    /* Numbers stay for the session (RFC 3264 8.3.2). */
    bool te_opus = n->te_recv != SDP_PT_NONE && n->te_hz != 8000;
    if (te_opus)
        next.te_opus_pt = n->te_recv;
    else if (n->te_recv != SDP_PT_NONE)
        next.te_pt = n->te_recv;
    next.own_pts[n->codec] = n->pt_recv;
    struct formats f = {
        .codec = {n->codec},
        .pt = {n->pt_recv},
        .n = 1,
        .te_pt = te_opus ? SDP_PT_NONE : n->te_recv,
        .te_opus_pt = te_opus ? n->te_recv : SDP_PT_NONE,
        .rtcp_mux = n->rtcp_mux,
        .shared = n->shared_port != 0,
        .dir = n->dir,
        .keys = &n->ours,
        .nkeys = n->secure,
    };
    next.suite = n->secure ? (uint8_t)n->ours.suite : SDES_SUITES;
    if (n->secure) /* our later offers name it as this answer does */
        next.keys[n->ours.suite].tag = n->ours.tag;
    if (e == OK)
        e = write_description(&next, &f, out);
    if (e == OK) {
        *s = next;
    } else {
        n->active = false;
        n->why = "the answer does not fit: a name in the offer or the whole is too long";
    }
    return e;
}

/* ---- the peer's answer ---- */

enum err sdp_apply_answer(struct sdp_session *s, const struct sdp *answer, struct sdp_negotiated *n)
{
    *n = (struct sdp_negotiated){.te_send = SDP_PT_NONE, .te_recv = SDP_PT_NONE};
    if (s->nslots == 0) {
        n->why = "there was no offer to answer";
        return ERR_STATE;
    }
    if (answer->nmedia != s->nslots) {
        n->why = "the answer has not as many medias as the offer";
        return ERR_INVALID;
    }
    for (unsigned i = 0; i < s->nslots; i++) {
        if (!slice_ieq(answer->media[i].kind, slice_cstr(s->slots[i].kind))) {
            n->why = "the medias of the answer stand in another order than offered";
            return ERR_INVALID;
        }
    }
    if (!judge(s, answer, s->audio_slot, true, n))
        return ERR_UNSUPPORTED;
    s->suite = n->secure ? (uint8_t)n->ours.suite : SDES_SUITES;
    n->media = s->audio_slot;
    n->pt_recv = own_pt(s, n->codec); /* what our offer called it */
    return OK;
}
