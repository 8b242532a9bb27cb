/* The figures as tables for a terminal: head, results with bars, confusion matrix, delays, books.
 */
#include <stdlib.h>

#include "report/summary.h"
#include "report/text.h"

#define PRINT_MAX (256 * 1024)

struct page {
    struct buf b;
    bool colour;
    uint32_t width;
};

static void colour(struct page *p, const char *code)
{
    if (p->colour)
        buf_puts(&p->b, code);
}

static void heading(struct page *p, const char *text)
{
    buf_putc(&p->b, '\n');
    colour(p, TEXT_BOLD);
    buf_puts(&p->b, text);
    colour(p, TEXT_RESET);
    buf_putc(&p->b, '\n');
}

static void padded(struct page *p, const char *text, uint32_t columns)
{
    uint32_t used = text_columns(slice_cstr(text));

    text_put_cut(&p->b, slice_cstr(text), columns);
    text_put_spaces(&p->b, used < columns ? columns - used : 0);
}

static void number_right(struct page *p, uint64_t v, uint32_t columns)
{
    char text[32];
    struct buf n = buf_on(text, sizeof(text));

    text_put_number(&n, v);
    text_put_spaces(&p->b, n.len < columns ? columns - (uint32_t)n.len : 0);
    buf_put(&p->b, buf_slice(&n));
}

static void percent(struct page *p, uint64_t part, uint64_t whole)
{
    buf_printf(&p->b, "%6.1f %%", whole ? 100.0 * (double)part / (double)whole : 0.0);
}

/* Names and counts, most first, with a share and a bar. */
struct row {
    const char *name;
    uint64_t count;
};

static int compare_rows(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    return x->count > y->count ? -1 : x->count < y->count;
}

static void table(struct page *p, const char *title, struct row *rows, uint32_t n)
{
    uint64_t total = 0, most = 0;
    uint32_t bar = p->width > 60 ? (p->width - 44 < 40 ? p->width - 44 : 40) : 0;

    qsort(rows, n, sizeof(*rows), compare_rows);
    for (uint32_t i = 0; i < n; i++) {
        total += rows[i].count;
        most = rows[i].count > most ? rows[i].count : most;
    }
    heading(p, title);
    for (uint32_t i = 0; i < n; i++) {
        buf_puts(&p->b, "  ");
        padded(p, rows[i].name, 18);
        number_right(p, rows[i].count, 10);
        percent(p, rows[i].count, total);
        buf_puts(&p->b, "  ");
        if (bar) {
            colour(p, TEXT_CYAN);
            text_put_bar(&p->b, rows[i].count, most, bar);
            colour(p, TEXT_RESET);
        }
        buf_putc(&p->b, '\n');
    }
    if (!n)
        buf_puts(&p->b, "  none\n");
}

static void results(struct page *p, const struct summary *s)
{
    struct row rows[RESULT_COUNT];
    uint32_t n = 0;

    for (int i = 0; i < RESULT_COUNT; i++) {
        if (s->results[i])
            rows[n++] = (struct row){result_name((enum result)i), s->results[i]};
    }
    table(p, "Results of attempts", rows, n);
    n = 0;
    for (int i = DELIVERY_NONE + 1; i < DELIVERY_COUNT; i++) {
        if (s->deliveries[i])
            rows[n++] = (struct row){delivery_name((enum delivery)i), s->deliveries[i]};
    }
    table(p, "What became of answers", rows, n);
}

/* The confusion matrix. Columns are numbered like the rows, so that what is right stands on the
 * diagonal and no long names are needed above; results that are nobody's truth follow, explained
 * below. Columns that do not fit the width are added up in the last one. */
struct matrix {
    const struct summary *s;
    uint32_t order[SUMMARY_TRUTHS_MAX]; /* truths, most calls first */
    enum result columns[RESULT_COUNT];
    uint32_t column_count, of_truths; /* the first of_truths columns are truths */
    uint32_t shown, cell;
};

static bool is_result(const struct summary_truth *t, enum result *out)
{
    return result_parse(slice_cstr(t->name), out) == OK;
}

static bool has_column(const struct matrix *m, enum result r)
{
    for (uint32_t i = 0; i < m->column_count; i++) {
        if (m->columns[i] == r)
            return true;
    }
    return false;
}

static void order_truths(struct matrix *m)
{
    for (uint32_t i = 0; i < m->s->truth_count; i++) {
        uint32_t at = i;
        for (; at > 0 && m->s->truths[m->order[at - 1]].total < m->s->truths[i].total; at--)
            m->order[at] = m->order[at - 1];
        m->order[at] = i;
    }
}

