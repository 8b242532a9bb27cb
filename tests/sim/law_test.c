/* Arrival laws and the rows that callers take. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/law.h"
#include "sim/options.h"
#include "sim/rows.h"

static struct law law_of(const char *rate, const char *text, uint64_t calls, uint64_t seed)
{
    struct law l;
    struct law_spec spec = {.rate = rate, .law = text, .calls = calls, .seed = seed};
    char error[LAW_ERROR_MAX] = "";

    cr_assert_eq(law_parse(&l, &spec, error), OK, "%s", error);
    return l;
}

Test(law, constant_is_even)
{
    struct law l = law_of("50/s", NULL, 101, 1);

    for (uint64_t i = 0; i < 101; i++)
        cr_assert(llabs((long long)law_next(&l) - (long long)(i * 20000)) <= 1);
    cr_assert_eq(law_next(&l), UINT64_MAX);
    l = law_of("90/m", "constant", 2, 1);
    law_next(&l);
    cr_assert_eq(law_next(&l) / 1000, 666u);
}

Test(law, poisson_has_its_rate_and_its_spread)
{
    enum { N = 20000 };
    struct law l = law_of("100", "poisson", N, 3), same = law_of("100", "poisson", N, 3),
               other = law_of("100", "poisson", N, 4);
    uint64_t last = law_next(&l), first_other = 0, first = 0;
    double sum = 0, squares = 0;

    cr_assert_eq(law_next(&same), last);
    law_next(&other);
    for (int i = 1; i < N; i++) {
        uint64_t at = law_next(&l);
        cr_assert_eq(law_next(&same), at);
        cr_assert_geq(at, last);
        double gap = (double)(at - last) / 1e6;
        sum += gap;
        squares += gap * gap;
        last = at;
        if (i == 1) {
            first = at;
            first_other = law_next(&other);
        }
    }
    double mean = sum / (N - 1), sd = sqrt(squares / (N - 1) - mean * mean);
    cr_assert(fabs(mean - 0.01) < 0.0003, "mean gap %f", mean);
    cr_assert(fabs(sd / mean - 1) < 0.05, "an exponential law's deviation is its mean: %f", sd);
    cr_assert_neq(first, first_other);
}

/* Calls in a second, by the plan. */
static uint32_t in_second(const char *ramp, uint64_t calls, uint32_t second)
{
    struct law l = law_of(NULL, ramp, calls, 1);
    uint32_t n = 0;

    for (uint64_t at; (at = law_next(&l)) != UINT64_MAX;)
        n += at / 1000000 == second;
    return n;
}

Test(law, ramps_go_evenly_from_one_rate_to_the_other)
{
    /* 10/s to 50/s over 300 calls: 10 seconds, 4/s more each second. */
    cr_assert(abs((int)in_second("ramp:10-50", 300, 0) - 12) <= 1);
    cr_assert(abs((int)in_second("ramp:10-50", 300, 5) - 32) <= 1);
    cr_assert(abs((int)in_second("ramp:10-50", 300, 9) - 48) <= 1);
    cr_assert(abs((int)in_second("ramp:50-10", 300, 0) - 48) <= 1);
    cr_assert(abs((int)in_second("ramp:0-20", 100, 9) - 19) <= 1);
    cr_assert(abs((int)in_second("ramp:20-20", 100, 3) - 20) <= 1);
}

Test(law, nonsense_is_refused_in_a_sentence)
{
    static const struct {
        char rate[16], law[24], part[24];
    } wrong[] = {
        {"fast", "", "--rate fast"},   {"0/s", "", "--rate 0/s"},
        {"-3", "", "--rate -3"},       {"5/h", "", "--rate 5/h"},
        {"nan", "", "--rate nan"},     {"1e9", "", "--rate 1e9"},
        {"5", "uniform", "uniform"},   {"5", "ramp:5", "ramp:5"},
        {"5", "ramp:0-0", "ramp:0-0"}, {"5", "ramp:a-b", "ramp:a-b"},
        {"5", "ramp:-1-5", "ramp:"},   {"5", "steps:", "steps:"},
        {"5", "steps:5", "steps:5"},   {"5", "steps:5x0", "steps:5x0"},
        {"5", "steps:5x1,", "5x1,"},   {"5", "steps:1x2x3", "x3"},
        {"5", "poisson:wave", "wave"}, {"5", "hours:no.csv", "no.csv"},
        {"5", "hours:a@0", "faster"},
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct law l;
        char error[LAW_ERROR_MAX] = "";
        struct law_spec spec = {.rate = wrong[i].rate,
                                .law = wrong[i].law[0] ? wrong[i].law : NULL,
                                .calls = 10,
                                .seed = 1};
        cr_assert_eq(law_parse(&l, &spec, error), ERR_INVALID, "%s %s", wrong[i].rate,
                     wrong[i].law);
        cr_assert(strstr(error, wrong[i].part), "no \"%s\" in: %s", wrong[i].part, error);
    }
}

