/* A stream's life on its worker: commands, bridge, recording, and the end. */
#include "media/stream.h"
#include "media/impair.h"

#include <string.h>

#include "base/log.h"

void stream_tell(struct stream *s, enum media_event_kind kind)
{
    struct message m = {.kind = kind,
                        .index = s->index,
                        .generation = s->generation,
                        .at_us = s->worker->loop.now_us};

    worker_tell(s->worker, &m, kind == MEDIA_EV_CLOSED);
}

void stream_play_ended(struct stream *s, const struct player_item *item, enum err err)
{
    struct message m = {.kind = MEDIA_EV_PLAYED,
                        .index = s->index,
                        .generation = s->generation,
                        .at_us = s->worker->loop.now_us};

    if (item->internal)
        return;
    m.played.err = err;
    m.played.cookie = item->cookie;
    worker_tell(s->worker, &m, true);
}

static void stop_playing(struct stream *s)
{
    struct player_item item;

    stream_packets_stop(s);
    if (s->hearing)
        s->hearing->sending.under_way = false;
    while (s->hearing && player_drop(&s->hearing->player, &item)) {
        s->seam.due = true;
        stream_play_ended(s, &item, ERR_CANCELLED);
    }
    mixer_settle(s);
}

static void play(struct stream *s, const struct player_item *item)
{
    if (item->over)
        mixer_of_pair(s);
    if (!player_add(&s->hearing->player, item))
        stream_play_ended(s, item, ERR_FULL);
    else if (stream_on_packets(s))
        stream_packets_begin(s, clock_us(s->worker->loop.clock)); /* there may be no slot yet */
    mixer_settle(s);
}

static void open_stream(struct worker *w, struct stream *s)
{
    s->worker = w;
    s->slot = WORKER_SLOTS;
    s->ssrc = s->own_ssrc = (uint32_t)rng_u64(&w->rng);
    s->seq =
        (uint16_t)(rng_u64(&w->rng) & 0x7fff); /* room before the first wrap (RFC 3711 3.3.1) */
    s->ts_base = (uint32_t)rng_u64(&w->rng);
    s->marker = true;
    stream_direct_take(s);
    s->ticks = STREAM_BLOCK;
    s->complexity = CODEC_COMPLEXITY_FIRST;
    list_push_back(&w->streams, &s->node);
}

static void set_remote(struct worker *w, struct stream *s, const struct media_remote *r,
                       struct coding *coding)
{
    bool moved = !s->has_remote || !addr_eq(&r->rtp, &s->remote.rtp) ||
                 !addr_eq(&r->shared, &s->remote.shared);
    bool paused = s->has_remote && !(s->remote.direction & MEDIA_RECEIVE);

    if (moved && s->has_remote)
        stream_read(s); /* by the rules under which it came */
    s->remote = *r;
    s->far_rtcp = r->rtcp;
    if (moved)
        stream_remote_changed(s);
    else if (paused)
        s->remote_us = w->loop.now_us; /* the time-out counts from the end of the hold */
    shared_point(s);
    s->has_remote = true;
    s->hearing->packed_len = 0;
    stream_set_codec(s, coding);
    stream_listen(s);
    if (s->slot == WORKER_SLOTS) {
        stream_arm(s);
        worker_slot_in(w, s);
    }
}

bool stream_wants_pcm(const struct stream *s)
{
    const struct stream *peer = s->peer;

    if (!s->hearing)
        return false;
    if ((s->detect && s->phase != DSP_OFF) || s->hearing->tape || mixer_wants(s))
        return true;
    return peer && (peer->from_pcm || (peer->hearing && peer->hearing->tape));
}

static void estimate(struct stream *s)
{
    enum media_codec codec = s->rx ? s->rx->coder.codec : MEDIA_PCMU;

    quality_figures(&s->quality, s->remote.opaque ? NULL : emodel_coding(codec), DSP_BLOCK_MS,
                    stream_delay_ms(s), &s->stats.quality);
}

void stream_collect(struct stream *s)
{
    if (!s->hearing)
        return;
    struct jitter *j = &s->hearing->jitter;

    s->stats.lost = s->lost_before + rtp_source_lost(&s->source);
    s->stats.jitter_us =
        (uint32_t)((uint64_t)(s->source.jitter_q4 >> 4) * 1000 / stream_clock_khz(s));
    if (s->rx) {
        stream_coded_collect(s);
        estimate(s);
        return;
    }
    s->stats.late += j->late;
    s->stats.discarded += j->discarded;
    s->worker->count.late += j->late;
    s->worker->count.discarded += j->discarded;
    j->late = j->discarded = 0;
    s->stats.playout_delay_ms = s->listening ? jitter_target(j) / 8 : 0;
    estimate(s);
}

void stream_listen(struct stream *s)
{
    bool wanted = stream_wants_pcm(s);

    if (wanted && !s->listening) {
        stream_collect(s);
        stream_forget_heard(s);
        plc_begin(&s->hearing->plc);
    }
    s->listening = wanted;
}

static void set_phase(struct stream *s, enum dsp_phase phase)
{
    s->phase = (uint8_t)phase;
    if (s->detect)
        dsp_state_phase(&s->hearing->dsp, phase);
    stream_listen(s);
}

static void bridge(struct stream *a, struct stream *b)
{
    stop_playing(a);
    stop_playing(b);
    a->peer = b;
    b->peer = a;
    a->bridged_told = b->bridged_told = a->from_pcm = b->from_pcm = false;
    a->seam.due = b->seam.due = true;
    if (!mixer_needless(a) || !mixer_needless(b))
        mixer_of_pair(a);
    stream_listen(a);
    stream_listen(b);
    /* Relayed from the next packet on, not from the next slot on. */
    if (a->slot != WORKER_SLOTS)
        stream_arm(a);
    if (b->slot != WORKER_SLOTS)
        stream_arm(b);
}

