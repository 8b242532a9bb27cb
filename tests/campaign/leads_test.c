/* Lists as spreadsheets, scripts and vandals write them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "campaign/csv.h"
#include "campaign/leads.h"

static char error[LEADS_REASON_MAX];

static struct leads *open_text(const char *text, size_t len)
{
    struct leads *l;
    enum err e =
        leads_open_memory(&l, slice_of(text, len), number_country_find(SLICE("us")), error);

    cr_assert_eq(e, OK, "%s", error);
    return l;
}

#define OPEN(text) open_text(text, sizeof(text) - 1)

static void refuse_file(const char *text, const char *says)
{
    struct leads *l;

    cr_expect_neq(leads_open_memory(&l, slice_cstr(text), NULL, error), OK, "%s", text);
    cr_expect(strstr(error, says), "wanted '%s' in: %s", says, error);
}

/* The next row is refused, on this line, with this reason. */
static void refuse_row(struct leads *l, uint64_t line, const char *says)
{
    struct lead lead;
    enum err e = leads_next(l, &lead);

    cr_expect_eq(e, ERR_INVALID, "line %llu gives %s", (unsigned long long)line, err_name(e));
    cr_expect_eq(leads_line(l), line, "line %llu", (unsigned long long)leads_line(l));
    cr_expect(strstr(leads_reason(l), says), "wanted '%s' in: %s", says, leads_reason(l));
}

static struct lead next(struct leads *l)
{
    struct lead lead;
    enum err e = leads_next(l, &lead);

    cr_assert_eq(e, OK, "%s: %s", err_name(e), leads_reason(l));
    return lead;
}

static void end(struct leads *l)
{
    struct lead lead;

    cr_expect_eq(leads_next(l, &lead), ERR_CLOSED);
    cr_expect_eq(leads_next(l, &lead), ERR_CLOSED, "the end stays the end");
    leads_close(l);
}

static bool is(struct slice s, const char *text)
{
    return slice_eq(s, slice_cstr(text));
}

Test(leads, columns_in_any_order_and_custom_fields)
{
    struct leads *l =
        OPEN("\xef\xbb\xbf"
             "City,ID,Phone,Priority,Name,Zone,Empty\r\n"
             "\"Elm \"\"Old\"\" Falls\",7,(202) 555-0123,-3, Ann Bee ,America/Denver,\r\n"
             "\xc5\xbd"
             "aba,8,2025550124,,,,x\r\n");
    struct lead a = next(l);

    cr_expect_str_eq(a.id, "7");
    cr_expect_str_eq(a.numbers[0].number, "+12025550123");
    cr_expect(is(a.number_text, "(202) 555-0123"));
    cr_expect(is(a.name, "Ann Bee") && is(a.zone, "America/Denver"));
    cr_expect_eq(a.priority, -3);
    cr_expect_eq(a.line, 2);
    cr_expect(is(a.fields, "{\"City\":\"Elm \\\"Old\\\" Falls\"}"), SLICE_FMT, SLICE_ARG(a.fields));
    struct lead b = next(l);
    cr_expect(is(b.fields, "{\"City\":\"\xc5\xbd"
                           "aba\",\"Empty\":\"x\"}"));
    cr_expect_eq(b.priority, 0);
    end(l);
}

Test(leads, numbers_that_cannot_be_dialled_are_leads_with_a_result)
{
    struct leads *l = OPEN("number;name\n;Nobody\n12;Short\n2025550123;Good\n");
    struct lead a = next(l), b, c;

    cr_expect_eq(a.result, RESULT_MISSING_NUMBER);
    cr_expect_str_eq(a.id, "line-2");
    b = next(l);
    cr_expect_eq(b.result, RESULT_INVALID_NUMBER);
    cr_expect_str_eq(b.why, "too few digits");
    cr_expect_str_eq(b.id, "line-3");
    c = next(l);
    cr_expect_eq(c.result, RESULT_NONE);
    cr_expect_str_eq(c.id, "+12025550123", "the number is the id where there is none");
    cr_expect_eq(leads_stats_of(l)->missing_number, 1);
    cr_expect_eq(leads_stats_of(l)->invalid_number, 1);
    cr_expect_eq(leads_stats_of(l)->leads, 3);
    end(l);
}

