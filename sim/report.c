/* The report of a run: the files, and what they have in common. */
#include "sim/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/report_parts.h"

#define PATH_CAP 600
#define JSON_MAX (32u * 1024 * 1024)

static int make_folder(const char *program, const char *dir)
{
    if (mkdir(dir, 0777) == 0 || errno == EEXIST)
        return SIM_PASS;
    fprintf(stderr, "%s: --report %s: %s\n", program, dir, strerror(errno));
    return SIM_CONFIG;
}

static bool path_in(const char *dir, const char *name, char *dst)
{
    return (size_t)snprintf(dst, REPORT_PATH_MAX, "%s/%s", dir, name) < REPORT_PATH_MAX;
}

int report_place(struct report_place *p, const char *program, const char *dir, const char *lines)
{
    if (!path_in(dir, lines, p->lines) || !path_in(dir, "summary.json", p->summary) ||
        !path_in(dir, "audio", p->audio)) {
        fprintf(stderr, "%s: --report: the path is too long\n", program);
        return SIM_CONFIG;
    }
    return make_folder(program, dir) == SIM_PASS ? make_folder(program, p->audio) : SIM_CONFIG;
}

bool report_close(const struct outcome *o, const char *path, FILE *f)
{
    bool ok = f && !ferror(f);

    if (f && fclose(f) != 0)
        ok = false;
    if (!ok)
        fprintf(stderr, "%s: the report %s cannot be written: %s\n", o->program, path,
                strerror(errno));
    return ok;
}

const char *report_ender(enum call_ender by)
{
    static const char *const names[] = {"nobody", "this side", "far side", "network"};

    return names[by];
}

void report_why(const struct outcome_call *c, char *dst, size_t cap)
{
    bool answered = c->at_ms[MARK_ANSWERED] != CALL_TIME_NONE;

    dst[0] = '\0';
    if (!figures_call_failed(c))
        return;
    if (c->checks_failed || c->error[0])
        snprintf(dst, cap, "%s", c->failed_count ? c->failed[0] : c->error);
    else if (!answered && c->code)
        snprintf(dst, cap, "not answered: SIP %u", c->code);
    else if (!answered)
        snprintf(dst, cap, "not answered");
    else
        snprintf(dst, cap, "answered, then %s", flow_outcome_name(c->outcome));
}

/* ---- order ---- */

static const struct outcome *sorting; /* qsort has no argument; one thread */

static int by_leg(const void *a, const void *b)
{
    const struct outcome_call *x = &sorting->call[*(const uint32_t *)a];
    const struct outcome_call *y = &sorting->call[*(const uint32_t *)b];

    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    int c = x->kind == FLOW_KIND_CALLER ? 0 : strcmp(x->number, y->number);
    if (c)
        return c;
    if (x->attempt != y->attempt)
        return x->attempt < y->attempt ? -1 : 1;
    return x->leg < y->leg ? -1 : x->leg > y->leg;
}

static bool put_in_order(struct report *r)
{
    r->count = r->outcome->calls;
    r->order = malloc((r->count + 1) * sizeof *r->order);
    if (!r->order)
        return false;
    for (uint32_t i = 0; i < r->count; i++)
        r->order[i] = i;
    sorting = r->outcome;
    qsort(r->order, r->count, sizeof *r->order, by_leg);
    return true;
}

/* ---- JSON ---- */

bool report_json(const struct report *r, const char *path)
{
    char *text = malloc(JSON_MAX);
    struct buf b = buf_on(text, text ? JSON_MAX : 0);
    FILE *f = fopen(path, "we");
    struct json j;

    json_init(&j, &b);
    json_begin_object(&j, NULL);
    report_data(r, &j, false);
    json_end(&j);
    buf_putc(&b, '\n');
    if (buf_end(&b) != OK)
        errno = EFBIG;
    bool ok = f && buf_end(&b) == OK && fwrite(text, 1, b.len, f) == b.len;
    free(text);
    if (!ok && f) {
        fclose(f);
        f = NULL;
    }
    return report_close(r->outcome, path, f);
}

/* ---- all of them ---- */

/* Audio was kept of calls that turned out to be of no interest. */
static void drop_audio(const struct outcome *o)
{
    for (uint32_t i = 0; i < o->calls; i++)
        if (o->call[i].audio_kept && !worst_has(&o->worst, i))
            unlink(o->call[i].recording);
}

static bool in_folder(const struct report *r, const char *name,
                      bool (*write)(const struct report *r, const char *path))
{
    char path[PATH_CAP];

    if ((size_t)snprintf(path, sizeof path, "%s/%s", r->dir, name) < sizeof path)
        return write(r, path);
    errno = ENAMETOOLONG;
    return report_close(r->outcome, path, NULL);
}

bool report_error_is_new(const struct outcome_call *c)
{
    for (uint32_t i = 0; i < c->failed_count; i++)
        if (strcmp(c->failed[i], c->error) == 0)
            return false;
    return c->error[0] != '\0';
}

const char *report_number(const struct outcome_call *c, char *dst, size_t cap)
{
    const char *from = strncmp(c->number, "sip:", 4) == 0 ? c->number + 4 : c->number;

    snprintf(dst, cap, "%.*s", (int)strcspn(from, "@"), from);
    return dst;
}

int report_write(const struct outcome *o, const struct report_files *files)
{
    struct report r = {.outcome = o, .dir = files->dir};
    struct figures *f = malloc(sizeof *f);
    bool ok = f && put_in_order(&r);

    if (ok) {
        figures_make(f, o);
        r.figures = f;
        ok = !files->junit || report_junit(&r, files->junit);
        if (files->dir) {
            ok = in_folder(&r, "report.json", report_json) && ok;
            ok = in_folder(&r, "calls.csv", report_csv) && ok;
            ok = in_folder(&r, "report.html", report_html) && ok;
            drop_audio(o);
        }
    }
    free(r.order);
    free(f);
    return ok ? SIM_PASS : SIM_CONFIG;
}

int report_finish(struct outcome *o, const struct report_files *files, uint64_t ended_us,
                  int verdict)
{
    o->seconds = ended_us > o->began_us ? (double)(ended_us - o->began_us) / 1e6 : 0;
    o->verdict = (enum sim_exit)verdict;
    worst_sort(&o->worst);
    return report_write(o, files) == SIM_PASS ? verdict : SIM_CONFIG;
}
