/* What Prometheus may ask of a run. */
#include "sim/run.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static void put_groups(const struct run *r, struct buf *b, const char *name, const char *kind,
                       const char *help, size_t field)
{
    char label[160];

    prometheus_metric(b, name, kind, help);
    for (uint32_t i = 0; i < r->opened; i++) {
        uint64_t value;
        memcpy(&value, (const char *)&r->calling[i] + field, sizeof value);
        /* Names have letters, digits, - and _ only: nothing is to be escaped. */
        snprintf(label, sizeof label, "group=\"%.100s\"", r->suite->callers[i].name);
        prometheus_value(b, name, label, (double)value);
    }
}

static void put_one(struct buf *b, const char *name, const char *kind, const char *help,
                    double value)
{
    prometheus_metric(b, name, kind, help);
    prometheus_value(b, name, NULL, value);
}

static void put_page(void *arg, struct buf *b)
{
    static struct hist late, answered; /* the control thread's; too large for its stack */
    const struct run *r = arg;
    const struct media_metrics *m = &r->host.lateness.media;

    put_groups(r, b, "peal_sim_calls_planned", "gauge", "Calls of the plan.",
               offsetof(struct calling, planned));
    put_groups(r, b, "peal_sim_calls_started_total", "counter", "INVITEs sent.",
               offsetof(struct calling, started));
    put_groups(r, b, "peal_sim_calls_succeeded_total", "counter", "Calls that went as expected.",
               offsetof(struct calling, succeeded));
    put_groups(r, b, "peal_sim_calls_failed_total", "counter", "Calls that did not.",
               offsetof(struct calling, failed));
    put_one(b, "peal_sim_calls_answered_here_total", "counter", "Calls that came to the callees.",
            r->answers ? (double)r->outcome.group[0].calls : 0);
    put_one(b, "peal_sim_calls_active", "gauge", "Calls up now, of both sides.",
            call_env_count(r->host.env));
    put_one(b, "peal_sim_checks_passed_total", "counter", "Checks of scripts that passed.",
            (double)r->host.truth.checks_passed);
    put_one(b, "peal_sim_checks_failed_total", "counter", "Checks of scripts that failed.",
            (double)r->host.truth.checks_failed);
    put_one(b, "peal_sim_rtp_sent_total", "counter", "RTP packets sent.", (double)m->rtp_sent);
    put_one(b, "peal_sim_rtp_received_total", "counter", "RTP packets received.",
            (double)m->rtp_received);
    hist_reset(&late);
    hist_reset(&answered);
    for (uint32_t i = 0; i < r->opened; i++) {
        hist_merge(&late, &r->calling[i].start_late_us);
        hist_merge(&answered, &r->calling[i].answer_us);
    }
    prometheus_summary(b, "peal_sim_start_late_seconds",
                       "INVITE after the instant the plan intended.", &late);
    prometheus_summary(b, "peal_sim_answer_seconds", "Answer after the intended instant.",
                       &answered);
    prometheus_summary(b, "peal_sim_control_late_seconds",
                       "How late the simulator's signalling is.", &r->host.lateness.control_us);
    prometheus_summary(b, "peal_sim_media_late_seconds", "How late the simulator's audio is.",
                       &m->tick_late_us);
}

int run_open_metrics(struct run *r, const struct run_arguments *a)
{
    char error[160];

    if (!a->prometheus ||
        prometheus_open(&r->metrics, &r->host.loop, a->prometheus, put_page, r, error) == OK)
        return SIM_PASS;
    fprintf(stderr, RUN_PROGRAM ": --prometheus %s\n", error);
    return SIM_CONFIG;
}