Test(leads, several_numbers_in_the_order_of_their_columns)
{
    struct leads *l = OPEN("number2,kind2,Number_Mobile,phone,kind,number_of_children\n"
                           "2025550102,At Work,2025550103,2025550101,,3\n"
                           ",,12,2025550101,home,\n"
                           "2025550101,,+12025550101,202-555-0101,fixed,\n"
                           "1,,2,,,\n"
                           ",,,,,\n"
                           "2025550101,with/slash,,,,\n"
                           "2025550101,longer-than-allowed,,,,\n");
    struct lead a = next(l);

    cr_assert_eq(a.number_count, 3);
    cr_expect_str_eq(a.numbers[0].number, "+12025550102");
    cr_expect_str_eq(a.numbers[0].kind, "at_work");
    cr_expect_str_eq(a.numbers[1].number, "+12025550103");
    cr_expect_str_eq(a.numbers[1].kind, "mobile");
    cr_expect_str_eq(a.numbers[2].number, "+12025550101");
    cr_expect_str_eq(a.numbers[2].kind, "");
    cr_expect_str_eq(a.id, "+12025550102");
    cr_expect(is(a.fields, "{\"number_of_children\":\"3\"}"), SLICE_FMT, SLICE_ARG(a.fields));
    a = next(l);
    cr_expect_eq(a.result, RESULT_NONE, "a lead keeps its good numbers");
    cr_expect_eq(a.number_count, 1);
    cr_expect_str_eq(a.numbers[0].kind, "home");
    cr_expect_eq(a.bad_numbers, 1);
    cr_expect(is(a.bad_text, "12"));
    cr_expect_str_eq(a.why, "too few digits");
    a = next(l);
    cr_expect_eq(a.number_count, 1, "the same number thrice");
    cr_expect_eq(a.bad_numbers, 0);
    a = next(l);
    cr_expect_eq(a.result, RESULT_INVALID_NUMBER);
    cr_expect_eq(a.bad_numbers, 2);
    cr_expect(is(a.number_text, "1"));
    cr_expect_eq(next(l).result, RESULT_MISSING_NUMBER);
    refuse_row(l, 7, "column 'kind2' has no word of 15 letters");
    refuse_row(l, 8, "column 'kind2' has no word");
    cr_expect_eq(leads_stats_of(l)->bad_numbers, 1);
    cr_expect_eq(leads_stats_of(l)->invalid_number, 1);
    end(l);
}

Test(leads, json_lines)
{
    struct leads *l = OPEN(
        "{\"kind\":\"Mobile\",\"a\":{\"b\":[1,null]},\"number\":12025550101,\"Name\":\"\\u017da\","
        "\"number_work\":null}\r\n"
        "\n"
        "{\"numbers\":[\"2025550102\",{\"number\":\"12\"},{\"number\":2025550103,\"kind\":\"x\"}],"
        "\"id\":7,\"priority\":\"-2\"}\n"
        "[]\n"
        "{\"number\":1.5}\n"
        "{\"number\":\"2025550101\",\"number\":\"2025550102\"}\n"
        "{\"kind3\":\"x\"}\n"
        "{\"numbers\":[1,2,3,4,5,6,7,8,9]}\n"
        "{}");
    struct lead a = next(l);

    cr_expect_eq(a.number_count, 1);
    cr_expect_str_eq(a.numbers[0].number, "+12025550101");
    cr_expect_str_eq(a.numbers[0].kind, "mobile", "keys may come in any order");
    cr_expect(is(a.name, "\xc5\xbd"
                         "a"));
    cr_expect(is(a.fields, "{\"a\":{\"b\":[1,null]}}"), SLICE_FMT, SLICE_ARG(a.fields));
    a = next(l);
    cr_expect_str_eq(a.id, "7");
    cr_expect_eq(a.priority, -2);
    cr_expect_eq(a.number_count, 2);
    cr_expect_eq(a.bad_numbers, 1);
    cr_expect_str_eq(a.numbers[1].kind, "x");
    cr_expect(is(a.fields, "{}"));
    refuse_row(l, 4, "no JSON object");
    cr_expect(is(leads_raw(l), "[]"));
    refuse_row(l, 5, "'number' is neither");
    refuse_row(l, 6, "duplicate");
    refuse_row(l, 7, "'kind3' tells the kind of no number");
    refuse_row(l, 8, "more than 8 numbers");
    cr_expect_eq(next(l).result, RESULT_MISSING_NUMBER);
    end(l);
}

