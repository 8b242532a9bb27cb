/* The files of a report, byte for byte, from a run that is made up: every kind of ending, failed
 * checks, a script's error, texts that each format has to escape, a generator that was late.
 * PEAL_GOLDEN=write writes the files in tests/sim/golden anew. The page is compared by its data;
 * around it stands the template as it is. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/report.h"

#define FILE_MAX (1u << 20)

static const char *const failed[] = {
    "callers/a.lua:7: heard nothing of \"ivr/001.wav\" <within 3 s>",
    "callers/a.lua:9: no key, no, none"};
static const struct flow_mark marks[] = {{"beep", 2100}, {"agent_heard", 4000}};
static const struct flow_field row[] = {{"number", "+12025550101"},
                                        {"name", "O'Neil, \"Zoë\" & Sons"}};

static struct outcome_call call_of(uint32_t group, uint64_t n, uint32_t answered_ms, uint16_t code,
                                   uint32_t end_ms)
{
    struct outcome_call c = {.group = group,
                             .n = n,
                             .leg = group * 1000 + n,
                             .seed = 7,
                             .kind = group ? FLOW_KIND_CALLER : FLOW_KIND_CALLEE,
                             .script = group ? "callers/a.lua" : "callees/b.lua",
                             .name = group ? "a" : "b",
                             .number = group ? "sip:+12025550101@127.0.0.1:5060" : "+12025550101",
                             .caller = "+12025550100",
                             .attempt = 1,
                             .intended_us = n * 250000,
                             .started_us = n * 250000 + n * 300,
                             .wall_ms = 1000000000000 + n * 250,
                             .call_id = "id@127.0.0.1",
                             .truth = group ? "" : "human",
                             .succeeded = !code,
                             .outcome = FLOW_HANGUP,
                             .code = code,
                             .by = ENDED_BY_CALLEE,
                             .error = "",
                             .recording = ""};

    for (int m = 0; m < MARK_COUNT; m++)
        c.at_ms[m] = CALL_TIME_NONE;
    c.at_ms[MARK_FIRST_1XX] = 3;
    c.at_ms[MARK_ANSWERED] = answered_ms;
    c.at_ms[MARK_END] = end_ms;
    c.sip = (struct sip_times){
        .sign_us = 3100,
        .final_us = (answered_ms != CALL_TIME_NONE ? answered_ms : end_ms) * 1000ull,
        .bye_us = answered_ms != CALL_TIME_NONE ? end_ms * 1000ull : 0,
        .bye_answered_us = answered_ms != CALL_TIME_NONE ? end_ms * 1000ull + 900 : 0,
        .bye_sent = n % 2};
    if (answered_ms != CALL_TIME_NONE)
        c.media = (struct call_media_stats){.rtp_sent = 500,
                                            .rtp_received = 490,
                                            .rtp_lost = (uint32_t)n,
                                            .codec = {'P', 'C', 'M', 'A'},
                                            .mos_hundredths = (uint16_t)(439 - n),
                                            .mos_is_wide = n % 2};
    return c;
}

static struct outcome_call *calls_of(uint32_t *count)
{
    static struct outcome_call c[7];

    c[0] = call_of(1, 1, 400, 0, 9000);
    c[1] = call_of(1, 2, 350, 0, 8000);
    c[1].succeeded = false;
    c[1].checks_passed = 3;
    c[1].checks_failed = 2;
    c[1].failed = failed;
    c[1].failed_count = 2;
    c[1].row = row;
    c[1].row_count = 2;
    c[1].marks = marks;
    c[1].marks_count = 2;
    c[2] = call_of(1, 3, CALL_TIME_NONE, 486, 120);
    c[2].q850 = 17;
    c[3] = call_of(1, 4, CALL_TIME_NONE, 0, 30000);
    c[3].by = ENDED_BY_US;
    c[3].succeeded = false;
    c[4] = call_of(2, 1, 500, 0, 2000);
    c[4].outcome = FLOW_ERROR;
    c[4].succeeded = false;
    c[4].error = "callers/a.lua:3: attempt to call a nil value </script><b>\x01&";
    c[5] = call_of(0, 1, 400, 0, 9000);
    c[5].outcome = FLOW_DONE;
    c[6] = call_of(0, 2, 350, 0, 8000);
    c[6].attempt = 2;
    *count = 7;
    return c;
}

static void fill(struct outcome *o)
{
    outcome_init(o);
    o->suite = "a \"golden\" suite";
    o->path = "suites/golden.yaml";
    o->program = "peal-sim run";
    o->seed = 7;
    o->started_wall_ms = 1000000000000;
    o->seconds = 31.5;
    o->group[0] = (struct outcome_group){.name = "callees",
                                         .file = "suites/golden.yaml",
                                         .line = 3,
                                         .answering = true,
                                         .calls = 2,
                                         .succeeded = 2,
                                         .passed = true};
    o->group[1] = (struct outcome_group){.name = "customers",
                                         .file = "suites/golden.yaml",
                                         .line = 5,
                                         .script = "callers/a.lua",
                                         .planned = 5,
                                         .not_started = 1,
                                         .calls = 4,
                                         .succeeded = 1,
                                         .failed = 3,
                                         .min_success = 80};
    o->group[2] = (struct outcome_group){.name = "others",
                                         .file = "suites/golden.yaml",
                                         .line = 9,
                                         .script = "callers/a.lua",
                                         .planned = 1,
                                         .calls = 1,
                                         .failed = 1,
                                         .passed = true};
    o->groups = 3;
    free(o->call);
    o->call = calls_of(&o->calls);
    o->calls_dropped = 3;
    for (uint32_t i = 0; i < o->calls; i++)
        worst_offer(&o->worst, i, &o->call[i], NULL);
    worst_sort(&o->worst);
    outcome_error(o,
                  "suites/golden.yaml:5: callers customers: 1 of 5 calls succeeded, below 80 %%");
    o->lateness = (struct lateness_result){.control_p50_ms = 0.1,
                                           .control_p99_ms = 2.5,
                                           .control_max_ms = 40,
                                           .media_p50_ms = 0.2,
                                           .media_p99_ms = 31.25,
                                           .media_max_ms = 90,
                                           .plan_p99_ms = 1,
                                           .slots = 31500,
                                           .slots_skipped = 12,
                                           .valid = false,
                                           .why = "the simulator itself was late: p99 31.2 ms"};
    o->verdict = SIM_INVALID;
}

static size_t read_file(const char *path, char *text)
{
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(text, 1, FILE_MAX - 1, f) : 0;

    cr_assert(f, "%s cannot be read", path);
    fclose(f);
    text[n] = '\0';
    return n;
}

static void golden(const char *name, const char *text, size_t len)
{
    static char kept[FILE_MAX];
    const char *source = getenv("PEAL_SOURCE");
    char path[600];

    snprintf(path, sizeof path, "%s/tests/sim/golden/%s", source ? source : ".", name);
    if (getenv("PEAL_GOLDEN")) {
        FILE *f = fopen(path, "we");
        cr_assert(f && fwrite(text, 1, len, f) == len && fclose(f) == 0);
        return;
    }
    size_t n = read_file(path, kept), at = 0;
    while (at < n && at < len && kept[at] == text[at])
        at++;
    cr_assert(n == len && at == n, "%s is another from byte %zu on: '%.120s', it was '%.120s'",
              name, at, text + at, kept + at);
}

Test(report, files_are_the_same_byte_for_byte)
{
    static struct outcome o;
    static char text[FILE_MAX], template[FILE_MAX];
    char dir[] = "/tmp/peal-golden-XXXXXX", path[600], junit[100];
    const char *source = getenv("PEAL_SOURCE");

    cr_assert(mkdtemp(dir));
    snprintf(junit, sizeof junit, "%s/junit.xml", dir);
    fill(&o);
    cr_assert_eq(report_write(&o, &(struct report_files){dir, junit}), SIM_PASS);
    static const char *const names[] = {"junit.xml", "report.json", "calls.csv"};
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        golden(names[i], text, read_file(path, text));
        unlink(path);
    }
    /* The page: template, data, template. */
    snprintf(path, sizeof path, "%s/report.html", dir);
    size_t len = read_file(path, text);
    unlink(path);
    rmdir(dir);
    snprintf(path, sizeof path, "%s/sim/report_html.c.html", source ? source : ".");
    size_t whole = read_file(path, template);
    const char *mark = strstr(template, "/*DATA*/null");
    cr_assert(mark);
    size_t before = (size_t)(mark - template), after = whole - before - strlen("/*DATA*/null");
    cr_assert(len > before + after && memcmp(text, template, before) == 0 &&
              memcmp(text + len - after, template + whole - after, after) == 0);
    golden("page.json", text + before, len - before - after);
}
