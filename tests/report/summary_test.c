/* The figures of a run and, above all, whether the books balance. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/attempt.h"
#include "report/records.h"
#include "report/report.h"

static char folder[64], calls[128], truth[128], run_path[128], simulator[128], out[128];
static char error[SUMMARY_ERROR_MAX];
static FILE *calls_file, *truth_file;
static struct run run;
static struct summary *s;

static void set_up(void)
{
    snprintf(folder, sizeof(folder), "/tmp/peal-summary-XXXXXX");
    cr_assert(mkdtemp(folder));
    snprintf(calls, sizeof(calls), "%s/calls.jsonl", folder);
    snprintf(truth, sizeof(truth), "%s/truth.jsonl", folder);
    snprintf(run_path, sizeof(run_path), "%s/run.json", folder);
    snprintf(simulator, sizeof(simulator), "%s/simulator.json", folder);
    snprintf(out, sizeof(out), "%s/out/deep", folder);
    calls_file = fopen(calls, "w");
    truth_file = fopen(truth, "w");
    s = malloc(sizeof(*s));
    cr_assert(calls_file && truth_file && s);
    run_init(&run);
}

static void tear_down(void)
{
    char command[128];

    free(s);
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    cr_expect_eq(system(command), 0);
}

TestSuite(summary, .init = set_up, .fini = tear_down);

static void put_call(const struct call_record *r)
{
    static char line[RECORDS_LINE_MAX];
    size_t len;

    cr_assert_eq(records_format(r, line, sizeof(line), &len), OK);
    fwrite(line, 1, len, calls_file);
    fputc('\n', calls_file);
}

static void put_truth(const char *call_id, const char *what)
{
    fprintf(truth_file, "{\"call_id\":\"%s\",\"number\":\"+12025550100\",\"truth\":\"%s\"}\n",
            call_id, what);
}

/* An attempt that both sides know. */
static void both(const struct call_record *r, const char *what)
{
    put_call(r);
    put_truth(r->call_id, what);
    run.attempts_redis++;
}

static void build(void)
{
    const struct summary_inputs in = {.calls = calls, .truth = truth, .run = run_path};

    fclose(calls_file);
    fclose(truth_file);
    cr_assert_eq(run_write(&run, run_path, error), OK, "%s", error);
    cr_assert_eq(summary_build(s, &in, error), OK, "%s", error);
}

static void a_good_run(void)
{
    struct call_record r;

    for (uint32_t i = 0; i < 10; i++) {
        r = attempt_human(i, 1, i == 9 ? 3000 : 50);
        both(&r, i == 0 ? "machine" : "human");
    }
    for (uint32_t i = 10; i < 15; i++) {
        r = attempt_make(i, 1, RESULT_BUSY);
        both(&r, "busy");
    }
    fprintf(truth_file, "{\"call_id\":\"a@b\",\"kind\":\"agent\",\"truth\":\"agent\"}\n");
    run.leads = 17;
    run.finished = 10;
    run.pending = 7;
    run.abandonment_limit_ms = 2000;
    snprintf(run.campaign, sizeof(run.campaign), "test");
}

