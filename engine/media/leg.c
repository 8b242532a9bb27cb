/* Legs on the control thread: each function makes a command for the leg's worker. Two bridged legs
 * must be on one worker; when they are not, one leaves its worker (MESSAGE_LEFT), its commands wait
 * meanwhile, and it is adopted by the other's. */
#include "media/leg.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "dsp/prints.h"
#include "media/control.h"
#include "media/impair.h"

static uint32_t least_loaded(const struct media *m)
{
    uint32_t best = 0;

    for (uint32_t i = 1; i < m->workers; i++)
        if (m->load[i] < m->load[best])
            best = i;
    return best;
}

static void stream_set_up(struct media_leg *l, const struct media_leg_params *p)
{
    struct media *m = l->media;
    struct stream *s = l->stream;

    s->index = pool_index(&m->legs, l);
    s->generation = ++m->generation[s->index]; /* odd now: in use */
    s->rtp_fd = l->pair.rtp;
    s->rtcp_fd = l->pair.rtcp;
    l->muxed = p->rtcp_mux;
    if (m->shared_port && addr_eq_host(&l->pair.local, &m->range[0].local))
        s->shared_number = shared_number(s->index, m->max_legs);
    s->alive_us = m->alive_us;
    s->detect = p->detect;
    s->plan = p->plan ? p->plan : dsp_plan_find("us");
    if (p->amd)
        s->amd = *p->amd;
    else
        dsp_amd_defaults(&s->amd);
    s->opened_us = clock_us(&m->clock);
    list_node_init(&s->node);
}

enum err media_leg_open(struct media *m, const struct media_leg_params *params,
                        media_handler_fn *handler, void *arg, struct media_leg **out)
{
    static const struct media_leg_params none;
    const struct media_leg_params *p = params ? params : &none;
    struct media_leg *l = pool_get(&m->legs);
    uint32_t range = p->range < m->ranges ? p->range : 0;
    bool named = p->local && addr_is_set(p->local);

    if (!l)
        return ERR_FULL;
    enum err err = ports_get(&m->range[range].ports, named ? p->local : &m->range[range].local,
                             p->rtcp_mux, &l->pair);

    if (err) {
        pool_put(&m->legs, l);
        return err;
    }
    l->media = m;
    list_init(&l->keys);
    l->handler = handler;
    l->arg = arg;
    l->detect = p->detect;
    l->worker = least_loaded(m);
    l->stream = pool_get(&m->streams);
    assert(l->stream); /* as many as legs */
    stream_set_up(l, p);
    struct command c = {.kind = COMMAND_OPEN};

    err = media_post(l, &c);
    if (err) {
        m->load[l->worker]++;
        media_leg_release(l);
        return err;
    }
    m->load[l->worker]++;
    m->legs_opened++;
    l->pair.rtcp = -1; /* the worker's now */
    *out = l;
    return OK;
}

void media_leg_release(struct media_leg *l)
{
    struct media *m = l->media;

    while (l->queued) {
        if (l->sound[l->queue_head])
            sound_unref(l->sound[l->queue_head]);
        packets_unref(l->packets[l->queue_head]);
        l->queue_head = (uint8_t)((l->queue_head + 1) % LEG_QUEUE_MAX);
        l->queued--;
    }
    media_leg_keys_free(l);
    media_leg_record_release(l);
    m->generation[pool_index(&m->legs, l)]++;
    m->load[l->worker]--;
    ports_put(&l->pair);
    free(l->impair);
    for (uint32_t i = 0; i < CODEC_PACKED; i++)
        coding_close(l->coding[i]);
    if (l->hearing && l->hearing->prints)
        pool_put(&m->prints_legs, l->hearing->prints);
    if (l->hearing)
        pool_put(&m->hearings, l->hearing);
    pool_put(&m->streams, l->stream);
    pool_put(&m->legs, l);
}

void media_leg_set_handler(struct media_leg *l, media_handler_fn *handler, void *arg)
{
    l->handler = handler;
    l->arg = arg;
}

uint16_t media_leg_port(const struct media_leg *l)
{
    return addr_port(&l->pair.local);
}

const struct addr *media_leg_local(const struct media_leg *l)
{
    return &l->pair.local;
}

bool media_leg_shared(const struct media_leg *l, struct media_shared *out)
{
    *out = (struct media_shared){l->media->shared_port, l->stream->shared_number};
    return out->number != 0;
}

/* The active part of a leg, made when it is first needed. The worker sees it with the next command.
 */
