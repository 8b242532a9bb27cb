/* The picture of the live view as text: head line with progress, calls in the air, agents,
 * results, delays, and why pacing does what it does. Every line fits the width; on narrow
 * terminals the bars go first, then the second column of results. */
#include "report/live.h"
#include "report/text.h"

#define WIDTH_MIN     40
#define WIDTH_MAX     160
#define LINE_MAX      1024
#define RESULTS_SHOWN 16

struct picture {
    struct buf out;
    char line_bytes[LINE_MAX];
    struct buf line;
    uint32_t width;
    bool colour;
};

static void begin(struct picture *p)
{
    p->line = buf_on(p->line_bytes, sizeof(p->line_bytes));
}

static void end_line(struct picture *p)
{
    text_put_cut(&p->out, buf_slice(&p->line), p->width);
    buf_putc(&p->out, '\n');
    begin(p);
}

static void colour(struct picture *p, const char *code)
{
    if (p->colour)
        buf_puts(&p->line, code);
}

static void coloured(struct picture *p, const char *code, const char *text)
{
    colour(p, code);
    buf_puts(&p->line, text);
    colour(p, TEXT_RESET);
}

/* "name 12  " with the number bright when it is not zero. */
static void counted(struct picture *p, const char *name, uint64_t n, const char *code)
{
    colour(p, TEXT_DIM);
    buf_puts(&p->line, name);
    buf_putc(&p->line, ' ');
    colour(p, TEXT_RESET);
    if (n)
        colour(p, code);
    text_put_number(&p->line, n);
    colour(p, TEXT_RESET);
    buf_puts(&p->line, "  ");
}

static void label(struct picture *p, const char *name)
{
    uint32_t used = text_columns(slice_cstr(name));

    colour(p, TEXT_BOLD);
    buf_puts(&p->line, name);
    colour(p, TEXT_RESET);
    text_put_spaces(&p->line, used < 10 ? 10 - used : 1);
}

static void head(struct picture *p, const struct live_view *v)
{
    coloured(p, TEXT_BOLD, "Peal");
    buf_puts(&p->line, "  ");
    coloured(p, TEXT_CYAN, v->campaign);
    buf_printf(&p->line, "  %02llu:%02u:%02u", (unsigned long long)(v->elapsed_ms / 3600000),
               (unsigned)(v->elapsed_ms / 60000 % 60), (unsigned)(v->elapsed_ms / 1000 % 60));
    end_line(p);
    label(p, "leads");
    text_put_number(&p->line, v->finished);
    buf_puts(&p->line, " of ");
    text_put_number(&p->line, v->leads);
    buf_puts(&p->line, " finished ");
    if (p->width >= 70) {
        colour(p, TEXT_GREEN);
        text_put_bar(&p->line, v->finished, v->leads, p->width - 60 < 40 ? p->width - 60 : 40);
        colour(p, TEXT_RESET);
    }
    buf_printf(&p->line, " %3.0f %%  ",
               v->leads ? 100.0 * (double)v->finished / (double)v->leads : 0);
    counted(p, "attempts", v->attempts, "");
    end_line(p);
}

static void calls(struct picture *p, const struct live_view *v)
{
    uint32_t air = v->dialling + v->ringing + v->analysing + v->waiting + v->talking + v->treated;

    label(p, "calls");
    if (v->in_air_max)
        buf_printf(&p->line, "%u of %u  ", air, v->in_air_max);
    else
        buf_printf(&p->line, "%u  ", air);
    counted(p, "dialling", v->dialling, TEXT_BLUE);
    counted(p, "ringing", v->ringing, TEXT_BLUE);
    counted(p, "analysed", v->analysing, TEXT_CYAN);
    counted(p, "waiting", v->waiting, TEXT_YELLOW);
    counted(p, "talking", v->talking, TEXT_GREEN);
    if (v->treated)
        counted(p, "treated", v->treated, TEXT_CYAN);
    if (v->looks_ahead)
        buf_printf(&p->line, "%.1f answers expected  ", v->expected_live);
    buf_printf(&p->line, "%.1f calls/s", v->calls_per_second);
    end_line(p);
}

static void agents(struct picture *p, const struct live_view *v)
{
    uint32_t all = v->agents_free + v->agents_talking + v->agents_wrapping + v->agents_out;

    if (!all)
        return;
    label(p, "agents");
    buf_printf(&p->line, "%u  ", all);
    counted(p, "talking", v->agents_talking, TEXT_GREEN);
    counted(p, "free", v->agents_free, TEXT_YELLOW);
    counted(p, "wrapping", v->agents_wrapping, TEXT_BLUE);
    counted(p, "out", v->agents_out, TEXT_RED);
    end_line(p);
}

static void groups(struct picture *p, const struct live_view *v)
{
    for (uint32_t i = 0; i < v->groups && i < LIVE_GROUPS_MAX; i++) {
        const struct live_group *g = &v->group[i];

        label(p, i ? "" : "groups");
        coloured(p, TEXT_CYAN, g->name);
        buf_puts(&p->line, "  ");
        counted(p, "talking", g->talking, TEXT_GREEN);
        counted(p, "free", g->free, TEXT_YELLOW);
        counted(p, "wrapping", g->wrapping, TEXT_BLUE);
        counted(p, "out", g->out, TEXT_RED);
        counted(p, "calls", g->calls, TEXT_BLUE);
        counted(p, "waiting", g->waiting, TEXT_YELLOW);
        end_line(p);
    }
}