Test(summary, figures)
{
    a_good_run();
    build();
    cr_expect(s->balance_ok, "%s", s->reasons[0]);
    cr_expect_eq(s->attempts, 15);
    cr_expect_eq(s->results[RESULT_HUMAN], 10);
    cr_expect_eq(s->deliveries[DELIVERY_CONNECTED], 10);
    cr_expect_eq(s->simulator_agent_legs, 1);
    cr_expect_eq(s->truth_count, 3);
    cr_expect_eq(s->verdict_total, 15);
    cr_expect_eq(s->verdict_right, 14);
    cr_expect_eq(s->live, 10);
    cr_expect_eq(s->abandoned, 1, "the agent who came 3.6 s after the greeting");
    cr_expect_float_eq(s->abandonment_percent, 10.0, 1e-9);
    cr_expect_eq(s->answer_to_agent_ms.count, 10);
    cr_expect_eq(s->answer_to_agent_ms.max, 4600);
    cr_expect_eq(s->greeting_to_agent_ms.count, 10);
    cr_expect_eq(s->greeting_to_agent_bins[6], 9);
    cr_expect_eq(s->greeting_to_agent_bins[36], 1);
    cr_expect_eq(s->answer_to_agent_bins[16], 9);
    cr_expect_eq(s->answer_to_agent_bins[46], 1);
    cr_expect_eq(s->rtp_received, 13000);
    /* INVITEs 100 ms apart; all 15 overlap before the first busy one ends after a second. */
    cr_expect_eq(s->peak_concurrent, 15);
    uint32_t most = 0;
    for (uint32_t i = 0; i < s->bucket_count; i++)
        most = s->over_time[i].peak > most ? s->over_time[i].peak : most;
    cr_expect_eq(most, 15);
    double talking = 0; /* call-seconds of the chart are those of the calls */
    for (uint32_t i = 0; i < s->bucket_count; i++)
        talking += s->over_time[i].connected / 100.0 * s->bucket_ms;
    cr_expect_float_eq(talking, 9 * 25350.0 + 22400.0, 2000.0, "%.0f", talking);
}

static bool has_reason(const char *says)
{
    for (uint32_t i = 0; i < s->reason_count; i++) {
        if (strstr(s->reasons[i], says))
            return true;
    }
    return false;
}

/* Each way in which books do not balance is found, alone. */
static void expect_reason(const char *says)
{
    build();
    cr_expect_not(s->balance_ok, "%s", says);
    cr_expect(has_reason(says), "wanted '%s' in: %s", says, s->reasons[0]);
}

Test(summary, audio_by_trunk)
{
    for (uint32_t i = 0; i < 6; i++) {
        struct call_record r = attempt_human(i, 1, 50);

        snprintf(r.trunk, sizeof(r.trunk), "%s", i < 4 ? "near" : "far");
        r.media = (struct call_media_stats){.rtp_received = i == 5 ? 0 : 300,
                                            .rtp_lost = i < 4 ? 0 : 100,
                                            .mos_hundredths = i < 4   ? 440
                                                              : i < 5 ? 250
                                                                      : 0,
                                            .mos_is_wide = i == 2 || i == 3,
                                            .rtt_us = 30000};
        both(&r, "human");
    }
    run.leads = run.finished = 6;
    build();
    cr_assert_eq(s->trunks.count, 2);
    const struct trunk_audio *near = &s->trunks.trunk[0], *far = &s->trunks.trunk[1];

    cr_expect_str_eq(near->name, "near");
    cr_expect_eq(near->calls, 4);
    cr_expect_eq(near->narrow.low, 0);
    cr_expect_eq(near->narrow.calls, 2);
    cr_expect_float_eq(near->narrow.sum, 2 * 4.4, 1e-9);
    cr_expect_eq(near->wide.calls, 2, "two scales have no mean");
    cr_expect_float_eq(near->wide.sum, 2 * 4.4, 1e-9);
    cr_expect_str_eq(far->name, "far");
    cr_expect_eq(far->answered, 2);
    cr_expect_eq(far->no_audio, 1);
    cr_expect_eq(far->lost, 200);
    cr_expect_eq(far->narrow.calls, 1, "nothing is estimated of nothing");
    cr_expect_eq(far->narrow.low, 1);
    cr_expect_eq(far->wide.calls, 0);
}

Test(summary, a_lead_is_lost)
{
    a_good_run();
    run.pending--;
    expect_reason("leads 17 are not finished 10 + pending 6");
    cr_expect_eq(s->reason_count, 1);
}

Test(summary, an_attempt_has_no_record)
{
    a_good_run();
    put_truth("stranger@127.0.0.1", "human");
    run.attempts_redis++;
    expect_reason("attempts in Redis 16, but 15 in the call records");
    cr_expect(has_reason("1 calls the simulator saw have no call record"));
    cr_expect_eq(s->truths[1].unrecorded, 1);
}