void media_leg_make_hearing(struct media_leg *l)
{
    if (l->hearing)
        return;
    l->hearing = pool_get(&l->media->hearings);
    assert(l->hearing); /* as many as legs */
    player_init(&l->hearing->player);
    if (l->detect)
        dsp_state_init(&l->hearing->dsp, l->stream->plan, &l->stream->amd);
    bool listens = l->detect && l->media->prints && prints_count(l->media->prints) > 0;
    l->hearing->prints = listens ? pool_get(&l->media->prints_legs) : NULL;
    if (l->hearing->prints) {
        prints_leg_init(l->hearing->prints, l->media->prints);
        dsp_state_prints(&l->hearing->dsp, l->hearing->prints);
    }
}

static bool remote_is_usable(const struct media_remote *r)
{
    return addr_is_set(&r->rtp) && addr_port(&r->rtp) != 0 && r->payload_type < 128 &&
           codec_is_known(r->codec) && r->ptime_ms % 10 == 0 && r->ptime_ms <= LEG_PTIME_MAX_MS;
}

/* What a codec besides G.711 needs, made when the leg first has that codec. */
static enum err make_coding(struct media_leg *l, enum media_codec codec, struct coding **out)
{
    if (!codec_is_packed(codec))
        return OK;
    struct coding **kept = &l->coding[codec_index(codec)];
    enum err err = *kept ? OK : coding_open(codec, kept);

    *out = *kept;
    return err;
}

enum err media_leg_set_remote(struct media_leg *l, const struct media_remote *remote)
{
    struct command c = {.kind = COMMAND_REMOTE, .remote = *remote};

    if (l->closing)
        return ERR_STATE;
    if (!remote_is_usable(remote))
        return ERR_INVALID;
    if (remote->rtp.sa.sa_family != l->pair.local.sa.sa_family)
        return ERR_UNSUPPORTED;
    if (addr_is_set(&remote->shared) &&
        (!l->stream->shared_number || remote->shared.sa.sa_family != remote->rtp.sa.sa_family))
        return ERR_UNSUPPORTED;
    if (addr_is_set(&c.remote.rtcp) && c.remote.rtcp.sa.sa_family != remote->rtp.sa.sa_family)
        c.remote.rtcp = (struct addr){0}; /* of no use to us: RTP's neighbour then */
    if (c.remote.ptime_ms == 0)
        c.remote.ptime_ms = DSP_BLOCK_MS;
    if (!addr_is_set(&c.remote.rtcp)) {
        c.remote.rtcp = c.remote.rtp;
        if (!l->muxed)
            addr_set_port(&c.remote.rtcp, (uint16_t)(addr_port(&c.remote.rtp) + 1));
    }
    enum err err = make_coding(l, remote->codec, &c.coding);

    if (err)
        return err;
    media_leg_make_hearing(l);
    err = media_post(l, &c);
    if (!err)
        l->has_remote = true;
    return err;
}

/* Queues an item; a sound gets a reference until its end is reported. */
static enum err queue(struct media_leg *l, const struct player_item *item)
{
    struct command c = {.kind = COMMAND_PLAY, .item = *item};

    if (l->closing)
        return ERR_STATE;
    if (l->queued == LEG_QUEUE_MAX)
        return ERR_FULL;
    media_leg_make_hearing(l);
    enum err err = media_post(l, &c);

    if (err)
        return err;
    const struct sound *s = item->kind == PLAYER_SOUND ? item->sound : NULL;
    const struct packets *p = item->kind == PLAYER_PACKETS ? item->packets : NULL;
    uint32_t place = (l->queue_head + l->queued) % LEG_QUEUE_MAX;

    if (s)
        sound_ref(s);
    if (p)
        packets_ref(p);
    l->sound[place] = s;
    l->packets[place] = p;
    l->queued++;
    return OK;
}

enum err media_leg_play(struct media_leg *l, const struct sound *s, bool loop, uint32_t cookie)
{
    struct player_item item = {.kind = PLAYER_SOUND, .loop = loop, .cookie = cookie, .sound = s};

    return s && s->samples ? queue(l, &item) : ERR_INVALID;
}

enum err media_leg_play_over(struct media_leg *l, const struct sound *s, bool loop, uint32_t cookie)
{
    struct player_item item = {
        .kind = PLAYER_SOUND, .loop = loop, .over = true, .cookie = cookie, .sound = s};

    return s && s->samples ? queue(l, &item) : ERR_INVALID;
}

enum err media_leg_tone(struct media_leg *l, const struct media_tone *t, uint32_t cookie)
{
    struct player_item item = {.kind = PLAYER_TONE, .cookie = cookie, .tone = *t};