static void make_matrix(struct matrix *m, uint32_t width)
{
    const struct summary *s = m->s;
    uint64_t most = 0;
    enum result r;

    order_truths(m);
    /* Truths that are results come first among the rows, so that their numbers are the columns'. */
    uint32_t rows[SUMMARY_TRUTHS_MAX], n = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < s->truth_count; i++) {
            if (is_result(&s->truths[m->order[i]], &r) == (pass == 0))
                rows[n++] = m->order[i];
        }
    }
    memcpy(m->order, rows, n * sizeof(rows[0]));
    for (uint32_t i = 0; i < n && is_result(&s->truths[m->order[i]], &r); i++)
        m->columns[m->column_count++] = r;
    m->of_truths = m->column_count;
    for (uint32_t t = 0; t < s->truth_count; t++) {
        most = s->truths[t].total > most ? s->truths[t].total : most;
        for (int i = 0; i < RESULT_COUNT; i++) {
            if (s->truths[t].by_result[i] && !has_column(m, (enum result)i))
                m->columns[m->column_count++] = (enum result)i;
        }
    }
    m->cell = 4;
    for (uint64_t v = 1000; v <= most; v *= 10)
        m->cell++;
    uint32_t fit = width > 40 ? (width - 32) / m->cell : 2;
    m->shown = m->column_count <= fit ? m->column_count : fit - 1;
}

static void matrix_cell(struct page *p, const struct matrix *m, uint64_t v, const char *code)
{
    if (!v) {
        text_put_spaces(&p->b, m->cell - 1);
        buf_puts(&p->b, "·");
        return;
    }
    colour(p, code);
    char text[32];
    struct buf n = buf_on(text, sizeof(text));
    buf_u64(&n, v);
    text_put_spaces(&p->b, n.len < m->cell ? m->cell - (uint32_t)n.len : 0);
    buf_put(&p->b, buf_slice(&n));
    colour(p, TEXT_RESET);
}

static void matrix_row(struct page *p, const struct matrix *m, uint32_t row)
{
    const struct summary_truth *t = &m->s->truths[m->order[row]];
    uint64_t rest = 0;

    buf_printf(&p->b, "  %2u  ", row + 1);
    padded(p, t->name, 16);
    number_right(p, t->total, 7);
    buf_putc(&p->b, ' ');
    for (uint32_t i = 0; i < m->shown; i++)
        matrix_cell(p, m, t->by_result[m->columns[i]], i == row ? TEXT_GREEN : TEXT_YELLOW);
    for (uint32_t i = m->shown; i < m->column_count; i++)
        rest += t->by_result[m->columns[i]];
    if (m->shown < m->column_count)
        matrix_cell(p, m, rest, TEXT_YELLOW);
    if (t->unrecorded) {
        colour(p, TEXT_RED);
        buf_printf(&p->b, "  %llu not recorded", (unsigned long long)t->unrecorded);
        colour(p, TEXT_RESET);
    }
    buf_putc(&p->b, '\n');
}

static void matrix(struct page *p, const struct summary *s)
{
    struct matrix m = {.s = s};

    if (!s->truth_count)
        return;
    make_matrix(&m, p->width);
    heading(p, "What was played (rows) and what the engine found (columns, by the rows' numbers)");
    buf_puts(&p->b, "                          calls ");
    for (uint32_t i = 0; i < m.shown; i++)
        buf_printf(&p->b, "%*u", (int)m.cell, i + 1);
    if (m.shown < m.column_count)
        buf_printf(&p->b, "%*s", (int)m.cell, "more");
    buf_putc(&p->b, '\n');
    for (uint32_t row = 0; row < s->truth_count; row++)
        matrix_row(p, &m, row);
    for (uint32_t i = m.of_truths; i < m.shown; i++)
        buf_printf(&p->b, "  %2u = %s\n", i + 1, result_name(m.columns[i]));
    if (s->verdict_total)
        buf_printf(&p->b, "  right: %llu of %llu (%.1f %%)\n", (unsigned long long)s->verdict_right,
                   (unsigned long long)s->verdict_total,
                   100.0 * (double)s->verdict_right / (double)s->verdict_total);
}

static void delay_row(struct page *p, const char *name, const struct hist *h)
{
    if (!h->count)
        return;
    buf_puts(&p->b, "  ");
    padded(p, name, 22);
    number_right(p, h->count, 9);
    const uint64_t values[] = {hist_quantile(h, 0.5), hist_quantile(h, 0.9), hist_quantile(h, 0.99),
                               h->max};
    for (uint32_t i = 0; i < 4; i++) {
        char text[32];
        struct buf t = buf_on(text, sizeof(text));
        text_put_ms(&t, values[i]);
        text_put_spaces(&p->b, t.len < 11 ? 11 - (uint32_t)t.len : 1);
        buf_put(&p->b, buf_slice(&t));
    }
    buf_putc(&p->b, '\n');
}

static void delays(struct page *p, const struct summary *s)
{
    heading(p, "Delays");
    buf_puts(&p->b,
             "                              calls        p50        p90        p99      worst\n");
    delay_row(p, "answer to agent", &s->answer_to_agent_ms);
    delay_row(p, "greeting end to agent", &s->greeting_to_agent_ms);
    delay_row(p, "answer to verdict", &s->answer_to_verdict_ms);
    delay_row(p, "INVITE to ringing", &s->setup_ms);
    delay_row(p, "ringing", &s->ring_ms);
    delay_row(p, "talk with an agent", &s->talk_ms);
}

