/* The figures of a run as JSON: one object, for the file report.json and for the page. Generator
 * health first: without it the rest means nothing. */
#include <stdlib.h>
#include <string.h>

#include "flow/lines.h"
#include "sim/report_parts.h"
#include "sim/waveform.h"

#define MOS_METHOD                                                                                 \
    "estimated by the E-model (ITU-T G.107; codecs of wide band by G.107.1, on a scale of their "  \
    "own) from codec, loss and delay; nobody listened"
#define SCRIPTS_MAX   64
#define LINE_TEXT_MAX 160

static void put_quantiles(struct json *j, const char *name, const struct hist *h, double scale)
{
    json_begin_object(j, name);
    json_u64(j, "count", h->count);
    if (h->count) {
        json_num(j, "p50", (double)hist_quantile(h, 0.5) / scale);
        json_num(j, "p90", (double)hist_quantile(h, 0.9) / scale);
        json_num(j, "p95", (double)hist_quantile(h, 0.95) / scale);
        json_num(j, "p99", (double)hist_quantile(h, 0.99) / scale);
        json_num(j, "max", (double)h->max / scale);
        json_num(j, "mean", hist_mean(h) / scale);
    }
    json_end(j);
}

static void put_ratio(struct json *j, const char *name, double v)
{
    if (v < 0)
        json_put_null(j, name);
    else
        json_num(j, name, v);
}

static void put_generator(struct json *j, const struct outcome *o, const struct figures *f)
{
    const struct lateness_result *l = &o->lateness;

    json_begin_object(j, "generator");
    json_bool(j, "valid", l->valid);
    json_cstr(j, "why", l->valid ? NULL : l->why);
    lateness_json(l, j);
    put_quantiles(j, "start_late_ms", &f->start_late_us, 1000);
    json_end(j);
}

static void put_groups(struct json *j, const struct outcome *o)
{
    json_begin_array(j, "groups");
    for (uint32_t i = 0; i < o->groups; i++) {
        const struct outcome_group *g = &o->group[i];
        json_begin_object(j, NULL);
        json_cstr(j, "name", g->name);
        json_cstr(j, "file", g->file);
        json_u64(j, "line", g->line);
        json_cstr(j, "script", g->script);
        json_bool(j, "answering", g->answering);
        if (!g->answering) {
            json_u64(j, "planned", g->planned);
            json_u64(j, "not_started", g->not_started);
            json_num(j, "min_success_percent", g->min_success);
        }
        json_u64(j, "calls", g->calls);
        json_u64(j, "succeeded", g->succeeded);
        json_u64(j, "failed", g->failed);
        json_bool(j, "passed", g->passed);
        json_end(j);
    }
    json_end(j);
}

static void put_rfc6076(struct json *j, const struct figures_rfc6076 *r)
{
    json_begin_object(j, "rfc6076");
    json_u64(j, "sessions", r->attempts);
    json_u64(j, "established", r->established);
    json_u64(j, "completed", r->completed);
    json_u64(j, "redirected", r->redirected);
    json_u64(j, "declined", r->declined);
    json_u64(j, "ineffective", r->ineffective);
    json_u64(j, "disconnects_failed", r->disconnects_failed);
    put_ratio(j, "ser_percent", r->ser);
    put_ratio(j, "seer_percent", r->seer);
    put_ratio(j, "isa_percent", r->isa);
    put_ratio(j, "scr_percent", r->scr);
    put_quantiles(j, "srd_ms", &r->srd_us, 1000);
    put_quantiles(j, "srd_failed_ms", &r->srd_failed_us, 1000);
    put_quantiles(j, "sdd_ms", &r->sdd_us, 1000);
    put_quantiles(j, "sdt_s", &r->sdt_us, 1e6);
    json_end(j);
}

static void put_mos(struct json *j, const char *scale, const struct hist *hundredths)
{
    json_begin_object(j, scale);
    json_u64(j, "calls", hundredths->count);
    if (hundredths->count) {
        json_num(j, "mean", hist_mean(hundredths) / 100);
        json_num(j, "p50", (double)hist_quantile(hundredths, 0.5) / 100);
        json_num(j, "p5", (double)hist_quantile(hundredths, 0.05) / 100);
        json_num(j, "min", (double)hundredths->min / 100);
    }
    json_end(j);
}

static void put_media(struct json *j, const struct figures_media *m)
{
    json_begin_object(j, "media");
    json_u64(j, "calls", m->calls);
    json_u64(j, "rtp_received", m->received);
    json_u64(j, "rtp_sent", m->sent);
    json_u64(j, "rtp_lost", m->lost);
    json_u64(j, "rtp_late", m->late);
    json_num(j, "loss_percent", m->loss_percent);
    put_quantiles(j, "jitter_ms", &m->jitter_us, 1000);
    json_begin_object(j, "mos_estimated");
    json_cstr(j, "method", MOS_METHOD);
    put_mos(j, "narrowband", &m->mos_hundredths[false]);
    put_mos(j, "wideband", &m->mos_hundredths[true]);
    json_end(j);
    json_end(j);
}

