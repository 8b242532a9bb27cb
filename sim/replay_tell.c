/* How each call of a replay went: a row a side, the first differences in words, and the verdict. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sim/replay_run.h"

#define TOLD_MAX 10 /* differences said one by one */

int replay_open_table(struct replay *s)
{
    char path[400];

    snprintf(path, sizeof path, "%.380s/replay.csv", s->a->report);
    s->table = fopen(path, "we");
    if (!s->table) {
        fprintf(stderr, REPLAY_PROGRAM ": %s: %s\n", path, strerror(errno));
        return SIM_CONFIG;
    }
    fputs("call,side,captured_code,code,same,captured_ring_s,ring_s,captured_answer_s,answer_s,"
          "captured_end_s,end_s,worst_ms\n",
          s->table);
    return SIM_PASS;
}

static void put_time(FILE *f, double s)
{
    if (s >= 0)
        fprintf(f, "%.3f", s);
    fputc(',', f);
}

/* In what the call was otherwise than in the capture; "" when in nothing. */
static void put_difference(const struct replay_leg *leg, const struct replay_result *r, bool late,
                           char *dst, size_t cap)
{
    const struct replay_call *k = leg->call;
    const char *side = leg->side == REPLAY_CALLER ? "caller" : "callee";

    dst[0] = '\0';
    if (!r->same)
        snprintf(dst, cap, "%s, %s: %u in the capture, now %u", k->name, side, k->code, r->code);
    else if (late)
        snprintf(dst, cap, "%s, %s: the %s is %.0f ms off", k->name, side, r->worst_of,
                 r->worst_ms);
}

static void put_row(FILE *f, const struct replay_leg *leg, const struct replay_result *r)
{
    const struct replay_call *k = leg->call;

    fprintf(f, "%s,%s,%u,%u,%s,", k->name, leg->side == REPLAY_CALLER ? "caller" : "callee",
            k->code, r->code, r->same ? "yes" : "no");
    put_time(f, k->ring_s);
    put_time(f, r->ring_s);
    put_time(f, k->answer_s);
    put_time(f, r->answer_s);
    put_time(f, k->end_s);
    put_time(f, r->end_s);
    fprintf(f, "%.0f\n", r->worst_ms);
}

void replay_tell(struct replay *s, const struct replay_leg *leg, struct call *c,
                 const struct replay_result *r, const struct flow_report *report)
{
    char difference[160];
    bool late = s->a->tolerance && r->worst_ms > (double)s->a->tolerance;

    hist_add(&s->off_us, (uint64_t)(r->worst_ms * 1000));
    s->same += r->same;
    s->different += !r->same;
    s->beyond += late;
    put_difference(leg, r, late, difference, sizeof difference);
    if (s->a->report || s->a->junit)
        replay_report_add(s, leg, c, report, difference);
    if (s->table)
        put_row(s->table, leg, r);
    if (!s->a->quiet && difference[0] && s->different + s->beyond <= TOLD_MAX)
        printf("  %s%s%s\n", difference, report->error[0] ? "; " : "", report->error);
}

void replay_json(void *arg, struct json *j)
{
    const struct replay *s = arg;

    json_u64(j, "calls", s->list.count);
    json_u64(j, "callers", s->finished);
    json_u64(j, "callees", s->ended);
    json_u64(j, "as_captured", s->same);
    json_u64(j, "different", s->different);
    json_u64(j, "beyond_tolerance", s->beyond);
    json_u64(j, "refused", s->refused);
    json_u64(j, "not_started", s->not_started);
    json_begin_object(j, "time_off_ms");
    json_num(j, "p50", (double)hist_quantile(&s->off_us, 0.5) / 1000);
    json_num(j, "p99", (double)hist_quantile(&s->off_us, 0.99) / 1000);
    json_num(j, "max", (double)s->off_us.max / 1000);
    json_end(j);
    json_begin_object(j, "start_late_ms");
    json_num(j, "p99", (double)hist_quantile(&s->start_late_us, 0.99) / 1000);
    json_num(j, "max", (double)s->start_late_us.max / 1000);
    json_end(j);
}

int replay_verdict(struct replay *s, int rc)
{
    if (!s->a->quiet)
        printf(
            "peal-sim replay: %u calls made and %u answered of %u captured; %u as captured, %u "
            "not, %u refused, %u not started; times off by p50 %.0f, p99 %.0f, at most %.0f ms\n",
            s->finished, s->ended, s->list.count, s->same, s->different, s->refused, s->not_started,
            (double)hist_quantile(&s->off_us, 0.5) / 1000,
            (double)hist_quantile(&s->off_us, 0.99) / 1000, (double)s->off_us.max / 1000);
    if (rc == SIM_PASS && (s->different || s->not_started || s->beyond)) {
        if (s->beyond)
            fprintf(stderr, REPLAY_PROGRAM ": %u sides are off by more than --tolerance %llu ms\n",
                    s->beyond, (unsigned long long)s->a->tolerance);
        rc = SIM_FAILED;
    }
    return rc;
}
