/* What a replay plays and how it is judged: rows of calls.csv, whose turn it is to answer, and the
 * distance between capture and replay. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sim/replay.h"

#define HEAD                                                                                       \
    "call,start_s,number,caller,outcome,code,ring_s,answer_s,end_s,ended_by,payload,fmtp,"         \
    "transport,late_offer,packet\n"

static enum err load(struct replay_list *l, const char *text, char *error)
{
    char dir[64], path[96];
    const char *tmp = getenv("TMPDIR");

    snprintf(dir, sizeof dir, "%.30s/peal-replay-XXXXXX", tmp ? tmp : "/tmp");
    cr_assert(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/calls.csv", dir);
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
    enum err e = replay_list_load(l, dir, error);
    unlink(path);
    rmdir(dir);
    return e;
}

Test(replay, rows_say_what_is_played)
{
    struct replay_list l;
    char error[REPLAY_ERROR_MAX] = "";

    cr_assert_eq(load(&l,
                      HEAD "c0001,0.000,+12025550101,+12025550100,answered,200,0.1,2.5,9.25,callee,"
                           "opus/48000/2,\"useinbandfec=1\",tcp,yes,1\n"
                           "c0002,1.500,+12025550102,,refused,486,,,0.3,,,,udp,no,9\n",
                      error),
                 OK, "%s", error);
    const struct replay_call *k = l.call;

    cr_assert(l.count == 2 && k[0].answer_s == 2.5 && k[0].end_s == 9.25 && k[0].tcp);
    cr_assert(k[0].late_offer && k[0].payload.rate_hz == 48000 && k[0].payload.channels == 2);
    cr_assert_str_eq(k[0].payload.name, "opus");
    cr_assert_str_eq(k[0].payload.fmtp, "useinbandfec=1");
    cr_assert(k[1].code == 486 && k[1].answer_s == REPLAY_NONE && k[1].payload.name == NULL);
    replay_list_free(&l);
}

Test(replay, rows_that_cannot_be_played_are_refused)
{
    static const struct {
        const char *row, *why;
    } wrong[] = {
        {"c0001,x,1,2,answered,200,,,,,,,udp,no,1\n", "row 1: start_s is no time"},
        {"c0001,0,1,2,answered,777,,,,,,,udp,no,1\n", "row 1: code is no SIP status"},
        {"c0001,0,1,2,answered,200,,-1,,,,,udp,no,1\n", "answer_s"},
        {"c0001,0,1,2,answered,200,,,,,opus,,udp,no,1\n", "payload is not written"},
        {",0,1,2,answered,200,,,,,,,udp,no,1\n", "a name in each row"},
    };
    char text[512], error[REPLAY_ERROR_MAX];

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct replay_list l;

        snprintf(text, sizeof text, HEAD "%s", wrong[i].row);
        cr_assert_neq(load(&l, text, error), OK, "accepted: %s", wrong[i].row);
        cr_assert(strstr(error, wrong[i].why), "%s: %s", wrong[i].row, error);
        replay_list_free(&l);
    }
}

Test(replay, each_call_to_a_number_is_answered_by_its_own_callee)
{
    struct replay_list l;
    char error[REPLAY_ERROR_MAX] = "";

    cr_assert_eq(load(&l,
                      HEAD "a,0,+12025550101,,answered,200,,1,2,,,,udp,no,1\n"
                           "b,1,+12025550102,,answered,200,,1,2,,,,udp,no,2\n"
                           "c,2,12025550101,,refused,486,,,2,,,,udp,no,3\n"
                           "d,3,desk,,answered,200,,1,2,,,,udp,no,4\n",
                      error),
                 OK, "%s", error);
    static const char *const turns[][2] = {
        {"+12025550101", "a"}, {"+1 (202) 555-0101", "c"},
        {"+12025550101", "a"}, {"12025550102", "b"},
        {"desk", "d"},         {"+12025550101", "c"},
    };

    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
        struct replay_call *k = replay_list_answer(&l, slice_cstr(turns[i][0]));

        cr_assert(k && strcmp(k->name, turns[i][1]) == 0, "turn %zu: %s", i, k ? k->name : "-");
    }
    cr_assert_null(replay_list_answer(&l, SLICE("+12025550199")));
    cr_assert_null(replay_list_answer(&l, SLICE("desk-2")));
    replay_list_free(&l);
}

Test(replay, what_differs_is_found)
{
    struct replay_call answered = {.code = 200, .ring_s = 0.1, .answer_s = 2, .end_s = 9};
    struct replay_call busy = {.code = 486, .ring_s = -1, .answer_s = -1, .end_s = 0.5};
    struct replay_result r = {.code = 200, .ring_s = 0.11, .answer_s = 2.004, .end_s = 9.030};

    replay_judge(&answered, REPLAY_CALLER, false, &r);
    cr_assert(r.same);
    cr_assert_float_eq(r.worst_ms, 30, 0.01);
    cr_assert_str_eq(r.worst_of, "end");
    replay_judge(&answered, REPLAY_CALLER, true, &r);
    cr_assert_not(r.same, "a script that failed");

    r = (struct replay_result){.code = 486, .ring_s = -1, .answer_s = -1, .end_s = 0.512};
    replay_judge(&busy, REPLAY_CALLEE, false, &r);
    cr_assert(r.same);
    replay_judge(&answered, REPLAY_CALLEE, false, &r);
    cr_assert_not(r.same, "not answered now");
    r.code = 404;
    replay_judge(&busy, REPLAY_CALLER, false, &r);
    cr_assert_not(r.same, "another code");
}
