/* See import_media.h. rtpdump: github.com/irtlab/rtptools, rtpdump.h. */
#include "sim/import_media.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/dsp.h"
#include "media/event.h"
#include "media/player.h"
#include "media/rtp.h"
#include "media/wav.h"

#define RATE        8000
#define DUMP_HEAD   16
#define DUMP_PACKET 8
#define PT_COMFORT  13

static bool is(const struct import_format *f, const char *name)
{
    return slice_ieq(f->name, slice_cstr(name));
}

static bool is_g711(const struct import_format *f)
{
    return (is(f, "PCMU") || is(f, "PCMA")) && f->rate_hz == RATE;
}

static bool is_comfort(const struct import_format *f)
{
    return f->pt == PT_COMFORT || is(f, "CN");
}

/* The payload types of what this side sends, looked up once each. */
struct meanings {
    struct import_format format[128];
    bool looked[128], found[128];
};

static const struct import_format *meaning(struct meanings *t, const struct import_media *m,
                                           uint8_t pt)
{
    if (!t->looked[pt]) {
        t->looked[pt] = true;
        t->found[pt] = import_format_of(m->call, m->side, pt, &t->format[pt]);
        if (!t->found[pt] && pt == PT_COMFORT) {
            t->format[pt] = (struct import_format){.pt = pt, .channels = 1, .rate_hz = RATE};
            t->format[pt].name = SLICE("CN");
            t->found[pt] = true;
        }
    }
    return t->found[pt] ? &t->format[pt] : NULL;
}

static void take_event(struct import_media *m, const struct import_rtp *r, uint32_t rate_hz)
{
    struct import_key *last = m->keys ? &m->key[m->keys - 1] : NULL;

    if (r->payload_len < EVENT_BYTES) {
        m->events_unknown++;
        return;
    }
    uint8_t code = r->payload[0];
    uint32_t on_ms = rate_hz ? (uint32_t)(rtp_get16(r->payload + 2) * 1000u / rate_hz) : 0;

    if (last && last->timestamp == r->timestamp && last->code == code) {
        if (on_ms > last->on_ms)
            last->on_ms = on_ms;
        return;
    }
    if (m->keys == IMPORT_KEYS_MAX) {
        m->refused++;
        return;
    }
    m->key[m->keys++] = (struct import_key){.at_us = r->at_us,
                                            .on_ms = on_ms,
                                            .timestamp = r->timestamp,
                                            .code = code,
                                            .digit = dtmf_digit(code)};
    if (!dtmf_digit(code))
        m->events_unknown++;
}

/* Same codec as what the side began with, or what goes along with it. */
static bool fits(struct import_media *m, const struct import_format *f)
{
    if (is_comfort(f))
        return true;
    if (m->format.name.len == 0) {
        m->format = *f;
        m->g711 = is_g711(f);
        return true;
    }
    return (m->g711 && is_g711(f)) || slice_ieq(f->name, m->format.name);
}

/* Keys are in order of time; *next is the first that began after the packet before. */
static bool key_between(const struct import_media *m, uint32_t *next, uint64_t at_us)
{
    uint32_t was = *next;

    while (*next < m->keys && m->key[*next].at_us <= at_us)
        ++*next;
    return *next != was;
}

static bool beside_key(const struct import_media *m, uint64_t at_us)
{
    for (uint32_t i = 0; i < m->keys && m->key[i].at_us <= at_us; i++)
        if (at_us <= m->key[i].at_us + m->key[i].on_ms * UINT64_C(1000))
            return true;
    return false;
}

static struct import_stretch *stretch_for(struct import_media *m, uint32_t at, uint32_t *next_key)
{
    const struct import_rtp *r = &m->call->track[m->side].rtp[at];
    struct import_stretch *s = m->stretches ? &m->stretch[m->stretches - 1] : NULL;
    bool key = key_between(m, next_key, r->at_us);

    if (s && !key)
        return s; /* also with a new SSRC: the reader of the file smooths that over */
    if (m->stretches == IMPORT_STRETCHES_MAX)
        return NULL;
    s = &m->stretch[m->stretches++];
    *s = (struct import_stretch){.first = at, .from_us = r->at_us};
    return s;
}

static void take_audio(struct import_media *m, struct meanings *table)
{
    const struct import_track *t = &m->call->track[m->side];
    uint32_t next_key = 0;

    for (uint32_t i = 0; i < t->count; i++) {
        const struct import_rtp *r = &t->rtp[i];
        const struct import_format *f = meaning(table, m, r->pt);

        if (f && is(f, "telephone-event"))
            continue;
        if (r->at_us < m->from_us) {
            m->before_sdp++;
        } else if (!f || !fits(m, f)) {
            m->unknown_pt = r->pt;
            m->unknown++;
        } else if (beside_key(m, r->at_us)) {
            m->during_keys++;
        } else {
            struct import_stretch *s = stretch_for(m, i, &next_key);

            if (!s) {
                m->refused++;
                continue;
            }
            s->end = i + 1;
            s->to_us = r->at_us;
            s->packets++;
        }
    }
}

