/* Local time by a zone: the transition table of its TZif file, then the rule of its footer.
 * Calendar arithmetic is the proleptic Gregorian calendar in 64-bit seconds. */
#include "campaign/zone.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "campaign/zone_data.h"

#define DAY_S 86400

int64_t zone_days(int64_t year, int32_t month, int32_t day)
{
    /* Months normalised, then days counted from 1970-01-01 by 400-year eras from March. */
    int64_t m = (int64_t)month - 1;
    int64_t y = year + (m >= 0 ? m / 12 : -((11 - m) / 12));
    m = ((m % 12) + 12) % 12 + 1;
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468 + day - 1;
}

void zone_civil(int64_t days, int64_t *year, uint8_t *month, uint8_t *day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *day = (uint8_t)(doy - (153 * mp + 2) / 5 + 1);
    *month = (uint8_t)(mp < 10 ? mp + 3 : mp - 9);
    *year = yoe + era * 400 + (*month <= 2);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}

/* Seconds (as if UTC) of the change that a footer rule means in a year. */
static int64_t rule_local_s(const struct zone_rule *r, int64_t year)
{
    int64_t jan1 = zone_days(year, 1, 1), day;
    bool leap = zone_days(year, 2, 29) != zone_days(year, 3, 1);

    if (r->kind == ZONE_RULE_JULIAN) { /* 1…365, 29 February is never counted */
        day = jan1 + r->day - 1 + (leap && r->day >= 60);
    } else if (r->kind == ZONE_RULE_ZERO_BASED) {
        day = jan1 + r->day;
    } else {
        int64_t first = zone_days(year, r->month, 1);
        int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 0 Sunday, as in POSIX */
        day = first + (r->weekday - weekday + 7) % 7 + (r->week - 1) * 7;
        if (day >= zone_days(year, r->month + 1, 1))
            day -= 7; /* week 5 is the last one */
    }
    return day * DAY_S + r->time_s;
}

static int32_t footer_offset(const struct zone *z, int64_t unix_s, bool *dst)
{
    const struct zone_footer *f = &z->footer;
    int64_t year;
    uint8_t month, day;

    *dst = false;
    if (!f->has_dst)
        return f->std_s;
    zone_civil(floor_div(unix_s + f->std_s, DAY_S), &year, &month, &day);
    int64_t on = rule_local_s(&f->on, year) - f->std_s;
    int64_t off = rule_local_s(&f->off, year) - f->dst_s;
    *dst = on < off ? unix_s >= on && unix_s < off : unix_s >= on || unix_s < off;
    return *dst ? f->dst_s : f->std_s;
}

int32_t zone_offset_s(const struct zone *z, int64_t unix_s, bool *dst)
{
    bool unused;

    if (!dst)
        dst = &unused;
    if (z->count == 0 || unix_s >= z->at[z->count - 1]) {
        if (z->has_footer)
            return footer_offset(z, unix_s, dst);
        const struct zone_type *last = &z->types[z->count ? z->type[z->count - 1] : 0];
        *dst = last->dst;
        return last->offset_s;
    }
    if (unix_s < z->at[0]) { /* RFC 8536 3.2: type 0 rules before the first transition */
        *dst = z->types[0].dst;
        return z->types[0].offset_s;
    }
    uint32_t low = 0, high = z->count - 1; /* at[low] <= unix_s < at[high] */
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        if (z->at[mid] <= unix_s)
            low = mid;
        else
            high = mid;
    }
    *dst = z->types[z->type[low]].dst;
    return z->types[z->type[low]].offset_s;
}

void zone_to_local(const struct zone *z, uint64_t wall_ms, struct zone_local *out)
{
    int64_t unix_s = (int64_t)(wall_ms / 1000), year;

    out->offset_s = zone_offset_s(z, unix_s, &out->dst);
    int64_t local = unix_s + out->offset_s, days = floor_div(local, DAY_S);
    zone_civil(days, &year, &out->month, &out->day);
    out->year = (int32_t)year;
    out->weekday = (uint8_t)(((days + 3) % 7 + 7) % 7);
    out->day_ms = (uint32_t)((local - days * DAY_S) * 1000 + (int64_t)(wall_ms % 1000));
}

/* First second in (before, at] whose offset is `offset`; it holds at `at` and not at `before`. */
static int64_t change_between(const struct zone *z, int64_t before, int64_t at, int32_t offset)
{
    while (at - before > 1) {
        int64_t mid = before + (at - before) / 2;
        if (zone_offset_s(z, mid, NULL) == offset)
            at = mid;
        else
            before = mid;
    }
    return at;
}

