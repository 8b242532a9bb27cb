/* One pass over the records for leads and attempts; then the calls of each zone in turn for their
 * local times. */
#include "simulate/promises.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "campaign/rules.h"
#include "report/input.h"

#define LINE_MAX_BYTES 65536

struct dialled { /* one call, for the check of its local time */
    uint64_t wall_ms;
    uint16_t place;
};

struct check {
    struct promises *out;
    const struct campaign *campaign;
    struct roll *roll;
    struct dialled *calls;
    size_t count, room;
    bool no_memory;
};

__attribute__((format(printf, 2, 3))) static void example(struct promises *p, const char *fmt, ...)
{
    va_list args;

    if (p->example[0])
        return;
    va_start(args, fmt);
    vsnprintf(p->example, sizeof(p->example), fmt, args);
    va_end(args);
}

static void keep(struct check *c, uint64_t wall_ms, uint16_t place)
{
    if (c->count == c->room) {
        size_t room = c->room ? 2 * c->room : 65536;
        struct dialled *more = realloc(c->calls, room * sizeof(*more));

        if (!more) {
            c->no_memory = true;
            return;
        }
        c->calls = more;
        c->room = room;
    }
    c->calls[c->count++] = (struct dialled){wall_ms, place};
}

static void check_lead(struct check *c, struct roll_lead *l, uint32_t number, uint64_t begin_ms)
{
    struct promises *p = c->out;

    if (number <= l->attempts || begin_ms < l->last_end_ms) {
        p->doubled++;
        example(p, "lead %s: attempt %u is there twice or overlaps the one before", l->id, number);
    } else if (number != l->attempts + 1) {
        p->lost++;
        example(p, "lead %s: attempt %u follows attempt %u", l->id, number, l->attempts);
    }
    if (l->delivered || l->charged >= c->campaign->attempts) {
        p->beyond++;
        example(p, "lead %s: attempt %u comes after %s", l->id, number,
                l->delivered ? "a delivery" : "the campaign's last");
    }
}

static void on_call(void *arg, const struct input *call, struct slice line)
{
    struct check *c = arg;
    const char *lead = input_text(input_get(call, "lead")),
               *result_text = input_text(input_get(call, "result")),
               *delivery = input_text(input_get(call, "delivery")),
               *to = input_text(input_get(call, "number"));
    uint16_t place;
    uint32_t number = (uint32_t)input_u64(input_get(call, "attempt"));
    uint64_t begin_ms = input_u64(input_get(call, "invite_ms"));
    uint64_t end_ms = begin_ms + input_u64(input_get(input_get(call, "times"), "end"));
    struct roll_lead *l = lead ? roll_find(c->roll, slice_cstr(lead)) : NULL;
    enum result result = RESULT_NONE;
    enum delivery delivered = DELIVERY_NONE;

    (void)line;
    if (number == 0) /* was not dialled */
        return;
    c->out->attempts++;
    if (!l) {
        c->out->lost++;
        example(c->out, "there is a call of lead %s, which the file does not have",
                lead ? lead : "?");
        return;
    }
    check_lead(c, l, number, begin_ms);
    if (roll_place(c->roll, l, to ? to : "", begin_ms, &place) == OK)
        keep(c, begin_ms, place);
    else
        c->no_memory = true;
    if (result_text)
        result_parse(slice_cstr(result_text), &result);
    l->attempts = number;
    l->last_end_ms = end_ms;
    l->charged += rules_charged(c->campaign, result, SLICE(""), SLICE(""));
    if (delivery)
        delivery_parse(slice_cstr(delivery), &delivered);
    l->delivered = l->delivered || rules_delivered(c->campaign, result, delivered);
}

