/* Decoding runs by whole packets, playing by blocks of 20 ms: decoded samples wait in between, and
 * count as played when the delay is judged. To lower the delay a block is left out, the next one
 * faded into what it would have been; to raise it, one is invented. */
#include "media/coding.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_MS     20
#define STEP_MS      10  /* invented at once while nothing has come */
#define TOLD_MAX_MS  60  /* a gap that redundancy may tell of */
#define QUIET_MS     30  /* delay beyond the target at which a quiet block is left out */
#define FORCED_MS    120 /* … and any block */
#define QUIET_PEAK   400 /* samples below: -38 dBm0 */
#define FADE_MS      5
#define INVENTED_MAX 10 /* blocks; then there is silence for certain */

enum err coding_open(enum media_codec codec, struct coding **out)
{
    struct coding *c = calloc(1, sizeof(*c));
    enum err err = c ? coder_open(&c->coder, codec) : ERR_NOMEM;

    if (err) {
        free(c);
        return err;
    }
    jitter_packets_init(&c->jitter, c->coder.clock_khz);
    *out = c;
    return OK;
}

void coding_close(struct coding *c)
{
    if (c)
        coder_close(&c->coder);
    free(c);
}

/* ---- receiving ---- */

static uint32_t ticks_of(const struct coding *c, uint32_t samples)
{
    return samples * c->coder.clock_khz / c->coder.khz;
}

void coding_restart(struct coding *c)
{
    jitter_packets_init(&c->jitter, c->coder.clock_khz);
    coder_restart(&c->coder);
    c->ahead = 0;
    c->missing = INVENTED_MAX;
    memset(&c->down, 0, sizeof(c->down));
    memset(c->wide, 0, sizeof(c->wide));
}

bool coding_take(struct coding *c, uint16_t seq, uint32_t timestamp, const uint8_t *payload,
                 uint32_t len, uint32_t arrival)
{
    uint32_t samples = coder_samples(&c->coder, payload, len);

    if (samples == 0 || ticks_of(c, samples) == 0) {
        c->malformed++;
        return false;
    }
    jitter_packets_put(&c->jitter, seq, timestamp, ticks_of(c, samples), payload, len, arrival);
    return true;
}

static void invent(struct coding *c, uint32_t samples)
{
    int16_t *to = c->pcm + c->ahead;

    if (c->missing >= INVENTED_MAX && !c->coder.silent)
        memset(to, 0, samples * sizeof(*to));
    else
        coder_conceal(&c->coder, NULL, 0, to, samples);
    c->ahead += samples;
}

static void decode(struct coding *c, const struct jitter_packet *p, int32_t gap)
{
    int16_t *to = c->pcm + c->ahead;
    uint32_t samples = coder_samples(&c->coder, p->payload, p->len);
    uint32_t over = (uint32_t)-gap * c->coder.khz / c->coder.clock_khz;

    if (!coder_decode(&c->coder, p->payload, p->len, to, samples))
        c->malformed++;
    over = over > samples ? samples : over; /* its beginning was invented meanwhile */
    memmove(to, to + over, (samples - over) * sizeof(*to));
    c->ahead += samples - over;
    jitter_packets_taken(&c->jitter, p);
}

/* Before p there is a gap. */
static enum coding_heard bridge_gap(struct coding *c, const struct jitter_packet *p, uint32_t gap,
                                    bool lost)
{
    uint32_t whole = gap * c->coder.khz / c->coder.clock_khz, most = TOLD_MAX_MS * c->coder.khz;
    uint32_t samples = whole > most ? BLOCK_MS * c->coder.khz : whole;

    jitter_packets_pass(&c->jitter, samples == whole ? gap : ticks_of(c, samples));
    if (!lost || samples < whole) {
        invent(c, samples);
        return lost ? CODING_LOST : CODING_PAUSE;
    }
    bool told = coder_conceal(&c->coder, p->payload, p->len, c->pcm + c->ahead, samples);

    c->ahead += samples;
    c->recovered += told;
    return told ? CODING_GOOD : CODING_LOST;
}

static enum coding_heard fill(struct coding *c, uint32_t wanted)
{
    enum coding_heard heard = CODING_GOOD;

