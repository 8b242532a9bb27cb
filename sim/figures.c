/* Counting a run. */
#include "sim/figures.h"

#include <stdlib.h>
#include <string.h>

static bool happened(const struct outcome_call *c, enum call_mark m)
{
    return c->at_ms[m] != CALL_TIME_NONE;
}

static uint64_t late_us(const struct outcome_call *c)
{
    return c->started_us > c->intended_us ? c->started_us - c->intended_us : 0;
}

static uint64_t mark_us(const struct outcome_call *c, enum call_mark m)
{
    return (uint64_t)c->at_ms[m] * 1000;
}

uint64_t figures_setup_us(const struct outcome_call *c)
{
    if (happened(c, MARK_ANSWERED))
        return late_us(c) + mark_us(c, MARK_ANSWERED);
    return c->code && happened(c, MARK_END) ? late_us(c) + mark_us(c, MARK_END) : UINT64_MAX;
}

uint64_t figures_end_us(const struct outcome_call *c)
{
    return c->started_us + (happened(c, MARK_END) ? mark_us(c, MARK_END) : 0);
}

bool figures_call_failed(const struct outcome_call *c)
{
    return !c->succeeded || c->checks_failed || c->error[0];
}

double figures_mos(const struct call_media_stats *m)
{
    return m->rtp_received ? m->mos_hundredths / 100.0 : 0;
}

/* ---- RFC 6076 ---- */

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : -1;
}

static void count_code(struct figures_rfc6076 *r, uint16_t code)
{
    switch (code) {
    case 480:
    case 486:
    case 600:
    case 603:
        r->declined++;
        break;
    case 408:
    case 500:
    case 503:
    case 504:
        r->ineffective++;
        break;
    default:
        r->redirected += code >= 300 && code < 400;
    }
}

static void count_session(struct figures_rfc6076 *r, const struct outcome_call *c)
{
    const struct sip_times *s = &c->sip;

    r->attempts++;
    if (!happened(c, MARK_ANSWERED)) {
        count_code(r, c->code);
        if (s->final_us)
            hist_add(&r->srd_failed_us, s->final_us);
        return;
    }
    r->established++;
    if (s->sign_us)
        hist_add(&r->srd_us, s->sign_us);
    if (s->bye_us > s->final_us)
        hist_add(&r->sdt_us, s->bye_us - s->final_us);
    if (s->bye_sent && s->bye_answered_us)
        hist_add(&r->sdd_us, s->bye_answered_us - s->bye_us);
    if (s->bye_sent && !s->bye_answered_us)
        r->disconnects_failed++;
    else if (s->bye_us)
        r->completed++;
}

static void judge(struct figures_rfc6076 *r)
{
    uint64_t counted = r->attempts - r->redirected;

    r->ser = percent(r->established, counted);
    r->seer = percent(r->established + r->declined, counted);
    r->isa = percent(r->ineffective, r->attempts);
    r->scr = percent(r->completed, r->attempts);
}

/* ---- media ---- */

static void count_media(struct figures_media *m, const struct call_media_stats *s)
{
    m->received += s->rtp_received;
    m->sent += s->rtp_sent;
    m->lost += s->rtp_lost;
    m->late += s->rtp_late;
    if (s->rtp_received == 0)
        return;
    m->calls++;
    hist_add(&m->jitter_us, s->jitter_us);
    if (s->mos_hundredths)
        hist_add(&m->mos_hundredths[s->mos_is_wide], s->mos_hundredths);
}

/* ---- the run in slices ---- */

struct setup {
    uint32_t slice;
    uint64_t us;
};

static int by_slice(const void *a, const void *b)
{
    const struct setup *x = a, *y = b;

    if (x->slice != y->slice)
        return x->slice < y->slice ? -1 : 1;
    return x->us < y->us ? -1 : x->us > y->us;
}

static uint32_t slice_at(const struct figures *f, uint64_t us)
{
    uint32_t i = (uint32_t)((double)us / 1e6 / f->slice_s);

    return i < f->slices ? i : f->slices - 1;
}

