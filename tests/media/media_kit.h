/* What the media tests share: a media room on a loop of the test's own, legs that remember their
 * events, far ends that are sockets of the test, and waiting for a condition with a limit. */
#ifndef PEAL_TESTS_MEDIA_KIT_H
#define PEAL_TESTS_MEDIA_KIT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "media/leg.h"
#include "media/rtp.h"
#include "media/wav.h"

#define KIT_DIGITS 64
#define KIT_HEARD  256

#define KIT_LIMIT_MS 60000 /* until what must happen counts as hanging */

struct kit {
    struct loop loop;
    struct media *media;
};

struct heard_leg {
    struct media_leg *leg; /* NULL once closed */
    uint32_t first_rtp, played, cancelled, recorded, timeouts, bridged, closed, digits, heard, worn;
    uint32_t last_cookie, cookies[64];
    enum err last_err;
    int last_errno;
    double seconds;
    uint64_t lost_bytes, at_us;
    char digit[KIT_DIGITS + 1];
    struct dsp_event event[KIT_HEARD];
    struct leg_stats stats;
};

#define KIT_CHECK(what)                                                                            \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static inline void kit_open_as(struct kit *k, struct media_config config)
{
    KIT_CHECK(loop_init(&k->loop, NULL) == OK);
    config.loop = &k->loop;
    if (config.port_min == 0) {
        /* A range of its own for each test process, so that tests may run side by side. */
        config.port_min = (uint16_t)(20000 + (uint32_t)getpid() % 90 * 400);
        config.port_max = (uint16_t)(config.port_min + 399);
    }
    KIT_CHECK(media_open(&k->media, &config) == OK);
}

static inline void kit_open(struct kit *k, uint32_t workers)
{
    kit_open_as(k, (struct media_config){.workers = workers, .max_legs = 64});
}

static inline void kit_close(struct kit *k)
{
    media_close(k->media);
    loop_fini(&k->loop);
}

static inline uint64_t kit_now_ms(void)
{
    struct clock c;

    clock_init_real(&c);
    return clock_ms(&c);
}

/* Turns the loop until *count reaches n; false after limit_ms. */
static inline bool kit_until(struct kit *k, const uint32_t *count, uint32_t n, uint64_t limit_ms)
{
    uint64_t end = kit_now_ms() + limit_ms;

    while (*count < n && kit_now_ms() < end)
        loop_turn(&k->loop, 5000);
    return *count >= n;
}

/* Lets the call go on for a while: the length of speech, not a wait for luck. */
static inline void kit_run_ms(struct kit *k, uint64_t ms)
{
    uint64_t end = kit_now_ms() + ms;

    while (kit_now_ms() < end)
        loop_turn(&k->loop, 5000);
}

static inline void kit_on_event(void *arg, struct media_leg *leg, const struct media_event *e)
{
    struct heard_leg *h = arg;

    KIT_CHECK(h->leg == leg);
    h->at_us = e->at_us;
    switch (e->kind) {
    case MEDIA_EV_FIRST_RTP:
        h->first_rtp++;
        break;
    case MEDIA_EV_HEARD:
        if (h->heard < KIT_HEARD)
            h->event[h->heard] = e->heard;
        h->heard++;
        break;
    case MEDIA_EV_DTMF:
        if (h->digits < KIT_DIGITS)
            h->digit[h->digits] = e->digit;
        h->digits++;
        break;
    case MEDIA_EV_PLAYED:
        h->last_cookie = e->cookie;
        h->cookies[h->played % 64] = e->cookie;
        h->last_err = e->err;
        h->cancelled += e->err == ERR_CANCELLED;
        h->played++;
        break;
    case MEDIA_EV_RECORDED:
        h->last_err = e->err;
        h->last_errno = e->sys_errno;
        h->seconds = e->seconds;
        h->lost_bytes = e->lost_bytes;
        h->recorded++;
        break;
    case MEDIA_EV_RTP_TIMEOUT:
        h->timeouts++;
        break;
    case MEDIA_EV_BRIDGED:
        h->bridged++;
        break;
    case MEDIA_EV_KEY_WORN:
        h->worn++;
        break;
    case MEDIA_EV_CLOSED:
        h->stats = *e->stats;
        h->leg = NULL;
        h->closed++;
        break;
    }
}

static inline void kit_leg(struct kit *k, struct heard_leg *h, bool detect)
{
    struct media_leg_params p = {.detect = detect};

    memset(h, 0, sizeof(*h));
    KIT_CHECK(media_leg_open(k->media, &p, kit_on_event, h, &h->leg) == OK);
}

static inline struct media_remote kit_remote(const struct addr *to, enum media_codec codec)
{
    return (struct media_remote){.rtp = *to,
                                 .codec = codec,
                                 .payload_type = (uint8_t)codec,
                                 .event_pt = 101,
                                 .direction = MEDIA_SENDRECV};
}

static inline void kit_connect(struct heard_leg *a, struct heard_leg *b, enum media_codec codec)
{
    struct media_remote to_b = kit_remote(media_leg_local(b->leg), codec);
    struct media_remote to_a = kit_remote(media_leg_local(a->leg), codec);

    KIT_CHECK(media_leg_set_remote(a->leg, &to_b) == OK);
    KIT_CHECK(media_leg_set_remote(b->leg, &to_a) == OK);
}

static inline void kit_pair(struct kit *k, struct heard_leg *a, struct heard_leg *b,
                            enum media_codec codec)
{
    kit_leg(k, a, true);
    kit_leg(k, b, true);
    kit_connect(a, b, codec);
    KIT_CHECK(kit_until(k, &a->first_rtp, 1, KIT_LIMIT_MS));
    KIT_CHECK(kit_until(k, &b->first_rtp, 1, KIT_LIMIT_MS));
}

