/* Folders of WAV files with their labels: "file,kind,start_ms,end_ms,detail" a line. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "bench/accuracy.h"
#include "media/recording.h"

#define ROWS_MAX  2000000
#define LINE_MAX  1024
#define LINES_MAX 16   /* kinds of line */
#define TAIL_MS   6000 /* so that a verdict that waits for silence comes */

struct row {
    char *file;
    uint32_t number; /* in the CSV: keeps the order of a file's rows */
    struct acc_label label;
};

struct table {
    struct row *row;
    size_t n, room;
};

static const char *const names[ACC_KINDS] = {
    "dtmf",   "ring",  "busy",     "reorder",  "dial",     "sit",         "cng",
    "ced",    "modem", "preamble", "clipping", "echo",     "known",       "beep",
    "speech", "music", "human",    "machine",  "screener", "announcement"};

const char *acc_kind_name(enum acc_kind k)
{
    return (unsigned)k < ACC_KINDS ? names[k] : "?";
}

bool acc_kind_parse(const char *name, enum acc_kind *out)
{
    for (unsigned i = 0; i < ACC_KINDS; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (enum acc_kind)i;
            return true;
        }
    return false;
}

/* One cell, quotes removed ("" within them is one quote); *at moves behind the comma. */
static bool cell(const char **at, char *out, size_t cap)
{
    const char *p = *at;
    size_t n = 0;
    bool quoted = *p == '"';

    p += quoted;
    for (; *p; p++) {
        if (quoted && *p == '"' && p[1] == '"')
            p++;
        else if (quoted ? *p == '"' : *p == ',' || *p == '\r' || *p == '\n')
            break;
        if (n + 1 >= cap)
            return false;
        out[n++] = *p;
    }
    out[n] = 0;
    p += quoted && *p == '"';
    if (*p == ',')
        p++;
    *at = p;
    return true;
}

static bool number(const char *text, uint32_t *out)
{
    char *end;
    double v = text[0] ? strtod(text, &end) : 0;

    if (text[0] && (*end || v < 0 || v > 4e9))
        return false;
    *out = (uint32_t)v;
    return true;
}

static bool read_row(const char *line, struct row *r, const char **wrong)
{
    char file[LINE_MAX], kind[32], start[32], end[32];

    *r = (struct row){0};
    *wrong = "a cell is too long";
    if (!cell(&line, file, sizeof(file)) || !cell(&line, kind, sizeof(kind)) ||
        !cell(&line, start, sizeof(start)) || !cell(&line, end, sizeof(end)) ||
        !cell(&line, r->label.detail, sizeof(r->label.detail)))
        return false;
    *wrong =
        "kinds are dtmf, ring, busy, reorder, dial, sit, cng, ced, beep, speech, music, human, "
        "machine, screener, announcement";
    if (!acc_kind_parse(kind, &r->label.kind))
        return false;
    *wrong = "start_ms and end_ms are numbers of milliseconds";
    if (!number(start, &r->label.start_ms) || !number(end, &r->label.end_ms))
        return false;
    *wrong = "no memory";
    r->file = strdup(file);
    return r->file != NULL;
}

static bool keep(struct table *t, struct row *r)
{
    if (t->n == t->room) {
        size_t room = t->room ? 2 * t->room : 1024;
        struct row *more = room <= ROWS_MAX ? realloc(t->row, room * sizeof(*more)) : NULL;

        if (!more)
            return false;
        t->row = more;
        t->room = room;
    }
    r->number = (uint32_t)t->n;
    t->row[t->n++] = *r;
    return true;
}

static void table_free(struct table *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->row[i].file);
    free(t->row);
}

static int by_file(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    int order = strcmp(x->file, y->file);

    return order ? order : (x->number > y->number) - (x->number < y->number);
}

static bool read_table(struct table *t, const char *path)
{
    FILE *f = fopen(path, "r");
    char line[LINE_MAX];
    unsigned n = 0;
    bool ok = f != NULL;

    if (!f)
        fprintf(stderr, "peal-bench: cannot read %s: %s\n", path, strerror(errno));
    while (ok && fgets(line, sizeof(line), f)) {
        const char *wrong = "";
        struct row r;

        n++;
        if (line[strspn(line, " \t\r\n")] == 0 || line[0] == '#' ||
            (n == 1 && strstr(line, "start_ms")))
            continue;
        if (!read_row(line, &r, &wrong)) {
            fprintf(stderr, "peal-bench: %s, line %u: %s\n", path, n, wrong);
            ok = false;
        } else if (!keep(t, &r)) {
            fprintf(stderr, "peal-bench: %s: more than %d labels, or no memory\n", path, ROWS_MAX);
            free(r.file);
            ok = false;
        }
    }
    if (f)
        fclose(f);
    if (ok && t->n == 0) {
        fprintf(stderr, "peal-bench: %s holds no labels\n", path);
        ok = false;
    }
    if (ok)
        qsort(t->row, t->n, sizeof(*t->row), by_file);
    return ok;
}