Test(summary, an_invite_was_sent_that_redis_does_not_know)
{
    a_good_run();
    put_truth("stranger@127.0.0.1", "human");
    expect_reason("attempts in Redis 15, but the simulator saw 16 calls");
}

Test(summary, an_attempt_never_reached_the_simulator)
{
    struct call_record r = attempt_make(99, 1, RESULT_UNREACHABLE);

    a_good_run();
    put_call(&r);
    run.attempts_redis++;
    expect_reason("1 attempts never reached the simulator");
}

Test(summary, one_attempt_recorded_twice)
{
    struct call_record r = attempt_human(3, 1, 50);

    a_good_run();
    put_call(&r);
    expect_reason("1 attempts are recorded twice");
    cr_expect_eq(s->attempts, 15, "and counted once");
}

Test(summary, records_that_failed)
{
    a_good_run();
    run.records_failed = 2;
    expect_reason("2 call records could not be written");
}

Test(summary, unreadable_lines)
{
    a_good_run();
    fputs("{\"campaign\":\"test\",,}\n", calls_file);
    expect_reason("1 lines");
}

Test(summary, a_torn_last_line_is_left_out_and_no_fault)
{
    a_good_run();
    fputs("{\"campaign\":\"test\",\"lead\":\"le", calls_file);
    build();
    cr_expect(s->balance_ok, "%s", s->reasons[0]);
    cr_expect_eq(s->torn_lines, 1);
}

Test(summary, nothing_to_balance_against)
{
    const struct summary_inputs in = {.calls = calls};

    a_good_run();
    fclose(calls_file);
    fclose(truth_file);
    cr_assert_eq(summary_build(s, &in, error), OK);
    cr_expect_not(s->balance_ok);
    cr_expect(has_reason("nothing to balance against"));
    cr_expect_eq(s->leads, 15, "as many as the records name");
}

Test(summary, no_calls_at_all)
{
    run.leads = run.finished = 3;
    build();
    cr_expect(s->balance_ok, "%s", s->reasons[0]);
    cr_expect(s->attempts == 0 && s->bucket_count == 0 && s->peak_concurrent == 0);
}

Test(summary, not_dialled_leads_are_no_attempts)
{
    struct call_record r = attempt_make(50, 0, RESULT_INVALID_NUMBER);

    a_good_run();
    put_call(&r); /* attempt 0, stamped with the time it was found */
    build();
    cr_expect(s->balance_ok, "%s", s->reasons[0]);
    cr_expect_eq(s->attempts, 15);
    cr_expect_eq(s->not_dialled, 1);
}

Test(summary, more_truths_than_the_table_holds)
{
    char name[32];

    for (uint32_t i = 0; i < SUMMARY_TRUTHS_MAX + 5; i++) {
        struct call_record r = attempt_make(i, 1, RESULT_BUSY);
        snprintf(name, sizeof(name), "kind-%u", i);
        both(&r, name);
    }
    build();
    cr_expect(s->balance_ok, "%s", s->reasons[0]);
    cr_expect_eq(s->truth_count, SUMMARY_TRUTHS_MAX);
    cr_expect_eq(s->truth_overflow, 5);
}

Test(summary, missing_inputs_are_named)
{
    struct summary_inputs in = {.calls = "/nowhere/calls.jsonl"};

    cr_expect_neq(summary_build(s, &in, error), OK);
    cr_expect(strstr(error, "/nowhere/calls.jsonl"), "%s", error);
    in = (struct summary_inputs){.calls = calls, .run = "/nowhere/run.json"};
    cr_expect_eq(summary_build(s, &in, error), ERR_NOT_FOUND);
    cr_expect(strstr(error, "/nowhere/run.json"), "%s", error);
    fclose(calls_file);
    fclose(truth_file);
}

