/* The table: the last lines of many, in a ring of texts, and the totals below. */
#include <stdlib.h>

#include "report/history_out.h"
#include "report/text.h"

#define LINE_BYTES 512
#define NAME_WIDTH 22

struct history_table {
    const struct zone *zone;
    uint32_t rows;
    uint64_t given;
    char (*lines)[LINE_BYTES];
};

enum err history_table_open(struct history_table **out, uint32_t rows, const struct zone *zone)
{
    struct history_table *t = calloc(1, sizeof(*t));

    *out = NULL;
    if (!t)
        return ERR_NOMEM;
    t->zone = zone;
    t->rows = rows;
    t->lines = calloc(rows ? rows : 1, LINE_BYTES);
    if (!t->lines) {
        free(t);
        return ERR_NOMEM;
    }
    *out = t;
    return OK;
}

void history_table_close(struct history_table *t)
{
    if (t)
        free(t->lines);
    free(t);
}

/* Cut or filled to a width. What would steer a terminal is shown as ?. */
static void put(struct buf *b, struct slice s, uint32_t width)
{
    char clean[128];
    uint32_t n = s.len < sizeof(clean) ? s.len : sizeof(clean);

    for (uint32_t i = 0; i < n; i++)
        clean[i] = (unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ? '?' : s.p[i];
    struct slice shown = slice_of(clean, n);
    uint32_t columns = text_columns(shown);
    text_put_cut(b, shown, width);
    text_put_spaces(b, columns < width ? width - columns + 1 : 1);
}

static void put_seconds(struct buf *b, uint32_t ms)
{
    if (ms == CALL_TIME_NONE)
        buf_puts(b, "       - ");
    else if (ms < 600000)
        buf_printf(b, "%7.1fs ", ms / 1000.0);
    else
        buf_printf(b, "%5u:%02u ", ms / 60000, ms / 1000 % 60);
}

void history_table_row(struct history_table *t, const struct history_row *r)
{
    char time[24], offset[8], attempt[16];

    t->given++;
    if (!t->rows)
        return;
    char *line = t->lines[(t->given - 1) % t->rows];
    struct buf b = buf_on(line, LINE_BYTES - 1);
    history_local_time(r->wall_ms, t->zone, time, offset);
    buf_puts(&b, time);
    buf_putc(&b, ' ');
    put(&b, r->campaign, 12);
    put(&b, r->lead, 14);
    snprintf(attempt, sizeof(attempt), "%u", r->attempt);
    put(&b, slice_cstr(attempt), 2);
    put(&b, r->number, 16);
    put(&b, r->label, 13);
    put(&b, slice_cstr(r->delivery == DELIVERY_NONE ? "-" : delivery_name(r->delivery)), 14);
    put_seconds(&b, history_duration_ms(r));
    put_seconds(&b, history_talk_ms(r));
    put(&b, r->agent.len ? r->agent : SLICE("-"), 12);
    while (b.len && line[b.len - 1] == ' ')
        b.len--;
    line[b.len] = 0;
}

static void print_lines(struct history_table *t, FILE *to, bool colour)
{
    uint64_t shown = t->given < t->rows ? t->given : t->rows;

    if (!shown)
        return;
    fprintf(to, "%s%-19s %-12s %-14s %-2s %-16s %-13s %-14s %8s %8s %s%s\n",
            colour ? TEXT_BOLD : "", "time", "campaign", "lead", "no", "number", "result",
            "delivery", "duration", "talk", "agent", colour ? TEXT_RESET : "");
    if (shown < t->given)
        fprintf(to, "… %llu earlier ones (--rows N shows more, --csv FILE has all)\n",
                (unsigned long long)(t->given - shown));
    for (uint64_t i = t->given - shown; i < t->given; i++)
        fprintf(to, "%s\n", t->lines[i % t->rows]);
    fputc('\n', to);
}

static void print_count(FILE *to, const char *name, uint64_t n, uint64_t of)
{
    char text[256];
    struct buf b = buf_on(text, sizeof(text) - 1), number;
    char digits[32];

    number = buf_on(digits, sizeof(digits));
    text_put_number(&number, n);
    put(&b, slice_cstr(name), NAME_WIDTH);
    text_put_spaces(&b, number.len < 12 ? 12 - (uint32_t)number.len : 0);
    buf_put(&b, buf_slice(&number));
    buf_printf(&b, " %6.1f %%  ", of ? 100.0 * (double)n / (double)of : 0);
    text_put_bar(&b, n, of, 20);
    fprintf(to, "  %.*s\n", (int)b.len, text);
}

static void print_figures(const struct history_totals *totals, FILE *to)
{
    struct history_figure figures[HISTORY_FIGURES_MAX];
    uint32_t n = history_figures(totals, figures);

    for (uint32_t i = 0; i < n; i++) {
        char text[96];
        struct buf b = buf_on(text, sizeof(text) - 1);

        if (figures[i].seconds)
            text_put_ms(&b, (uint64_t)(figures[i].value * 1000 + 0.5));
        else
            text_put_number(&b, (uint64_t)figures[i].value);
        fprintf(to, "  %-22s %12.*s\n", figures[i].name, (int)b.len, text);
    }
}

void history_table_print(struct history_table *t, const struct history_totals *totals, FILE *to,
                         bool colour)
{
    print_lines(t, to, colour);
    fprintf(to, "%sTotals%s, times of %s\n", colour ? TEXT_BOLD : "", colour ? TEXT_RESET : "",
            zone_name(t->zone));
    print_figures(totals, to);
    if (totals->calls)
        fputs("By result\n", to);
    for (int r = 0; r < RESULT_COUNT; r++)
        if (totals->results[r])
            print_count(to, result_name((enum result)r), totals->results[r], totals->calls);
    if (totals->calls)
        fputs("By delivery\n", to);
    for (int d = 0; d < DELIVERY_COUNT; d++)
        if (totals->deliveries[d])
            print_count(to, delivery_name((enum delivery)d), totals->deliveries[d], totals->calls);
}