static void head(struct page *p, const struct summary *s)
{
    bool over = s->has_run && s->run.abandonment_cap_percent > 0 &&
                s->abandonment_percent > s->run.abandonment_cap_percent;

    colour(p, TEXT_BOLD);
    buf_printf(&p->b, "Campaign %s", s->campaign);
    colour(p, TEXT_RESET);
    buf_putc(&p->b, '\n');
    buf_puts(&p->b, "  leads ");
    text_put_number(&p->b, s->leads);
    if (s->has_run) {
        buf_puts(&p->b, " = finished ");
        text_put_number(&p->b, s->finished);
        buf_puts(&p->b, " + pending ");
        text_put_number(&p->b, s->pending);
    }
    buf_puts(&p->b, ", attempts ");
    text_put_number(&p->b, s->attempts);
    buf_printf(&p->b, ", most at once %u\n  abandoned ", s->peak_concurrent);
    colour(p, over ? TEXT_RED : TEXT_GREEN);
    buf_printf(&p->b, "%.2f %%", s->abandonment_percent);
    colour(p, TEXT_RESET);
    buf_printf(&p->b, " (%llu of %llu live answers, strict", (unsigned long long)s->abandoned,
               (unsigned long long)s->live);
    if (s->has_run && s->run.abandonment_cap_percent > 0)
        buf_printf(&p->b, ", cap %.3g %%", s->run.abandonment_cap_percent);
    buf_printf(&p->b, "), lost RTP packets %llu", (unsigned long long)s->rtp_lost);
    if (s->lateness_p99_ms >= 0)
        buf_printf(&p->b, ", simulator late by %.2f ms (p99)", s->lateness_p99_ms);
    buf_putc(&p->b, '\n');
    for (uint32_t i = 0; i < s->group_count; i++) {
        const struct summary_group *g = &s->groups[i];

        buf_printf(&p->b, "  group %s: %llu live answers, %llu connected, %llu abandoned\n",
                   g->name, (unsigned long long)g->live, (unsigned long long)g->connected,
                   (unsigned long long)g->abandoned);
    }
    for (uint32_t i = 0; i < s->trunks.count; i++) {
        const struct trunk_audio *a = &s->trunks.trunk[i];

        if (!a->narrow.calls && !a->wide.calls)
            continue;
        buf_printf(&p->b, "  audio of trunk %s: ", a->name);
        if (a->narrow.calls)
            buf_printf(&p->b, "MOS %.2f (estimated), ", a->narrow.sum / (double)a->narrow.calls);
        if (a->wide.calls)
            buf_printf(&p->b, "wideband MOS %.2f (estimated), ",
                       a->wide.sum / (double)a->wide.calls);
        buf_printf(&p->b, "lost %.2f %%, %llu without any\n",
                   100.0 * (double)a->lost / (double)(a->received + a->lost),
                   (unsigned long long)a->no_audio);
    }
    if (s->simulator_invalid) {
        colour(p, TEXT_RED);
        buf_printf(&p->b, "  RUN INVALID: %s\n",
                   s->simulator_why[0] ? s->simulator_why
                                       : "the simulator could not keep its own plan");
        colour(p, TEXT_RESET);
    }
}

static void books(struct page *p, const struct summary *s)
{
    heading(p, "The books");
    if (s->balance_ok) {
        colour(p, TEXT_GREEN);
        buf_puts(&p->b, "  balance");
        colour(p, TEXT_RESET);
        if (s->has_run)
            buf_puts(&p->b, ": leads = finished + pending; attempts in Redis = call records");
        if (s->has_truth)
            buf_puts(&p->b, s->has_run ? " = calls the simulator saw"
                                       : ": call records = calls the simulator saw");
        buf_putc(&p->b, '\n');
    } else {
        colour(p, TEXT_RED);
        buf_puts(&p->b, "  do NOT balance:\n");
        for (uint32_t i = 0; i < s->reason_count; i++)
            buf_printf(&p->b, "  - %s\n", s->reasons[i]);
        colour(p, TEXT_RESET);
    }
    if (s->torn_lines)
        buf_printf(&p->b, "  %llu torn last lines were left out\n",
                   (unsigned long long)s->torn_lines);
}

void summary_print(const struct summary *s, FILE *to, bool use_colour, uint32_t width)
{
    char *text = malloc(PRINT_MAX);
    struct page p = {buf_on(text, text ? PRINT_MAX : 0), use_colour, width < 60 ? 60 : width};

    head(&p, s);
    results(&p, s);
    matrix(&p, s);
    delays(&p, s);
    books(&p, s);
    fwrite(p.b.p, 1, p.b.len, to);
    free(text);
}