static inline enum err kit_record(struct heard_leg *h, const char *path, bool stereo)
{
    const struct media_record how = {.path = path, .stereo = stereo};

    return media_leg_record(h->leg, &how);
}

static inline void kit_close_leg(struct kit *k, struct heard_leg *h)
{
    media_leg_close(h->leg);
    KIT_CHECK(kit_until(k, &h->closed, 1, KIT_LIMIT_MS));
}

static inline void kit_close_pair(struct kit *k, struct heard_leg *a, struct heard_leg *b)
{
    media_leg_close(a->leg);
    media_leg_close(b->leg);
    KIT_CHECK(kit_until(k, &a->closed, 1, KIT_LIMIT_MS));
    KIT_CHECK(kit_until(k, &b->closed, 1, KIT_LIMIT_MS));
}

/* A far end that is a socket. */
struct kit_source {
    int fd;
    struct addr addr;
    uint32_t ssrc, ts;
    uint16_t seq;
};

static inline void kit_source_of(struct kit_source *s, const char *host, int family)
{
    socklen_t len = sizeof(s->addr.in6);

    memset(s, 0, sizeof(*s));
    KIT_CHECK(addr_from_host(slice_cstr(host), 0, &s->addr) == OK);
    s->fd = socket(family, SOCK_DGRAM, 0);
    KIT_CHECK(bind(s->fd, &s->addr.sa, addr_len(&s->addr)) == 0);
    getsockname(s->fd, &s->addr.sa, &len);
    s->ssrc = 0x1000u + (uint32_t)s->fd;
}

static inline void kit_source(struct kit_source *s, const char *host)
{
    kit_source_of(s, host, AF_INET);
}

/* One packet of 20 ms. */
static inline void kit_say(struct kit_source *s, const struct addr *to)
{
    uint8_t p[172];

    rtp_write_header(p, 0, false, s->seq++, s->ts, s->ssrc);
    s->ts += 160;
    memset(p + 12, 0x55, 160);
    sendto(s->fd, p, sizeof(p), 0, &to->sa, addr_len(to));
}

static inline uint8_t *kit_read(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");

    KIT_CHECK(f);
    uint8_t *p = malloc(64u << 20);

    *len = fread(p, 1, 64u << 20, f);
    fclose(f);
    return p;
}

static inline int16_t kit_sample(const struct wav *w, size_t frame, uint32_t channel)
{
    const uint8_t *p = w->data + 2 * (frame * w->channels + channel);

    return (int16_t)(p[0] | p[1] << 8);
}

/* The share of the sound's 20 ms blocks that are in the channel exactly as G.711 carries them, in
 * order. Blocks may be missing or torn by the machine's load, never altered. */
static inline double kit_match(const struct wav *w, uint32_t channel, const struct sound *s,
                               bool alaw)
{
    uint32_t blocks = s->samples / 160, found = 0;
    size_t at = 0;

    for (uint32_t b = 0; b < blocks; b++) {
        int16_t want[160];
        size_t end = at + 160 * 60 < w->frames ? at + 160 * 60 : w->frames;

        if (alaw)
            dsp_alaw_decode(s->alaw + b * 160, want, 160);
        else
            dsp_ulaw_decode(s->ulaw + b * 160, want, 160);
        /* The first block is looked for everywhere, the next ones near the last. */
        for (size_t i = at; i + 160 <= (found ? end : w->frames); i++) {
            uint32_t n = 0;

            while (n < 160 && kit_sample(w, i + n, channel) == want[n])
                n++;
            if (n == 160) {
                found++;
                at = i + 160;
                break;
            }
        }
    }
    return (double)found / blocks;
}

/* That share of a recording's channel. */
static inline double kit_match_file(const char *path, uint32_t channel, const struct sound *s,
                                    bool alaw)
{
    size_t len;
    struct wav w;
    uint8_t *file = kit_read(path, &len);

    KIT_CHECK(wav_parse(file, len, &w) == OK);
    double share = kit_match(&w, channel, s, alaw);

    free(file);
    return share;
}

/* A scene in real time. Where a worker stood still for longer than a jitter buffer holds, what is
 * missing says nothing of the engine, so the scene is played again; what the engine spoils is
 * missing in time, too:
 *
 *     struct kit_scene s = {0};
 *     while (kit_plays(&s))
 *         play_it(&s);      ending with kit_heard(&s, …) before its media are closed
 */
#define KIT_TURNS       5
#define KIT_SHARE_MIN   0.85
#define KIT_LATE_MAX_US 30000

struct kit_scene {
    double enough; /* 0: KIT_SHARE_MIN */
    uint32_t turns;
    double share; /* of what was said: the least that came through to one of those who heard */
    bool late;    /* a worker was */
};

static inline bool kit_was_heard(const struct kit_scene *s)
{
    return s->share >= (s->enough > 0 ? s->enough : KIT_SHARE_MIN);
}

static inline bool kit_plays(struct kit_scene *s)
{
    bool again = s->turns == 0 || (!kit_was_heard(s) && s->late && s->turns < KIT_TURNS);

    if (again)
        *s = (struct kit_scene){.enough = s->enough, .turns = s->turns + 1, .share = 1};
    return again;
}

static inline void kit_heard(struct kit_scene *s, struct kit *k, struct media *of, double share)
{
    struct media_metrics m;

    s->share = share < s->share ? share : s->share;
    if (kit_was_heard(s))
        return;
    kit_run_ms(k, 600); /* counters are told twice a second */
    media_metrics(of, &m);
    s->late |= m.ticks_skipped > 0 || hist_quantile(&m.tick_late_us, 1) > KIT_LATE_MAX_US;
}

#endif
