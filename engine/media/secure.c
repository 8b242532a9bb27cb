/* SRTP of a stream on its worker: what comes is opened before anything believes it, what goes is
 * sealed last. A packet under the key before a change is taken for STREAM_OLD_KEY_US more. One
 * under the next key may be here before we have turned to the command that brings it: the far end
 * seals by it as soon as it has our answer. */
#include "media/secure.h"

#include "media/stream.h"

#define STREAM_OLD_KEY_US 2000000
#define PACKETS_MAX       (UINT64_C(1) << 48) /* RFC 3711 section 9.2 */
#define REPORTS_MAX       (UINT64_C(1) << 31)

static void live(struct secure_wear *w, uint64_t limit)
{
    *w = (struct secure_wear){.limit = limit, .tell_at = limit - limit / 8};
}

void secure_lifetime(struct secure *key, uint64_t lifetime)
{
    bool given = lifetime > 0;

    live(&key->wear[0], given && lifetime < PACKETS_MAX ? lifetime : PACKETS_MAX);
    live(&key->wear[1], given && lifetime < REPORTS_MAX ? lifetime : REPORTS_MAX);
}

/* One more; false: beyond what the key may be used for. */
static bool wear(struct stream *s, struct secure *key, bool rtcp)
{
    struct secure_wear *w = &key->wear[rtcp];

    if (++w->count < w->tell_at)
        return true;
    if (w->count <= w->limit) {
        w->tell_at += w->limit / 64 + 1;
        if (w->tell_at > w->limit)
            w->tell_at = w->limit + 1;
        stream_tell(s, MEDIA_EV_KEY_WORN);
    }
    return w->count <= w->limit;
}

static void give_back(struct stream *s, struct secure *key)
{
    struct message m = {
        .kind = MESSAGE_KEY_BACK, .index = s->index, .generation = s->generation, .key = key};

    if (key)
        worker_tell(s->worker, &m, true);
}

static void change_in(struct stream *s, struct secure *in)
{
    give_back(s, s->in_before);
    s->in_before = s->in;
    s->in_before_until_us = s->worker->loop.now_us + STREAM_OLD_KEY_US;
    s->in = in;
}

void stream_secure(struct stream *s, bool on, struct secure *out, struct secure *in)
{
    if (out || !on) {
        give_back(s, s->out);
        s->out = out;
    }
    if (in || !on)
        change_in(s, in);
}

void stream_secure_slot(struct stream *s)
{
    if (!s->in_before || s->worker->loop.now_us < s->in_before_until_us)
        return;
    give_back(s, s->in_before);
    s->in_before = NULL;
}

static enum srtp_verdict open_with(struct secure *key, uint8_t *p, uint32_t *len, bool rtcp)
{
    return rtcp ? srtcp_unseal(&key->srtp, p, len) : srtp_unseal(&key->srtp, p, len);
}

/* Takes the stream's keys out of the commands that wait; false: none are there. */
static bool take_waiting(struct stream *s)
{
    struct command *c;
    bool taken = false;

    for (uint32_t i = 0; (c = ring_spsc_waiting(&s->worker->commands, i)); i++) {
        if (c->kind != COMMAND_KEYS || c->stream != s || !c->keys.in)
            continue;
        change_in(s, c->keys.in);
        c->keys.in = NULL;
        taken = true;
    }
    return taken;
}

static bool is_stale(enum srtp_verdict v)
{
    return v == SRTP_REPLAYED || v == SRTP_OLD;
}

static void count(struct stream *s, enum srtp_verdict v)
{
    if (is_stale(v)) {
        s->stats.replayed++;
        s->worker->count.srtp_replayed++;
    } else {
        s->stats.forged++;
        s->worker->count.srtp_forged++;
    }
}

static enum srtp_verdict open_with_any(struct stream *s, uint8_t *p, uint32_t *len, bool rtcp)
{
    enum srtp_verdict v = open_with(s->in, p, len, rtcp);

    if (v == SRTP_GOOD)
        wear(s, s->in, rtcp);
    else if (!is_stale(v) && s->in_before)
        v = open_with(s->in_before, p, len, rtcp);
    return v;
}

bool stream_open(struct stream *s, uint8_t *p, uint32_t *len, bool rtcp)
{
    if (!s->in)
        return true;
    enum srtp_verdict v = open_with_any(s, p, len, rtcp);

    if (v != SRTP_GOOD && !is_stale(v) && take_waiting(s))
        v = open_with_any(s, p, len, rtcp);
    if (v != SRTP_GOOD)
        count(s, v);
    return v == SRTP_GOOD;
}

bool stream_seal(struct stream *s, uint8_t *p, uint32_t *len, bool rtcp)
{
    if (!s->out)
        return true;
    enum srtp_verdict v = SRTP_WORN;

    if (wear(s, s->out, rtcp))
        v = rtcp ? srtcp_seal(&s->out->srtp, p, len) : srtp_seal(&s->out->srtp, p, len);

    if (v != SRTP_GOOD) {
        s->stats.unsealed++;
        s->worker->count.srtp_unsealed++;
    }
    return v == SRTP_GOOD;
}