void import_media_read(struct import_media *m, const struct import_call *c, enum import_side side,
                       uint64_t from_us)
{
    const struct import_track *t = &c->track[side];
    struct meanings table = {.looked = {false}};

    memset(m, 0, sizeof(*m));
    m->call = c;
    m->side = side;
    m->from_us = from_us;
    for (uint32_t i = 0; i < t->count; i++) {
        const struct import_format *f = meaning(&table, m, t->rtp[i].pt);

        if (f && is(f, "telephone-event") && t->rtp[i].at_us >= from_us)
            take_event(m, &t->rtp[i], f->rate_hz);
    }
    take_audio(m, &table);
}

/* The same judgement again, packet by packet, for the writers. */
static bool has(const struct import_media *m, const struct import_rtp *r)
{
    struct import_format f;

    if (r->at_us < m->from_us || beside_key(m, r->at_us))
        return false;
    if (!import_format_of(m->call, m->side, r->pt, &f))
        return r->pt == PT_COMFORT;
    if (is(&f, "telephone-event"))
        return false;
    return is_comfort(&f) || (m->g711 && is_g711(&f)) || slice_ieq(f.name, m->format.name);
}

enum err import_stretch_write(const struct import_media *m, const struct import_stretch *s,
                              const char *path)
{
    const struct import_rtp *rtp = m->call->track[m->side].rtp;
    FILE *f = fopen(path, "wbe");
    uint8_t head[DUMP_HEAD] = {0};

    if (!f)
        return ERR_IO;
    fputs("#!rtpplay1.0 0.0.0.0/0\n", f);
    rtp_put32(head, (uint32_t)(s->from_us / 1000000));
    rtp_put32(head + 4, (uint32_t)(s->from_us % 1000000));
    fwrite(head, 1, sizeof head, f);
    for (uint32_t i = s->first; i < s->end; i++) {
        const struct import_rtp *r = &rtp[i];
        uint8_t packet[DUMP_PACKET];

        if (!has(m, r))
            continue;
        rtp_put16(packet, (uint16_t)(r->len + DUMP_PACKET));
        rtp_put16(packet + 2, r->len);
        rtp_put32(packet + 4, (uint32_t)((r->at_us - s->from_us + 500) / 1000));
        fwrite(packet, 1, sizeof packet, f);
        fwrite(r->packet, 1, r->len, f);
    }
    bool ok = !ferror(f);

    return fclose(f) == 0 && ok ? OK : ERR_IO;
}

/* ---- G.711 to listen to ---- */

/* Puts a stretch's audio where it was heard: by its clock against the side's first packet, inside
 * by its timestamps, so that jitter is not heard. */
static void lay(const struct import_media *m, const struct import_stretch *s, int16_t *pcm,
                size_t samples)
{
    const struct import_rtp *rtp = m->call->track[m->side].rtp, *first = NULL;
    uint64_t zero_us = m->stretch[0].from_us;
    int64_t base = 0;
    int16_t decoded[2048];

    for (uint32_t i = s->first; i < s->end; i++) {
        const struct import_rtp *r = &rtp[i];
        struct import_format f;

        if (!first || first->ssrc != r->ssrc) {
            first = r;
            base = (int64_t)((r->at_us - zero_us) * RATE / 1000000);
        }
        int64_t at = base + (int32_t)(r->timestamp - first->timestamp);

        if (!has(m, r) || !import_format_of(m->call, m->side, r->pt, &f) || !is_g711(&f))
            continue;
        size_t n = r->payload_len < 2048 ? r->payload_len : 2048;

        if (at < 0 || (size_t)at + n > samples)
            continue;
        dsp_g711_decode(r->payload, decoded, n, is(&f, "PCMA"));
        memcpy(pcm + at, decoded, n * sizeof *pcm);
    }
}

enum err import_wav_write(const struct import_media *m, const char *path)
{
    uint8_t head[WAV_HEADER_BYTES];

    if (!m->g711 || m->stretches == 0)
        return ERR_NOT_FOUND;
    uint64_t us = m->stretch[m->stretches - 1].to_us - m->stretch[0].from_us + 1000000;

    if (us > IMPORT_WAV_MAX_S * UINT64_C(1000000))
        us = IMPORT_WAV_MAX_S * UINT64_C(1000000);
    size_t samples = (size_t)(us * RATE / 1000000);
    int16_t *pcm = calloc(samples, sizeof *pcm);

    if (!pcm)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < m->stretches; i++)
        lay(m, &m->stretch[i], pcm, samples);
    while (samples && pcm[samples - 1] == 0)
        samples--;
    FILE *f = fopen(path, "wbe");
    bool ok = f != NULL;

    if (f) {
        wav_write_header(head, 1, (uint32_t)(samples * sizeof *pcm));
        fwrite(head, 1, sizeof head, f);
        fwrite(pcm, sizeof *pcm, samples, f);
        ok = !ferror(f);
        ok = fclose(f) == 0 && ok;
    }
    free(pcm);
    return ok ? OK : ERR_IO;
}
