/* What comes back of what we send: nothing at all (one-way audio), or ourselves (echo).
 *
 * One way: three seconds of our sound went out, and all that came since the last other sound was no
 * packets or digital zero. Told once until something comes. A far end that is silent on purpose
 * sends noise, or its packets' description of it (RFC 3389); some send zeros, so what was heard
 * before lowers the confidence.
 *
 * Echo: the levels of our blocks and of those that come are correlated, in dB, at delays up to
 * 620 ms, over the last seconds of sending. Two people's talk is not alike for that long; our own
 * voice coming back is, whatever the phase and the codecs of the way. Told when one delay has stood
 * out for a second; again when it was gone for a while. Costs nothing while we are silent. */
#include <math.h>

#include "dsp/num.h"
#include "dsp/state.h"
#include "dsp/wide.h"

#define SOUND_DB        45 /* over DSP_SENT_ZERO_DBM0: -45 dBm0 */
#define ONE_WAY_MS      3000
#define NO_PACKETS      1 /* details of one way */
#define ZEROS           2
#define SENT_LEAST_DB   40  /* levels below these are the noise of either side */
#define SENT_MOST_DB    100 /* there is nothing louder */
#define CAME_LEAST_DB   30
#define MEMORY_BLOCKS   150 /* three seconds count, at first what there is */
#define BLOCKS_MIN      200
#define ALIKE_MIN       0.75f /* square of the correlation */
#define SENT_VARIES_MIN 30.0f /* dB²; steady sound has no rhythm to know it by */
#define CAME_VARIES_MIN 9.0f
#define HOLD_BLOCKS     50
#define HANG_BLOCKS     50 /* our pauses, and what comes after our end */
#define AGAIN_MS        5000
_Static_assert(4 * (SENT_MOST_DB - SENT_LEAST_DB) < UINT8_MAX, "quarters of a dB fit a byte");

uint8_t dsp_sent_level(const int16_t *samples)
{
    float sum = history_energy(samples);
    int level = (num_level_ddb(sum / DSP_BLOCK_SAMPLES) - 10 * DSP_SENT_ZERO_DBM0) / 10;
    return (uint8_t)(level < 0 ? 0 : level > UINT8_MAX ? UINT8_MAX : level);
}

static void one_way(struct leg *l, unsigned sent_db, bool packet, struct sink *s)
{
    struct echo_track *t = &l->echo;
    if (sent_db < SOUND_DB)
        return;
    if (!t->alone_ms || l->sound_ms > t->alone_from_ms) {
        t->alone_from_ms = l->now_ms - DSP_BLOCK_MS;
        t->alone_ms = 0;
        t->alone_packets = t->one_way_said = false;
        if (l->sound_ms == l->now_ms)
            return;
    }
    t->alone_packets |= packet;
    t->alone_ms += DSP_BLOCK_MS;
    if (t->alone_ms < ONE_WAY_MS || t->one_way_said)
        return;
    t->one_way_said = true;
    struct dsp_event *e = sink_add(s, DSP_ONE_WAY, t->alone_packets ? ZEROS : NO_PACKETS,
                                   t->alone_from_ms, l->now_ms);
    if (!e)
        return;
    e->confidence = l->sound_ms ? 0.5f : 0.9f;
    e->level_ddb = (int16_t)(10 * ((int)sent_db + DSP_SENT_ZERO_DBM0));
}

/* Takes a pair into the correlations of all delays: dc is how far what comes is from its mean.
 * *best is the shortest delay that stands out most. */
WIDE_BODY delays_body(struct echo_track *t, float weight, float dc, unsigned *best)
{
    int32_t order[ECHO_DELAYS], most = INT32_MIN, first = ECHO_DELAYS;
    for (unsigned d = 0; d < ECHO_DELAYS; d++) {
        float then = SENT_LEAST_DB + (float)t->sent_qdb[d] / 4 - t->sent_mean;
        t->both[d] += weight * (then * dc - t->both[d]);
    }
    /* Bits in the order of the numbers they mean: whole numbers' maxima may be sought in any. */
    memcpy(order, t->both, sizeof order);
    for (unsigned d = 0; d < ECHO_DELAYS; d++) {
        order[d] ^= (order[d] >> 31) & INT32_MAX;
        most = order[d] > most ? order[d] : most;
    }
    for (int d = 0; d < ECHO_DELAYS; d++) {
        int at = order[d] == most ? d : ECHO_DELAYS;
        first = at < first ? at : first;
    }
    *best = (unsigned)first;
}

WIDE_BUILD(delays, (struct echo_track * t, float weight, float dc, unsigned *best),
           (t, weight, dc, best))