Test(summary, run_json_round_trip)
{
    struct run back;

    a_good_run();
    run.interrupted = true;
    run.abandonment_cap_percent = 2.5;
    run.agent[0] = (struct run_agent){"a \"b\"", 5, 1, 2, 3, 4};
    run.agent_listed = 1;
    for (uint32_t i = 0; i < 2000; i++) {
        struct run_sample m = {.at_s = i,
                               .connected = i % 7,
                               .agents_free = 3,
                               .expected_tenths = i % 90,
                               .theta_bp = 250,
                               .risk_bp = i % 240,
                               .live = i,
                               .abandoned = i / 40};
        run_sample_add(&run, &m);
    }
    cr_expect_leq(run.sample_count, RUN_SAMPLES_MAX);
    cr_expect_eq(run.sample_step_s, 4);
    cr_expect_eq(run.samples[run.sample_count - 1].at_s, 1996);
    cr_assert_eq(run_write(&run, run_path, error), OK, "%s", error);
    cr_assert_eq(run_read(&back, run_path, error), OK, "%s", error);
    /* What thinning left behind the last sample is nobody's. */
    memset(&run.samples[run.sample_count], 0,
           (RUN_SAMPLES_MAX - run.sample_count) * sizeof(run.samples[0]));
    cr_expect_eq(memcmp(&run, &back, sizeof(run)), 0);
    fclose(calls_file);
    fclose(truth_file);
    cr_expect_eq(run_write(&run, "/dev/full/x", error), ERR_IO);
    cr_expect(strstr(error, "/dev/full/x"), "%s", error);
}

static char *slurp(const char *name, size_t *len)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", out, name);
    FILE *f = fopen(path, "r");
    cr_assert(f, "%s", path);
    char *text = malloc(1 << 22);
    *len = fread(text, 1, (1 << 22) - 1, f);
    text[*len] = '\0';
    fclose(f);
    return text;
}

Test(summary, report_files)
{
    struct call_record evil = attempt_make(90, 1, RESULT_BUSY);
    const struct report_inputs in = {
        .from = {.calls = calls, .truth = truth, .run = run_path, .simulator = simulator},
        .out_dir = out};
    size_t len;

    a_good_run();
    snprintf(evil.lead, sizeof(evil.lead), "</script><!--,\"=1+1");
    snprintf(evil.agent, sizeof(evil.agent), "=cmd()");
    both(&evil, "busy");
    fclose(calls_file);
    fclose(truth_file);
    FILE *f = fopen(simulator, "w");
    fputs("{\"lateness_us\":{\"p99\":420},\"valid\":true}", f);
    fclose(f);
    cr_assert_eq(run_write(&run, run_path, error), OK);
    cr_assert_eq(report_build(&in, s, error), OK, "%s", error);
    cr_expect(s->balance_ok, "%s", s->reasons[0]);
    cr_expect_float_eq(s->lateness_p99_ms, 0.42, 1e-9);

    char *text = slurp("summary.json", &len);
    json_t *v = json_loads(text, 0, NULL);
    cr_assert(v);
    cr_expect_eq(json_integer_value(json_object_get(v, "attempts")), 16);
    cr_expect(json_is_true(json_object_get(v, "balance_ok")));
    cr_expect_eq(json_integer_value(json_object_get(
                     json_object_get(json_object_get(v, "confusion"), "machine"), "human")),
                 1);
    cr_expect_eq(
        json_integer_value(json_object_get(json_object_get(v, "answer_to_agent_ms"), "max")), 4600);
    json_decref(v);
    free(text);

    text = slurp("results.csv", &len);
    uint32_t rows = 0;
    for (char *p = text; (p = strchr(p, '\n')) != NULL; p++)
        rows++;
    cr_expect_eq(rows, 17, "a header and a row an attempt");
    cr_expect(strstr(text, "\"</script><!--,\"\"=1+1\",+12025550190,1,"), "quoted");
    cr_expect(strstr(text, ",'=cmd(),"), "no formula for a spreadsheet");
    free(text);

    text = slurp("report.html", &len);
    const char *source = getenv("PEAL_SOURCE");
    if (source) { /* the page is embedded when page.c is built: is it still this one? */
        static char page[1 << 20];
        char path[512];
        snprintf(path, sizeof(path), "%s/engine/report/page.c.html", source);
        f = fopen(path, "r");
        cr_assert(f, "%s", path);
        page[fread(page, 1, sizeof(page) - 1, f)] = '\0';
        fclose(f);
        const char *mark = strstr(page, "/*DATA*/");
        cr_assert(mark);
        cr_expect_eq(memcmp(page, text, (size_t)(mark - page)), 0,
                     "page.c.html was changed and page.c not rebuilt");
    }
    cr_expect_null(strstr(text, "/*DATA*/null"), "the data are in");
    cr_expect_null(strstr(text, "http://") ? strstr(strstr(text, "http://") + 1, "http://") : NULL,
                   "no address but SVG's name space");
    uint32_t ends = 0;
    for (char *p = text; (p = strstr(p, "</script>")) != NULL; p++)
        ends++;
    cr_expect_eq(ends, 1, "no lead's name ends the script");
    char *data = strstr(text, "const DATA = ");
    cr_assert(data);
    json_error_t what;
    v = json_loads(data + strlen("const DATA = "), JSON_DISABLE_EOF_CHECK, &what);
    cr_assert(v, "%s", what.text);
    cr_expect_eq(json_array_size(json_object_get(v, "rows")), 16);
    json_decref(v);
    free(text);
}