Test(leads, rows_as_they_stand)
{
    struct leads *l = OPEN("number;note\r\n2025550101;\"a \"\"b\"\"\"\r\n2025550102;x;y\r\n"
                           "2025550103;\"never closed\n");
    struct lead lead;

    cr_expect_str_eq(leads_header(l), "number;note");
    cr_expect_eq(leads_separator(l), ';');
    next(l);
    cr_expect(is(leads_raw(l), "2025550101;\"a \"\"b\"\"\""), SLICE_FMT, SLICE_ARG(leads_raw(l)));
    cr_expect_eq(leads_next(l, &lead), ERR_INVALID);
    cr_expect(is(leads_raw(l), "2025550102;x;y"));
    cr_expect_eq(leads_next(l, &lead), ERR_INVALID);
    cr_expect(is(leads_raw(l), "2025550103;\"never closed"));
    end(l);
}

Test(leads, newlines_inside_quotes_and_blank_lines)
{
    struct leads *l =
        OPEN("number,note\r\n\r\n\n2025550100,\"two\r\nlines\"\r\n\"2025550101\",\"\"\n"
             "2025550102,last");
    struct lead a = next(l);

    cr_expect(is(a.fields, "{\"note\":\"two\\r\\nlines\"}"), SLICE_FMT, SLICE_ARG(a.fields));
    cr_expect_eq(a.line, 4);
    struct lead b = next(l);
    cr_expect_eq(b.line, 6);
    cr_expect(is(b.fields, "{}"));
    struct lead c = next(l);
    cr_expect(is(c.fields, "{\"note\":\"last\"}"));
    cr_expect_eq(c.line, 7);
    end(l);
}

Test(leads, bad_rows_are_told_and_the_rest_goes_on)
{
    struct leads *l = OPEN("number,priority,name\n"
                           "2025550100,1\n"
                           "2025550101,1,a,b\n"
                           "2025550102,high,a\n"
                           "2025550103,1,\"a\"b\n"
                           "2025550104,1,\xff\xfe\n"
                           "2025550105,99999999999,a\n"
                           "2025550106,1,nul\0nul\n"
                           "2025550107,1,good\n"
                           "2025550108,1,\"never closed\n"
                           "2025550109,1,good too\n");
    refuse_row(l, 2, "2 fields, the header has 3");
    refuse_row(l, 3, "4 fields, the header has 3");
    refuse_row(l, 4, "priority 'high'");
    refuse_row(l, 5, "after a closing quote");
    refuse_row(l, 6, "not UTF-8");
    refuse_row(l, 7, "priority");
    refuse_row(l, 8, "NUL");
    cr_expect_str_eq(next(l).numbers[0].number, "+12025550107");
    refuse_row(l, 10, "quote is not closed");
    cr_expect_str_eq(next(l).numbers[0].number, "+12025550109",
                     "an open quote does not swallow the file");
    cr_expect_eq(leads_stats_of(l)->rejected, 8);
    cr_expect_eq(leads_stats_of(l)->rows, 10);
    cr_expect_eq(leads_stats_of(l)->lines, 11);
    end(l);
}

