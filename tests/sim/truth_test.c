/* Truth lines: a thousand calls that end at once lose none, and a file that cannot be written is
 * said. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sim/truth.h"

static const struct call_record record;

struct scene {
    struct loop loop;
    struct flow_runtime *rt;
    struct flow_script *script;
    struct truth truth;
    struct flow_report report;
};

static void open_scene(struct scene *s)
{
    char why[FLOW_TEXT_MAX] = "";

    cr_assert_eq(loop_init(&s->loop, NULL), OK);
    cr_assert_eq(
        flow_runtime_open(&s->rt, &(struct flow_config){.loop = &s->loop, .simulator = true}), OK);
    cr_assert_eq(flow_script_load_text(s->rt, "busy.lua",
                                       SLICE("return callee { truth = 'busy', run = print }"),
                                       &s->script, why),
                 OK, "%s", why);
    s->report = (struct flow_report){.script = s->script,
                                     .truth = "busy",
                                     .answered_ms = CALL_TIME_NONE,
                                     .ended_ms = 1234,
                                     .code = 486,
                                     .by = ENDED_BY_US,
                                     .marks = {{"beep", 77}},
                                     .marks_count = 1};
}

static void close_scene(struct scene *s)
{
    flow_runtime_close(s->rt);
    loop_fini(&s->loop);
}

Test(truth, calls_that_end_at_once_lose_no_line)
{
    enum { CALLS = 5000 };
    static struct scene s;
    char path[] = "/tmp/peal-truth-XXXXXX", *line = NULL;
    size_t cap = 0;
    uint32_t lines = 0;
    int fd = mkstemp(path);

    cr_assert_geq(fd, 0);
    close(fd);
    open_scene(&s);
    cr_assert_eq(truth_open(&s.truth, &s.loop, path), OK);
    for (uint32_t i = 0; i < CALLS; i++) { /* some 2 MB before the loop turns once */
        char number[16];
        snprintf(number, sizeof number, "1202555%04u", i);
        struct truth_call who = {number, "12025550199", 1, 1700000000000u};
        truth_write(&s.truth, &who, &record, &s.report);
    }
    cr_assert(truth_close(&s.truth, &s.loop));
    cr_assert_eq(s.truth.calls, (uint64_t)CALLS);
    FILE *f = fopen(path, "r");
    while (getline(&line, &cap, f) > 0) {
        char number[32];
        snprintf(number, sizeof number, "\"number\":\"1202555%04u\"", lines++);
        cr_assert(strstr(line, number), "line %u is not in its place: %s", lines, line);
        cr_assert(strstr(line, "\"beep_end_ms\":77") && strstr(line, "\"answered_ms\":null") &&
                      strstr(line, "\"ended_by\":\"simulator\""),
                  "%s", line);
    }
    cr_assert_eq(lines, (uint32_t)CALLS);
    fclose(f);
    free(line);
    unlink(path);
    close_scene(&s);
}

Test(truth, a_file_that_cannot_be_written_is_said)
{
    static struct scene s;
    struct truth_call who = {"12025550101", "", 1, 0};

    open_scene(&s);
    cr_assert_eq(truth_open(&s.truth, &s.loop, "/nonexistent/truth.jsonl"), OK);
    truth_write(&s.truth, &who, &record, &s.report);
    cr_assert_not(truth_close(&s.truth, &s.loop));
    cr_assert_eq(s.truth.calls, 1u);
    close_scene(&s);
}