static void put_latency(struct json *j, const struct figures *f)
{
    json_begin_object(j, "from_intended");
    put_quantiles(j, "first_response_ms", &f->first_us, 1000);
    put_quantiles(j, "answer_ms", &f->answered_us, 1000);
    json_end(j);
}

static void put_slices(struct json *j, const struct figures *f)
{
    json_num(j, "slice_seconds", f->slice_s);
    json_begin_array(j, "slices");
    for (uint32_t i = 0; i < f->slices; i++) {
        const struct figures_slice *s = &f->slice[i];
        json_begin_object(j, NULL);
        json_u64(j, "intended", s->intended);
        json_u64(j, "started", s->started);
        json_u64(j, "passed", s->succeeded);
        json_u64(j, "failed", s->failed);
        json_u64(j, "active", s->active);
        json_num(j, "setup_p50_ms", (double)s->setup_p50_us / 1000);
        json_num(j, "setup_p95_ms", (double)s->setup_p95_us / 1000);
        json_num(j, "late_max_ms", (double)s->late_max_us / 1000);
        json_end(j);
    }
    json_end(j);
}

/* ---- scripts, line by line ---- */

static struct slice next_line(struct slice *text)
{
    struct slice line;

    slice_cut(*text, '\n', &line, text);
    return line.len > LINE_TEXT_MAX ? slice_of(line.p, LINE_TEXT_MAX) : line;
}

static void put_script(struct json *j, const struct flow_script *s)
{
    uint32_t count;
    const struct flow_line *lines = flow_script_lines(s, &count);
    struct slice text = flow_script_text(s);

    json_begin_object(j, NULL);
    json_cstr(j, "name", flow_script_name(s));
    json_cstr(j, "path", flow_script_path(s));
    json_begin_array(j, "lines");
    for (uint32_t i = 0; i < count; i++) {
        const struct flow_line *l = &lines[i];
        struct slice line = next_line(&text);
        if (!l->reached && !l->failed)
            continue;
        json_begin_object(j, NULL);
        json_u64(j, "line", i + 1);
        json_str(j, "text", slice_trim(line));
        json_u64(j, "reached", l->reached);
        json_num(j, "waited_s", (double)l->waited_us / 1e6);
        json_u64(j, "failed", l->failed);
        json_u64(j, "hangups", l->hangups);
        json_end(j);
    }
    json_end(j);
    json_end(j);
}

/* Scripts that had calls, by path, so that they stand in one order. */
static int by_path(const void *a, const void *b)
{
    return strcmp(flow_script_path(*(const struct flow_script *const *)a),
                  flow_script_path(*(const struct flow_script *const *)b));
}

static void put_scripts(struct json *j, const struct outcome *o)
{
    const struct flow_script *seen[SCRIPTS_MAX];
    uint32_t count = 0;

    for (uint32_t i = 0; i < o->calls && count < SCRIPTS_MAX; i++) {
        bool known = !o->call[i].source;
        for (uint32_t k = 0; k < count && !known; k++)
            known = seen[k] == o->call[i].source;
        if (!known)
            seen[count++] = o->call[i].source;
    }
    qsort(seen, count, sizeof *seen, by_path);
    json_begin_array(j, "scripts");
    for (uint32_t i = 0; i < count; i++)
        put_script(j, seen[i]);
    json_end(j);
}

/* ---- the worst calls ---- */

static void put_ladder(struct json *j, const struct trace_call *t)
{
    char name[48];

    json_begin_array(j, "messages");
    for (uint32_t i = 0; t && i < t->count; i++) {
        const struct trace_message *m = &t->message[i];
        json_begin_object(j, NULL);
        json_num(j, "at_ms", (double)(m->at_us - t->message[0].at_us) / 1000);
        json_bool(j, "sent", m->out);
        json_bool(j, "repeated", m->repeated);
        json_cstr(j, "name", trace_name(m, name, sizeof name));
        json_str(j, "text", trace_text(t, m));
        json_end(j);
    }
    json_end(j);
}

static void put_peaks(struct json *j, const char *name, const uint8_t *peaks, uint32_t n)
{
    json_begin_array(j, name);
    for (uint32_t i = 0; i < n; i++)
        json_u64(j, NULL, peaks[i]);
    json_end(j);
}

static void put_waveform(struct json *j, const struct outcome_call *c)
{
    static struct waveform w; /* the control thread's; too large for its stack */

    if (!c->recording[0] || !waveform_read(&w, c->recording))
        return;
    /* It begins when audio can flow and ends with the call. */
    uint32_t end = c->at_ms[MARK_END] == CALL_TIME_NONE ? 0 : c->at_ms[MARK_END];
    json_begin_object(j, "audio");
    json_cstr(j, "file", c->recording);
    json_u64(j, "start_ms", end > w.ms ? end - w.ms : 0);
    json_u64(j, "ms", w.ms);
    put_peaks(j, "far", w.far, w.points);
    put_peaks(j, "near", w.near, w.points);
    json_end(j);
}

