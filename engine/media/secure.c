/* SRTP of a stream on its worker: what comes is opened before anything believes it, what goes is
 * sealed last. A packet under the key before a change is taken for STREAM_OLD_KEY_US more. */
#include "media/secure.h"

#include "media/stream.h"

#define STREAM_OLD_KEY_US 2000000

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

static void count(struct stream *s, enum srtp_verdict v)
{
    if (v == SRTP_REPLAYED || v == SRTP_OLD) {
        s->stats.replayed++;
        s->worker->count.srtp_replayed++;
    } else {
        s->stats.forged++;
        s->worker->count.srtp_forged++;
    }
}

bool stream_open(struct stream *s, uint8_t *p, uint32_t *len, bool rtcp)
{
    if (!s->in)
        return true;
    enum srtp_verdict v = open_with(s->in, p, len, rtcp);

    if (v != SRTP_GOOD && v != SRTP_REPLAYED && v != SRTP_OLD && s->in_before)
        v = open_with(s->in_before, p, len, rtcp);
    if (v != SRTP_GOOD)
        count(s, v);
    return v == SRTP_GOOD;
}

bool stream_seal(struct stream *s, uint8_t *p, uint32_t *len, bool rtcp)
{
    if (!s->out)
        return true;
    enum srtp_verdict v =
        rtcp ? srtcp_seal(&s->out->srtp, p, len) : srtp_seal(&s->out->srtp, p, len);

    if (v != SRTP_GOOD) {
        s->stats.unsealed++;
        s->worker->count.srtp_unsealed++;
    }
    return v == SRTP_GOOD;
}