Test(law, steps_keep_their_rates)
{
    struct law l = law_of(NULL, "steps:10x3,0x2,40x1", 0, 1);
    uint32_t n[7] = {0};

    cr_assert_eq(law_count(&l, UINT64_MAX, 1000), 70u);
    cr_assert_eq(law_count(&l, 1000000, 1000), 10u);
    for (uint64_t at; (at = law_next(&l)) != UINT64_MAX;)
        n[at / 1000000 < 6 ? at / 1000000 : 6]++;
    uint32_t wanted[7] = {10, 10, 10, 0, 0, 40, 0};
    cr_assert_arr_eq(n, wanted, sizeof n);
    cr_assert_eq(law_next(&l), UINT64_MAX);
    l = law_of(NULL, "steps:10x3,0x2,40x1", 12, 1); /* calls cut it short */
    cr_assert_eq(law_count(&l, UINT64_MAX, 1000), 12u);
}

/* Poisson over steps: each second has its own mean, and as much spread. */
Test(law, random_moments_follow_the_steps)
{
    double sum[2] = {0}, squares[2] = {0};

    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct law l = law_of(NULL, "poisson:steps:20x1,5x1", 0, seed);
        double n[2] = {0};
        for (uint64_t at; (at = law_next(&l)) != UINT64_MAX;) {
            cr_assert_lt(at, 2000000u);
            n[at / 1000000]++;
        }
        for (int i = 0; i < 2; i++) {
            sum[i] += n[i];
            squares[i] += n[i] * n[i];
        }
    }
    for (int i = 0; i < 2; i++) {
        double mean = sum[i] / 400, variance = squares[i] / 400 - mean * mean;
        /* The first call is at 0 by convention: one more than a Poisson number. */
        double wanted = i ? 5 : 21;
        cr_assert(fabs(mean - wanted) < 0.8, "second %d: %.2f calls", i, mean);
        cr_assert(variance > 0.75 * wanted && variance < 1.3 * wanted, "variance %.2f", variance);
    }
}

static struct law hours_of(const char *text, const char *speed)
{
    char path[] = "/tmp/peal-law-XXXXXX", law[64];
    int fd = mkstemp(path);

    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    snprintf(law, sizeof law, "hours:%s%s", path, speed);
    struct law l = law_of(NULL, law, 0, 1);
    unlink(path);
    return l;
}

Test(law, hours_come_from_a_file)
{
    struct law l = hours_of("hour,calls,note\n9,36,\n10:00,0,lunch\n12,7,\n", "@3600");
    uint32_t n[5] = {0};

    /* An hour a second; 11 is left out, so nothing comes in it. */
    for (uint64_t at; (at = law_next(&l)) != UINT64_MAX;)
        n[at / 1000000 < 4 ? at / 1000000 : 4]++;
    uint32_t wanted[5] = {36, 0, 0, 7, 0};
    cr_assert_arr_eq(n, wanted, sizeof n);
    l = hours_of("hour,calls\n0,2\n1,2\n", "");
    law_next(&l);
    cr_assert_eq(law_next(&l), 1800000000u);
    cr_assert_eq(law_next(&l), 3600000000u);
}

Test(rows, cells_by_name)
{
    struct rows *r = NULL;
    char error[ROWS_ERROR_MAX] = "";
    const char text[] = "\xef\xbb\xbfnumber,name,\"odd, name\"\r\n"
                        "12025550101,Ana,\"a \"\"b\"\"\nc\"\r\n"
                        "\n"
                        "12025550102,,x";

    cr_assert_eq(rows_load_text(&r, "r.csv", SLICE(text), error), OK, "%s", error);
    cr_assert_eq(rows_count(r), 2u);
    cr_assert_eq(rows_columns(r), 3u);
    const struct flow_field *row = rows_at(r, 2); /* the first again */
    cr_assert_str_eq(row[0].name, "number");
    cr_assert_str_eq(row[0].value, "12025550101");
    cr_assert_str_eq(row[2].name, "odd, name");
    cr_assert_str_eq(row[2].value, "a \"b\"\nc");
    cr_assert_str_eq(rows_at(r, 1)[1].value, "");
    cr_assert_str_eq(rows_at(r, 1)[2].value, "x");
    rows_free(r);
}

Test(rows, faults_with_their_line)
{
    static const struct {
        char text[48], part[48];
    } wrong[] = {
        {"", "no row"},
        {"a,b\n", "no row"},
        {"a,b\n1,2\n1\n", "r.csv:3: the row has fewer"},
        {"a,b\n1,2,3\n", "r.csv:2: the row has more"},
        {"a,b\n\"1\n2\",3\n4\n", "r.csv:4: the row has fewer"},
        {"a,b\n1,\"2\n", "quote is not closed"},
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct rows *r = NULL;
        char error[ROWS_ERROR_MAX] = "";
        cr_assert_neq(rows_load_text(&r, "r.csv", slice_cstr(wrong[i].text), error), OK);
        cr_assert(strstr(error, wrong[i].part), "no \"%s\" in: %s", wrong[i].part, error);
    }
}

Test(options, port_ranges)
{
    uint16_t lo, hi;

    cr_assert(options_port_range("20000-29999", &lo, &hi) && lo == 20000 && hi == 29999);
    cr_assert_not(options_port_range("29999-20000", &lo, &hi));
    cr_assert_not(options_port_range("20000", &lo, &hi));
    cr_assert_not(options_port_range("80-90", &lo, &hi));
    cr_assert_not(options_port_range("60000-70000", &lo, &hi));
    cr_assert_not(options_port_range("20000-x", &lo, &hi));
}
