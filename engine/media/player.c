/* Levels: a full-scale sine is +3.14 dBm0 (G.711). DTMF in band: -9 dBm0 the low and -7 dBm0 the
 * high frequency, as most networks send it. */
#include "media/player.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define MS                 8 /* samples a millisecond */
#define FULL_SCALE_DBM0    3.14
#define DTMF_LOW_DDB       (-90)
#define DTMF_HIGH_DDB      (-70)
#define EVENT_GAP_MIN      (3 * PLAYER_BLOCK) /* room for two more end packets */
#define EVENT_ENDS         3                  /* RFC 4733 section 2.5.1.4 */
#define DTMF_DEFAULT_MS    100
#define DTMF_SHORTEST_MS   40
#define EVENT_DURATION_MAX 0xffff

static const char digits[] = "0123456789*#ABCD";

int dtmf_code(char digit)
{
    const char *at =
        digit ? strchr(digits, digit >= 'a' && digit <= 'd' ? digit - 32 : digit) : NULL;

    return at ? (int)(at - digits) : -1;
}

char dtmf_digit(uint8_t code)
{
    return code < 16 ? digits[code] : 0;
}

void player_init(struct player *p)
{
    memset(p, 0, offsetof(struct player, queue));
}

bool player_add(struct player *p, const struct player_item *item)
{
    if (p->count == PLAYER_QUEUE_MAX)
        return false;
    p->queue[(p->head + p->count) % PLAYER_QUEUE_MAX] = *item;
    p->count++;
    return true;
}

static void next_item(struct player *p)
{
    p->head = (uint8_t)((p->head + 1) % PLAYER_QUEUE_MAX);
    p->count--;
    p->at = 0;
    p->digit = 0;
    p->waves_set = false;
}

bool player_drop(struct player *p, struct player_item *out)
{
    if (p->count == 0)
        return false;
    *out = p->queue[p->head];
    next_item(p);
    return true;
}

static void wave_start(struct player_wave *w, double freq_hz, int level_ddb)
{
    double step = 2.0 * M_PI * freq_hz / DSP_RATE_HZ;
    double size = 32767.0 * pow(10.0, (level_ddb / 10.0 - FULL_SCALE_DBM0) / 20.0);

    if (size > 32767.0)
        size = 32767.0;
    w->coefficient = (float)(2.0 * cos(step));
    w->y1 = (float)(-size * sin(step)); /* y[-1], so that y[0] is 0 */
    w->y2 = (float)(-size * sin(2.0 * step));
}

static float wave_step(struct player_wave *w)
{
    float y = w->coefficient * w->y1 - w->y2;

    w->y2 = w->y1;
    w->y1 = y;
    return y;
}

/* Two waves where `on` says so: sample i of the item is sounding when (at + i) % cycle < on. */
static void say_waves(struct player *p, int16_t *pcm, uint32_t on, uint32_t cycle)
{
    for (uint32_t i = 0; i < PLAYER_BLOCK; i++) {
        float y = wave_step(&p->wave[0]) + wave_step(&p->wave[1]);

        if (cycle && (p->at + i) % cycle >= on)
            y = 0.0f;
        pcm[i] = (int16_t)(y > 32767.0f ? 32767.0f : y < -32768.0f ? -32768.0f : y);
    }
}

static void say_silence(bool alaw, struct player_block *out)
{
    memset(out->pcm, 0, sizeof(out->pcm));
    memset(out->coded, alaw ? 0xd5 : 0xff, sizeof(out->coded));
}

/* true: the item is over. */
static bool say_sound(struct player *p, const struct player_item *item, bool alaw, bool want_pcm,
                      struct player_block *out)
{
    const struct sound *s = item->sound;
    const uint8_t *codes = alaw ? s->alaw : s->ulaw;
    uint32_t filled = 0;

    while (filled < PLAYER_BLOCK) {
        uint32_t left = s->samples - p->at, room = PLAYER_BLOCK - filled,
                 n = left < room ? left : room;

        memcpy(out->coded + filled, codes + p->at, n);
        if (want_pcm)
            memcpy(out->pcm + filled, s->pcm + p->at, n * sizeof(*s->pcm));
        filled += n;
        p->at += n;
        if (p->at < s->samples)
            continue;
        if (!item->loop) {
            memset(out->coded + filled, alaw ? 0xd5 : 0xff, PLAYER_BLOCK - filled);
            memset(out->pcm + filled, 0, (PLAYER_BLOCK - filled) * sizeof(*out->pcm));
            return true;
        }
        p->at = 0;
    }
    return false;
}

static bool say_tone(struct player *p, const struct media_tone *t, bool alaw,
                     struct player_block *out)
{
    uint32_t cycle = t->on_ms + t->off_ms, total = t->total_ms ? t->total_ms : cycle;

