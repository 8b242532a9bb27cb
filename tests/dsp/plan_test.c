/* Tone plans: those in the program say what was published, and files of users are read, used and
 * refused with file, line and what is accepted. */
#include <criterion/criterion.h>
#include <unistd.h>

#include "dsp/plan.h"
#include "dsp/tape.h"

/* What every plan must say, told again here: kind, frequencies, shortest and longest lengths. */
static const struct {
    char plan[4];
    enum dsp_kind kind;
    uint16_t f[2];
    uint16_t ms[4][2];
} published[] = {
    {"us", DSP_RINGBACK, {440, 480}, {{2000, 2000}, {4000, 4000}}},
    {"us", DSP_BUSY, {480, 620}, {{500, 500}, {500, 500}}},
    {"us", DSP_REORDER, {480, 620}, {{250, 250}, {250, 250}}},
    {"us", DSP_DIAL_TONE, {350, 440}, {{0}}},
    {"gb", DSP_RINGBACK, {400, 450}, {{400, 400}, {200, 200}, {400, 400}, {2000, 2000}}},
    {"gb", DSP_BUSY, {400, 0}, {{375, 375}, {375, 375}}},
    {"gb", DSP_REORDER, {400, 0}, {{400, 400}, {350, 350}, {225, 225}, {525, 525}}},
    {"gb", DSP_UNOBTAINABLE, {400, 0}, {{0}}},
    {"gb", DSP_DIAL_TONE, {350, 440}, {{0}}},
    {"ru", DSP_RINGBACK, {425, 0}, {{800, 1000}, {3200, 4000}}},
    {"ru", DSP_BUSY, {425, 0}, {{350, 400}, {350, 400}}},
    {"ru", DSP_REORDER, {425, 0}, {{175, 200}, {175, 200}}},
    {"ru", DSP_DIAL_TONE, {425, 0}, {{0}}},
    {"cz", DSP_RINGBACK, {425, 0}, {{1000, 1000}, {4000, 4000}}},
    {"cz", DSP_BUSY, {425, 0}, {{330, 330}, {330, 330}}},
    {"cz", DSP_REORDER, {425, 0}, {{165, 165}, {165, 165}}},
    {"cz", DSP_DIAL_TONE, {425, 0}, {{330, 330}, {330, 330}, {660, 660}, {660, 660}}},
    {"cz", DSP_DIAL_TONE, {425, 0}, {{0}}},
    {"si", DSP_RINGBACK, {425, 0}, {{1000, 1000}, {4000, 4000}}},
    {"si", DSP_BUSY, {425, 0}, {{500, 500}, {500, 500}}},
    {"si", DSP_REORDER, {425, 0}, {{200, 200}, {200, 200}}},
    {"si", DSP_DIAL_TONE, {425, 0}, {{200, 200}, {300, 300}, {700, 700}, {800, 800}}},
    {"si", DSP_DIAL_TONE, {425, 0}, {{0}}},
    {"de", DSP_RINGBACK, {425, 0}, {{1000, 1000}, {4000, 4000}}},
    {"de", DSP_BUSY, {425, 0}, {{480, 480}, {480, 480}}},
    {"de", DSP_REORDER, {425, 0}, {{240, 240}, {240, 240}}},
    {"de", DSP_DIAL_TONE, {425, 0}, {{0}}},
    {"at", DSP_RINGBACK, {420, 0}, {{1000, 1000}, {5000, 5000}}},
    {"at", DSP_BUSY, {420, 0}, {{400, 400}, {400, 400}}},
    {"at", DSP_REORDER, {420, 0}, {{200, 200}, {200, 200}}},
    {"at", DSP_DIAL_TONE, {420, 0}, {{0}}},
    {"fr", DSP_RINGBACK, {440, 0}, {{1500, 1500}, {3500, 3500}}},
    {"fr", DSP_BUSY, {440, 0}, {{500, 500}, {500, 500}}},
    {"fr", DSP_REORDER, {440, 0}, {{250, 250}, {250, 250}}},
    {"fr", DSP_DIAL_TONE, {440, 0}, {{0}}},
    {"itu", DSP_RINGBACK, {425, 0}, {{800, 1500}, {3000, 5000}}},
    {"itu", DSP_BUSY, {425, 0}, {{350, 500}, {350, 500}}},
    {"itu", DSP_REORDER, {425, 0}, {{165, 250}, {165, 250}}},
    {"itu", DSP_DIAL_TONE, {425, 0}, {{0}}},
};
#define PUBLISHED (sizeof published / sizeof published[0])

