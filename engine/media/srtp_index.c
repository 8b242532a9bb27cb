/* Which packet is this: the rollover counter is guessed from how near a sequence number is to the
 * highest one, and a window says what was here already (RFC 3711 section 3.3). Nothing here is
 * changed before a packet has proved genuine, or a forger could move the counter. */
#include "media/srtp_inner.h"

#define INDEX_MAX      ((UINT64_C(1) << 48) - 1)
#define RTCP_INDEX_MAX 0x7fffffffu
#define HALF           0x8000

struct srtp_source *srtp_source_find(struct srtp *s, uint32_t ssrc)
{
    for (uint32_t i = 0; i < SRTP_SOURCES_MAX; i++)
        if (!s->source[i].used || s->source[i].ssrc == ssrc)
            return &s->source[i];
    return NULL;
}

uint64_t srtp_index_of(const struct srtp_source *source, uint16_t seq)
{
    uint64_t round = source->index >> 16;
    uint16_t highest = (uint16_t)source->index;

    if (!source->rtp_started)
        return seq;
    if (highest < HALF) {
        /* Before the first round there is none: then it is a jump ahead. */
        if (seq - highest > HALF && round > 0)
            round--;
    } else if (highest - HALF > seq) {
        round++;
    }
    return round << 16 | seq;
}

static enum srtp_verdict look(const uint64_t seen[2], uint64_t age)
{
    if (age >= SRTP_WINDOW)
        return SRTP_OLD;
    return seen[age / 64] >> age % 64 & 1 ? SRTP_REPLAYED : SRTP_GOOD;
}

enum srtp_verdict srtp_index_check(const struct srtp_source *source, uint64_t index)
{
    if (index > INDEX_MAX)
        return SRTP_WORN;
    if (!source->rtp_started || index > source->index)
        return SRTP_GOOD;
    return look(source->seen, source->index - index);
}

enum srtp_verdict srtcp_index_check(const struct srtp_source *source, uint32_t index)
{
    if (index > RTCP_INDEX_MAX)
        return SRTP_WORN;
    if (!source->rtcp_started || index > source->rtcp_index)
        return SRTP_GOOD;
    return look(source->rtcp_seen, source->rtcp_index - index);
}

static void move(uint64_t seen[2], uint64_t steps)
{
    if (steps >= SRTP_WINDOW) {
        seen[0] = seen[1] = 0;
    } else if (steps >= 64) {
        seen[1] = seen[0] << (steps - 64);
        seen[0] = 0;
    } else if (steps) {
        seen[1] = seen[1] << steps | seen[0] >> (64 - steps);
        seen[0] <<= steps;
    }
}

/* Marks it; *highest is moved when it is ahead. */
static void keep(uint64_t seen[2], bool started, uint64_t *highest, uint64_t index)
{
    if (!started || index > *highest) {
        move(seen, started ? index - *highest : SRTP_WINDOW);
        seen[0] |= 1;
        *highest = index;
    } else {
        uint64_t age = *highest - index;

        seen[age / 64] |= UINT64_C(1) << age % 64;
    }
}

void srtp_index_keep(struct srtp_source *source, uint32_t ssrc, uint64_t index)
{
    keep(source->seen, source->rtp_started, &source->index, index);
    source->rtp_started = source->used = true;
    source->ssrc = ssrc;
}

void srtcp_index_keep(struct srtp_source *source, uint32_t ssrc, uint32_t index)
{
    uint64_t highest = source->rtcp_index;

    keep(source->rtcp_seen, source->rtcp_started, &highest, index);
    source->rtcp_index = (uint32_t)highest;
    source->rtcp_started = source->used = true;
    source->ssrc = ssrc;
}
