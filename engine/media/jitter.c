/* The delay. Let transit = arrival - timestamp, base its least value: a packet is d = transit -
 * base late. Played at lag = now - base - play_ts behind the fastest possible, a block is in time
 * when d <= lag. So the target is the peak of d and a margin, the peak forgotten with a time
 * constant of PEAK_DECAY packets; base is let up by one sample in BASE_CREEP packets, so that a
 * sender's slower clock (up to 250 ppm) is followed. */
#include "media/jitter.h"

#include <string.h>

#define MASK          (JITTER_SAMPLES - 1)
#define PEAK_FIRST    120 /* samples: 15 ms until we know better */
#define MARGIN        40
#define PEAK_DECAY    512
#define BASE_CREEP    25
#define SHRINK_QUIET  240 /* lag above target at which a silent block is left out */
#define SHRINK_FORCED 960 /* … and at which any block is */
#define LATE_RUN_MAX  5

void jitter_init(struct jitter *j)
{
    /* The ring's bytes need no clearing: `present` says which count. */
    memset(j, 0, offsetof(struct jitter, data));
}

uint32_t jitter_target(const struct jitter *j)
{
    uint32_t target = (j->peak_q8 >> 8) + MARGIN;

    return target < JITTER_DELAY_MIN   ? JITTER_DELAY_MIN
           : target > JITTER_DELAY_MAX ? JITTER_DELAY_MAX
                                       : target;
}

static void restart(struct jitter *j, uint32_t timestamp, uint32_t arrival)
{
    memset(j->present, 0, sizeof(j->present));
    j->resyncs += j->started;
    j->started = true;
    j->playing = false;
    j->late_run = 0;
    j->play_ts = j->newest_end = timestamp;
    j->base = arrival - timestamp;
    j->creep = 0;
    j->peak_q8 = PEAK_FIRST << 8;
}

/* false: the sender's clock jumped, all that was known of it is void. */
static bool measure(struct jitter *j, uint32_t timestamp, uint32_t arrival)
{
    int32_t d = (int32_t)(arrival - timestamp - j->base);

    if (d > JITTER_DELAY_MAX || d < -JITTER_SAMPLES)
        return false;
    if (d < 0) {
        j->base = arrival - timestamp;
        d = 0;
    }
    j->peak_q8 -= j->peak_q8 / PEAK_DECAY;
    if ((uint32_t)d << 8 > j->peak_q8)
        j->peak_q8 = (uint32_t)d << 8;
    if (++j->creep == BASE_CREEP) {
        j->creep = 0;
        j->base++;
    }
    return true;
}

/* Bits [at, at + n) of the ring; n <= JITTER_SAMPLES. */
static void mark(struct jitter *j, uint32_t at, uint32_t n, bool on)
{
    while (n) {
        uint32_t word = (at & MASK) / 64, bit = at & 63, take = 64 - bit < n ? 64 - bit : n;
        uint64_t bits = (take == 64 ? ~UINT64_C(0) : (UINT64_C(1) << take) - 1) << bit;

        j->present[word] = on ? j->present[word] | bits : j->present[word] & ~bits;
        at += take;
        n -= take;
    }
}

static void store(struct jitter *j, uint32_t timestamp, const uint8_t *payload, uint32_t n)
{
    uint32_t at = timestamp & MASK, first = JITTER_SAMPLES - at < n ? JITTER_SAMPLES - at : n;

    memcpy(j->data + at, payload, first);
    memcpy(j->data, payload + first, n - first);
    mark(j, timestamp, n, true);
    if ((int32_t)(timestamp + n - j->newest_end) > 0)
        j->newest_end = timestamp + n;
}

void jitter_put(struct jitter *j, uint32_t timestamp, const uint8_t *payload, uint32_t n,
                uint32_t arrival)
{
    if (n == 0 || n > JITTER_SAMPLES / 2) {
        j->discarded += n != 0;
        return;
    }
    if (!j->started || !measure(j, timestamp, arrival))
        restart(j, timestamp, arrival);
    if (!j->playing && (int32_t)(timestamp - j->play_ts) < 0)
        j->play_ts = timestamp; /* the first ones came out of order */

    int32_t ahead = (int32_t)(timestamp - j->play_ts);

    if (ahead + (int32_t)n <= 0) {
        j->late++;
        if (++j->late_run < LATE_RUN_MAX)
            return;
        restart(j, timestamp, arrival); /* its clock is behind ours for good */
        ahead = 0;
    } else if (ahead + (int32_t)n > JITTER_SAMPLES) {
        j->discarded++;
        restart(j, timestamp, arrival);
        ahead = 0;
    }
    j->late_run = 0;
    if (ahead < 0) { /* its first part is over already */
        payload += -ahead;
        n -= (uint32_t)-ahead;
        timestamp = j->play_ts;
    }
    store(j, timestamp, payload, n);
}

