/* The state machine of RFC 3611 A.2 sees packets in the order of their numbers, once each leaves
 * the window. In a gap, losses are Gmin packets or more apart; else it is a burst. */
#include "media/quality.h"

#define JUMP_MAX 1000 /* packets: 20 s of them */

/* What was lost before the present gap: one packet alone (still the gap), or a burst. A.2 counts
 * it when the next loss comes, and takes what was before the first for a burst; here there was
 * nothing. */
static void count_event(struct quality *q)
{
    q->c14 += q->burst_lost == 1;
    q->c13 += q->burst_lost > 1;
    q->burst_lost = 0;
}

/* One packet's fate, in order. */
static void feed(struct quality *q, bool arrived, bool discarded)
{
    q->received += arrived;
    q->thrown_away += discarded;
    q->lost += !arrived;
    if (arrived && !discarded) {
        q->good_run++;
        q->in_run = false;
        return;
    }
    q->runs += !q->in_run;
    q->in_run = true;
    if (q->good_run >= QUALITY_GMIN) {
        count_event(q);
        q->burst_lost = 1;
        q->c11 += q->good_run;
    } else {
        q->burst_lost++;
        if (q->good_run == 0) {
            q->c33++;
        } else {
            q->c23++;
            q->c22 += q->good_run - 1;
        }
    }
    q->good_run = 0;
}

static void feed_oldest(struct quality *q)
{
    uint32_t at = --q->held;

    feed(q, q->arrived >> at & 1, q->discarded >> at & 1);
}

static void begin(struct quality *q, uint16_t seq)
{
    q->started = true;
    q->newest = seq;
    q->arrived = 1;
    q->discarded = 0;
    q->held = 1;
}

void quality_restart(struct quality *q)
{
    while (q->held)
        feed_oldest(q);
    q->started = false;
}

/* The window goes on by one packet, which has not come yet. */
static void step(struct quality *q)
{
    if (q->held == QUALITY_WINDOW)
        feed_oldest(q);
    q->held++;
    q->newest++;
    q->arrived <<= 1;
    q->discarded <<= 1;
}

void quality_take(struct quality *q, uint16_t seq)
{
    int16_t ahead = (int16_t)(seq - q->newest);

    if (q->started && (ahead > JUMP_MAX || ahead < -JUMP_MAX))
        quality_restart(q);
    if (!q->started) {
        begin(q, seq);
        return;
    }
    for (; ahead > 0; ahead--)
        step(q);
    uint32_t back = (uint16_t)(q->newest - seq);

    if (back < q->held)
        q->arrived |= UINT64_C(1) << back;
}

void quality_discard(struct quality *q, uint16_t seq)
{
    uint32_t back = (uint16_t)(q->newest - seq);

    if (q->started && back < q->held)
        q->discarded |= UINT64_C(1) << back;
}

static uint8_t in_256(double share)
{
    double n = share * 256;

    return n >= 255 ? 255 : n > 0 ? (uint8_t)n : 0;
}

static uint16_t in_ms(double ms)
{
    return ms >= 65535 ? 65535 : ms > 0 ? (uint16_t)(ms + 0.5) : 0;
}

/* A.2's last part: c31 is c13, and c32 is c23. */
static void bursts_and_gaps(const struct quality *q, uint32_t packet_ms,
                            struct quality_figures *out)
{
    double c11 = q->c11 + q->good_run, c13 = q->c13, c14 = q->c14, c22 = q->c22, c23 = q->c23,
           c33 = q->c33;
    double all = c11 + c14 + c13 + c22 + c23 + c13 + c23 + c33;
    double p32 = c13 + c23 + c33 > 0 ? c23 / (c13 + c23 + c33) : 0;
    double p23 = c22 + c23 < 1 ? 1 : 1 - c22 / (c22 + c23);

    if (c11 + c14 > 0)
        out->gap_density = in_256(c14 / (c11 + c14));
    if (c13 < 1) { /* no burst has ended: all of it is one gap, or all of it one burst */
        out->gap_ms = in_ms((c11 + c14) * packet_ms);
        return;
    }
    double gap = (c11 + c14 + c13) * packet_ms / c13, burst = all * packet_ms / c13 - gap;

    out->burst_density = in_256(p23 / (p23 + p32));
    out->gap_ms = in_ms(gap);
    out->burst_ms = in_ms(burst);
}

void quality_figures(const struct quality *of, const struct emodel_coding *coding,
                     uint32_t packet_ms, uint32_t delay_ms, struct quality_figures *out)
{
    struct quality q = *of;

    *out = (struct quality_figures){0};
    quality_restart(&q);
    count_event(&q);
    out->expected = q.received + q.lost;
    if (out->expected == 0)
        return;
    double bad = (double)(q.lost + q.thrown_away), share = bad / (double)out->expected;
    /* Mean length of a run of losses over what it would be if they fell by chance. */
    double burst_r = q.runs ? bad / (double)q.runs * (1 - share) : 1;

    out->lost = q.lost;
    out->discarded = q.thrown_away;
    out->loss_rate = in_256((double)q.lost / (double)out->expected);
    out->discard_rate = in_256((double)q.thrown_away / (double)out->expected);
    bursts_and_gaps(&q, packet_ms, out);
    if (!coding)
        return;
    double percent = 100 * share;
    double r = emodel_r(coding, percent, burst_r, delay_ms);
    double r_listening = emodel_r(coding, percent, burst_r, 0);

    out->is_wide = coding->is_wide;
    out->r_factor = (uint8_t)(emodel_r_100(coding, r) + 0.5);
    out->mos_lq_hundredths = (uint16_t)(100 * emodel_mos(coding, r_listening) + 0.5);
    out->mos_cq_hundredths = (uint16_t)(100 * emodel_mos(coding, r) + 0.5);
}
