#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

static char path[64];
static char text[256 * 1024];

static void open_log(void)
{
    snprintf(path, sizeof(path), "/tmp/peal-log-XXXXXX");
    close(mkstemp(path));
    cr_assert_eq(log_set_file(path), OK);
}

static void close_log(void)
{
    log_set_file(NULL);
    unlink(path);
}

static const char *read_log(void)
{
    FILE *f = fopen(path, "r");
    size_t n = fread(text, 1, sizeof(text) - 1, f);

    fclose(f);
    text[n] = '\0';
    return text;
}

static int lines_with(const char *part)
{
    int n = 0;

    for (const char *at = read_log(); (at = strstr(at, part)); at += strlen(part))
        n++;
    return n;
}

/* Waits for the next whole second of the monotonic clock, which the limit counts by. */
static void next_second(void)
{
    struct timespec t;
    time_t now;

    clock_gettime(CLOCK_MONOTONIC, &t);
    for (now = t.tv_sec; t.tv_sec == now; clock_gettime(CLOCK_MONOTONIC, &t))
        nanosleep(&(struct timespec){0, 1000000}, NULL);
}

TestSuite(log, .init = open_log, .fini = close_log);

Test(log, a_line_has_time_level_room_sentence_keys)
{
    int year, month, day, hour, minute, second, ms, end = 0;

    log_warn("sip", "trunk refuses registration", "trunk=%s code=%u", "north", 403u);
    cr_assert_eq(sscanf(read_log(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &year, &month, &day, &hour,
                        &minute, &second, &ms, &end),
                 7);
    cr_assert_eq(end, 24);
    cr_assert_str_eq(text + end, " warn sip: trunk refuses registration | trunk=north code=403\n");
}

Test(log, keys_may_be_none)
{
    log_error("io", "no memory", "");
    cr_assert_str_eq(read_log() + 24, " error io: no memory\n");
}

Test(log, below_the_level_nothing_is_written)
{
    log_debug("io", "quiet", "");
    log_set_level(LOG_ERROR);
    log_warn("io", "quiet", "");
    log_set_level(LOG_OFF);
    log_error("io", "quiet", "");
    log_at(LOG_OFF, "io", "no line has this level", "");
    cr_assert_str_eq(read_log(), "");
    log_set_level(LOG_DEBUG);
    log_debug("io", "loud", "");
    cr_assert_eq(lines_with("debug io: loud"), 1);
}

Test(log, arguments_below_the_level_are_not_evaluated)
{
    int calls = 0;

    log_debug("io", "quiet", "n=%d", ++calls);
    cr_assert_eq(calls, 0);
}

Test(log, long_lines_are_cut_and_say_so)
{
    char big[3000];

    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    log_info("io", "long", "v=%s", big);
    cr_assert_eq(strlen(read_log()), LOG_LINE_MAX);
    cr_assert_str_eq(text + LOG_LINE_MAX - 5, "x...\n");
    log_info("io", big, "k=%d", 1);
    cr_assert_eq(strlen(read_log()), 2 * LOG_LINE_MAX);
}

Test(log, a_peer_cannot_forge_a_line)
{
    log_info("sip", "odd header", "value=%s", "a\r\n2026 error sip: all is lost\x1b[2J\x7f");
    read_log();
    cr_assert_eq(strchr(text, '\n'), text + strlen(text) - 1);
    cr_assert_not_null(strstr(text, "value=a??2026 error sip: all is lost?[2J?\n"));
}

Test(log, utf8_goes_through)
{
    log_info("campaign", "bad row", "name=%s", "Žižek");
    cr_assert_not_null(strstr(read_log(), "name=Žižek\n"));
}

static void storm(int n)
{
    for (int i = 0; i < n; i++)
        log_warn("media", "ring full", "i=%d", i);
}

Test(log, a_storm_is_limited_and_counted_later)
{
    next_second();
    storm(1000);
    cr_assert_eq(lines_with("ring full | i="), LOG_BURST);
    cr_assert_not_null(strstr(text, "| i=19\n"));
    /* Another call site in the same second is not affected and does not bring the count early. */
    log_info("media", "other", "");
    cr_assert_eq(lines_with("other"), 1);
    cr_assert_eq(lines_with("left_out"), 0);
    next_second();
    log_info("media", "later", "");
    cr_assert_eq(lines_with("warn media: ring full | left_out=980\n"), 1);
    next_second();
    storm(5);
    cr_assert_eq(lines_with("left_out"), 1, "said once");
    cr_assert_eq(lines_with("ring full | i="), LOG_BURST + 5);
}

Test(log, flush_says_what_was_left_out)
{
    next_second();
    storm(LOG_BURST + 7);
    log_flush();
    cr_assert_eq(lines_with("ring full | left_out=7\n"), 1);
    log_flush();
    cr_assert_eq(lines_with("left_out"), 1);
}

Test(log, errno_is_kept)
{
    errno = ENOTTY;
    log_info("io", "x", "errno=%d", errno);
    cr_assert_eq(errno, ENOTTY);
    /* Also when writing fails. */
    storm(LOG_BURST + 1);
    cr_assert_eq(log_set_file("/dev/full"), OK);
    errno = ENOTTY;
    log_info("io", "x", "");
    cr_assert_eq(errno, ENOTTY);
    log_flush();
    cr_assert_eq(errno, ENOTTY);
}

Test(log, a_new_file_replaces_the_old_one)
{
    char first[64];

    log_info("io", "one", "");
    strcpy(first, path);
    open_log();
    log_info("io", "two", "");
    cr_assert_eq(lines_with("two"), 1);
    cr_assert_eq(lines_with("one"), 0);
    unlink(first);
}

Test(log, a_file_that_cannot_be_opened)
{
    cr_assert_eq(log_set_file("/proc/no/such/folder/log"), ERR_IO);
    log_info("io", "still here", "");
    cr_assert_eq(lines_with("still here"), 1);
}

Test(log, levels_by_name)
{
    enum log_level level = LOG_WARN;

    cr_assert_eq(log_level_parse("debug", &level), OK);
    cr_assert_eq(level, LOG_DEBUG);
    cr_assert_eq(log_level_parse("off", &level), OK);
    cr_assert_eq(level, LOG_OFF);
    cr_assert_eq(log_level_parse("WARN", &level), ERR_INVALID);
    cr_assert_eq(log_level_parse(NULL, &level), ERR_INVALID);
    cr_assert_eq(level, LOG_OFF);
}
