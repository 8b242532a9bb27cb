/* Holiday files: a date and a name a line, sorted by the day of the year for looking up. */
#include "campaign/holidays.h"

#include <stdio.h>
#include <stdlib.h>

#include "campaign/file.h"
#include "campaign/zone_data.h"

/* "12-25" or "2026-04-06". */
static enum err parse_date(struct slice s, struct holiday *out)
{
    struct slice first, second, third;
    uint64_t year = 0, month, day;

    if (!slice_cut(s, '-', &first, &second))
        return ERR_INVALID;
    if (slice_cut(second, '-', &second, &third)) {
        if (first.len != 4 || slice_u64(first, 9999, &year) || year == 0)
            return ERR_INVALID;
    } else {
        third = second;
        second = first;
    }
    if (second.len > 2 || third.len > 2 || slice_u64(second, 12, &month) || month == 0 ||
        slice_u64(third, 31, &day) || day == 0)
        return ERR_INVALID;
    int64_t in = year ? (int64_t)year : 2000; /* a leap year: 02-29 may come every four years */
    if (zone_days(in, (int32_t)month + 1, 1) - zone_days(in, (int32_t)month, 1) < (int64_t)day)
        return ERR_INVALID;
    out->year = (int32_t)year;
    out->month = (uint8_t)month;
    out->day = (uint8_t)day;
    return OK;
}

static void take_name(struct slice text, struct holiday *out)
{
    uint32_t len = text.len < sizeof(out->name) - 1 ? text.len : (uint32_t)sizeof(out->name) - 1;

    while (len && len < text.len && ((unsigned char)text.p[len] & 0xc0) == 0x80)
        len--; /* never half a character */
    for (uint32_t i = 0; i < len; i++)
        out->name[i] = (unsigned char)text.p[i] < 0x20 ? ' ' : text.p[i];
    out->name[len] = '\0';
}

static int compare(const void *a, const void *b)
{
    const struct holiday *x = a, *y = b;

    if (x->month != y->month)
        return x->month < y->month ? -1 : 1;
    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    return x->year < y->year ? -1 : x->year > y->year;
}

/* A date, then blanks and a name. */
static enum err parse_line(struct slice line, struct holiday *out)
{
    uint32_t date = 0;

    while (date < line.len && line.p[date] != ' ' && line.p[date] != '\t')
        date++;
    take_name(slice_trim(slice_from(line, date)), out);
    return parse_date(slice_of(line.p, date), out);
}

static enum err parse_all(struct holidays *h, const char *path, struct slice text, char *error)
{
    struct slice rest = slice_starts(text, SLICE("\xef\xbb\xbf")) ? slice_from(text, 3) : text,
                 line;
    uint32_t number = 0;
    bool more = true;

    while (more) {
        more = slice_cut(rest, '\n', &line, &rest);
        number++;
        line = slice_trim(line);
        if (line.len == 0 || line.p[0] == '#')
            continue;
        if (h->count == HOLIDAYS_MAX) {
            snprintf(error, CAMPAIGN_ERROR_MAX, "%.500s:%u: more than %u holidays", path, number,
                     HOLIDAYS_MAX);
            return ERR_FULL;
        }
        if (parse_line(line, &h->days[h->count++])) {
            snprintf(error, CAMPAIGN_ERROR_MAX,
                     "%.500s:%u: '" SLICE_FMT "' begins with no date; accepted: a day of every "
                     "year or of one, and a name, as in '12-25 Christmas Day' or "
                     "'2026-04-06 Easter Monday'",
                     path, number, SLICE_ARG(slice_of(line.p, line.len < 60 ? line.len : 60)));
            return ERR_INVALID;
        }
    }
    qsort(h->days, h->count, sizeof(h->days[0]), compare);
    return OK;
}

enum err holidays_parse(struct holidays **out, const char *path, struct slice text, char *error)
{
    struct holidays *h = calloc(1, sizeof(*h) + HOLIDAYS_MAX * sizeof(h->days[0]));

    *out = NULL;
    if (!h) {
        snprintf(error, CAMPAIGN_ERROR_MAX, "%.500s: no memory", path);
        return ERR_NOMEM;
    }
    enum err e = parse_all(h, path, text, error);
    if (e) {
        free(h);
        return e;
    }
    struct holidays *fit = realloc(h, sizeof(*h) + h->count * sizeof(h->days[0]));
    *out = fit ? fit : h;
    return OK;
}

enum err holidays_load(struct holidays **out, const char *path, char *error)
{
    char *text;
    uint32_t len;
    enum err e = campaign_read_file(path, "the holidays", HOLIDAYS_FILE_MAX, &text, &len, error);

    *out = NULL;
    if (e)
        return e;
    e = holidays_parse(out, path, slice_of(text, len), error);
    free(text);
    return e;
}

const struct holiday *holidays_find(const struct holidays *h, int32_t year, uint8_t month,
                                    uint8_t day)
{
    uint32_t low = 0, high = h ? h->count : 0;

    while (low < high) { /* the first that is not before this day of the year */
        uint32_t mid = low + (high - low) / 2;
        const struct holiday *d = &h->days[mid];
        if (d->month < month || (d->month == month && d->day < day))
            low = mid + 1;
        else
            high = mid;
    }
    for (; h && low < h->count && h->days[low].month == month && h->days[low].day == day; low++) {
        if (h->days[low].year == 0 || h->days[low].year == year)
            return &h->days[low];
    }
    return NULL;
}