Test(plan, those_in_the_program_say_what_was_published)
{
    const char *last = "";
    unsigned at = 0;
    for (unsigned i = 0; i < PUBLISHED; i++) {
        const struct dsp_plan *p = dsp_plan_find(published[i].plan);
        at = strcmp(last, published[i].plan) ? 0 : at + 1;
        last = published[i].plan;
        cr_assert_not_null(p, "%s", last);
        const struct plan_tone *t = &p->tone[at];
        cr_assert_eq(t->kind, published[i].kind, "%s, tone %u", last, at);
        cr_assert_eq(t->freq_hz[0], published[i].f[0]);
        cr_assert_eq(t->freq_hz[1], published[i].f[1]);
        unsigned steps = 0;
        for (; steps < 4 && published[i].ms[steps][0]; steps++) {
            cr_assert_eq(t->step[steps].min_ms, published[i].ms[steps][0] * 85 / 100);
            cr_assert_eq(t->step[steps].max_ms, published[i].ms[steps][1] * 115 / 100);
        }
        cr_assert_eq(t->steps, steps, "%s, tone %u", last, at);
        if (i + 1 == PUBLISHED || strcmp(last, published[i + 1].plan))
            cr_assert_eq(p->tone[at + 1].kind, DSP_NONE, "%s has more tones", last);
    }
    cr_assert_str_eq(dsp_plan_names(), "at, cz, de, fr, gb, itu, ru, si, us");
    cr_assert_str_eq(dsp_plan_title(dsp_plan_find("gb")), "United Kingdom");
}

/* GR-1162: lengths and pitches of the first two of three. */
Test(plan, every_plan_of_the_program_has_the_categories_of_sit)
{
    static const struct {
        enum dsp_sit sit;
        char length[3], pitch[3];
    } rows[] = {{SIT_IC, "SS", "LL"},         {SIT_VC, "LS", "HL"},
                {SIT_RO_INTRA, "SL", "LH"},   {SIT_RO_INTER, "SL", "HL"},
                {SIT_NC_INTRA, "LL", "HH"},   {SIT_NC_INTER, "LL", "LL"},
                {SIT_RESERVED_1, "LS", "LH"}, {SIT_RESERVED_2, "SS", "HH"}};
    char names[128];
    snprintf(names, sizeof names, "%s", dsp_plan_names());
    for (char *save = NULL, *n = strtok_r(names, ", ", &save); n; n = strtok_r(NULL, ", ", &save)) {
        const struct plan_sit *s = &dsp_plan_find(n)->sit;
        for (unsigned i = 0; i < 8; i++) {
            cr_assert_eq(s->category[i].sit, rows[i].sit, "%s", n);
            cr_assert_eq(memcmp(s->category[i].length, rows[i].length, 2), 0);
            cr_assert_eq(memcmp(s->category[i].pitch, rows[i].pitch, 2), 0);
        }
        cr_assert_eq(s->category[8].sit, SIT_NONE);
        cr_assert_float_eq(s->low_hz[0], 913.8f, 0);
        cr_assert_float_eq(s->high_hz[1], 1428.5f, 0);
        cr_assert_eq(s->long_ms, 327);
        cr_assert_eq(s->hz_min[2], 1745);
    }
}

Test(plan, number_unobtainable_is_heard_and_dial_tone_is_not_it)
{
    struct tape t;
    tape_open(&t, 5);
    tape_silence(&t, 400);
    tape_tone(&t, 400, -19, 6000);
    tape_silence(&t, 500);
    const struct heard *h = line_play(&t, (struct line){.plan = "gb", .phase = DSP_EARLY});
    cr_assert_eq(heard_count(h, DSP_UNOBTAINABLE), 1);
    cr_assert_eq(heard_tones(h), 1, "nothing else");
    const struct dsp_event *e = heard_first(h, DSP_UNOBTAINABLE);
    cr_assert_leq(abs((int)e->start_ms - 400), 15);
    cr_assert_leq(heard_at(h, e), 400 + 2600);
    tape_close(&t);
    tape_open(&t, 6);
    tape_silence(&t, 400);
    tape_pair(&t, 350, -16, 440, -16, 6000);
    h = line_play(&t, (struct line){.plan = "gb", .phase = DSP_EARLY});
    cr_assert_eq(heard_count(h, DSP_UNOBTAINABLE), 0);
    cr_assert_eq(heard_count(h, DSP_DIAL_TONE), 1);
    tape_close(&t);
}