Test(leads, bounds)
{
    char *text = malloc(400000);
    size_t n = (size_t)sprintf(text, "number,note\n2025550100,");

    memset(text + n, 'x', LEADS_FIELD_MAX);
    n += LEADS_FIELD_MAX;
    n += (size_t)sprintf(text + n, "\n2025550101,");
    memset(text + n, 'x', LEADS_FIELD_MAX + 1);
    n += LEADS_FIELD_MAX + 1;
    n += (size_t)sprintf(text + n, "\n2025550102,");
    memset(text + n, 'x', 300000); /* longer than the buffer */
    n += 300000;
    n += (size_t)sprintf(text + n, "\n2025550103,ok\n");
    struct leads *l = open_text(text, n);
    cr_expect_eq(next(l).fields.len, LEADS_FIELD_MAX + strlen("{\"note\":\"\"}"));
    refuse_row(l, 3, "longer than 8192");
    refuse_row(l, 4, "longer than 64 KiB");
    cr_expect_str_eq(next(l).numbers[0].number, "+12025550103");
    end(l);
    n = (size_t)sprintf(text, "number,id\n2025550100,%064d\n2025550101,%063d\n", 1, 2);
    l = open_text(text, n);
    refuse_row(l, 2, "id is longer than 63");
    cr_expect_eq(strlen(next(l).id), 63);
    end(l);
    free(text);
}

Test(leads, too_many_columns)
{
    char text[4096];
    size_t n = (size_t)sprintf(text, "number");

    for (int i = 1; i < LEADS_COLUMNS_MAX; i++)
        n += (size_t)sprintf(text + n, ",c%d", i);
    n += (size_t)sprintf(text + n, "\n");
    struct leads *l = open_text(text, n);
    end(l);
    sprintf(text + n - 1, ",one-more\n");
    refuse_file(text, "more than 64");
}

Test(leads, headers_that_will_not_do)
{
    refuse_file("", "leads:1: the file is empty");
    refuse_file("\n\n\n", "empty");
    refuse_file("name,city\nAnn,Elm\n", "no column named 'number'");
    refuse_file("number,Number\n1,2\n", "columns 1 and 2 are both 'Number'");
    refuse_file("number,phone\n", "columns 1 and 2");
    refuse_file("number,a,a\n", "columns 2 and 3");
    refuse_file("number2,phone_2\n", "columns 1 and 2");
    refuse_file("number_home,phone_home\n", "columns 1 and 2");
    refuse_file("number,kind2\n", "column 'kind2' tells the kind of no number");
    refuse_file("number,number2,number3,number4,number5,number6,number7,number8,number_home\n",
                "more than 8 columns of numbers");
    refuse_file("\xff\xfen\0", "UTF-16");
    refuse_file("number,name\r2025550100,Ann\r", "CR alone");
    refuse_file("number,\"na\n", "quote");
    refuse_file("number,\xff\n", "not UTF-8");
}

Test(leads, separators)
{
    struct leads *l = OPEN("number\tnote\n2025550100\ta,b;c\n");
    cr_expect(is(next(l).fields, "{\"note\":\"a,b;c\"}"));
    end(l);
    l = OPEN("\"number\";\"a,b\"\n2025550100;x\n");
    cr_expect(is(next(l).fields, "{\"a,b\":\"x\"}"), "commas inside quotes are no separators");
    end(l);
}

Test(leads, utf8)
{
    const char *good[] = {
        "", "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"};
    const char *bad[] = {"\x80",     "\xc3",         "\xc0\x80",         "\xe0\x80\x80",
                         "\xe2\x82", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xf4\x90\x80\x80",
                         "\xfe"};

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        cr_expect(csv_is_utf8(slice_cstr(good[i])), "%zu", i);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_not(csv_is_utf8(slice_cstr(bad[i])), "%zu", i);
}

