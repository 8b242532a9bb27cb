/* When and where the live view is drawn: in place on a terminal, as one plain line now and then
 * elsewhere. Each picture is one write: cursor up over the last one, then every line cleared to its
 * end, then what is left below. */
#include "report/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"

struct live {
    int fd;
    bool quiet, terminal, colour;
    bool drawn;
    uint64_t drawn_at_ms;
    uint32_t lines; /* of the picture on the terminal */
    char picture[LIVE_BYTES_MAX];
    char out[LIVE_BYTES_MAX + 4096];
};

enum err live_open(struct live **out, int fd, bool quiet)
{
    struct live *l = calloc(1, sizeof(*l));
    const char *term = getenv("TERM");

    *out = l;
    if (!l)
        return ERR_NOMEM;
    l->fd = fd;
    l->quiet = quiet;
    l->terminal = !quiet && isatty(fd) == 1 && term && strcmp(term, "dumb") != 0;
    const char *no_colour = getenv("NO_COLOR");
    l->colour = l->terminal && !(no_colour && no_colour[0]);
    return OK;
}

bool live_is_terminal(const struct live *l)
{
    return l->terminal;
}

static void put_out(struct live *l, const struct buf *b)
{
    /* A view that cannot be written is no reason to stop dialling. */
    ssize_t ignored = write(l->fd, b->p, b->len);
    (void)ignored;
}

static void draw_plain(struct live *l, const struct live_view *v)
{
    struct buf b = buf_on(l->out, sizeof(l->out));
    uint32_t air = v->dialling + v->ringing + v->analysing + v->waiting + v->talking + v->treated;

    buf_printf(&b,
               "%s: %llu of %llu leads finished, %llu attempts, %u calls in the air, %u agents "
               "talking, abandoned %.1f %%; %s\n",
               v->campaign, (unsigned long long)v->finished, (unsigned long long)v->leads,
               (unsigned long long)v->attempts, air, v->agents_talking, v->abandonment_percent,
               v->pacing);
    put_out(l, &b);
}

static uint32_t terminal_width(const struct live *l)
{
    struct winsize size;

    if (ioctl(l->fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
        return size.ws_col;
    return 80;
}

static void draw_terminal(struct live *l, const struct live_view *v)
{
    struct buf b = buf_on(l->out, sizeof(l->out));
    size_t len = live_render(v, terminal_width(l), l->colour, l->picture, sizeof(l->picture));
    struct slice rest = slice_of(l->picture, len), line;
    uint32_t lines = 0;

    buf_puts(&b, "\x1b[?25l");
    if (l->lines)
        buf_printf(&b, "\x1b[%uA\r", l->lines);
    while (rest.len) {
        slice_cut(rest, '\n', &line, &rest);
        buf_put(&b, line);
        buf_puts(&b, "\x1b[K\n");
        lines++;
    }
    buf_puts(&b, "\x1b[J\x1b[?25h");
    l->lines = lines;
    if (!b.overflow)
        put_out(l, &b);
}

void live_draw(struct live *l, const struct live_view *v, uint64_t now_ms, bool force)
{
    uint64_t period = l->terminal ? LIVE_PERIOD_MS : LIVE_PLAIN_MS;

    if (l->quiet || (!force && l->drawn && now_ms - l->drawn_at_ms < period))
        return;
    l->drawn = true;
    l->drawn_at_ms = now_ms;
    if (l->terminal)
        draw_terminal(l, v);
    else
        draw_plain(l, v);
}

void live_clear(struct live *l)
{
    struct buf b = buf_on(l->out, sizeof(l->out));

    if (!l->terminal || !l->lines)
        return;
    buf_printf(&b, "\x1b[%uA\r\x1b[J", l->lines);
    l->lines = 0;
    put_out(l, &b);
}

void live_close(struct live *l)
{
    free(l);
}
