/* A key is one RTP timestamp: whichever of its packets comes first reports it, so lost starts and
 * lost ends do no harm. Keys longer than 8 s come in segments (RFC 4733 section 2.5.1.3), each
 * beginning where the last one ended, with the same code: those are no new keys. */
#include "media/event.h"

#include "media/player.h"
#include "media/rtp.h"

#define SEGMENT_SLACK 480 /* samples between segments' end and start that count as none */

void event_write(uint8_t *p, uint8_t code, bool end, uint8_t volume, uint16_t duration)
{
    p[0] = code;
    p[1] = (uint8_t)((end ? 0x80 : 0) | (volume & 63));
    rtp_put16(p + 2, duration);
}

static bool continues(const struct event_receiver *r, uint8_t code, uint32_t ts)
{
    uint32_t gap = ts - (r->ts + r->duration);

    return r->active && code == r->code && gap <= SEGMENT_SLACK;
}

/* Was the same key reported by the other source just now? */
static bool reported(const struct event_receiver *r, int other, char digit, uint64_t now_us)
{
    return r->digit[other] == digit && now_us - r->digit_us[other] < EVENT_SAME_KEY_US;
}

char event_take(struct event_receiver *r, const uint8_t *payload, size_t len, uint32_t ts,
                uint64_t now_us)
{
    if (len < EVENT_BYTES)
        return 0;
    uint8_t code = payload[0];
    char digit = dtmf_digit(code);
    bool same = r->seen && ts == r->ts, end = payload[1] & 0x80;
    bool segment = r->seen && continues(r, code, ts);

    if (!digit || (r->seen && (int32_t)(ts - r->ts) < 0 && now_us - r->last_us < 1000000))
        return 0; /* no key, or a straggler of an earlier one */
    if (same && !r->active)
        return 0; /* the end again */
    r->seen = true;
    r->active = !end;
    r->code = code;
    r->ts = ts;
    r->duration = rtp_get16(payload + 2);
    r->last_us = now_us;
    bool told = reported(r, 1, digit, now_us);

    if (!same && !segment) {
        r->digit[0] = digit;
        r->digit_us[0] = now_us;
        if (told)
            r->digit[1] = 0; /* one in-band report answers for one event */
        return told ? 0 : digit;
    }
    r->digit_us[0] = now_us;
    return 0;
}

char event_in_band(struct event_receiver *r, char digit, uint64_t now_us)
{
    if (event_under_way(r, now_us) || reported(r, 0, digit, now_us))
        return 0;
    r->digit[1] = digit;
    r->digit_us[1] = now_us;
    return digit;
}

bool event_under_way(struct event_receiver *r, uint64_t now_us)
{
    if (r->active && now_us - r->last_us > EVENT_TIMEOUT_US)
        r->active = false;
    return r->active;
}
