/* Fills the page: everything up to the mark, the JSON object, everything after it. "</" never
 * stands in the object (written "<\/"), so no lead's name can end the script it is in. */
#include "report/page.h"

#include <stdlib.h>

#include "report/input.h"
#include "report/output.h"
#include "report/report.h"

/* page.c.html beside this file, whole. Changing it alone does not rebuild this file: touch it. */
__asm__(".section .rodata\n"
        ".global peal_report_page\n"
        ".global peal_report_page_end\n"
        "peal_report_page:\n"
        ".incbin \"" __FILE__ ".html\"\n"
        "peal_report_page_end:\n"
        ".byte 0\n"
        ".text\n");
extern const char peal_report_page[], peal_report_page_end[];

#define MARK          "/*DATA*/null"
#define ROWS_JSON_MAX (REPORT_CALLS_MAX * 12288u)
#define DATA_JSON_MAX (512u * 1024u)

enum err page_rows_init(struct page_rows *r, char *error)
{
    *r = (struct page_rows){.text = malloc(ROWS_JSON_MAX)};
    if (!r->text) {
        snprintf(error, SUMMARY_ERROR_MAX, "no memory for the report's table of calls");
        return ERR_NOMEM;
    }
    r->out = buf_on(r->text, ROWS_JSON_MAX);
    json_init(&r->json, &r->out);
    json_begin_array(&r->json, NULL);
    return OK;
}

void page_rows_fini(struct page_rows *r)
{
    free(r->text);
    r->text = NULL;
}

static void copy_text(struct json *j, const struct input *v, const char *from, const char *to)
{
    const char *text = input_text(input_get(v, from));

    if (text && text[0])
        json_cstr(j, to, text);
}

static void copy_number(struct json *j, const struct input *v, const char *from, const char *to)
{
    const struct input *n = input_get(v, from);

    if (input_is_number(n))
        json_num(j, to, input_num(n));
}

static void put_evidence(struct json *j, const struct input *list)
{
    json_begin_array(j, "evidence");
    for (size_t i = 0; i < input_count(list) && i < CALL_EVIDENCE_MAX; i++) {
        const struct input *e = input_at(list, i);
        json_begin_object(j, NULL);
        copy_text(j, e, "kind", "kind");
        copy_text(j, e, "what", "what");
        copy_text(j, e, "sit", "sit");
        copy_text(j, e, "digit", "digit");
        copy_text(j, e, "verdict", "verdict");
        copy_number(j, e, "code", "code");
        copy_number(j, e, "at", "at");
        copy_number(j, e, "until", "until");
        copy_number(j, e, "confidence", "confidence");
        if (input_bool(input_get(e, "early")))
            json_bool(j, "early", true);
        json_end(j);
    }
    json_end(j);
}

void page_rows_add(struct page_rows *r, const struct input *call, const char *truth)
{
    struct json *j = &r->json;
    const struct input *times = input_get(call, "times");

    if (r->count == REPORT_CALLS_MAX) {
        r->left_out++;
        return;
    }
    r->count++;
    json_begin_object(j, NULL);
    copy_text(j, call, "lead", "lead");
    copy_text(j, call, "number", "number");
    copy_number(j, call, "attempt", "attempt");
    copy_text(j, call, "invite", "time");
    copy_text(j, call, "result", "result");
    copy_text(j, call, "delivery", "delivery");
    copy_text(j, call, "agent", "agent");
    copy_text(j, call, "trunk", "trunk");
    copy_text(j, call, "ended_by", "ended_by");
    copy_text(j, call, "sip_reason", "reason");
    copy_text(j, call, "recording", "recording");
    copy_number(j, call, "sip_code", "sip");
    copy_number(j, call, "q850", "q850");
    copy_number(j, call, "confidence", "confidence");
    copy_number(j, call, "answer_to_agent_ms", "to_agent");
    if (input_bool(input_get(call, "abandoned")))
        json_bool(j, "abandoned", true);
    if (truth[0])
        json_cstr(j, "truth", truth);
    json_begin_object(j, "times");
    for (int m = 0; m < MARK_COUNT; m++)
        copy_number(j, times, call_mark_name((enum call_mark)m), call_mark_name((enum call_mark)m));
    json_end(j);
    put_evidence(j, input_get(call, "evidence"));
    json_end(j);
}

static void put_bins(struct json *j, const char *name, const uint32_t *bins)
{
    json_begin_array(j, name);
    for (uint32_t i = 0; i < SUMMARY_BINS; i++)
        json_u64(j, NULL, bins[i]);
    json_end(j);
}

static void put_over_time(const struct summary *s, struct json *j)
{
    json_u64(j, "bucket_ms", s->bucket_ms);
    json_begin_array(j, "over_time");
    for (uint32_t i = 0; i < s->bucket_count; i++) {
        json_begin_array(j, NULL);
        json_num(j, NULL, s->over_time[i].ringing / 100.0);
        json_num(j, NULL, s->over_time[i].answered / 100.0);
        json_num(j, NULL, s->over_time[i].connected / 100.0);
        json_u64(j, NULL, s->over_time[i].peak);
        json_end(j);
    }
    json_end(j);
}