/* How many of the block's samples are there, as one range. */
static uint32_t present_range(const struct jitter *j, uint32_t *from, uint32_t *to)
{
    uint32_t first = JITTER_BLOCK, end = 0;

    for (uint32_t i = 0; i < JITTER_BLOCK;) {
        uint32_t at = (j->play_ts + i) & MASK, bit = at & 63, take = 64 - bit;
        uint64_t bits = j->present[at / 64] >> bit;

        if (take > JITTER_BLOCK - i)
            take = JITTER_BLOCK - i;
        if (take < 64)
            bits &= (UINT64_C(1) << take) - 1;
        if (bits && first == JITTER_BLOCK)
            first = i + (uint32_t)__builtin_ctzll(bits);
        if (first != JITTER_BLOCK) {
            uint64_t from_first = end ? ~bits : ~(bits >> (first - i));
            uint32_t start = end ? i : first;
            uint32_t run = from_first ? (uint32_t)__builtin_ctzll(from_first) : 64;

            if (run > i + take - start)
                run = i + take - start;
            end = start + run;
            if (end < i + take)
                break; /* a second range, if any, is not worth its trouble */
        }
        i += take;
    }
    *from = first;
    *to = end;
    return end > first ? end - first : 0;
}

static bool is_quiet(const struct jitter *j, bool alaw)
{
    uint32_t loud = 0;

    for (uint32_t i = 0; i < JITTER_BLOCK; i++) {
        uint8_t b = j->data[(j->play_ts + i) & MASK];

        loud += ((alaw ? b ^ 0x55 : ~b) & 0x7f) > 0x20;
    }
    return loud < JITTER_BLOCK / 10;
}

static void skip_block(struct jitter *j)
{
    mark(j, j->play_ts, JITTER_BLOCK, false);
    j->play_ts += JITTER_BLOCK;
}

/* Moves the playing point when it is far from where it should be. true: hold this block back. */
static bool adapt(struct jitter *j, uint32_t now, bool alaw)
{
    int32_t excess = (int32_t)(now - j->base - j->play_ts) - (int32_t)jitter_target(j);

    int32_t lag = (int32_t)(now - j->base - j->play_ts);
    bool quiet = (excess < -MARGIN || excess > SHRINK_QUIET) && is_quiet(j, alaw);

    /* Less than the peak: the latest ones would miss their turn. Where the target is more than the
     * peak and its margin, there is time to wait for a quiet place. */
    if (excess < -MARGIN && (quiet || lag < (int32_t)(j->peak_q8 >> 8))) {
        j->stretched++;
        j->cut_loud += !quiet;
        return true;
    }
    if (excess > SHRINK_FORCED || (excess > SHRINK_QUIET && quiet)) {
        j->skipped++;
        j->cut_loud += !quiet;
        skip_block(j);
    }
    return false;
}

enum jitter_got jitter_get(struct jitter *j, uint32_t now, bool alaw, uint8_t *out, uint32_t *from,
                           uint32_t *to)
{
    if (!j->started)
        return JITTER_NOTHING;
    if (!j->playing) {
        if ((int32_t)(now - j->base - j->play_ts) < (int32_t)jitter_target(j))
            return JITTER_NOTHING;
        j->playing = true;
    }
    if (adapt(j, now, alaw))
        return JITTER_LOST;

    uint32_t n = present_range(j, from, to), at = j->play_ts & MASK;

    if (n) {
        uint32_t first = JITTER_SAMPLES - at < JITTER_BLOCK ? JITTER_SAMPLES - at : JITTER_BLOCK;

        memcpy(out, j->data + at, first);
        memcpy(out + first, j->data, JITTER_BLOCK - first);
    }
    skip_block(j);
    if ((int32_t)(j->newest_end - j->play_ts) < 0)
        j->newest_end = j->play_ts;
    return n == JITTER_BLOCK ? JITTER_BLOCK_OK : n ? JITTER_PARTIAL : JITTER_LOST;
}