/* A tone counts within 14 Hz of the plan's, each of two within 13; 1 Hz is our error. */
Test(plan, frequencies_are_the_plans_within_its_tolerance)
{
    const struct dsp_plan *gb = dsp_plan_find("gb");
    for (int off = -20; off <= 20; off++) {
        uint32_t one = plan_match(gb, (float)(400 + off), 0);
        uint32_t low = plan_match(gb, (float)(400 + off), 450);
        uint32_t high = plan_match(gb, 400, (float)(450 + off));
        cr_assert_eq(one != 0, abs(off) <= 14, "%d Hz off: %x", off, one);
        cr_assert_eq(low != 0, abs(off) <= 13, "the lower %d Hz off: %x", off, low);
        cr_assert_eq(high != 0, abs(off) <= 13, "the higher %d Hz off: %x", off, high);
    }
}

/* What a file may leave out. */
Test(plan, lengths_stretch_by_15_per_cent_and_levels_reach_from_minus_50_to_7_dbm0)
{
    static const char text[] = "name: own\ntitle: own\ntones:\n  - kind: busy\n    hz: 1000\n"
                               "    cadence: [200..300, 400]\n";
    char error[DSP_PLAN_ERROR_MAX];
    struct dsp_plan p;
    cr_assert_eq(plan_parse(&p, "own.yaml", text, sizeof text - 1, dsp_plan_find("us"), error), OK,
                 "%s", error);
    cr_assert_eq(p.tone[0].step[0].min_ms, 170);
    cr_assert_eq(p.tone[0].step[0].max_ms, 345);
    cr_assert_eq(p.tone[0].step[1].min_ms, 340);
    cr_assert_eq(p.tone[0].step[1].max_ms, 460);
    cr_assert_eq(p.tone[0].level_min_ddb, -500);
    cr_assert_eq(p.tone[0].level_max_ddb, 70);
}

/* ---- files of users ---- */

static const char own_text[] = "name: own\n"
                               "title: a private network\n"
                               "stretch_percent: 10\n"
                               "tones:\n"
                               "  - kind: busy\n"
                               "    hz: 1000\n"
                               "    cadence: [200..300, 300]\n"
                               "  - kind: congestion\n"
                               "    hz: [700, 500]\n"
                               "    cadence: [200, 200, 200, 600]\n"
                               "    level_dbm0: -30..-10\n"
                               "sit:\n"
                               "  hz: [500..520, 700..720, 900..920]\n"
                               "  length: 150..250\n";

static void write_own(char path[64], const char *text)
{
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    fputs(text, f);
    fclose(f);
}

static unsigned busy_heard(const char *plan, double f1, double f2, double level, const double ms[4],
                           enum dsp_kind kind)
{
    struct tape t;
    tape_open(&t, 9);
    tape_silence(&t, 300);
    for (int n = 0; n < 6; n++)
        for (int i = 0; i < 4 && ms[i] > 0; i += 2) {
            tape_pair(&t, f1, level, f2, level, ms[i]);
            tape_silence(&t, ms[i + 1]);
        }
    unsigned n = heard_count(line_play(&t, (struct line){.plan = plan, .phase = DSP_EARLY}), kind);
    tape_close(&t);
    return n;
}