/* Takes a pair of levels into the correlations; returns the delay, in blocks, that stands out most,
 * and how alike the two are at it. */
static unsigned correlate(struct echo_track *t, float sent, float came, float *alike)
{
    unsigned best = 0;
    /* Smoothed alike, so that delays between blocks do little harm. */
    t->sent += (sent - t->sent) / 2;
    t->came += (came - t->came) / 2;
    sent = t->sent;
    came = t->came;
    memmove(t->sent_qdb + 1, t->sent_qdb, ECHO_DELAYS - 1);
    t->sent_qdb[0] = (uint8_t)(4 * (sent - SENT_LEAST_DB) + 0.5f);
    *alike = 0;
    if (t->blocks < ECHO_DELAYS) /* what may come back has not come yet */
        return 0;
    unsigned count = t->blocks - ECHO_DELAYS + 1u;
    float weight = 1 / (float)(count < MEMORY_BLOCKS ? count : MEMORY_BLOCKS);
    t->sent_mean += weight * (sent - t->sent_mean);
    t->came_mean += weight * (came - t->came_mean);
    float ds = sent - t->sent_mean, dc = came - t->came_mean;
    t->sent_varies += weight * (ds * ds - t->sent_varies);
    t->came_varies += weight * (dc * dc - t->came_varies);
    WIDE_PICK(delays)(t, weight, dc, &best);
    float b = t->both[best];
    *alike = b > 0 && t->sent_varies >= SENT_VARIES_MIN && t->came_varies >= CAME_VARIES_MIN
                 ? b * b / (t->sent_varies * t->came_varies)
                 : 0;
    return best;
}

static void restart(struct echo_track *t, float sent, float came)
{
    for (unsigned d = 0; d < ECHO_DELAYS; d++) {
        t->both[d] = 0;
        t->sent_qdb[d] = (uint8_t)(4 * (sent - SENT_LEAST_DB));
    }
    t->sent = sent;
    t->came = came;
    t->sent_mean = t->came_mean = t->sent_varies = t->came_varies = 0;
    t->blocks = t->held = 0;
}

static void own_voice(struct leg *l, unsigned sent_db, bool packet, bool lost, struct sink *s)
{
    struct echo_track *t = &l->echo;
    unsigned clear_db = sent_db > SENT_LEAST_DB ? sent_db : SENT_LEAST_DB;
    float sent = (float)(clear_db < SENT_MOST_DB ? clear_db : SENT_MOST_DB), alike;
    int level_db = num_level_ddb(l->power) / 10 - DSP_SENT_ZERO_DBM0;
    float came = (float)(packet && level_db > CAME_LEAST_DB ? level_db : CAME_LEAST_DB);
    if (lost)
        came = t->came_mean; /* what was lost says nothing */
    if (!l->echo_hang)
        restart(t, sent, came);
    unsigned delay = correlate(t, sent, came, &alike);
    t->blocks = (uint16_t)(t->blocks + (t->blocks < UINT16_MAX));
    bool stands = t->blocks >= BLOCKS_MIN && alike >= ALIKE_MIN &&
                  (!t->held || (delay + 1 >= t->delay && delay <= t->delay + 1u));
    t->delay = (uint8_t)delay;
    t->held = (uint8_t)(stands ? t->held + (t->held < UINT8_MAX) : 0);
    if (t->held < HOLD_BLOCKS)
        return;
    bool again = !t->said_ms || l->now_ms - t->said_ms >= AGAIN_MS;
    t->said_ms = l->now_ms;
    if (!again)
        return;
    uint32_t length = (uint32_t)t->blocks * DSP_BLOCK_MS;
    struct dsp_event *e =
        sink_add(s, DSP_ECHO, 0, l->now_ms > length ? l->now_ms - length : 0, l->now_ms);
    if (!e)
        return;
    float down = t->sent_mean - t->came_mean;
    e->confidence = alike < 1 ? alike : 1;
    e->level_ddb = (int16_t)(10 * (t->came_mean + DSP_SENT_ZERO_DBM0));
    e->freq_hz[0] = (uint16_t)(delay * DSP_BLOCK_MS);
    e->freq_hz[1] = (uint16_t)(down > 0 ? down + 0.5f : 0);
}

void echo_run(struct leg *l, unsigned sent_db, bool packet, bool lost, struct sink *s)
{
    one_way(l, sent_db, packet && !lost, s);
    own_voice(l, sent_db, packet, lost, s);
    l->echo_hang = (uint8_t)(sent_db >= SOUND_DB ? HANG_BLOCKS
                             : l->echo_hang      ? l->echo_hang - 1
                                                 : 0);
}
