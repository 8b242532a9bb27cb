/* The live view: fits any width, redraws in place, stays quiet where nobody looks. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report/live.h"
#include "report/text.h"

static struct hist delays;

static struct live_view view(void)
{
    struct live_view v = {.campaign = "spring",
                          .elapsed_ms = 3723000,
                          .leads = 300,
                          .finished = 75,
                          .attempts = 1234567,
                          .dialling = 3,
                          .ringing = 5,
                          .analysing = 2,
                          .waiting = 1,
                          .talking = 8,
                          .in_air_max = 40,
                          .agents_free = 1,
                          .agents_talking = 8,
                          .agents_wrapping = 1,
                          .calls_per_second = 4.25,
                          .connected = 41,
                          .live = 42,
                          .abandoned = 1,
                          .abandonment_percent = 2.4,
                          .abandonment_cap_percent = 3};

    snprintf(v.pacing, sizeof(v.pacing), "1 free agents × 2.5 = 2 calls, 10 out");
    snprintf(v.notice, sizeof(v.notice), "stopping: 11 calls finish");
    v.results[RESULT_HUMAN] = 41;
    v.results[RESULT_MACHINE] = 20;
    v.results[RESULT_BUSY] = 5;
    hist_reset(&delays);
    hist_add(&delays, 120);
    v.answer_to_agent_ms = &delays;
    return v;
}

static char picture[LIVE_BYTES_MAX];

static size_t render(const struct live_view *v, uint32_t width, bool colour)
{
    size_t n = live_render(v, width, colour, picture, sizeof(picture) - 1);

    picture[n] = '\0';
    return n;
}

Test(live, says_what_a_supervisor_asks)
{
    struct live_view v = view();

    render(&v, 120, false);
    const char *says[] = {"spring",
                          "01:02:03",
                          "75 of 300 finished",
                          " 25 %",
                          "attempts 1,234,567",
                          "19 of 40",
                          "ringing 5",
                          "talking 8",
                          "4.2 calls/s",
                          "free 1",
                          "connected 41",
                          "2.4 % (cap 3 %)",
                          "p99 120 ms",
                          "human",
                          "machine",
                          "1 free agents × 2.5",
                          "stopping: 11 calls finish"};
    for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++)
        cr_expect(strstr(picture, says[i]), "'%s' is missing in\n%s", says[i], picture);
    cr_expect_null(strchr(picture, '\x1b'));
    cr_expect_lt(strstr(picture, "human  ") - picture, strstr(picture, "machine ") - picture,
                 "most first");
}

Test(live, every_line_fits_every_width)
{
    struct live_view v = view();

    for (int i = 1; i < RESULT_COUNT; i++)
        v.results[i] = (uint64_t)i * 1000003;
    for (uint32_t width = 40; width <= 200; width++) {
        for (int colour = 0; colour < 2; colour++) {
            struct slice rest, line;
            size_t n = render(&v, width, colour == 1);
            cr_assert_gt(n, 200);
            for (rest = slice_of(picture, n); rest.len;) {
                slice_cut(rest, '\n', &line, &rest);
                cr_assert_lt(text_columns(line), width, "width %u: %.*s", width, (int)line.len,
                             line.p);
            }
        }
    }
}

static size_t read_all(int fd, char *dst, size_t cap)
{
    size_t n = 0;
    ssize_t got;

    while (n < cap - 1 && (got = read(fd, dst + n, cap - 1 - n)) > 0)
        n += (size_t)got;
    dst[n] = '\0';
    return n;
}

Test(live, redraws_in_place_on_a_terminal_four_times_a_second)
{
    static char got[65536];
    struct live_view v = view();
    struct winsize size = {.ws_row = 40, .ws_col = 90};
    struct live *l;
    int master, slave;
    char up[16];

    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    cr_assert_eq(openpty(&master, &slave, NULL, NULL, &size), 0);
    fcntl(master, F_SETFL, O_NONBLOCK);
    cr_assert_eq(live_open(&l, slave, false), OK);
    cr_expect(live_is_terminal(l));
    live_draw(l, &v, 1000, false);
    read_all(master, got, sizeof(got));
    uint32_t lines = 0;
    for (char *p = got; (p = strchr(p, '\n')) != NULL; p++)
        lines++;
    cr_expect_gt(lines, 6);
    live_draw(l, &v, 1100, false);
    cr_expect_eq(read_all(master, got, sizeof(got)), 0, "not due yet");
    live_draw(l, &v, 1250, false);
    read_all(master, got, sizeof(got));
    snprintf(up, sizeof(up), "\x1b[%uA", lines);
    cr_expect(strstr(got, up), "the cursor goes up over the last picture");
    live_draw(l, &v, 1251, true);
    cr_expect_gt(read_all(master, got, sizeof(got)), 0, "forced");
    live_clear(l);
    read_all(master, got, sizeof(got));
    cr_expect(strstr(got, "\x1b[J"));
    live_draw(l, &v, 2000, false);
    read_all(master, got, sizeof(got));
    cr_expect_null(strstr(got, up), "afresh after a clear");
    live_close(l);
    close(master);
    close(slave);
}

Test(live, one_plain_line_now_and_then_elsewhere)
{
    static char got[65536];
    struct live_view v = view();
    struct live *l;
    int fds[2];

    cr_assert_eq(pipe2(fds, O_NONBLOCK), 0);
    cr_assert_eq(live_open(&l, fds[1], false), OK);
    cr_expect_not(live_is_terminal(l));
    live_draw(l, &v, 0, false);
    read_all(fds[0], got, sizeof(got));
    cr_expect(strstr(got, "spring: 75 of 300 leads finished"), "%s", got);
    cr_expect_null(strchr(got, '\x1b'));
    cr_expect_eq(strchr(got, '\n'), got + strlen(got) - 1, "one line");
    live_draw(l, &v, LIVE_PLAIN_MS - 1, false);
    cr_expect_eq(read_all(fds[0], got, sizeof(got)), 0);
    live_draw(l, &v, LIVE_PLAIN_MS, false);
    cr_expect_gt(read_all(fds[0], got, sizeof(got)), 0);
    live_close(l);
    cr_assert_eq(live_open(&l, fds[1], true), OK);
    live_draw(l, &v, 0, true);
    cr_expect_eq(read_all(fds[0], got, sizeof(got)), 0, "quiet is quiet");
    live_close(l);
    close(fds[0]);
    close(fds[1]);
}

Test(text, numbers_times_and_bars)
{
    char text[256];
    struct buf b = buf_on(text, sizeof(text));

    text_put_number(&b, 0);
    buf_putc(&b, ' ');
    text_put_number(&b, 1000);
    buf_putc(&b, ' ');
    text_put_number(&b, 1234567);
    buf_putc(&b, ' ');
    text_put_ms(&b, 59999);
    buf_putc(&b, ' ');
    text_put_ms(&b, 3661000);
    cr_expect(slice_eq(buf_slice(&b), SLICE("0 1,000 1,234,567 60.0 s 1:01:01 h")), "%.*s",
              (int)b.len, text);
    for (uint64_t v = 0; v <= 40; v++) {
        b = buf_on(text, sizeof(text));
        text_put_bar(&b, v, 30, 10);
        cr_assert_eq(text_columns(buf_slice(&b)), 10, "%llu", (unsigned long long)v);
    }
    b = buf_on(text, sizeof(text));
    text_put_cut(&b, SLICE("\x1b[1mžaba\x1b[0m skok"), 5);
    cr_expect(slice_eq(buf_slice(&b), SLICE("\x1b[1mžaba\x1b[0m…")), "%.*s", (int)b.len, text);
}

Test(live, says_who_is_there_of_each_group)
{
    struct live_view v = view();

    render(&v, 100, false);
    cr_expect_null(strstr(picture, "groups"), "none is named");
    v.groups = 2;
    v.group[0] = (struct live_group){
        .name = "sales", .free = 2, .talking = 5, .calls = 3, .pacing = "2 free agents"};
    v.group[1] = (struct live_group){
        .name = "english", .out = 4, .waiting = 1, .pacing = "no agent is free"};
    render(&v, 100, false);
    cr_expect(strstr(picture, "groups    sales  talking 5  free 2  wrapping 0  out 0  calls 3  "
                              "waiting 0"),
              "%s", picture);
    cr_expect(strstr(picture, "english  talking 0  free 0  wrapping 0  out 4  calls 0  waiting 1"),
              "%s", picture);
    cr_expect(strstr(picture, "sales: 2 free agents"), "%s", picture);
    cr_expect(strstr(picture, "english: no agent is free"), "%s", picture);
    v.groups = LIVE_GROUPS_MAX; /* long ones of all fit the picture */
    for (uint32_t i = 0; i < LIVE_GROUPS_MAX; i++) {
        memset(v.group[i].name, 'n', sizeof(v.group[i].name) - 1);
        memset(v.group[i].pacing, 'p', sizeof(v.group[i].pacing) - 1);
    }
    cr_expect_lt(render(&v, 160, true), LIVE_BYTES_MAX - 1);
    cr_expect(strstr(picture, "stopping: 11 calls finish"), "what comes last is there");
}
