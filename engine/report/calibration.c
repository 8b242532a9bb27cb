/* Counting sort by score, cut where a tenth of the calls is full. */
#include "report/calibration.h"

static bool says_nothing(enum result r)
{
    return r == RESULT_CANCELLED || r == RESULT_CONGESTION || r == RESULT_OUR_FAULT ||
           r == RESULT_NO_TRUNK || r == RESULT_NO_MEDIA;
}

void calibration_add(struct calibration *c, double score, const struct call_record *r)
{
    if (!(score > 0) || score > 1 || says_nothing(r->result))
        return;
    uint32_t step = (uint32_t)(score * CALIBRATION_STEPS + 0.5);

    c->calls[step]++;
    c->live[step] +=
        result_is_live(r->result) || r->delivery == DELIVERY_CONNECTED || r->abandoned_strict;
}

static void take(struct calibration_tenth *t, const struct calibration *c, uint32_t step)
{
    double score = (double)step / CALIBRATION_STEPS, calls = c->calls[step];

    if (t->calls == 0)
        t->from = score;
    t->to = score;
    t->expected = (t->expected * (double)t->calls + score * calls) / ((double)t->calls + calls);
    t->calls += c->calls[step];
    t->live += c->live[step];
}

struct calibration_tenth calibration_all(const struct calibration *c)
{
    struct calibration_tenth all = {0};

    for (uint32_t i = 0; i <= CALIBRATION_STEPS; i++)
        if (c->calls[i])
            take(&all, c, i);
    return all;
}

uint32_t calibration_tenths(const struct calibration *c,
                            struct calibration_tenth out[CALIBRATION_TENTHS])
{
    uint64_t total = calibration_all(c).calls, before = 0;
    uint32_t n = 0, last = UINT32_MAX;

    for (uint32_t i = 0; i <= CALIBRATION_STEPS; i++) {
        if (c->calls[i] == 0)
            continue;
        /* Where the middle of them stands among all. */
        uint32_t tenth = (uint32_t)((2 * before + c->calls[i]) * CALIBRATION_TENTHS / (2 * total));

        if (tenth != last)
            out[n++] = (struct calibration_tenth){0};
        take(&out[n - 1], c, i);
        last = tenth;
        before += c->calls[i];
    }
    return n;
}

double calibration_error(const struct calibration *c, double *without)
{
    struct calibration_tenth all = calibration_all(c);
    double share = all.calls ? (double)all.live / (double)all.calls : 0, sum = 0;

    for (uint32_t i = 0; i <= CALIBRATION_STEPS; i++) {
        double score = (double)i / CALIBRATION_STEPS, live = c->live[i];

        sum += live * (1 - score) * (1 - score) + (c->calls[i] - live) * score * score;
    }
    *without = share * (1 - share);
    return all.calls ? sum / (double)all.calls : 0;
}
