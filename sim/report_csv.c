/* CSV (RFC 4180), a line a call, for whoever wants to reckon with it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/report_parts.h"

static void put(FILE *f, const char *s)
{
    if (!strpbrk(s, ",\"\r\n")) {
        fprintf(f, "%s,", s);
        return;
    }
    fputc('"', f);
    for (; *s; s++) {
        if (*s == '"')
            fputc('"', f);
        fputc(*s, f);
    }
    fputs("\",", f);
}

static void put_ms(FILE *f, uint32_t ms)
{
    if (ms != CALL_TIME_NONE)
        fprintf(f, "%u", ms);
    fputc(',', f);
}

/* Microseconds as milliseconds; 0: it did not happen. */
static void put_us(FILE *f, uint64_t us)
{
    if (us)
        fprintf(f, "%.3f", (double)us / 1000);
    fputc(',', f);
}

static void put_call(FILE *f, const struct outcome *o, const struct outcome_call *c)
{
    const struct call_media_stats *m = &c->media;
    uint64_t setup = figures_setup_us(c);
    double mos = figures_mos(m);
    char why[200], number[64];

    put(f, o->group[c->group].name);
    put(f, flow_kind_name(c->kind));
    put(f, c->name);
    fprintf(f, "%" PRIu64 ",", c->leg);
    put(f, report_number(c, number, sizeof number));
    put(f, c->caller);
    fprintf(f, "%u,%s,", c->attempt, figures_call_failed(c) ? "failed" : "passed");
    put(f, flow_outcome_name(c->outcome));
    fprintf(f, "%u,%u,%s,%u,%u,", c->code, c->q850, report_ender(c->by), c->checks_passed,
            c->checks_failed);
    report_why(c, why, sizeof why);
    put(f, c->failed_count ? c->failed[0] : c->error[0] ? c->error : why);
    put(f, c->call_id);
    fprintf(f, "%.3f,%.3f,", (double)c->intended_us / 1000, (double)c->started_us / 1000);
    if (setup != UINT64_MAX)
        fprintf(f, "%.3f", (double)setup / 1000);
    fputc(',', f);
    put_ms(f, c->at_ms[MARK_FIRST_1XX]);
    put_ms(f, c->at_ms[MARK_RINGING]);
    put_ms(f, c->at_ms[MARK_ANSWERED]);
    put_ms(f, c->at_ms[MARK_END]);
    put_us(f, c->sip.sign_us);
    put_us(f,
           c->sip.bye_sent && c->sip.bye_answered_us ? c->sip.bye_answered_us - c->sip.bye_us : 0);
    fprintf(f, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%.3f,", m->rtp_received,
            m->rtp_sent, m->rtp_lost, m->rtp_late, m->jitter_us / 1000.0);
    put(f, m->codec);
    if (mos > 0 && !m->mos_is_wide)
        fprintf(f, "%.2f", mos);
    fputc(',', f);
    if (mos > 0 && m->mos_is_wide)
        fprintf(f, "%.2f", mos);
    fputs("\r\n", f);
}

bool report_csv(const struct report *r, const char *path)
{
    FILE *f = fopen(path, "we");

    if (!f)
        return report_close(r->outcome, path, f);
    fputs("group,kind,script,leg,number,caller,attempt,verdict,outcome,code,q850,ended_by,"
          "checks_passed,checks_failed,why,call_id,intended_ms,started_ms,setup_from_intended_ms,"
          "first_1xx_ms,ringing_ms,answered_ms,ended_ms,srd_ms,sdd_ms,rtp_received,rtp_sent,"
          "rtp_lost,rtp_late,jitter_ms,codec,mos_narrowband_estimated,mos_wideband_estimated\r\n",
          f);
    for (uint32_t i = 0; i < r->count; i++)
        put_call(f, r->outcome, report_call(r, i));
    return report_close(r->outcome, path, f);
}