    while (c->ahead < wanted) {
        enum coding_heard now = CODING_GOOD;
        int32_t gap = 0;
        bool lost = false;
        const struct jitter_packet *p = jitter_packets_next(&c->jitter, &gap, &lost);

        if (p && gap <= 0) {
            decode(c, p, gap);
        } else if (p) {
            now = bridge_gap(c, p, (uint32_t)gap, lost);
        } else {
            invent(c, STEP_MS * c->coder.khz);
            jitter_packets_pass(&c->jitter, STEP_MS * c->coder.clock_khz);
            now = c->coder.silent ? CODING_PAUSE : CODING_LOST;
        }
        if (heard == CODING_GOOD || now == CODING_LOST)
            heard = now;
    }
    return heard;
}

static bool is_quiet(const int16_t *pcm, uint32_t samples)
{
    for (uint32_t i = 0; i < samples; i++)
        if (pcm[i] > QUIET_PEAK || pcm[i] < -QUIET_PEAK)
            return false;
    return true;
}

static void drop(struct coding *c, uint32_t samples)
{
    c->ahead -= samples;
    memmove(c->pcm, c->pcm + samples, c->ahead * sizeof(*c->pcm));
}

static void leave_out(struct coding *c, uint32_t block)
{
    int16_t *next = c->pcm + block;
    int32_t fade = (int32_t)(FADE_MS * c->coder.khz);

    for (int32_t i = 0; i < fade; i++)
        next[i] = (int16_t)((c->pcm[i] * (fade - i) + next[i] * (i + 1)) / (fade + 1));
    drop(c, block);
}

/* Decodes what is due, and moves the playing point when it is far from where it should be. */
static enum coding_heard decode_due(struct coding *c, uint32_t now, uint32_t block)
{
    struct jitter_packets *j = &c->jitter;
    int32_t excess = jitter_packets_excess(j, now, ticks_of(c, c->ahead));
    int32_t ms = (int32_t)c->coder.clock_khz;

    if (excess < 0) {
        invent(c, block);
        return CODING_LOST;
    }
    if (excess <= QUIET_MS * ms)
        return fill(c, block);
    enum coding_heard heard = fill(c, 2 * block);

    if (excess > FORCED_MS * ms || is_quiet(c->pcm, block))
        leave_out(c, block);
    return heard;
}

enum coding_heard coding_hear(struct coding *c, uint32_t now, int16_t *narrow)
{
    uint32_t block = BLOCK_MS * c->coder.khz;
    enum coding_heard heard = CODING_NOTHING;

    if (jitter_packets_play(&c->jitter, now)) {
        heard = decode_due(c, now, block);
    } else {
        c->ahead = 0;
        invent(c, block);
    }
    c->missing = heard == CODING_GOOD ? 0 : c->missing + (c->missing < INVENTED_MAX);
    if (coding_is_wide(c)) {
        memcpy(c->wide, c->pcm, sizeof(c->wide));
        resample_down(&c->down, c->wide, CODING_WIDE, narrow);
    } else {
        memcpy(narrow, c->pcm, CODING_BLOCK * sizeof(*narrow));
    }
    drop(c, block);
    return heard;
}

/* ---- sending ---- */

void coding_hush(struct coding *c)
{
    c->said_count = 0;
}

void coding_say(struct coding *c, const int16_t *narrow, const int16_t *wide, uint32_t ts)
{
    uint32_t samples = BLOCK_MS * c->coder.khz;

    if (c->said_count == 0 || c->said_ts + ticks_of(c, c->said_count) != ts ||
        c->said_count + samples > CODING_SAID) {
        c->said_count = 0;
        c->said_ts = ts;
    }
    int16_t *to = c->said + c->said_count;

    if (!coding_is_wide(c))
        memcpy(to, narrow, CODING_BLOCK * sizeof(*to));
    else if (wide)
        memcpy(to, wide, CODING_WIDE * sizeof(*to));
    else
        resample_up(&c->up, narrow, CODING_BLOCK, to);
    c->said_count += samples;
}

bool coding_packet(struct coding *c, uint32_t ptime_ms, uint32_t *ts, uint8_t *out, uint32_t room,
                   uint32_t *len)
{
    uint32_t samples = codec_ptime_ms(c->coder.codec, ptime_ms) * c->coder.khz;

    if (c->said_count < samples)
        return false;
    *ts = c->said_ts;
    *len = coder_encode(&c->coder, c->said, samples, out, room);
    c->said_count -= samples;
    c->said_ts += ticks_of(c, samples);
    memmove(c->said, c->said + samples, c->said_count * sizeof(*c->said));
    return true;
}