/* A source that gives a few bytes at a time, so that every boundary falls everywhere. */
struct dribble {
    struct slice text;
    uint32_t step;
};

static int64_t dribble(void *arg, char *dst, size_t cap)
{
    struct dribble *d = arg;
    uint32_t n = d->step < d->text.len ? d->step : d->text.len;

    (void)cap;
    memcpy(dst, d->text.p, n);
    d->text = slice_from(d->text, n);
    return n;
}

Test(leads, pieces_of_any_size_give_the_same_rows)
{
    static const char text[] = "a,\"b\"\"c\",d\r\n\"x\r\ny\",,\n1,2,3\n\"open\n4,5,6";

    for (uint32_t step = 1; step < sizeof(text); step++) {
        struct dribble d = {SLICE(text), step};
        struct csv c;
        cr_assert_eq(csv_init(&c, dribble, &d), OK);
        cr_assert_eq(csv_next(&c), OK);
        cr_assert(c.count == 3 && is(c.fields[1], "b\"c") && is(c.fields[2], "d"));
        cr_assert_eq(csv_next(&c), OK);
        cr_assert(c.count == 3 && is(c.fields[0], "x\r\ny") && c.fields[2].len == 0);
        cr_assert_eq(csv_next(&c), OK);
        cr_assert_eq(csv_next(&c), ERR_INVALID);
        cr_assert_eq(csv_next(&c), OK);
        cr_assert(c.count == 3 && is(c.fields[2], "6") && c.line == 6);
        cr_assert_eq(csv_next(&c), ERR_CLOSED);
        csv_fini(&c);
    }
}

static enum err count_each(void *arg, const struct lead *lead)
{
    uint64_t *n = arg;

    ++*n;
    return lead->line > 0 ? OK : ERR_INVALID;
}

static void count_rejected(void *arg, uint64_t line, const char *reason)
{
    uint64_t *n = arg;

    n[1] += line > 0 && reason[0];
}

#define MILLION 1000000

Test(leads, a_million_rows)
{
    char path[] = "/tmp/peal-leads-XXXXXX";
    int fd = mkstemp(path);
    FILE *f = fdopen(fd, "w");
    uint64_t counts[2] = {0, 0};
    struct leads *l;
    struct timespec a, b;

    fputs("id,number,name,city\n", f);
    for (int i = 0; i < MILLION; i++) {
        if (i % 1000 == 999)
            fprintf(f, "%d,bad row\n", i);
        else
            fprintf(f, "%d,+1202555%04d,Ann %d,\"Elm, Falls\"\n", i, 100 + i % 100, i);
    }
    fclose(f);
    cr_assert_eq(leads_open(&l, path, number_country_find(SLICE("us")), error), OK, "%s", error);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    cr_expect_eq(leads_each(l, count_each, count_rejected, counts), OK);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    unlink(path);
    cr_expect_eq(counts[0], MILLION - MILLION / 1000);
    cr_expect_eq(counts[1], MILLION / 1000);
    cr_expect_eq(leads_stats_of(l)->lines, MILLION + 1);
    leads_close(l);
    double seconds = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
    /* Sanitizers and full machines are slow; what is meant is: no row costs more than its bytes. */
    cr_expect_lt(seconds, 20.0, "%.1f s of processor time", seconds);
}

Test(leads, missing_file)
{
    struct leads *l;

    cr_expect_eq(leads_open(&l, "/nowhere/leads.csv", NULL, error), ERR_NOT_FOUND);
    cr_expect(strstr(error, "/nowhere/leads.csv"), "%s", error);
    cr_expect_eq(leads_open(&l, "/", NULL, error), ERR_IO);
    cr_expect(strstr(error, "cannot be read"), "%s", error);
}