static const char *plan_of(const struct acc_label *l, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (l[i].kind <= ACC_DIAL && l[i].kind != ACC_DTMF && dsp_plan_find(l[i].detail))
            return l[i].detail;
    return NULL;
}

static bool judge_file(struct acc *a, struct acc_condition *const *c, const struct acc_line *lines,
                       size_t count, const struct recording *rec, struct acc_sound *s)
{
    static struct acc_label again[ACC_LABELS_MAX];
    struct acc_label *label = s->label;
    size_t n = (size_t)rec->length_ms * 8;
    bool ok = true;

    s->s = malloc((n ? n : 1) * sizeof(*s->s));
    s->n = n;
    for (size_t k = 0; s->s && ok && k < count; k++) {
        for (size_t i = 0; i < n; i++)
            s->s[i] = rec->pcm[i];
        memcpy(again, label, s->labels * sizeof(*label));
        s->label = again;
        ok = acc_judge(a, c[k], &lines[k], s);
    }
    ok = ok && s->s;
    free(s->s);
    if (!ok)
        fprintf(stderr, "peal-bench: no memory for %s\n", s->file);
    return ok;
}

/* Music counts by itself: what is falsely heard in it is another rate than in speech. */
static bool conditions(struct acc *a, const char *set, bool music, const struct acc_line *lines,
                       size_t count, struct acc_condition **c)
{
    char name[ACC_NAME_MAX];

    snprintf(name, sizeof(name), "%.50s%s", set, music ? ", music" : "");
    for (size_t k = 0; k < count; k++)
        if ((c[k] = acc_condition(a, name, lines[k].name)) == NULL)
            return false;
    return true;
}

static bool judge_rows(struct acc *a, const char *set, const struct acc_line *lines, size_t count,
                       const char *dir, const struct row *row, size_t n)
{
    struct acc_condition *c[LINES_MAX];
    static struct acc_label label[ACC_LABELS_MAX];
    char path[4096], message[RECORDING_ERROR_MAX];
    struct recording rec;
    struct acc_sound s = {.file = row->file, .label = label, .tail_ms = TAIL_MS};

    if (!conditions(a, set, row->label.kind == ACC_MUSIC, lines, count, c))
        return false;
    if (n > ACC_LABELS_MAX) {
        fprintf(stderr, "peal-bench: %s has more than %d labels; split it\n", row->file,
                ACC_LABELS_MAX);
        return false;
    }
    snprintf(path, sizeof(path), "%s%s%s", row->file[0] == '/' ? "" : dir,
             row->file[0] == '/' ? "" : "/", row->file);
    if (recording_load(&rec, path, 0, message) != OK) {
        fprintf(stderr, "peal-bench: %s\n", message);
        return false;
    }
    if (rec.channels > 1) {
        recording_free(&rec);
        if (recording_load(&rec, path, 1, message) != OK)
            return false;
    }
    for (const char *p = row->file; *p; p++)
        s.seed = s.seed * 31 + (unsigned char)*p;
    for (size_t i = 0; i < n; i++) {
        label[i] = row[i].label;
        /* 0, or left out: to the end. */
        if (label[i].end_ms <= label[i].start_ms)
            label[i].end_ms = rec.length_ms;
    }
    s.labels = (uint32_t)n;
    s.plan = plan_of(label, s.labels);
    bool ok = judge_file(a, c, lines, count, &rec, &s);

    recording_free(&rec);
    return ok;
}

bool acc_folder(struct acc *a, const char *set, const char *dir, const char *labels,
                const struct acc_line *lines, size_t count)
{
    struct table t = {0};
    bool ok = read_table(&t, labels) && count <= LINES_MAX;

    for (size_t i = 0; ok && i < t.n;) {
        size_t n = 1;

        while (i + n < t.n && strcmp(t.row[i + n].file, t.row[i].file) == 0)
            n++;
        ok = judge_rows(a, set, lines, count, dir, &t.row[i], n);
        i += n;
    }
    table_free(&t);
    return ok;
}