    if (t->freq_hz[0] == 0 || t->freq_hz[0] >= DSP_RATE_HZ / 2 ||
        t->freq_hz[1] >= DSP_RATE_HZ / 2 || t->on_ms == 0 || t->on_ms > 3600000 ||
        t->off_ms > 3600000 || t->total_ms > 86400000)
        return ERR_INVALID;
    return queue(l, &item);
}

enum err media_leg_play_packets(struct media_leg *l, const struct packets *p, uint32_t clock_hz,
                                uint32_t cookie)
{
    struct player_item item = {
        .kind = PLAYER_PACKETS, .cookie = cookie, .clock_hz = clock_hz, .packets = p};

    return p && p->count && clock_hz >= 1000 && clock_hz <= 192000 ? queue(l, &item) : ERR_INVALID;
}

enum err media_leg_silence(struct media_leg *l, uint32_t ms, uint32_t cookie)
{
    struct player_item item = {.kind = PLAYER_SILENCE, .cookie = cookie, .silence_ms = ms};

    return ms <= 86400000 ? queue(l, &item) : ERR_INVALID;
}

enum err media_leg_dtmf(struct media_leg *l, struct slice digits, bool in_band, uint32_t on_ms,
                        uint32_t gap_ms, uint32_t cookie)
{
    struct player_item item = {.kind = PLAYER_DTMF, .cookie = cookie};

    if (digits.len == 0 || on_ms > 8000 || gap_ms > 8000)
        return ERR_INVALID;
    if (digits.len > LEG_DIGITS_MAX)
        return ERR_TOO_LONG;
    item.dtmf = (struct player_dtmf){.count = (uint8_t)digits.len,
                                     .in_band = in_band,
                                     .on_ms = (uint16_t)on_ms,
                                     .gap_ms = (uint16_t)gap_ms};
    for (uint32_t i = 0; i < digits.len; i++) {
        if (dtmf_code(digits.p[i]) < 0)
            return ERR_INVALID;
        item.dtmf.digits[i] = digits.p[i];
    }
    return queue(l, &item);
}

static enum err post_simple(struct media_leg *l, enum command_kind kind, bool on)
{
    struct command c = {.kind = kind, .on = on};

    return l->closing ? ERR_STATE : media_post(l, &c);
}

void media_leg_stop(struct media_leg *l)
{
    post_simple(l, COMMAND_STOP, false);
}

void media_leg_mute(struct media_leg *l, bool on)
{
    post_simple(l, COMMAND_MUTE, on);
}

bool media_impair_possible(const struct media_impair *c)
{
    if (!(c->loss >= 0 && c->loss <= 1 && c->reorder >= 0 && c->duplicate >= 0))
        return false;
    return c->burst < 1 || (c->loss < 1 && c->loss / (1 - c->loss) <= c->burst);
}

/* The state outlives the worker's use of it: a leg is released when its worker has let it go. */
enum err media_leg_impair(struct media_leg *l, const struct media_impair *config)
{
    struct command c = {.kind = COMMAND_IMPAIR};

    if (!media_impair_possible(config))
        return ERR_INVALID;
    if (l->closing)
        return ERR_STATE;
    if (!l->impair)
        l->impair = calloc(1, sizeof *l->impair);
    if (!l->impair)
        return ERR_NOMEM;
    c.impair.state = l->impair;
    c.impair.config = *config;
    return media_post(l, &c);
}

void media_leg_hush(struct media_leg *l, bool on)
{
    post_simple(l, COMMAND_HUSH, on);
}

void media_leg_phase(struct media_leg *l, enum dsp_phase phase)
{
    struct command c = {.kind = COMMAND_PHASE, .phase = phase};

    if (!l->detect || l->closing)
        return;
    media_leg_make_hearing(l);
    media_post(l, &c);
}

void media_leg_want_beep(struct media_leg *l, bool wanted)
{
    if (!l->detect || l->closing)
        return;
    media_leg_make_hearing(l);
    post_simple(l, COMMAND_WANT_BEEP, wanted);
}

enum err media_leg_move(struct media_leg *l, uint32_t target)
{
    struct command c = {.kind = COMMAND_LEAVE};
    enum err err = media_post(l, &c);

    if (err)
        return err;
    l->moving = true;
    l->target = target;
    l->media->moves++;
    return OK;
}

static enum err join(struct media_leg *a, struct media_leg *b)
{
    struct command c = {.kind = COMMAND_BRIDGE, .peer = b->stream};
    enum err err = media_post(a, &c);

