/* The figures as tables for a terminal: head, results with bars, confusion matrix, delays, books.
 */
#include <stdlib.h>

#include "report/summary.h"
#include "report/text.h"

#define PRINT_MAX          (256 * 1024)
#define MATRIX_RESULTS_MAX 32
#define CELL               7

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

/* Result columns of the matrix: those that occur, most first. */
static uint32_t matrix_columns(const struct summary *s, enum result *columns, uint32_t most)
{
    uint64_t totals[RESULT_COUNT] = {0};
    uint32_t n = 0;

    for (uint32_t t = 0; t < s->truth_count; t++) {
        for (int i = 0; i < RESULT_COUNT; i++)
            totals[i] += s->truths[t].by_result[i];
    }
    for (int i = 0; i < RESULT_COUNT; i++) {
        if (!totals[i])
            continue;
        uint32_t at = n < most ? n++ : most;
        while (at > 0 && totals[columns[at - 1]] < totals[i]) {
            if (at < most)
                columns[at] = columns[at - 1];
            at--;
        }
        if (at < most)
            columns[at] = (enum result)i;
    }
    return n;
}

static void matrix_row(struct page *p, const struct summary_truth *t, const enum result *columns,
                       uint32_t n)
{
    enum result own = RESULT_NONE;
    bool known = result_parse(slice_cstr(t->name), &own) == OK;

    buf_puts(&p->b, "  ");
    padded(p, t->name, 15);
    number_right(p, t->total, CELL);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t v = t->by_result[columns[i]];
        if (v)
            colour(p, known && columns[i] == own ? TEXT_GREEN : TEXT_YELLOW);
        if (v)
            number_right(p, v, CELL);
        else
            buf_puts(&p->b, "      ·");
        colour(p, TEXT_RESET);
    }
    if (t->unrecorded) {
        colour(p, TEXT_RED);
        buf_printf(&p->b, "  %llu not recorded", (unsigned long long)t->unrecorded);
        colour(p, TEXT_RESET);
    }
    buf_putc(&p->b, '\n');
}

static void matrix(struct page *p, const struct summary *s)
{
    enum result columns[MATRIX_RESULTS_MAX];
    uint32_t fit = p->width > 32 ? (p->width - 25) / CELL : 1;
    uint32_t n;

    if (!s->truth_count)
        return;
    n = matrix_columns(s, columns, fit < MATRIX_RESULTS_MAX ? fit : MATRIX_RESULTS_MAX);
    heading(p, "Truth (rows) and what the engine found (columns)");
    buf_puts(&p->b, "                   calls");
    for (uint32_t i = 0; i < n; i++) {
        buf_putc(&p->b, ' ');
        padded(p, result_name(columns[i]), CELL - 1);
    }
    buf_putc(&p->b, '\n');
    for (uint32_t t = 0; t < s->truth_count; t++)
        matrix_row(p, &s->truths[t], columns, n);
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
    if (s->simulator_invalid) {
        colour(p, TEXT_RED);
        buf_puts(&p->b, "  RUN INVALID: the simulator could not keep its own plan\n");
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