static void put_run(const struct summary *s, struct json *j)
{
    json_begin_object(j, "run");
    json_cstr(j, "version", s->run.version);
    json_bool(j, "interrupted", s->run.interrupted);
    json_u64(j, "started_ms", s->run.started_wall_ms);
    json_u64(j, "ended_ms", s->run.ended_wall_ms);
    json_u64(j, "agents", s->run.agents);
    json_u64(j, "recordings", s->run.recordings);
    json_begin_array(j, "agent");
    for (uint32_t i = 0; i < s->run.agent_listed; i++) {
        const struct run_agent *a = &s->run.agent[i];
        json_begin_object(j, NULL);
        json_cstr(j, "name", a->name);
        json_u64(j, "calls", a->calls);
        json_u64(j, "free", a->free_ms);
        json_u64(j, "talking", a->talking_ms);
        json_u64(j, "wrapping", a->wrapping_ms);
        json_u64(j, "out", a->out_ms);
        json_end(j);
    }
    json_end(j);
    json_begin_array(j, "samples");
    for (uint32_t i = 0; i < s->run.sample_count; i++) {
        const struct run_sample *m = &s->run.samples[i];
        json_begin_array(j, NULL);
        json_u64(j, NULL, m->at_s);
        json_u64(j, NULL, m->agents_talking);
        json_u64(j, NULL, m->agents_wrapping);
        json_u64(j, NULL, m->agents_free);
        json_u64(j, NULL, m->agents_out);
        json_num(j, NULL, m->expected_tenths / 10.0);
        json_num(j, NULL, m->theta_bp / 100.0);
        json_num(j, NULL, m->risk_bp / 100.0);
        json_u64(j, NULL, m->live);
        json_u64(j, NULL, m->abandoned);
        json_u64(j, NULL, m->dialling + m->ringing + m->answered + m->waiting);
        json_end(j);
    }
    json_end(j);
    json_end(j);
}

/* JSON text into a script: "</" is the one thing HTML would understand. */
static void put_script(FILE *f, struct slice text)
{
    uint32_t start = 0;

    for (uint32_t i = 0; i + 1 < text.len; i++) {
        if (text.p[i] == '<' && (text.p[i + 1] == '/' || text.p[i + 1] == '!')) {
            fwrite(text.p + start, 1, i - start, f);
            fputs("\\u003c", f);
            start = i + 1;
        }
    }
    fwrite(text.p + start, 1, text.len - start, f);
}

static enum err make_data(const struct summary *s, const char *title, struct page_rows *rows,
                          struct buf *b)
{
    struct json j;

    json_init(&j, b);
    json_begin_object(&j, NULL);
    json_cstr(&j, "title", title);
    json_begin_object(&j, "summary");
    summary_put(s, &j);
    json_end(&j);
    json_bool(&j, "has_run", s->has_run);
    json_bool(&j, "has_truth", s->has_truth);
    put_run(s, &j);
    put_over_time(s, &j);
    put_bins(&j, "to_agent_bins", s->answer_to_agent_bins);
    put_bins(&j, "greeting_bins", s->greeting_to_agent_bins);
    put_bins(&j, "to_verdict_bins", s->answer_to_verdict_bins);
    json_u64(&j, "bin_ms", SUMMARY_BIN_MS);
    json_u64(&j, "rows_left_out", rows->left_out);
    json_end(&j);
    return buf_end(b);
}

enum err page_write(const struct summary *s, const char *title, struct page_rows *rows,
                    const char *path, char *error)
{
    struct slice page =
        slice_of(peal_report_page, (size_t)(peal_report_page_end - peal_report_page));
    const char *mark = memmem(page.p, page.len, MARK, sizeof(MARK) - 1);
    char *data = malloc(DATA_JSON_MAX);
    struct buf b = buf_on(data, data ? DATA_JSON_MAX : 0);
    struct output o;

    json_end(&rows->json);
    enum err e = mark ? make_data(s, title, rows, &b) : ERR_INVALID;
    if (!e)
        e = buf_end(&rows->out);
    if (e) {
        snprintf(error, SUMMARY_ERROR_MAX, "%.300s: the page's data do not fit", path);
        free(data);
        return e;
    }
    e = output_open(&o, path, error);
    if (!e) {
        const char *after = mark + sizeof(MARK) - 1;
        fwrite(page.p, 1, (size_t)(mark - page.p), o.file);
        fputs("{\"figures\":", o.file);
        put_script(o.file, buf_slice(&b));
        fputs(",\"rows\":", o.file);
        put_script(o.file, buf_slice(&rows->out));
        fputc('}', o.file);
        fwrite(after, 1, (size_t)(peal_report_page_end - after), o.file);
        e = output_close(&o, true, error);
    }
    free(data);
    return e;
}