    if (!p->waves_set) {
        wave_start(&p->wave[0], t->freq_hz[0], t->level_ddb);
        p->wave[1] = (struct player_wave){0};
        if (t->freq_hz[1])
            wave_start(&p->wave[1], t->freq_hz[1], t->level_ddb);
        p->waves_set = true;
    }
    say_waves(p, out->pcm, t->on_ms * MS, t->off_ms ? cycle * MS : 0);
    dsp_g711_encode(out->pcm, out->coded, PLAYER_BLOCK, alaw);
    p->at += PLAYER_BLOCK;
    return p->at >= total * MS;
}

static void digit_waves(struct player *p, char digit)
{
    static const char keys[] = "123A456B789C*0#D";
    static const uint16_t low[] = {697, 770, 852, 941}, high[] = {1209, 1336, 1477, 1633};
    const char *at = strchr(keys, digit >= 'a' && digit <= 'd' ? digit - 32 : digit);
    int key = at ? (int)(at - keys) : 0;

    wave_start(&p->wave[0], low[key / 4], DTMF_LOW_DDB);
    wave_start(&p->wave[1], high[key % 4], DTMF_HIGH_DDB);
    p->waves_set = true;
}

/* Whole blocks, at least the shortest that receivers must take. */
static uint32_t blocks_of(uint32_t ms, uint32_t otherwise_ms)
{
    uint32_t wanted = ms ? ms : otherwise_ms;

    if (wanted < DTMF_SHORTEST_MS)
        wanted = DTMF_SHORTEST_MS;
    return (wanted * MS + PLAYER_BLOCK - 1) / PLAYER_BLOCK * PLAYER_BLOCK;
}

/* One block of a digit as audio. */
static void say_digit(struct player *p, char digit, uint32_t on, bool alaw,
                      struct player_block *out)
{
    if (p->at >= on) {
        say_silence(alaw, out);
        return;
    }
    if (!p->waves_set)
        digit_waves(p, digit);
    say_waves(p, out->pcm, 0, 0);
    dsp_g711_encode(out->pcm, out->coded, PLAYER_BLOCK, alaw);
}

/* One block of a digit as RFC 4733: updates, then the end three times, then silence. */
static enum player_said say_event(struct player *p, char digit, uint32_t on, bool alaw,
                                  struct player_block *out)
{
    uint32_t said = p->at + PLAYER_BLOCK;

    if (said >= on + EVENT_ENDS * PLAYER_BLOCK) {
        say_silence(alaw, out);
        return PLAYER_AUDIO;
    }
    out->digit = digit;
    out->duration = said < on ? said : on;
    if (out->duration > EVENT_DURATION_MAX)
        out->duration = EVENT_DURATION_MAX;
    out->first = p->at == 0;
    out->last = said >= on;
    memset(out->pcm, 0, sizeof(out->pcm));
    return PLAYER_EVENT;
}

static enum player_said say_dtmf(struct player *p, const struct player_dtmf *d, bool alaw,
                                 bool events, struct player_block *out, bool *over)
{
    uint32_t on = blocks_of(d->on_ms, DTMF_DEFAULT_MS), gap = blocks_of(d->gap_ms, DTMF_DEFAULT_MS);
    bool as_event = events && !d->in_band;
    enum player_said said = PLAYER_AUDIO;

    if (as_event && gap < EVENT_GAP_MIN)
        gap = EVENT_GAP_MIN;
    if (as_event)
        said = say_event(p, d->digits[p->digit], on, alaw, out);
    else
        say_digit(p, d->digits[p->digit], on, alaw, out);
    p->at += PLAYER_BLOCK;
    if (p->at >= on + gap) {
        p->at = 0;
        p->waves_set = false;
        p->digit++;
    }
    *over = p->digit >= d->count;
    return said;
}

enum player_said player_next(struct player *p, bool alaw, bool events, bool want_pcm,
                             struct player_block *out)
{
    enum player_said said = PLAYER_AUDIO;
    bool over = false;

    out->done = false;
    if (p->count == 0)
        return PLAYER_IDLE;
    const struct player_item *item = &p->queue[p->head];

    switch ((enum player_kind)item->kind) {
    case PLAYER_SOUND:
        over = say_sound(p, item, alaw, want_pcm, out);
        break;
    case PLAYER_TONE:
        over = say_tone(p, &item->tone, alaw, out);
        break;
    case PLAYER_SILENCE:
        say_silence(alaw, out);
        p->at += PLAYER_BLOCK;
        over = p->at >= (uint64_t)item->silence_ms * MS;
        break;
    case PLAYER_DTMF:
        said = say_dtmf(p, &item->dtmf, alaw, events, out, &over);
        break;
    case PLAYER_PACKETS:
        assert(false); /* packets are not said in blocks */
        break;
    }
    if (over) {
        out->done = true;
        out->done_internal = item->internal;
        out->cookie = item->cookie;
        next_item(p);
    }
    return said;
}
