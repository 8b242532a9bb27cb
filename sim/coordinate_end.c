/* What several processes have made in sum. */
#include "sim/coordinate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SUMMARY_MAX 65536

static int judge(const struct coordinate *c)
{
    const struct suite *s = c->suite;
    bool met = !c->failed;

    if (s->answers && c->sum.answered_calls < s->at_least) {
        fprintf(stderr,
                COORDINATE_PROGRAM
                ": %s:%u: %llu calls came to the callees, at_least asks for %llu\n",
                s->path, s->answers_line, (unsigned long long)c->sum.answered_calls,
                (unsigned long long)s->at_least);
        met = false;
    }
    for (uint32_t i = 0; i < s->caller_groups; i++) {
        const struct crowd_group *g = &c->sum.group[i];
        if ((double)g->succeeded * 100 >= s->callers[i].min_success * (double)g->planned)
            continue;
        fprintf(stderr,
                COORDINATE_PROGRAM
                ": %s:%u: callers %s: %llu of %llu calls succeeded, below min_success %g "
                "%%\n",
                s->path, s->callers[i].line, s->callers[i].name, (unsigned long long)g->succeeded,
                (unsigned long long)g->planned, s->callers[i].min_success);
        met = false;
    }
    if (c->wrong || c->results + c->gone_count < c->parts)
        return c->gone_count ? SIM_INVALID : SIM_CONFIG;
    return c->late || c->gone_count ? SIM_INVALID : met ? SIM_PASS : SIM_FAILED;
}

static const char *verdict_of(int rc)
{
    return rc == SIM_PASS ? "passed" : rc == SIM_INVALID ? "RUN INVALID" : "FAILED";
}

/* Calls of the suite that no process has told of: those of processes that are gone. */
static uint64_t missing(const struct coordinate *c, uint32_t group)
{
    uint64_t planned = c->suite->callers[group].planned, told = c->sum.group[group].planned;

    return planned > told ? planned - told : 0;
}

static void say(const struct coordinate *c, int rc)
{
    for (uint32_t i = 0; c->gone_count && i < c->suite->caller_groups; i++)
        printf("%s: of %llu calls %llu were those of processes that are gone\n",
               c->suite->callers[i].name, (unsigned long long)c->suite->callers[i].planned,
               (unsigned long long)missing(c, i));
    for (uint32_t i = 0; i < c->suite->caller_groups; i++) {
        const struct crowd_group *g = &c->sum.group[i];
        printf("%s: %llu planned, %llu succeeded, %llu failed, %llu not started\n",
               c->suite->callers[i].name, (unsigned long long)g->planned,
               (unsigned long long)g->succeeded, (unsigned long long)g->failed,
               (unsigned long long)g->not_started);
    }
    printf(COORDINATE_PROGRAM ": %s: %s, %u processes, seed %llu\n", c->suite->name, verdict_of(rc),
           c->parts, (unsigned long long)c->suite->seed);
}

/* ---- the report ---- */

static void put_group(const struct coordinate *c, uint32_t i, struct json *j)
{
    const struct crowd_group *g = &c->sum.group[i];

    json_begin_object(j, NULL);
    json_cstr(j, "name", c->suite->callers[i].name);
    json_u64(j, "planned", c->suite->callers[i].planned);
    json_u64(j, "started", g->started);
    json_u64(j, "succeeded", g->succeeded);
    json_u64(j, "failed", g->failed);
    json_u64(j, "not_started", g->not_started);
    json_u64(j, "missing", missing(c, i));
    json_end(j);
}

static void put_summary(const struct coordinate *c, int rc, struct json *j)
{
    json_begin_object(j, NULL);
    json_cstr(j, "suite", c->suite->name);
    json_u64(j, "seed", c->suite->seed);
    json_cstr(j, "verdict",
              rc == SIM_PASS      ? "passed"
              : rc == SIM_INVALID ? "invalid"
              : rc == SIM_FAILED  ? "failed"
                                  : "error");
    json_u64(j, "processes", c->parts);
    json_u64(j, "ended", c->results);
    json_begin_array(j, "gone"); /* 1…, as they are told to people */
    for (uint32_t i = 0; i < c->parts; i++)
        if (c->gone[i])
            json_u64(j, NULL, i + 1);
    json_end(j);
    json_u64(j, "answered_calls", c->sum.answered_calls);
    json_begin_array(j, "groups");
    for (uint32_t i = 0; i < c->suite->caller_groups; i++)
        put_group(c, i, j);
    json_end(j);
    json_end(j);
}

static bool write_summary(const struct coordinate *c, int rc, const char *dir)
{
    static char text[SUMMARY_MAX];
    char path[400];
    struct buf b = buf_on(text, sizeof text);
    struct json j;

    json_init(&j, &b);
    put_summary(c, rc, &j);
    buf_putc(&b, '\n');
    bool ok = (mkdir(dir, 0777) == 0 || errno == EEXIST) && buf_end(&b) == OK;
    snprintf(path, sizeof path, "%.380s/summary.json", dir);
    FILE *f = ok ? fopen(path, "we") : NULL;
    ok = f && fwrite(b.p, 1, b.len, f) == b.len;
    if (f && fclose(f) != 0)
        ok = false;
    if (!ok)
        fprintf(stderr, COORDINATE_PROGRAM ": --report %s: %s\n", dir, strerror(errno));
    return ok;
}

int coordinate_end(const struct coordinate *c, const char *report)
{
    int rc = judge(c);

    if (c->gone_count)
        fprintf(stderr,
                "RUN INVALID: %u of %u processes are gone without a result; what they made is not "
                "known\n",
                c->gone_count, c->parts);
    if (!c->quiet)
        say(c, rc);
    return report && !write_summary(c, rc, report) ? SIM_CONFIG : rc;
}