/* A group's advice, or the campaign's. */
static void pacing(struct picture *p, const struct live_view *v)
{
    label(p, "pacing");
    buf_puts(&p->line, v->pacing);
    end_line(p);
    for (uint32_t i = 0; i < v->groups && v->groups > 1 && i < LIVE_GROUPS_MAX; i++) {
        label(p, "");
        coloured(p, TEXT_CYAN, v->group[i].name);
        buf_puts(&p->line, ": ");
        buf_puts(&p->line, v->group[i].pacing);
        end_line(p);
    }
}

static void answers(struct picture *p, const struct live_view *v)
{
    const struct hist *h = v->answer_to_agent_ms;
    bool over =
        v->abandonment_cap_percent > 0 && v->abandonment_percent > v->abandonment_cap_percent;

    label(p, "answers");
    counted(p, "connected", v->connected, TEXT_GREEN);
    counted(p, "live", v->live, "");
    counted(p, "abandoned", v->abandoned, TEXT_RED);
    colour(p, over ? TEXT_RED : TEXT_GREEN);
    buf_printf(&p->line, "%.1f %%", v->abandonment_percent);
    colour(p, TEXT_RESET);
    if (v->abandonment_cap_percent > 0)
        buf_printf(&p->line, " (cap %.3g %%)", v->abandonment_cap_percent);
    if (v->looks_ahead)
        buf_printf(&p->line, "  risk %.1f of %.1f %% allowed", v->risk_percent, v->theta_percent);
    end_line(p);
    if (!h || !h->count)
        return;
    label(p, "to agent");
    buf_puts(&p->line, "p50 ");
    text_put_ms(&p->line, hist_quantile(h, 0.5));
    buf_puts(&p->line, "  p99 ");
    text_put_ms(&p->line, hist_quantile(h, 0.99));
    buf_puts(&p->line, "  worst ");
    text_put_ms(&p->line, h->max);
    end_line(p);
}

static const char *result_colour(enum result r)
{
    if (result_is_live(r))
        return TEXT_GREEN;
    if (r == RESULT_OUR_FAULT || r == RESULT_NO_MEDIA || r == RESULT_DEAD_AIR)
        return TEXT_RED;
    return r >= RESULT_HUMAN ? TEXT_CYAN : TEXT_BLUE;
}

static uint32_t sort_results(const uint64_t *counts, enum result order[RESULT_COUNT])
{
    uint32_t n = 0;

    for (int i = RESULT_NONE + 1; i < RESULT_COUNT; i++) {
        if (!counts[i])
            continue;
        uint32_t at = n++;
        while (at > 0 && counts[order[at - 1]] < counts[i]) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = (enum result)i;
    }
    return n;
}

static void one_result(struct picture *p, enum result r, uint64_t n, uint64_t most, uint32_t bar)
{
    const char *name = result_name(r);

    buf_puts(&p->line, "  ");
    buf_puts(&p->line, name);
    text_put_spaces(&p->line, 14 - (uint32_t)(strlen(name) < 14 ? strlen(name) : 13));
    buf_printf(&p->line, "%7llu ", (unsigned long long)n);
    if (bar) {
        colour(p, result_colour(r));
        text_put_bar(&p->line, n, most, bar);
        colour(p, TEXT_RESET);
    }
}

static void results(struct picture *p, const struct live_view *v)
{
    enum result order[RESULT_COUNT];
    uint32_t n = sort_results(v->results, order), columns = p->width >= 76 ? 2 : 1;
    uint32_t cell = p->width / columns;
    uint32_t bar = cell > 34 ? (cell - 26 < 24 ? cell - 26 : 24) : 0;

    if (!n)
        return;
    if (n > RESULTS_SHOWN)
        n = RESULTS_SHOWN;
    uint32_t rows = (n + columns - 1) / columns;
    label(p, "results");
    end_line(p);
    for (uint32_t row = 0; row < rows; row++) {
        for (uint32_t i = row; i < n; i += rows)
            one_result(p, order[i], v->results[order[i]], v->results[order[0]], bar);
        end_line(p);
    }
}

size_t live_render(const struct live_view *v, uint32_t width, bool use_colour, char *dst,
                   size_t cap)
{
    struct picture p = {.out = buf_on(dst, cap), .colour = use_colour};

    p.width = width < WIDTH_MIN ? WIDTH_MIN : width > WIDTH_MAX ? WIDTH_MAX : width;
    p.width -= 1; /* the last column would make some terminals wrap */
    begin(&p);
    head(&p, v);
    calls(&p, v);
    agents(&p, v);
    groups(&p, v);
    answers(&p, v);
    results(&p, v);
    pacing(&p, v);
    if (v->rtp_lost || v->records_held || v->errors) {
        label(&p, "trouble");
        counted(&p, "lost RTP packets", v->rtp_lost, TEXT_YELLOW);
        counted(&p, "records held", v->records_held, TEXT_RED);
        counted(&p, "errors", v->errors, TEXT_RED);
        end_line(&p);
    }
    if (v->notice[0]) {
        coloured(&p, TEXT_YELLOW, v->notice);
        end_line(&p);
    }
    return p.out.len;
}
