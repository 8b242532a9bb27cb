/* summary.json: the figures under the names that others read by program. */
#include <stdlib.h>

#include "report/output.h"
#include "report/summary.h"

#define SUMMARY_JSON_MAX (256 * 1024)

static void put_results(struct json *j, const uint64_t *by_result)
{
    for (int i = 0; i < RESULT_COUNT; i++) {
        if (by_result[i])
            json_u64(j, result_name((enum result)i), by_result[i]);
    }
}

static void put_confusion(const struct summary *s, struct json *j)
{
    json_begin_object(j, "confusion");
    for (uint32_t i = 0; i < s->truth_count; i++) {
        json_begin_object(j, s->truths[i].name);
        put_results(j, s->truths[i].by_result);
        if (s->truths[i].unrecorded)
            json_u64(j, "unrecorded", s->truths[i].unrecorded);
        json_end(j);
    }
    json_end(j);
}

static void put_hist(struct json *j, const char *name, const struct hist *h)
{
    json_begin_object(j, name);
    json_u64(j, "count", h->count);
    json_u64(j, "p50", hist_quantile(h, 0.5));
    json_u64(j, "p90", hist_quantile(h, 0.9));
    json_u64(j, "p99", hist_quantile(h, 0.99));
    json_u64(j, "max", h->max);
    json_num(j, "mean", h->count ? hist_mean(h) : 0.0);
    json_end(j);
}

static void put_groups(const struct summary *s, struct json *j)
{
    if (!s->group_count)
        return;
    json_begin_object(j, "groups");
    for (uint32_t i = 0; i < s->group_count; i++) {
        const struct summary_group *g = &s->groups[i];

        json_begin_object(j, g->name);
        json_u64(j, "live", g->live);
        json_u64(j, "connected", g->connected);
        json_u64(j, "abandoned", g->abandoned);
        json_end(j);
    }
    json_end(j);
}

static void put_abandonment(const struct summary *s, struct json *j)
{
    json_begin_object(j, "abandonment");
    json_u64(j, "live", s->live);
    json_u64(j, "abandoned", s->abandoned);
    json_u64(j, "callee_left", s->callee_left);
    json_num(j, "percent", s->abandonment_percent);
    if (s->has_run) {
        json_num(j, "cap_percent", s->run.abandonment_cap_percent);
        json_u64(j, "limit_ms", s->run.abandonment_limit_ms);
    }
    json_end(j);
}

/* "answered": the share of calls that a person answered, to stand beside "expected". */
static void put_tenth(struct json *j, const struct calibration_tenth *t)
{
    json_u64(j, "calls", t->calls);
    json_u64(j, "live", t->live);
    json_num(j, "expected", t->expected);
    json_num(j, "answered", t->calls ? (double)t->live / (double)t->calls : 0);
}

static void put_calibration(const struct summary *s, struct json *j)
{
    struct calibration_tenth all = calibration_all(&s->calibration), tenth[CALIBRATION_TENTHS];
    uint32_t n = calibration_tenths(&s->calibration, tenth);
    double without, error = calibration_error(&s->calibration, &without);

    json_begin_object(j, "score_calibration");
    put_tenth(j, &all);
    json_num(j, "brier", error);
    json_num(j, "brier_without_scores", without);
    json_begin_array(j, "tenths");
    for (uint32_t i = 0; i < n; i++) {
        json_begin_object(j, NULL);
        json_num(j, "from", tenth[i].from);
        json_num(j, "to", tenth[i].to);
        put_tenth(j, &tenth[i]);
        json_end(j);
    }
    json_end(j);
    json_end(j);
}

static void put_books(const struct summary *s, struct json *j)
{
    json_bool(j, "balance_ok", s->balance_ok);
    json_begin_array(j, "balance_reasons");
    for (uint32_t i = 0; i < s->reason_count; i++)
        json_cstr(j, NULL, s->reasons[i]);
    json_end(j);
    json_begin_object(j, "books");
    json_u64(j, "leads", s->leads);
    json_u64(j, "finished", s->finished);
    json_u64(j, "pending", s->pending);
    json_u64(j, "attempts_recorded", s->attempts);
    if (s->has_run)
        json_u64(j, "attempts_redis", s->run.attempts_redis);
    if (s->has_truth) {
        json_u64(j, "calls_simulator", s->simulator_calls);
        json_u64(j, "unrecorded", s->unrecorded);
        json_u64(j, "without_truth", s->without_truth);
    }
    json_u64(j, "duplicates", s->duplicates);
    json_u64(j, "torn_lines", s->torn_lines);
    json_u64(j, "bad_lines", s->bad_lines);
    json_end(j);
}

void summary_put(const struct summary *s, struct json *j)
{
    json_cstr(j, "campaign", s->campaign);
    json_u64(j, "leads", s->leads);
    json_u64(j, "finished", s->finished);
    json_u64(j, "pending", s->pending);
    json_u64(j, "attempts", s->attempts);
    json_u64(j, "not_dialled", s->not_dialled);
    json_begin_object(j, "results");
    put_results(j, s->results);
    json_end(j);
    json_begin_object(j, "delivery");
    for (int i = DELIVERY_NONE + 1; i < DELIVERY_COUNT; i++) {
        if (s->deliveries[i])
            json_u64(j, delivery_name((enum delivery)i), s->deliveries[i]);
    }
    json_end(j);
    put_confusion(s, j);
    if (s->verdict_total)
        json_num(j, "verdict_right_percent",
                 100.0 * (double)s->verdict_right / (double)s->verdict_total);
    else
        json_put_null(j, "verdict_right_percent");
    put_abandonment(s, j);
    put_groups(s, j);
    put_calibration(s, j);
    put_hist(j, "answer_to_agent_ms", &s->answer_to_agent_ms);
    put_hist(j, "greeting_to_agent_ms", &s->greeting_to_agent_ms);
    put_hist(j, "answer_to_verdict_ms", &s->answer_to_verdict_ms);
    put_hist(j, "setup_ms", &s->setup_ms);
    put_hist(j, "ring_ms", &s->ring_ms);
    put_hist(j, "talk_ms", &s->talk_ms);
    if (s->lateness_p99_ms >= 0)
        json_num(j, "simulator_lateness_p99_ms", s->lateness_p99_ms);
    else
        json_put_null(j, "simulator_lateness_p99_ms");
    json_bool(j, "simulator_invalid", s->simulator_invalid);
    if (s->simulator_why[0])
        json_cstr(j, "simulator_why", s->simulator_why);
    json_u64(j, "rtp_received_packets", s->rtp_received);
    json_u64(j, "lost_rtp_packets", s->rtp_lost);
    trunks_put(&s->trunks, j);
    json_u64(j, "peak_concurrent_calls", s->peak_concurrent);
    json_u64(j, "first_call_ms", s->first_wall_ms);
    json_u64(j, "last_call_ms", s->last_wall_ms);
    put_books(s, j);
}

enum err summary_write_json(const struct summary *s, const char *path, char *error)
{
    char *text = malloc(SUMMARY_JSON_MAX);
    struct buf b = buf_on(text, text ? SUMMARY_JSON_MAX : 0);
    struct json j;

    json_init(&j, &b);
    json_begin_object(&j, NULL);
    summary_put(s, &j);
    json_end(&j);
    buf_putc(&b, '\n');
    enum err e = buf_end(&b);
    if (e)
        snprintf(error, SUMMARY_ERROR_MAX, "%.160s: no memory to write it", path);
    else
        e = output_write(path, buf_slice(&b), error);
    free(text);
    return e;
}
