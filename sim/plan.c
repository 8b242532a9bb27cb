/* Plan and truth, a JSON line a call. */
#include "sim/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#define LINE_MAX_BYTES 8192

/* The user part of a URI: addresses and ports differ from run to run. */
static struct slice number_of(const char *uri)
{
    struct slice s = slice_cstr(uri), user, host;

    if (slice_starts(s, SLICE("sip:")))
        s = slice_from(s, 4);
    slice_cut(s, '@', &user, &host);
    return user;
}

static int closed(FILE *f, const char *path, const char *program, bool whole)
{
    bool ok = f && whole && !ferror(f);

    if (f && fclose(f) != 0)
        ok = false;
    if (ok)
        return SIM_PASS;
    fprintf(stderr, "%s: %s: %s\n", program, path, whole ? strerror(errno) : "a line is too long");
    return SIM_CONFIG;
}

static bool put_line(FILE *f, struct buf *b)
{
    buf_putc(b, '\n');
    return buf_end(b) == OK && fwrite(b->p, 1, b->len, f) == b->len;
}

/* ---- the plan ---- */

static bool put_planned(FILE *f, const struct outcome_group *g, const struct calling *k, uint64_t n,
                        uint64_t at_us)
{
    char line[LINE_MAX_BYTES], uri[CALLING_URI_MAX];
    struct buf b = buf_on(line, sizeof line);
    struct json j;

    json_init(&j, &b);
    json_begin_object(&j, NULL);
    json_cstr(&j, "group", g->name);
    json_u64(&j, "n", n);
    json_u64(&j, "at_us", at_us);
    json_str(&j, "number", calling_uri(k, n, uri) ? number_of(uri) : SLICE_NONE);
    json_cstr(&j, "caller", k->from);
    json_cstr(&j, "scenario", flow_script_name(k->script));
    json_u64(&j, "leg", k->first_leg + n);
    json_end(&j);
    return put_line(f, &b);
}

int plan_write(const char *path, const struct outcome *o, const struct calling *groups,
               const uint64_t *starts_us, uint32_t count)
{
    FILE *f = fopen(path, "we");
    uint32_t first = o->groups - count; /* those who answer come before */
    bool whole = true;

    for (uint32_t i = 0; f && i < count; i++) {
        const struct calling *k = &groups[i];
        struct law law = k->law;
        uint64_t at;
        for (uint64_t n = 1; whole && (at = law_next(&law)) != UINT64_MAX; n++)
            if (calling_is_ours(k, n))
                whole = put_planned(f, &o->group[first + i], k, n, starts_us[i] + at);
    }
    return closed(f, path, o->program, whole);
}

/* ---- the truth ---- */

static int order(const void *pa, const void *pb)
{
    const struct outcome_call *a = *(const struct outcome_call *const *)pa,
                              *b = *(const struct outcome_call *const *)pb;

    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    int by_number = strcmp(a->number, b->number);
    if (by_number)
        return by_number;
    return (a->attempt > b->attempt) - (a->attempt < b->attempt);
}

static bool put_truth(FILE *f, const struct outcome *o, const struct outcome_call *c)
{
    const struct outcome_group *g = &o->group[c->group];
    char line[LINE_MAX_BYTES];
    struct buf b = buf_on(line, sizeof line);
    struct json j;

    json_init(&j, &b);
    json_begin_object(&j, NULL);
    json_cstr(&j, "kind", flow_kind_name(c->kind));
    json_cstr(&j, "group", g->name);
    if (!g->answering)
        json_u64(&j, "n", c->n);
    json_str(&j, "number", number_of(c->number));
    json_cstr(&j, "caller", c->caller);
    json_u64(&j, "attempt", c->attempt);
    json_cstr(&j, "scenario", c->name);
    json_u64(&j, "leg", c->leg);
    json_cstr(&j, "truth", c->truth[0] ? c->truth : NULL);
    json_cstr(&j, "outcome", flow_outcome_name(c->outcome));
    json_bool(&j, "answered", c->at_ms[MARK_ANSWERED] != CALL_TIME_NONE);
    json_u64(&j, "code", c->code);
    json_u64(&j, "checks_passed", c->checks_passed);
    json_u64(&j, "checks_failed", c->checks_failed);
    json_begin_array(&j, "marks");
    for (uint32_t i = 0; i < c->marks_count; i++)
        json_cstr(&j, NULL, c->marks[i].name);
    json_end(&j);
    json_end(&j);
    return put_line(f, &b);
}

int plan_write_truth(const char *path, const struct outcome *o)
{
    const struct outcome_call **sorted = malloc((o->calls + 1) * sizeof(*sorted));
    FILE *f = sorted ? fopen(path, "we") : NULL;
    bool whole = true;

    for (uint32_t i = 0; f && i < o->calls; i++)
        sorted[i] = &o->call[i];
    if (f)
        qsort(sorted, o->calls, sizeof *sorted, order);
    for (uint32_t i = 0; f && whole && i < o->calls; i++)
        whole = put_truth(f, o, sorted[i]);
    free(sorted);
    if (o->calls_dropped)
        fprintf(stderr, "%s: %s: %llu calls beyond the bound are not in it\n", o->program, path,
                (unsigned long long)o->calls_dropped);
    return closed(f, path, o->program, whole);
}