Test(plan, a_file_is_read_and_heard_by)
{
    char path[64] = "/tmp/peal-plan-test-XXXXXX.yaml", error[DSP_PLAN_ERROR_MAX];
    const struct dsp_plan *p, *again;
    int fd = mkstemps(path, 5);
    close(fd);
    write_own(path, own_text);
    cr_assert_null(dsp_plan_find(path));
    cr_assert_eq(dsp_plan_open(path, &p, error), OK, "%s", error);
    cr_assert_eq(dsp_plan_find(path), p);
    cr_assert_str_eq(p->name, "own");
    cr_assert_eq(p->tone[0].step[0].min_ms, 180);
    cr_assert_eq(p->tone[0].step[0].max_ms, 330);
    cr_assert_eq(p->tone[1].freq_hz[0], 500, "sorted");
    cr_assert_gt(busy_heard(path, 1000, 0, -20, (double[4]){250, 300}, DSP_BUSY), 0);
    cr_assert_eq(busy_heard(path, 1000, 0, -20, (double[4]){360, 300}, DSP_BUSY), 0);
    cr_assert_eq(busy_heard("us", 1000, 0, -20, (double[4]){250, 300}, DSP_BUSY), 0);
    double twice[4] = {200, 200, 200, 600};
    cr_assert_gt(busy_heard(path, 500, 700, -20, twice, DSP_REORDER), 0);
    cr_assert_eq(busy_heard(path, 500, 700, -38, twice, DSP_REORDER), 0, "quieter than -30");
    cr_assert_eq(busy_heard(path, 500, 700, -9, twice, DSP_REORDER), 0, "louder than -10");

    cr_assert_eq(dsp_plan_open(path, &again, error), OK);
    cr_assert_eq(again, p, "the same text is the same plan");
    write_own(path, "name: own\ntones: [{kind: busy, hz: 1000, cadence: [360, 300]}]\n");
    cr_assert_eq(dsp_plan_open(path, &again, error), OK, "%s", error);
    cr_assert_neq(again, p);
    cr_assert_eq(dsp_plan_find(path), again, "the newest counts");
    cr_assert_eq(p->tone[0].step[0].min_ms, 180, "the old one is not touched");
    cr_assert_gt(busy_heard(path, 1000, 0, -20, (double[4]){360, 300}, DSP_BUSY), 0);
    unlink(path);
}

Test(plan, its_special_information_tones_are_those_of_the_file)
{
    char path[64] = "/tmp/peal-plan-test-XXXXXX.yaml", error[DSP_PLAN_ERROR_MAX];
    const struct dsp_plan *p;
    int fd = mkstemps(path, 5);
    close(fd);
    write_own(path, own_text);
    cr_assert_eq(dsp_plan_open(path, &p, error), OK, "%s", error);
    for (int own = 0; own < 2; own++) {
        struct tape t;
        tape_open(&t, 3);
        tape_silence(&t, 300);
        tape_tone(&t, 510, -18, 200);
        tape_tone(&t, 710, -18, 200);
        tape_tone(&t, 910, -18, 200);
        tape_silence(&t, 500);
        tape_tone(&t, 950, -18, 330);
        tape_tone(&t, 1400, -18, 330);
        tape_tone(&t, 1800, -18, 330);
        tape_silence(&t, 500);
        const struct heard *h =
            line_play(&t, (struct line){.plan = own ? path : "us", .phase = DSP_EARLY});
        cr_assert_eq(heard_count(h, DSP_SIT), 1, "own %d", own);
        cr_assert_eq(heard_first(h, DSP_SIT)->detail, SIT_ITU);
        cr_assert_eq(heard_first(h, DSP_SIT)->start_ms < 500, own);
        tape_close(&t);
    }
    unlink(path);
}

