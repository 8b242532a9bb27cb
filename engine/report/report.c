/* One pass over the records gives the summary, the rows of results.csv and the page's table. */
#include "report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "report/input.h"
#include "report/output.h"
#include "report/page.h"

struct writing {
    struct output csv;
    bool has_csv;
    struct page_rows rows;
    bool has_page;
};

static void csv_text(FILE *f, const char *text)
{
    if (!text)
        return;
    /* A leading =, +, -, @ would run as a formula in a spreadsheet; numbers keep their "+". */
    bool number = text[0] == '+' && text[1] && text[1 + strspn(text + 1, "0123456789")] == '\0';
    bool formula = text[0] && strchr("=+-@\t\r", text[0]) && !number;
    bool quote = strpbrk(text, ",\"\r\n") != NULL;

    if (quote)
        fputc('"', f);
    if (formula)
        fputc('\'', f);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', f);
        fputc(*text, f);
    }
    if (quote)
        fputc('"', f);
}

static void csv_number(FILE *f, const struct input *v)
{
    if (input_is_number(v))
        fprintf(f, "%llu", (unsigned long long)input_u64(v));
}

static void csv_between(FILE *f, const struct input *times, const char *from, const char *to)
{
    const struct input *a = input_get(times, from), *b = input_get(times, to);

    if (input_is_number(a) && input_is_number(b) && input_u64(b) >= input_u64(a))
        fprintf(f, "%llu", (unsigned long long)(input_u64(b) - input_u64(a)));
}

static void csv_row(FILE *f, const struct input *v, const char *truth)
{
    static const char *const texts[] = {"lead",   "number",   "invite", "trunk",
                                        "result", "delivery", "agent"};
    const struct input *times = input_get(v, "times");

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        csv_text(f, input_text(input_get(v, texts[i])));
        fputc(',', f);
        if (i == 1) {
            csv_number(f, input_get(v, "attempt"));
            fputc(',', f);
        }
    }
    csv_between(f, times, "ringing", "answered");
    fputc(',', f);
    csv_number(f, input_get(v, "answer_to_agent_ms"));
    fputc(',', f);
    csv_between(f, times, "agent_heard", "end");
    fprintf(f, ",%s,", input_bool(input_get(v, "abandoned")) ? "yes" : "no");
    csv_number(f, input_get(v, "sip_code"));
    fputc(',', f);
    csv_number(f, input_get(v, "q850"));
    fputc(',', f);
    csv_text(f, input_text(input_get(v, "recording")));
    fputc(',', f);
    csv_text(f, truth);
    fputs("\r\n", f);
}

static const char csv_header[] = "lead,number,attempt,time,trunk,result,delivery,agent,ring_ms,"
                                 "answer_to_agent_ms,talk_ms,abandoned,sip_code,q850,recording,"
                                 "truth\r\n";

static void each_call(void *arg, const struct input *call, const char *truth)
{
    struct writing *w = arg;

    if (w->has_csv)
        csv_row(w->csv.file, call, truth);
    if (w->has_page)
        page_rows_add(&w->rows, call, truth);
}

static bool path_in(char *dst, size_t cap, const char *dir, const char *name)
{
    int n = snprintf(dst, cap, "%s/%s", dir, name);

    return n > 0 && (size_t)n < cap;
}

/* Makes the folder and those above it. */
static enum err make_folder(const char *dir, char *error)
{
    char path[512];
    struct stat st;

    if (slice_copy(slice_cstr(dir), path, sizeof(path))) {
        snprintf(error, SUMMARY_ERROR_MAX, "%.300s…: the path is too long", dir);
        return ERR_TOO_LONG;
    }
    for (char *p = path + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        mkdir(path, 0755);
        *p = '/';
    }
    mkdir(path, 0755);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return OK;
    snprintf(error, SUMMARY_ERROR_MAX, "%.300s: the folder cannot be made: %s", dir,
             strerror(errno));
    return ERR_IO;
}

static enum err write_files(const struct report_inputs *in, const struct summary *s,
                            struct writing *w, bool json, char *error)
{
    char path[600];
    enum err e = OK;

    if (json) {
        path_in(path, sizeof(path), in->out_dir, "summary.json");
        e = summary_write_json(s, path, error);
    }
    if (!e && w->has_page) {
        path_in(path, sizeof(path), in->out_dir, "report.html");
        e = page_write(s, in->title ? in->title : s->campaign, &w->rows, path, error);
    }
    return e;
}

enum err report_build(const struct report_inputs *in, struct summary *s, char *error)
{
    bool all = !in->summary_json && !in->results_csv && !in->html;
    struct writing w = {.has_page = all || in->html};
    struct summary_inputs from = in->from;
    char path[600];

    error[0] = '\0';
    enum err e = make_folder(in->out_dir, error);
    if (!e && (all || in->results_csv)) {
        path_in(path, sizeof(path), in->out_dir, "results.csv");
        e = output_open(&w.csv, path, error);
        w.has_csv = e == OK;
        if (w.has_csv)
            fputs(csv_header, w.csv.file);
    }
    if (!e && w.has_page)
        e = page_rows_init(&w.rows, error);
    from.each = each_call;
    from.arg = &w;
    if (!e)
        e = summary_build(s, &from, error);
    if (w.has_csv) {
        enum err closed = output_close(&w.csv, e == OK, e ? path : error);
        e = e ? e : closed;
    }
    if (!e)
        e = write_files(in, s, &w, all || in->summary_json, error);
    page_rows_fini(&w.rows);
    return e;
}
