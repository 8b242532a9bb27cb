/* The ledger as a table for people and spreadsheets (RFC 4180). */
#include <stdio.h>

#include "campaign/ledger.h"
#include "campaign/zone_data.h"

#define MASK_HEAD  6 /* characters of a number that stay, and */
#define MASK_TAIL  3
#define YEAR_LEAST 1970
#define YEAR_MOST  9999

void ledger_mask(const char *number, char *dst, size_t cap)
{
    size_t len = strlen(number), head = MASK_HEAD, tail = MASK_TAIL;

    if (len < head + tail + 2) { /* a short number: only its end */
        head = 0;
        tail = len > tail + 2 ? tail : 0;
    }
    if (len >= cap)
        len = cap - 1;
    for (size_t i = 0; i < len; i++)
        dst[i] = i < head || i + tail >= len ? number[i] : '*';
    dst[len] = '\0';
}

void ledger_date(int32_t day, char dst[16])
{
    int64_t year;
    uint8_t month, of_month;

    zone_civil(day, &year, &month, &of_month);
    snprintf(dst, 16, "%04d-%02u-%02u", (int)(year % 10000), month, of_month);
}

enum err ledger_date_parse(struct slice text, int32_t *day)
{
    struct slice y, m, d;
    uint32_t year, month, of_month;
    int64_t year_again;
    uint8_t month_again, day_again;

    if (text.len != 10 || !slice_cut(text, '-', &y, &text) || !slice_cut(text, '-', &m, &d) ||
        slice_u32(y, &year) || slice_u32(m, &month) || slice_u32(d, &of_month) ||
        year < YEAR_LEAST || year > YEAR_MOST || month < 1 || month > 12 || of_month < 1 ||
        of_month > 31)
        return ERR_INVALID;
    *day = (int32_t)zone_days(year, (int32_t)month, (int32_t)of_month);
    zone_civil(*day, &year_again, &month_again, &day_again);
    return day_again == of_month ? OK : ERR_INVALID; /* 30 February would be 2 March */
}

/* A field in quotes, its quotes doubled; what a spreadsheet would take for a formula is text. */
static void put_field(struct buf *out, const char *text)
{
    buf_putc(out, '"');
    if (strchr("=-@\t", text[0]) && text[0])
        buf_putc(out, '\'');
    for (; *text; text++) {
        if (*text == '"')
            buf_putc(out, '"');
        buf_putc(out, *text);
    }
    buf_putc(out, '"');
}

void ledger_csv_head(struct buf *out)
{
    buf_puts(out, "entry,day,answered,what,waited_ms,live,abandoned,not_counted,"
                  "estimated_false_machines,number,lead,attempt,call_id,engine\n");
}

/* Local time with its distance from UTC, as in RFC 3339. */
static void put_time(struct buf *out, uint64_t wall_ms, const struct zone *zone)
{
    struct zone_local t;
    uint32_t s;

    zone_to_local(zone, wall_ms, &t);
    s = t.day_ms / 1000;
    int minutes = t.offset_s / 60, size = minutes < 0 ? -minutes : minutes;
    buf_printf(out, "%04d-%02u-%02uT%02u:%02u:%02u.%03u%c%02d:%02d", (int)(t.year % 10000), t.month,
               t.day, s / 3600, s / 60 % 60, s % 60, t.day_ms % 1000, minutes < 0 ? '-' : '+',
               size / 60 % 100, size % 60);
}

void ledger_csv_entry(const struct ledger_entry *e, uint64_t place, const struct zone *zone,
                      bool whole_numbers, struct buf *out)
{
    const char *counts = ledger_counts_of(e->what);
    char date[16], number[sizeof(e->number)];

    ledger_date(abandonment_day_of(zone, e->answered_wall_ms), date);
    ledger_mask(e->number, number, sizeof(number));
    buf_printf(out, "%llu,%s,", (unsigned long long)place, date);
    put_time(out, e->answered_wall_ms, zone);
    buf_printf(out, ",%s,", ledger_what_name(e->what));
    if (e->waited_ms != CALL_TIME_NONE)
        buf_u64(out, e->waited_ms);
    buf_printf(out, ",%d,%d,%d,%.6f,", strchr(counts, 'l') != NULL, strchr(counts, 'a') != NULL,
               strchr(counts, 'e') != NULL, e->false_ppm / 1e6);
    put_field(out, whole_numbers ? e->number : number);
    buf_putc(out, ',');
    put_field(out, e->lead);
    buf_printf(out, ",%u,", e->attempt);
    put_field(out, e->call_id);
    buf_putc(out, ',');
    put_field(out, e->engine);
    buf_putc(out, '\n');
}

void ledger_csv_day(const struct abandonment_day *day, struct buf *out)
{
    char date[16];

    ledger_date(day->day, date);
    buf_printf(out, ",%s,,day_total,,%u,%u,%u,%.6f,,,,,\n", date, day->live, day->abandoned,
               day->callee_left, (double)day->false_ppm / 1e6);
}