/* A thousand calls, a tenth of them of each score, which promise what they keep but for the last:
 * it promises 0.9 and keeps 0.5. Calls that say nothing about a score are mixed in. */
static void scored_calls(void)
{
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t tenth = i % 10, nth = i / 10;
        double score = tenth < 9 ? 0.05 + 0.05 * tenth : 0.9;
        bool live = nth < (tenth < 9 ? 5 + 5 * tenth : 50);
        struct call_record r =
            live ? attempt_human(i, 1, 50) : attempt_make(i, 1, RESULT_NO_ANSWER);

        r.score = (float)score;
        both(&r, live ? "human" : "no_answer");
    }
    static const enum result nothing[] = {RESULT_CANCELLED, RESULT_CONGESTION, RESULT_NO_TRUNK};
    for (uint32_t i = 0; i < 300; i++) {
        struct call_record r = attempt_make(1000 + i, 1, nothing[i % 3]);

        r.score = 0.3f;
        both(&r, "busy");
    }
    struct call_record unscored = attempt_human(1300, 1, 50);
    both(&unscored, "human");
    run.leads = run.finished = 1301;
}

Test(summary, scores_are_calibrated_by_tenths)
{
    struct calibration_tenth tenth[CALIBRATION_TENTHS], all;
    double without;

    scored_calls();
    build();
    cr_assert_eq(calibration_tenths(&s->calibration, tenth), 10);
    for (uint32_t i = 0; i < 10; i++) {
        double score = i < 9 ? 0.05 + 0.05 * i : 0.9;

        cr_expect_eq(tenth[i].calls, 100);
        cr_expect_float_eq(tenth[i].from, score, 1e-9);
        cr_expect_float_eq(tenth[i].to, score, 1e-9);
        cr_expect_float_eq(tenth[i].expected, score, 1e-9);
        cr_expect_eq(tenth[i].live, i < 9 ? 5 + 5 * i : 50, "tenth %u", i);
    }
    all = calibration_all(&s->calibration);
    cr_expect_eq(all.calls, 1000, "cancelled calls and those of no score are left out");
    cr_expect_eq(all.live, 275);
    cr_expect_float_eq(all.expected, 0.315, 1e-9);
    double expected = 0;
    for (int i = 0; i < 9; i++) {
        double p = 0.05 + 0.05 * i;
        expected += 0.1 * p * (1 - p);
    }
    expected += 0.1 * (0.5 * 0.1 * 0.1 + 0.5 * 0.9 * 0.9);
    cr_expect_float_eq(calibration_error(&s->calibration, &without), expected, 1e-9);
    cr_expect_float_eq(without, 0.275 * 0.725, 1e-9);
}

