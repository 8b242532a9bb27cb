/* Digits of one number are replaced, those of others and numbers of JSON are not; a recording that
 * cannot be removed keeps its name in the records. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report/erase.h"

#define DIGITS "12025550123"
#define OTHER  "xabcdefabcd"

static void expect(const char *text, const char *want, uint32_t times)
{
    char copy[200];

    snprintf(copy, sizeof(copy), "%s", text);
    cr_expect_eq(erase_digits(copy, strlen(copy), DIGITS, OTHER), times, "%s", text);
    cr_expect_str_eq(copy, want);
}

Test(erase, only_the_number_itself)
{
    expect("{\"number\":\"+" DIGITS "\",\"lead\":\"" DIGITS "\"}",
           "{\"number\":\"+" OTHER "\",\"lead\":\"" OTHER "\"}", 2);
    expect(DIGITS, OTHER, 1);
    expect("+" DIGITS "4", "+" DIGITS "4", 0);
    expect("+9" DIGITS, "+9" DIGITS, 0);
    expect("{\"at\":" DIGITS "}", "{\"at\":" DIGITS "}", 0);
    expect("a-" DIGITS "-" DIGITS, "a-" OTHER "-" OTHER, 2);
    expect("", "", 0);
}

static void write_line(const char *folder, const char *recording)
{
    char path[200];

    snprintf(path, sizeof(path), "%s/calls.jsonl", folder);
    FILE *f = fopen(path, "w");
    fprintf(f,
            "{\"lead\":\"a\",\"number\":\"+" DIGITS "\",\"recording\":\"%s\"}\n"
            "{\"lead\":\"b\",\"number\":\"+12025550199\",\"recording\":\"%s/other.wav\"}\n"
            "{\"lead\":\"torn\",\"number\":\"+" DIGITS "\"",
            recording, folder);
    fclose(f);
}

static void read_back(const char *folder, char *text, size_t cap)
{
    char path[200];

    snprintf(path, sizeof(path), "%s/calls.jsonl", folder);
    FILE *f = fopen(path, "r");
    text[fread(text, 1, cap - 1, f)] = '\0';
    fclose(f);
}

Test(erase, a_recording_that_stays_keeps_its_record)
{
    char folder[] = "/tmp/peal-erase-XXXXXX", recording[100], other[100], text[1000],
         error[RECORDS_ERROR_MAX] = "";
    struct erase_stats stats;

    cr_assert_not_null(mkdtemp(folder));
    cr_expect_eq(records_erase(folder, DIGITS, OTHER, &stats, error), OK, "no records: %s", error);
    snprintf(recording, sizeof(recording), "%s/" DIGITS ".wav", folder);
    snprintf(other, sizeof(other), "%s/other.wav", folder);
    mkdir(recording, 0700); /* what cannot be unlinked */
    fclose(fopen(other, "w"));
    write_line(folder, recording);
    cr_expect_eq(records_erase(folder, DIGITS, OTHER, &stats, error), OK);
    cr_expect_eq(stats.stuck, 1);
    cr_expect_eq(stats.lines, 0);
    read_back(folder, text, sizeof(text));
    cr_expect(strstr(text, recording), "to be found the next time");
    rmdir(recording);
    fclose(fopen(recording, "w"));
    char index[120];
    snprintf(index, sizeof(index), "%s.index", recording);
    fclose(fopen(index, "w"));
    cr_expect_eq(records_erase(folder, DIGITS, OTHER, &stats, error), OK);
    cr_expect_eq(stats.recordings, 1);
    cr_expect_neq(access(index, F_OK), 0, "its index goes with it");
    cr_expect_eq(stats.lines, 1);
    cr_expect_eq(access(recording, F_OK), -1);
    cr_expect_eq(access(other, F_OK), 0, "somebody else's stays");
    read_back(folder, text, sizeof(text));
    cr_expect(strstr(text, "{\"lead\":\"a\",\"number\":\"+" OTHER "\""), "%s", text);
    cr_expect(strstr(text, "+12025550199"));
    cr_expect(strstr(text, "\"torn\",\"number\":\"+" DIGITS "\""), "what is being written is left");
    snprintf(text, sizeof(text), "rm -r %s", folder);
    cr_expect_eq(system(text), 0);
}
