/* The delay is found as in jitter.c, where it is explained; its limits, in samples of 8 kHz there,
 * are in milliseconds here. */
#include "media/jitter_packets.h"

#include <assert.h>
#include <string.h>

#define PEAK_FIRST_MS 15
#define MARGIN_MS     5
#define DELAY_MIN_MS  20
#define DELAY_MAX_MS  300
#define HELD_MAX_MS   1000 /* a timestamp further ahead is a clock that jumped */
#define PEAK_DECAY    512  /* packets */
#define CREEP_PPM     250  /* a slower clock of the sender's is followed to here */
#define LATE_RUN_MAX  5

static void drop_all(struct jitter_packets *j)
{
    for (uint32_t i = 0; i < JITTER_PACKETS; i++)
        j->packet[i].held = false;
}

void jitter_packets_init(struct jitter_packets *j, uint32_t clock_khz)
{
    drop_all(j);
    j->clock_khz = clock_khz;
    j->started = j->playing = j->took = false;
}

uint32_t jitter_packets_target(const struct jitter_packets *j)
{
    uint32_t target = (j->peak_q8 >> 8) + MARGIN_MS * j->clock_khz;
    uint32_t least = DELAY_MIN_MS * j->clock_khz, most = DELAY_MAX_MS * j->clock_khz;

    return target < least ? least : target > most ? most : target;
}

static void restart(struct jitter_packets *j, uint32_t timestamp, uint32_t arrival)
{
    drop_all(j);
    j->resyncs += j->started;
    j->started = true;
    j->playing = j->took = false;
    j->late_run = 0;
    j->next_ts = timestamp;
    j->base = arrival - timestamp;
    j->creep_q8 = 0;
    j->peak_q8 = PEAK_FIRST_MS * j->clock_khz << 8;
}

/* false: the sender's clock jumped. */
static bool measure(struct jitter_packets *j, uint32_t timestamp, uint32_t ticks, uint32_t arrival)
{
    int32_t d = (int32_t)(arrival - timestamp - j->base);

    if (d > (int32_t)(DELAY_MAX_MS * j->clock_khz) || d < -(int32_t)(HELD_MAX_MS * j->clock_khz))
        return false;
    if (d < 0) {
        j->base = arrival - timestamp;
        d = 0;
    }
    j->peak_q8 -= j->peak_q8 / PEAK_DECAY;
    if ((uint32_t)d << 8 > j->peak_q8)
        j->peak_q8 = (uint32_t)d << 8;
    j->creep_q8 += ticks * CREEP_PPM / 3906; /* 10^6 / 256 */
    j->base += j->creep_q8 >> 8;
    j->creep_q8 &= 255;
    return true;
}

/* A free place; else that of the packet furthest in the future, which is thrown away. */
static struct jitter_packet *place(struct jitter_packets *j)
{
    struct jitter_packet *last = &j->packet[0];

    for (uint32_t i = 0; i < JITTER_PACKETS; i++) {
        struct jitter_packet *p = &j->packet[i];

        if (!p->held)
            return p;
        if ((int32_t)(p->timestamp - last->timestamp) > 0)
            last = p;
    }
    j->discarded++;
    return last;
}

static bool is_held(const struct jitter_packets *j, uint32_t timestamp)
{
    for (uint32_t i = 0; i < JITTER_PACKETS; i++)
        if (j->packet[i].held && j->packet[i].timestamp == timestamp)
            return true;
    return false;
}

void jitter_packets_put(struct jitter_packets *j, uint16_t seq, uint32_t timestamp, uint32_t ticks,
                        const uint8_t *payload, uint32_t len, uint32_t arrival)
{
    assert(ticks > 0);
    if (len > JITTER_PACKET_BYTES) {
        j->discarded++;
        return;
    }
    if (!j->started || !measure(j, timestamp, ticks, arrival))
        restart(j, timestamp, arrival);
    if (!j->playing && (int32_t)(timestamp - j->next_ts) < 0)
        j->next_ts = timestamp; /* the first ones came out of order */

    int32_t ahead = (int32_t)(timestamp - j->next_ts);

    if (ahead + (int32_t)ticks <= 0) {
        j->late++;
        if (++j->late_run < LATE_RUN_MAX)
            return;
        restart(j, timestamp, arrival);
    } else if (ahead > (int32_t)(HELD_MAX_MS * j->clock_khz)) {
        j->discarded++;
        restart(j, timestamp, arrival);
    }
    j->late_run = 0;
    if (is_held(j, timestamp))
        return;
    struct jitter_packet *p = place(j);

    p->held = true;
    p->seq = seq;
    p->len = (uint16_t)len;
    p->timestamp = timestamp;
    p->ticks = ticks;
    memcpy(p->payload, payload, len);
}

static int32_t lag(const struct jitter_packets *j, uint32_t now, uint32_t ahead)
{
    return (int32_t)(now - j->base - (j->next_ts - ahead));
}

bool jitter_packets_play(struct jitter_packets *j, uint32_t now)
{
    if (j->started && !j->playing)
        j->playing = lag(j, now, 0) >= (int32_t)jitter_packets_target(j);
    return j->playing;
}

int32_t jitter_packets_excess(const struct jitter_packets *j, uint32_t now, uint32_t ahead)
{
    int32_t excess = lag(j, now, ahead) - (int32_t)jitter_packets_target(j);

    return excess < 0 && excess >= -(int32_t)(MARGIN_MS * j->clock_khz) ? 0 : excess;
}

static bool is_over(const struct jitter_packets *j, const struct jitter_packet *p)
{
    return (int32_t)(p->timestamp + p->ticks - j->next_ts) <= 0;
}

const struct jitter_packet *jitter_packets_next(struct jitter_packets *j, int32_t *gap, bool *lost)
{
    const struct jitter_packet *next = NULL;

    for (uint32_t i = 0; i < JITTER_PACKETS; i++) {
        struct jitter_packet *p = &j->packet[i];

        if (p->held && is_over(j, p)) {
            p->held = false; /* overlapped by others, or invented meanwhile */
            j->late++;
        }
        if (p->held && (!next || (int32_t)(p->timestamp - next->timestamp) < 0))
            next = p;
    }
    if (next) {
        *gap = (int32_t)(next->timestamp - j->next_ts);
        *lost = j->took && next->seq != (uint16_t)(j->last_seq + 1);
    }
    return next;
}

void jitter_packets_taken(struct jitter_packets *j, const struct jitter_packet *p)
{
    j->packet[p - j->packet].held = false;
    j->last_seq = p->seq;
    j->took = true;
    if ((int32_t)(p->timestamp + p->ticks - j->next_ts) > 0)
        j->next_ts = p->timestamp + p->ticks;
}

void jitter_packets_pass(struct jitter_packets *j, uint32_t ticks)
{
    j->next_ts += ticks;
}