Test(plan, what_is_wrong_is_told_with_its_line)
{
#define HEAD "name: x\ntones:\n  - {kind: busy, hz: 425, cadence: [500, 500]}\n"
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"", "p.yaml:1: the file is empty"},
        {"- a\n", "p.yaml:1: the plan: keys and values are expected here"},
        {"name: x\n", "'tones' is missing"},
        {HEAD "tone: 1\n", "p.yaml:4: unknown key 'tone' in the plan; accepted: name, title, "},
        {HEAD "name: y\n", "p.yaml:4: the plan: 'name' was given before"},
        {"name: X\n"
         "tones: []\n",
         "p.yaml:1: name: 'X' is not accepted; accepted: 1 to 15 of a-z"},
        {"name: x\ntones: []\n", "p.yaml:2: tones: a list of 1 to 12 is expected"},
        {"name: x\ntones: 3\n", "p.yaml:2: tones: a list is expected here"},
        {"name: x\ntones:\n  - kind: fast\n", "p.yaml:3: kind: 'fast' is not accepted; accepted: "
                                              "ringback, busy, reorder (or congestion), dial_tone, "
                                              "unobtainable"},
        {"name: x\ntones:\n  - kind: busy\n    hz: 425\n",
         "p.yaml:3: a tone: 'cadence' is missing"},
        {"name: x\ntones:\n  - hz: 100\n", "p.yaml:3: hz: '100' is not accepted; accepted: a whole "
                                           "number, 200 to 3500"},
        {"name: x\ntones:\n  - hz: [1, 2, 3]\n", "p.yaml:3: hz: a list of 1 to 2 is expected"},
        {"name: x\ntones:\n  - hz: [425, 425]\n", "p.yaml:3: hz: two different"},
        {"name: x\ntones:\n  - hz: 425x\n", "p.yaml:3: hz: '425x' is not accepted"},
        {"name: x\ntones:\n  - cadence: even\n", "p.yaml:3: cadence: 'even' is not accepted; "
                                                 "accepted: steady, or a list"},
        {"name: x\ntones:\n  - cadence: [500, 500, 500]\n",
         "p.yaml:3: cadence: a pause is missing"},
        {"name: x\ntones:\n  - cadence:\n      - 500\n      - 79\n",
         "p.yaml:5: cadence: '79' is not accepted; accepted: a whole number, 80 to 5000, or two as "
         "in 80..5000"},
        {"name: x\ntones:\n  - cadence: [500, 400..300]\n", "p.yaml:3: cadence: '400..300'"},
        {HEAD "level_dbm0: -70..0\n", "p.yaml:4: level_dbm0: '-70..0' is not accepted; accepted: a "
                                      "whole number, -60 to 10"},
        {HEAD "stretch_percent: 31\n", "p.yaml:4: stretch_percent: '31' is not accepted; accepted: "
                                       "a whole number, 0 to 30"},
        {HEAD "title: \"a\\tb\"\n", "p.yaml:4: title: accepted: up to 63 bytes"},
        {HEAD "sit: {hz: [900..1000, 950..1100, 1800]}\n", "p.yaml:4: hz: three ranges that rise"},
        {HEAD "sit: {hz: 950}\n", "p.yaml:4: hz: a list of 3 is expected"},
        {HEAD "sit: {low_hz: [913.8, 13.77]}\n", "p.yaml:4: low_hz: '13.77' is not accepted"},
        {HEAD "sit:\n  categories:\n    vc: [LX, HL]\n", "p.yaml:6: vc: 'LX' is not accepted; "
                                                         "accepted: two letters, each S or L"},
        {HEAD "sit: {categories: {full: [LS, HL]}}\n",
         "p.yaml:4: unknown key 'full' in categories"},
        {HEAD "sit: {gap: 201}\n", "p.yaml:4: gap: '201'"},
        {"name: x\ntones: [\n", "the YAML breaks off"},
        {"name: [x]\n", "p.yaml:1: name: a single value is expected"},
        {"name: \"a\\0b\"\n", "p.yaml:1: name: a single value is expected"},
    };
    char error[DSP_PLAN_ERROR_MAX];
    struct dsp_plan p;
    cr_assert_eq(plan_parse(&p, "p.yaml", HEAD, strlen(HEAD), dsp_plan_find("itu"), error), OK);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_assert_eq(plan_parse(&p, "p.yaml", cases[i].text, strlen(cases[i].text),
                                dsp_plan_find("itu"), error),
                     ERR_INVALID, "%s", cases[i].text);
        cr_assert_not_null(strstr(error, cases[i].said), "for \"%s\": %s", cases[i].text, error);
    }
    cr_assert_eq(plan_parse(&p, "p.yaml", HEAD, strlen(HEAD), NULL, error), ERR_INVALID);
    cr_assert_not_null(strstr(error, "'sit' is missing"));
}

Test(plan, files_that_cannot_be_read_are_told)
{
    const struct dsp_plan *p;
    char error[DSP_PLAN_ERROR_MAX], path[64] = "/tmp/peal-plan-test-XXXXXX.yaml";
    cr_assert_eq(dsp_plan_open("mars", &p, error), ERR_NOT_FOUND);
    cr_assert_not_null(strstr(error, "'mars'; there are at, cz, de"));
    cr_assert_eq(dsp_plan_open("/tmp/no/such.yaml", &p, error), ERR_IO);
    cr_assert_not_null(strstr(error, "/tmp/no/such.yaml: cannot read the tone plan: No such file"));
    cr_assert_eq(dsp_plan_open("/tmp/", &p, error), ERR_IO);
    int fd = mkstemps(path, 5);
    for (int i = 0; i < PLAN_FILE_MAX / 16 + 1; i++)
        cr_assert_eq(write(fd, "# sixteen bytes\n", 16), 16);
    close(fd);
    cr_assert_eq(dsp_plan_open(path, &p, error), ERR_TOO_LONG);
    unlink(path);
}