static void unbridge(struct stream *s)
{
    struct stream *peer = s->peer;

    if (s->mix) {
        mixer_leave(s);
        return;
    }
    if (!peer)
        return;
    s->peer = peer->peer = NULL;
    s->relaying = peer->relaying = s->from_pcm = peer->from_pcm = false;
    s->marker = peer->marker = true;
    s->seam.due = peer->seam.due = true;
    keys_forget(s, peer);
    keys_forget(peer, s);
    stream_listen(s);
    stream_listen(peer);
    stream_wait_over(s);
    stream_wait_over(peer);
}

static void listen_for_tape(struct stream *s)
{
    stream_listen(s);
    if (s->peer)
        stream_listen(s->peer);
}

static void record_arm(struct stream *s, struct tape *t)
{
    s->hearing->tape = t;
    listen_for_tape(s);
}

static void record_stop(struct stream *s)
{
    if (!s->hearing || !s->hearing->tape)
        return;
    tape_end(s->hearing->tape); /* the archive's alone from here on */
    s->hearing->tape = NULL;
    listen_for_tape(s);
}

void stream_finish(struct stream *s)
{
    struct worker *w = s->worker;

    if (s->end == STREAM_STAYS || s->rtp_armed || s->rtcp_armed)
        return;
    if (s->end == STREAM_LEAVES && !stream_direct_give(s))
        return;
    stream_fix(s, false);
    if (s->end == STREAM_CLOSES)
        stream_direct_close(s);
    list_remove(&s->node);
    stream_collect(s);
    if (s->end == STREAM_CLOSES) {
        stream_tell(s, MEDIA_EV_CLOSED);
    } else {
        struct message m = {.kind = MESSAGE_LEFT, .index = s->index, .generation = s->generation};

        s->end = STREAM_STAYS;
        worker_tell(w, &m, true);
    }
}

static void end_stream(struct worker *w, struct stream *s, enum stream_end end)
{
    if (end == STREAM_CLOSES && s->slot != WORKER_SLOTS)
        stream_read(s); /* what came since the last slot counts */
    s->end = end;
    if (end == STREAM_CLOSES) {
        unbridge(s);
        stop_playing(s);
        record_stop(s);
        stream_rtcp_bye(s);
    }
    shared_drop(s);
    stream_packets_stop(s);
    if (s->impair)
        impair_drop(s->impair);
    worker_slot_out(w, s);
    stream_disarm(s);
    stream_finish(s);
}

static void adopt(struct worker *w, struct stream *s)
{
    s->worker = w;
    stream_direct_take(s);
    s->adopted = s->has_remote;
    list_push_back(&w->streams, &s->node);
    if (s->has_remote) {
        stream_arm(s);
        worker_slot_in(w, s);
        stream_packets_adopted(s);
    }
}

void stream_command(struct worker *w, const struct command *c)
{
    struct stream *s = c->stream;

    if (c->hearing)
        s->hearing = c->hearing;
    if (s->hearing)
        s->hearing->stream = s;
    switch (c->kind) {
    case COMMAND_OPEN:
        open_stream(w, s);
        break;
    case COMMAND_REMOTE:
        set_remote(w, s, &c->remote, c->coding);
        break;
    case COMMAND_KEYS:
        if (!s->in != !c->keys.on && s->has_remote && s->slot != WORKER_SLOTS)
            stream_read(s); /* what came before is in clear, or no longer sealed afterwards */
        stream_secure(s, c->keys.on, c->keys.out, c->keys.in);
        break;
    case COMMAND_PLAY:
        play(s, &c->item);
        break;
    case COMMAND_STOP:
        stop_playing(s);
        break;
    case COMMAND_MUTE:
        s->muted = c->on;
        break;
    case COMMAND_IMPAIR:
        s->impair = c->impair.state;
        impair_set(s->impair, s, &c->impair.config);
        break;
    case COMMAND_HUSH:
        s->hushed = c->on;
        break;
    case COMMAND_PHASE:
        set_phase(s, c->phase);
        break;
    case COMMAND_WANT_BEEP:
        dsp_state_want_beep(&s->hearing->dsp, c->on);
        break;
    case COMMAND_RECORD_ARM:
        record_arm(s, c->tape);
        break;
    case COMMAND_RECORD:
        record_arm(s, c->tape);
        tape_go_live(c->tape);
        break;
    case COMMAND_RECORD_MASK:
        if (s->hearing->tape)
            s->hearing->tape->masked = c->on;
        break;
    case COMMAND_RECORD_STOP:
        record_stop(s);
        break;
    case COMMAND_BRIDGE:
        bridge(s, c->peer);
        break;
    case COMMAND_UNBRIDGE:
        unbridge(s);
        break;
    case COMMAND_JOIN:
        mixer_join(s, c->part.other, c->part.role);
        break;
    case COMMAND_ROLE:
        mixer_role(s, c->part.role, c->part.other);
        break;
    case COMMAND_GAIN:
        level_set(&s->level, c->gain.db, c->gain.agc);
        mixer_of_pair(s);
        mixer_settle(s);
        break;
    case COMMAND_KEYS_ACROSS:
        s->keys_across = (uint8_t)c->keys_across;
        if (c->keys_across == MEDIA_KEYS_CLEAN)
            mixer_of_pair(s);
        mixer_settle(s);
        break;
    case COMMAND_LEAVE:
        end_stream(w, s, STREAM_LEAVES);
        break;
    case COMMAND_ADOPT:
        adopt(w, s);
        break;
    case COMMAND_CLOSE:
        end_stream(w, s, STREAM_CLOSES);
        break;
    case COMMAND_QUIT:
        break;
    }
}