uint32_t zone_instants(const struct zone *z, int32_t year, int32_t month, int32_t day,
                       uint32_t day_ms, uint64_t out[2])
{
    int64_t local = zone_days(year, month, day) * DAY_S + day_ms / 1000;
    /* 26 h to both sides clears any offset in use (-12…+14 h). */
    int32_t before = zone_offset_s(z, local - 26 * 3600, NULL);
    int32_t after = zone_offset_s(z, local + 26 * 3600, NULL);
    int64_t first = local - before, second = local - after;
    uint32_t n = 0;

    if (first < 0 || second < 0) { /* instants are counted from 1970 on */
        out[0] = 0;
        return 1;
    }
    if (zone_offset_s(z, first, NULL) == before)
        out[n++] = (uint64_t)first * 1000 + day_ms % 1000;
    if (second != first && zone_offset_s(z, second, NULL) == after)
        out[n++] = (uint64_t)second * 1000 + day_ms % 1000;
    if (n == 2 && out[0] > out[1]) {
        uint64_t swap = out[0];
        out[0] = out[1];
        out[1] = swap;
    }
    if (n == 0) { /* skipped by a change forward: the instant of the change */
        int64_t low = second < first ? second : first, high = second < first ? first : second;
        out[n++] = (uint64_t)change_between(z, low - 1, high, after) * 1000;
    }
    return n;
}

uint64_t zone_from_local(const struct zone *z, int32_t year, int32_t month, int32_t day,
                         uint32_t day_ms)
{
    uint64_t at[2];

    zone_instants(z, year, month, day, day_ms, at);
    return at[0];
}

static bool name_is_safe(struct slice name)
{
    if (name.len == 0 || name.len >= ZONE_NAME_MAX || name.p[0] == '/')
        return false;
    for (uint32_t i = 0; i < name.len; i++) {
        char c = name.p[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!word && !strchr("+-_/", c)) /* no dots: no way out of the folder */
            return false;
    }
    return true;
}

enum err zone_open(struct zone **out, struct slice name)
{
    char path[512];
    const char *folder = getenv("TZDIR");

    *out = NULL;
    if (!name_is_safe(name))
        return ERR_NOT_FOUND;
    if (slice_eq(name, SLICE("UTC"))) {
        *out = zone_new(name);
        return *out ? OK : ERR_NOMEM;
    }
    int n = snprintf(path, sizeof(path), "%s/" SLICE_FMT,
                     folder && folder[0] ? folder : "/usr/share/zoneinfo", SLICE_ARG(name));
    if (n < 0 || (size_t)n >= sizeof(path))
        return ERR_NOT_FOUND;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ERR_NOT_FOUND;
    enum err e = ERR_NOMEM;
    char *bytes = malloc(ZONE_FILE_MAX);
    size_t len = 0;
    ssize_t got = 0;
    while (bytes && len < ZONE_FILE_MAX && (got = read(fd, bytes + len, ZONE_FILE_MAX - len)) > 0)
        len += (size_t)got;
    if (bytes)
        e = got < 0 ? (errno == EISDIR ? ERR_NOT_FOUND : ERR_IO)
                    : zone_parse(out, name, bytes, len);
    free(bytes);
    close(fd);
    return e;
}

void zone_close(struct zone *z)
{
    if (!z)
        return;
    free(z->at);
    free(z->type);
    free(z);
}

const char *zone_name(const struct zone *z)
{
    return z->name;
}

#define CACHE_MAX 640 /* tzdata has fewer than 600 names */

struct zone_cache {
    uint32_t count;
    struct {
        char name[ZONE_NAME_MAX];
        struct zone *zone; /* NULL: there is none */
    } entry[CACHE_MAX];
    uint32_t last;
};

enum err zone_cache_open(struct zone_cache **out)
{
    *out = calloc(1, sizeof(**out));
    return *out ? OK : ERR_NOMEM;
}

void zone_cache_close(struct zone_cache *c)
{
    if (!c)
        return;
    for (uint32_t i = 0; i < c->count; i++)
        zone_close(c->entry[i].zone);
    free(c);
}

const struct zone *zone_cache_get(struct zone_cache *c, struct slice name)
{
    if (name.len == 0 || name.len >= ZONE_NAME_MAX)
        return NULL;
    if (c->count && slice_eq(slice_cstr(c->entry[c->last].name), name))
        return c->entry[c->last].zone;
    for (uint32_t i = 0; i < c->count; i++) {
        if (slice_eq(slice_cstr(c->entry[i].name), name)) {
            c->last = i;
            return c->entry[i].zone;
        }
    }
    struct zone *z = NULL;
    enum err e = zone_open(&z, name);
    /* A table full of made-up names gives them no room: they stay unknown. */
    if (c->count == CACHE_MAX || (e != OK && e != ERR_NOT_FOUND && e != ERR_INVALID)) {
        zone_close(z);
        return NULL;
    }
    c->last = c->count++;
    slice_copy(name, c->entry[c->last].name, ZONE_NAME_MAX);
    c->entry[c->last].zone = z;
    return z;
}