static void count_slice(struct figures *f, const struct outcome_call *c)
{
    struct figures_slice *s = &f->slice[slice_at(f, c->intended_us)];
    uint32_t end = slice_at(f, figures_end_us(c));

    s->intended++;
    f->slice[slice_at(f, c->started_us)].started++;
    if (figures_call_failed(c))
        f->slice[end].failed++;
    else
        f->slice[end].succeeded++;
    for (uint32_t i = slice_at(f, c->started_us); i < end; i++)
        f->slice[i].active++;
    if (late_us(c) > s->late_max_us)
        s->late_max_us = late_us(c);
}

static void slice_quantiles(struct figures *f, struct setup *setups, uint32_t n)
{
    qsort(setups, n, sizeof *setups, by_slice);
    for (uint32_t from = 0, to; from < n; from = to) {
        for (to = from; to < n && setups[to].slice == setups[from].slice; to++)
            ;
        struct figures_slice *s = &f->slice[setups[from].slice];
        s->setup_p50_us = setups[from + (to - from - 1) / 2].us;
        s->setup_p95_us = setups[from + (uint32_t)((double)(to - from - 1) * 0.95)].us;
    }
}

static void make_slices(struct figures *f, const struct outcome *o)
{
    struct setup *setups = malloc((o->calls + 1) * sizeof *setups);
    uint64_t last_us = 1;
    uint32_t n = 0;

    for (uint32_t i = 0; i < o->calls; i++)
        if (figures_end_us(&o->call[i]) > last_us)
            last_us = figures_end_us(&o->call[i]);
    double seconds = (double)last_us / 1e6;
    f->slice_s = seconds / FIGURES_SLICES < 1 ? 1 : seconds / FIGURES_SLICES;
    f->slices = (uint32_t)(seconds / f->slice_s) + 1;
    if (f->slices > FIGURES_SLICES)
        f->slices = FIGURES_SLICES;
    for (uint32_t i = 0; i < o->calls; i++) {
        const struct outcome_call *c = &o->call[i];
        if (c->kind != FLOW_KIND_CALLER)
            continue;
        count_slice(f, c);
        if (setups && figures_setup_us(c) != UINT64_MAX)
            setups[n++] = (struct setup){slice_at(f, c->intended_us), figures_setup_us(c)};
    }
    if (setups)
        slice_quantiles(f, setups, n);
    free(setups);
}

void figures_make(struct figures *f, const struct outcome *o)
{
    memset(f, 0, sizeof *f);
    hist_reset(&f->start_late_us);
    hist_reset(&f->first_us);
    hist_reset(&f->answered_us);
    hist_reset(&f->rfc6076.srd_us);
    hist_reset(&f->rfc6076.srd_failed_us);
    hist_reset(&f->rfc6076.sdd_us);
    hist_reset(&f->rfc6076.sdt_us);
    hist_reset(&f->media.jitter_us);
    for (int wide = 0; wide < 2; wide++)
        hist_reset(&f->media.mos_hundredths[wide]);
    for (uint32_t i = 0; i < o->calls; i++) {
        const struct outcome_call *c = &o->call[i];
        f->calls++;
        f->answered += happened(c, MARK_ANSWERED);
        f->checks_passed += c->checks_passed;
        f->checks_failed += c->checks_failed;
        f->script_errors += c->outcome == FLOW_ERROR;
        count_media(&f->media, &c->media);
        if (c->kind != FLOW_KIND_CALLER)
            continue;
        count_session(&f->rfc6076, c);
        hist_add(&f->start_late_us, late_us(c));
        if (happened(c, MARK_FIRST_1XX))
            hist_add(&f->first_us, late_us(c) + mark_us(c, MARK_FIRST_1XX));
        if (happened(c, MARK_ANSWERED))
            hist_add(&f->answered_us, late_us(c) + mark_us(c, MARK_ANSWERED));
    }
    judge(&f->rfc6076);
    uint64_t expected = f->media.received + f->media.lost;
    f->media.loss_percent = expected ? 100.0 * (double)f->media.lost / (double)expected : 0;
    make_slices(f, o);
}