/* Inside the hours of one part of a calendar, by the clock on the wall there. */
static bool inside(const struct calendar_part *p, const struct tm *local, uint64_t wall_ms)
{
    const struct windows *w = p->windows;
    bool holiday = holidays_find(p->holidays, local->tm_year + 1900, (uint8_t)(local->tm_mon + 1),
                                 (uint8_t)local->tm_mday) != NULL;
    uint32_t weekday = holiday ? WINDOW_HOLIDAY : (uint32_t)(local->tm_wday + 6) % 7;
    uint32_t ms = (uint32_t)(local->tm_hour * 3600 + local->tm_min * 60 + local->tm_sec) * 1000 +
                  (uint32_t)(wall_ms % 1000);

    for (uint32_t i = 0; i < w->count; i++)
        if (w->spans[i].weekday == weekday && ms >= w->spans[i].start_ms &&
            ms < w->spans[i].end_ms)
            return true;
    return w->any && !holiday;
}

static int by_place(const void *a, const void *b)
{
    return (int)((const struct dialled *)a)->place - (int)((const struct dialled *)b)->place;
}

/* Every call of one place by one part of its calendar. */
static void check_part(struct check *c, const struct dialled *calls, size_t n,
                       const struct calendar_part *part)
{
    char name[ZONE_NAME_MAX + 1], text[32];

    snprintf(name, sizeof(name), ":%s", zone_name(part->zone));
    setenv("TZ", name, 1);
    tzset();
    for (size_t i = 0; i < n; i++) {
        time_t at = (time_t)(calls[i].wall_ms / 1000);
        struct tm local;

        if (!localtime_r(&at, &local) || inside(part, &local, calls[i].wall_ms))
            continue;
        c->out->outside++;
        strftime(text, sizeof(text), "%a %H:%M:%S", &local);
        example(c->out, "a call began on %s in %s, outside the hours of %s", text,
                zone_name(part->zone), part->whose);
    }
}

/* The C library knows one zone at a time: all calls of one place, then the next. */
static void check_windows(struct check *c)
{
    const char *set = getenv("TZ");
    char was[256] = "";

    if (set)
        snprintf(was, sizeof(was), "%s", set);
    if (c->count)
        qsort(c->calls, c->count, sizeof(c->calls[0]), by_place);
    for (size_t from = 0, to; from < c->count; from = to) {
        struct calendar calendar;

        for (to = from; to < c->count && c->calls[to].place == c->calls[from].place;)
            to++;
        place_calendar(c->campaign, &c->roll->places[c->calls[from].place], &calendar);
        for (uint32_t i = 0; i < calendar.count; i++)
            check_part(c, c->calls + from, to - from, &calendar.parts[i]);
    }
    if (set)
        setenv("TZ", was, 1);
    else
        unsetenv("TZ");
    tzset();
}

enum err promises_check(struct promises *out, const struct campaign *campaign, struct roll *roll,
                        const char *calls_path, uint64_t known, char *error)
{
    struct check c = {.out = out, .campaign = campaign, .roll = roll};
    struct input_lines lines = {0};

    *out = (struct promises){0};
    enum err e = input_each_line(calls_path, LINE_MAX_BYTES, on_call, &c, &lines);
    if (e == OK && c.no_memory)
        e = ERR_NOMEM;
    if (e == OK && (lines.bad || lines.torn)) {
        out->lost += lines.bad + lines.torn;
        example(out, "%llu lines of the call records cannot be read",
                (unsigned long long)(lines.bad + lines.torn));
    }
    if (e != OK)
        snprintf(error, PROMISES_ERROR_MAX, "%.300s: the call records cannot be read: %s",
                 calls_path, err_name(e));
    else
        check_windows(&c);
    if (known != roll->count) {
        out->lost += known < roll->count ? roll->count - known : known - roll->count;
        example(out, "the file has %llu leads, the queue %llu", (unsigned long long)roll->count,
                (unsigned long long)known);
    }
    free(c.calls);
    return e;
}

bool promises_kept(const struct promises *p)
{
    return p->outside == 0 && p->beyond == 0 && p->doubled == 0 && p->lost == 0;
}