Test(summary, calls_of_one_score_are_one_tenth)
{
    struct calibration c = {0};
    struct calibration_tenth tenth[CALIBRATION_TENTHS];
    struct call_record live = attempt_human(0, 1, 50),
                       silent = attempt_make(0, 1, RESULT_NO_ANSWER);

    cr_expect_eq(calibration_tenths(&c, tenth), 0);
    for (int i = 0; i < 10; i++)
        calibration_add(&c, 0.2, i < 3 ? &live : &silent);
    calibration_add(&c, 1.0, &live);
    calibration_add(&c, 1.5, &live); /* of no score there is */
    calibration_add(&c, 0, &live);
    cr_assert_eq(calibration_tenths(&c, tenth), 2);
    cr_expect_eq(tenth[0].calls, 10);
    cr_expect_eq(tenth[0].live, 3);
    cr_expect_eq(tenth[1].calls, 1);
    cr_expect_float_eq(tenth[1].from, 1, 1e-9);
}

Test(summary, the_calibration_is_in_the_files)
{
    const struct report_inputs in = {.from = {.calls = calls, .truth = truth, .run = run_path},
                                     .out_dir = out};
    size_t len;

    scored_calls();
    fclose(calls_file);
    fclose(truth_file);
    cr_assert_eq(run_write(&run, run_path, error), OK);
    cr_assert_eq(report_build(&in, s, error), OK, "%s", error);
    char *text = slurp("summary.json", &len);
    json_t *v = json_loads(text, 0, NULL);
    const json_t *c = json_object_get(v, "score_calibration");
    const json_t *last = json_array_get(json_object_get(c, "tenths"), 9);
    cr_expect_eq(json_integer_value(json_object_get(c, "calls")), 1000);
    cr_expect_eq(json_array_size(json_object_get(c, "tenths")), 10);
    cr_expect_float_eq(json_number_value(json_object_get(last, "expected")), 0.9, 1e-6);
    cr_expect_float_eq(json_number_value(json_object_get(last, "answered")), 0.5, 1e-6);
    cr_expect_eq(json_integer_value(json_object_get(last, "live")), 50);
    json_decref(v);
    free(text);
    text = slurp("report.html", &len);
    cr_expect(strstr(text, "\"score_calibration\":{\"calls\":1000"), "the page has its figures");
    cr_expect(strstr(text, "calibration(S.score_calibration)"), "and a table for them");
    free(text);
}

Test(summary, printed_tables)
{
    char *text = NULL;
    size_t len;

    a_good_run();
    run.pending++;
    build();
    FILE *f = open_memstream(&text, &len);
    summary_print(s, f, false, 100);
    fclose(f);
    cr_expect(strstr(text, "abandoned 10.00 % (1 of 10 live answers, strict)"), "%s", text);
    cr_expect(strstr(text, "   1  human                 9    9   ·   ·"), "%s", text);
    cr_expect(strstr(text, "do NOT balance:\n  - leads 17"), "%s", text);
    cr_expect_null(strchr(text, '\x1b'), "no colours asked for");
    free(text);
    f = open_memstream(&text, &len);
    summary_print(s, f, true, 60);
    fclose(f);
    cr_expect(strchr(text, '\x1b'));
    free(text);
}

Test(summary, people_of_groups_are_counted_by_group)
{
    for (uint32_t i = 0; i < 6; i++) {
        struct call_record r = attempt_human(i, 1, i == 5 ? 3000 : 50);

        snprintf(r.group, sizeof(r.group), "%s", i < 4 ? "sales" : i == 4 ? "" : "english");
        both(&r, "human");
    }
    run.abandonment_limit_ms = 2000;
    build();
    cr_assert_eq(s->group_count, 2);
    cr_expect_str_eq(s->groups[0].name, "sales");
    cr_expect_eq(s->groups[0].live, 4);
    cr_expect_eq(s->groups[0].connected, 4);
    cr_expect_eq(s->groups[0].abandoned, 0);
    cr_expect_str_eq(s->groups[1].name, "english");
    cr_expect_eq(s->groups[1].live, 1);
    cr_expect_eq(s->groups[1].abandoned, 1, "an agent after three seconds");
}