static void put_moments(struct json *j, const struct outcome_call *c)
{
    json_begin_array(j, "marks");
    for (uint32_t i = 0; i < c->marks_count; i++) {
        json_begin_object(j, NULL);
        json_cstr(j, "name", c->marks[i].name);
        json_u64(j, "at_ms", c->marks[i].at_ms);
        json_end(j);
    }
    json_end(j);
    json_begin_array(j, "heard");
    for (uint32_t i = 0; i < c->heard_count; i++) {
        json_begin_object(j, NULL);
        json_cstr(j, "kind", dsp_kind_name((enum dsp_kind)c->heard[i].kind));
        json_u64(j, "start_ms", c->heard[i].start_ms);
        json_u64(j, "end_ms", c->heard[i].end_ms);
        json_end(j);
    }
    json_end(j);
}

static void put_worst(struct json *j, const struct report *r, const struct worst_call *w)
{
    const struct outcome_call *c = &r->outcome->call[w->call];
    uint64_t setup = figures_setup_us(c);
    double mos = figures_mos(&c->media);
    char why[200], number[64];

    report_why(c, why, sizeof why);
    json_begin_object(j, NULL);
    json_cstr(j, "group", r->outcome->group[c->group].name);
    json_cstr(j, "kind", flow_kind_name(c->kind));
    json_cstr(j, "script", c->name);
    json_u64(j, "leg", c->leg);
    json_cstr(j, "number", report_number(c, number, sizeof number));
    json_cstr(j, "caller", c->caller);
    json_cstr(j, "call_id", c->call_id);
    json_bool(j, "failed", figures_call_failed(c));
    json_cstr(j, "outcome", flow_outcome_name(c->outcome));
    json_cstr(j, "ended_by", report_ender(c->by));
    json_u64(j, "code", c->code);
    json_cstr(j, "why", why);
    json_num(j, "intended_ms", (double)c->intended_us / 1000);
    json_num(j, "start_late_ms", (double)(c->started_us - c->intended_us) / 1000);
    if (setup != UINT64_MAX)
        json_num(j, "setup_from_intended_ms", (double)setup / 1000);
    json_cstr(j, "codec", c->media.codec);
    if (mos > 0) {
        json_num(j, "mos_estimated", mos);
        json_cstr(j, "mos_scale", c->media.mos_is_wide ? "wideband" : "narrowband");
    }
    json_begin_array(j, "failures");
    for (uint32_t i = 0; i < c->failed_count; i++)
        json_cstr(j, NULL, c->failed[i]);
    if (report_error_is_new(c))
        json_cstr(j, NULL, c->error);
    json_end(j);
    put_moments(j, c);
    put_ladder(j, w->trace);
    put_waveform(j, c);
    json_end(j);
}

static void put_worst_calls(struct json *j, const struct report *r)
{
    const struct worst *w = &r->outcome->worst;

    json_begin_array(j, "worst");
    for (uint32_t i = 0; i < w->count; i++)
        put_worst(j, r, &w->call[i]);
    json_end(j);
}

/* ---- */

static void put_totals(struct json *j, const struct outcome *o, const struct figures *f)
{
    json_u64(j, "calls", f->calls);
    json_u64(j, "calls_dropped", o->calls_dropped);
    json_u64(j, "answered", f->answered);
    json_begin_object(j, "checks");
    json_u64(j, "passed", f->checks_passed);
    json_u64(j, "failed", f->checks_failed);
    json_end(j);
    json_u64(j, "script_errors", f->script_errors);
    json_begin_array(j, "errors");
    for (uint32_t i = 0; i < o->errors; i++)
        json_cstr(j, NULL, o->error[i]);
    json_end(j);
}

void report_data(const struct report *r, struct json *j, bool all)
{
    static const char *const verdicts[] = {"passed", "failed", "configuration", "invalid"};
    const struct outcome *o = r->outcome;

    put_generator(j, o, r->figures);
    json_cstr(j, "suite", o->suite);
    json_cstr(j, "file", o->path);
    json_u64(j, "seed", o->seed);
    json_cstr(j, "verdict", verdicts[o->verdict]);
    json_u64(j, "started_wall_ms", o->started_wall_ms);
    json_num(j, "seconds", o->seconds);
    put_totals(j, o, r->figures);
    put_groups(j, o);
    put_latency(j, r->figures);
    put_rfc6076(j, &r->figures->rfc6076);
    put_media(j, &r->figures->media);
    put_scripts(j, o);
    put_slices(j, r->figures);
    if (all)
        put_worst_calls(j, r);
}
