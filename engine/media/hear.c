/* The listening half of a slot: one block out of the jitter buffer, concealed where it is missing,
 * to the recording and the detectors; and what the detectors found, in the leg's own time. */
#include <string.h>

#include "media/stream.h"

#define PACKETS_GONE_US 100000 /* without RTP for longer: silence, not loss */

uint8_t stream_lost(struct stream *s, bool gone)
{
    if (s->comfort)
        return DSP_FLAG_NO_RTP | DSP_FLAG_COMFORT;
    if (gone)
        return DSP_FLAG_NO_RTP;
    s->stats.concealed++;
    s->worker->count.concealed++;
    return DSP_FLAG_LOST;
}

/* Fills the next block; returns its flags for the detectors. */
static uint8_t next_block(struct stream *s)
{
    struct hearing *h = s->hearing;
    struct worker *w = s->worker;
    uint8_t coded[STREAM_BLOCK];
    uint32_t from = 0, to = 0;
    bool gone = w->loop.now_us - s->last_rtp_us > PACKETS_GONE_US;

    if (s->rx)
        return stream_coded_hear(s, gone);
    int16_t *pcm = plc_next(&h->plc);

    if (event_under_way(&h->keys, w->loop.now_us)) {
        /* A gateway that sends events as well as the tone goes on with audio; one that does not
         * leaves a gap, which is no loss. */
        if (jitter_get(&h->jitter, (uint32_t)(w->slot_us / 125), s->rx_alaw, coded, &from, &to) ==
            JITTER_BLOCK_OK)
            dsp_g711_decode(coded, pcm, STREAM_BLOCK, s->rx_alaw);
        else
            memset(pcm, 0, STREAM_BLOCK * sizeof(*pcm));
        h->plc.lost = 0;
        return DSP_FLAG_DTMF_EVENT;
    }
    switch (jitter_get(&h->jitter, (uint32_t)(w->slot_us / 125), s->rx_alaw, coded, &from, &to)) {
    case JITTER_NOTHING:
        memset(pcm, 0, STREAM_BLOCK * sizeof(*pcm));
        return s->comfort ? DSP_FLAG_NO_RTP | DSP_FLAG_COMFORT : DSP_FLAG_NO_RTP;
    case JITTER_BLOCK_OK:
        dsp_g711_decode(coded, pcm, STREAM_BLOCK, s->rx_alaw);
        plc_good(&h->plc);
        return 0;
    case JITTER_PARTIAL:
        dsp_g711_decode(coded + from, pcm + from, to - from, s->rx_alaw);
        plc_partial(&h->plc, from, to);
        return 0;
    case JITTER_LOST:
        break;
    }
    plc_lost(&h->plc);
    return stream_lost(s, gone);
}

void stream_hear_slot(struct stream *s)
{
    struct hearing *h = s->hearing;
    struct worker *w = s->worker;

    stream_check_silence(s);
    if (!s->listening)
        return;
    if (s->tone_passed && !(s->detect && s->phase != DSP_OFF && dsp_state_key_on(&h->dsp)))
        s->tone_passed = false;
    uint8_t flags = next_block(s);

    if (mixer_mixes(s))
        mixer_heard(s, plc_block(&h->plc));
    if (h->tape)
        tape_put(h->tape, w->slot_us, plc_block(&h->plc), h->sent);
    if (!s->detect || s->phase == DSP_OFF)
        return;
    w->block[w->blocks] = (struct dsp_block){.state = &h->dsp,
                                             .samples = plc_block(&h->plc),
                                             .leg = w->blocks,
                                             .flags = flags,
                                             .sent_db = h->sent_db};
    w->block_of[w->blocks++] = s;
    h->blocks++;
}

/* The detectors count in their own blocks; the leg's time also runs while they are off. */
static uint32_t leg_ms(const struct stream *s, uint32_t detector_ms)
{
    uint64_t leg_now_ms = (s->worker->slot_us - s->opened_us) / 1000;
    uint64_t back_ms = s->hearing->blocks * DSP_BLOCK_MS - detector_ms;

    if (s->worker->slot_us < s->opened_us || back_ms > leg_now_ms)
        return 0;
    return (uint32_t)(leg_now_ms - back_ms);
}

void stream_heard(struct stream *s, const struct dsp_event *e)
{
    struct message m = {.kind = MEDIA_EV_HEARD,
                        .index = s->index,
                        .generation = s->generation,
                        .at_us = s->worker->slot_us};

    if (e->kind == DSP_DTMF) {
        m.kind = MEDIA_EV_DTMF;
        m.digit = event_in_band(&s->hearing->keys, (char)e->detail, s->worker->loop.now_us);
        if (!m.digit)
            return;
        keys_began(s, m.digit, false);
    } else {
        m.heard = *e;
        m.heard.leg = 0;
        m.heard.start_ms = leg_ms(s, e->start_ms);
        m.heard.end_ms = leg_ms(s, e->end_ms);
    }
    worker_tell(s->worker, &m, false);
}