    if (!err)
        a->meeting = b->meeting = false;
    return err;
}

/* Both legs want to be bridged: on one worker at once, else after a move. */
static enum err meet(struct media_leg *a, struct media_leg *b)
{
    if (a->moving || b->moving)
        return OK; /* when it has arrived */
    if (a->worker == b->worker)
        return join(a, b);
    return media_leg_move(a, b->worker);
}

enum err media_bridge(struct media_leg *a, struct media_leg *b)
{
    if (a == b || a->peer || b->peer || a->talk || b->talk || a->closing || b->closing)
        return ERR_STATE;
    a->meeting = b->meeting = true;
    enum err err = meet(a, b);

    if (err) {
        a->meeting = b->meeting = false;
        return err;
    }
    a->peer = b;
    b->peer = a;
    return OK;
}

static void meet_again(struct media_leg *l)
{
    struct media_leg *peer = l->peer;

    if (!peer || !l->meeting)
        return;
    if (meet(l, peer) != OK) {
        log_warn("media", "two legs cannot meet on one worker; they are not bridged", "%s", "");
        l->peer = peer->peer = NULL;
        l->meeting = peer->meeting = false;
    }
}

void media_unbridge(struct media_leg *l)
{
    struct media_leg *peer = l->peer;

    media_mix_leave(l);
    if (!peer)
        return;
    if (!l->meeting)
        post_simple(l, COMMAND_UNBRIDGE, false);
    l->peer = peer->peer = NULL;
    l->meeting = peer->meeting = false;
}

void media_leg_close(struct media_leg *l)
{
    struct command c = {.kind = COMMAND_CLOSE};

    if (l->closing)
        return;
    media_unbridge(l);
    l->closing = true;
    media_post(l, &c);
}

/* The old worker has let go of the leg. */
static void arrived(struct media_leg *l)
{
    struct media *m = l->media;
    struct command c = {.kind = COMMAND_ADOPT};
    uint32_t kept = 0;

    m->load[l->worker]--;
    l->worker = l->target;
    m->load[l->worker]++;
    l->moving = false;
    c.stream = l->stream;
    media_post_to(m, l->worker, &c, true);
    for (uint32_t i = 0; i < m->deferred_count; i++) {
        struct deferred *d = &m->deferred[i];

        if (d->leg == l)
            media_post_to(m, l->worker, &d->command, false);
        else
            m->deferred[kept++] = *d;
    }
    m->deferred_count = kept;
    if (l->closing)
        media_post(l, &(struct command){.kind = COMMAND_CLOSE});
    meet_again(l);
    media_mix_arrived(l);
}

static void play_ended(struct media_leg *l)
{
    const struct sound *s = l->sound[l->queue_head];

    assert(l->queued > 0);
    if (s)
        sound_unref(s);
    packets_unref(l->packets[l->queue_head]);
    l->queue_head = (uint8_t)((l->queue_head + 1) % LEG_QUEUE_MAX);
    l->queued--;
}

static void tell(struct media_leg *l, const struct media_event *e)
{
    if (l->handler)
        l->handler(l->arg, l, e);
}

void media_leg_ended(struct media_leg *l, uint64_t at_us)
{
    media_handler_fn *handler = l->handler;
    void *arg = l->arg;
    struct leg_stats stats = l->stream->stats;
    struct media_event e = {.kind = MEDIA_EV_CLOSED, .at_us = at_us, .stats = &stats};

    /* The port is free before the owner hears of it, the pointer is still good as a name. */
    media_leg_release(l);
    if (handler)
        handler(arg, l, &e);
}

void media_leg_message(struct media_leg *l, const struct message *msg)
{
    struct media_event e = {.kind = (enum media_event_kind)msg->kind, .at_us = msg->at_us};

    switch (msg->kind) {
    case MESSAGE_LEFT:
        arrived(l);
        return;
    case MESSAGE_KEY_BACK:
        media_leg_key_back(l, msg->key);
        return;
    case MEDIA_EV_PLAYED:
        play_ended(l);
        e.err = msg->played.err;
        e.cookie = msg->played.cookie;
        if (e.cookie == 0)
            return;
        break;
    case MEDIA_EV_DTMF:
        e.digit = msg->digit;
        break;
    case MEDIA_EV_HEARD:
        e.heard = msg->heard;
        break;
    case MEDIA_EV_CLOSED:
        if (!media_leg_record_lasts(l))
            media_leg_ended(l, msg->at_us);
        return;
    default:
        break;
    }
    if (!l->closing)
        tell(l, &e);
}
