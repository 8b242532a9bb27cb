/* Reading the lists of a retry rule, and what one says after an attempt. */
#include "campaign/retry.h"

#include "campaign/file.h"

#define DELAY_MAX_MS (45u * 86400u * 1000u) /* fits 32 bits */

static uint32_t step_of(uint32_t attempt, uint32_t count)
{
    uint32_t step = attempt ? attempt - 1 : 0;

    return step < count ? step : count - 1;
}

uint8_t retry_how_at(const struct campaign_rule *r, uint32_t attempt)
{
    return r->how_count ? r->how[step_of(attempt, r->how_count)] : 0;
}

int32_t retry_priority_at(const struct campaign_rule *r, uint32_t attempt)
{
    return r->priority_count ? r->priority[step_of(attempt, r->priority_count)] : 0;
}

bool retry_is_final(const struct campaign_rule *r)
{
    return r->how_count == 1 && (r->how[0] & RETRY_FINISH);
}

uint64_t retry_due(const struct campaign_rule *r, uint32_t attempt, const struct zone *zone,
                   uint64_t now_wall_ms)
{
    struct retry_delay after = {0, 60000};
    struct zone_local t;

    if (r->after_count)
        after = r->after[step_of(attempt, r->after_count)];
    /* Never the same instant: a zero delay would let a failing line spin. */
    if (after.days == 0)
        return now_wall_ms + (after.ms ? after.ms : 1);
    zone_to_local(zone, now_wall_ms, &t);
    uint64_t due = zone_from_local(zone, t.year, t.month, t.day + (int32_t)after.days, after.ms);
    return due > now_wall_ms ? due : now_wall_ms + 1;
}

/* --- reading --- */

/* "10:00" */
static enum err parse_clock(struct slice s, uint32_t *ms)
{
    struct slice hour, minute;
    uint64_t h, m;

    if (!slice_cut(slice_trim(s), ':', &hour, &minute) || hour.len > 2 || minute.len != 2 ||
        slice_u64(hour, 23, &h) || slice_u64(minute, 59, &m))
        return ERR_INVALID;
    *ms = (uint32_t)(h * 60 + m) * 60000;
    return OK;
}

/* "next day", "in 3 days", each with or without a time. */
static enum err parse_day(struct slice s, struct retry_delay *out)
{
    struct slice words[5], rest = s;
    uint32_t n = 0;
    uint64_t days = 1;
    bool more = true;

    while (more) {
        struct slice word;
        more = slice_cut(rest, ' ', &word, &rest);
        if (word.len == 0)
            continue;
        if (n == 5)
            return ERR_INVALID;
        words[n++] = word;
    }
    uint32_t at;
    if (n >= 2 && slice_ieq(words[0], SLICE("next")) && slice_ieq(words[1], SLICE("day")))
        at = 2;
    else if (n >= 3 && slice_ieq(words[0], SLICE("in")) &&
             slice_u64(words[1], RETRY_DAYS_MAX, &days) == OK && days >= 1 &&
             (slice_ieq(words[2], SLICE("days")) || slice_ieq(words[2], SLICE("day"))))
        at = 3;
    else
        return ERR_INVALID;
    *out = (struct retry_delay){.days = (uint32_t)days};
    if (n == at)
        return OK;
    return n == at + 1 ? parse_clock(words[at], &out->ms) : ERR_INVALID;
}

enum err retry_parse_after(struct slice text, struct campaign_rule *out)
{
    struct slice rest = text, item;
    bool more = true;

    out->after_count = 0;
    while (more) {
        more = slice_cut(rest, ',', &item, &rest);
        item = slice_trim(item);
        if (out->after_count == RETRY_STEPS_MAX)
            return ERR_FULL;
        struct retry_delay *d = &out->after[out->after_count++];
        *d = (struct retry_delay){0};
        if (campaign_duration(item, DELAY_MAX_MS, &d->ms) && parse_day(item, d))
            return ERR_INVALID;
    }
    return OK;
}

static enum err parse_how(struct slice item, uint8_t *out)
{
    static const struct {
        const char *word;
        uint8_t how;
    } words[] = {{"retry", 0},
                 {"other_trunk", RETRY_OTHER_TRUNK},
                 {"other_number", RETRY_OTHER_NUMBER},
                 {"next_number", RETRY_NEXT_NUMBER},
                 {"other_caller_id", RETRY_OTHER_CALLER_ID},
                 {"finish", RETRY_FINISH}};
    struct slice rest = item, word;
    bool more = true;

    *out = 0;
    while (more) {
        size_t i = 0;
        more = slice_cut(rest, '+', &word, &rest);
        word = slice_trim(word);
        while (i < 6 && !slice_ieq(word, slice_cstr(words[i].word)))
            i++;
        if (i == 6)
            return ERR_INVALID;
        *out |= words[i].how;
    }
    /* Finishing leaves nothing to do otherwise; and there is one next number. */
    bool mixed = (*out & RETRY_FINISH) && *out != RETRY_FINISH;
    uint8_t both = RETRY_OTHER_NUMBER | RETRY_NEXT_NUMBER;
    return mixed || (*out & both) == both ? ERR_INVALID : OK;
}

enum err retry_parse_next(struct slice text, struct campaign_rule *out)
{
    struct slice rest = text, item;
    bool more = true;

    out->how_count = 0;
    while (more) {
        more = slice_cut(rest, ',', &item, &rest);
        if (out->how_count == RETRY_STEPS_MAX)
            return ERR_FULL;
        if (parse_how(item, &out->how[out->how_count++]))
            return ERR_INVALID;
    }
    return OK;
}

enum err retry_parse_priority(struct slice text, struct campaign_rule *out)
{
    struct slice rest = text, item;
    uint64_t size;
    bool more = true;

    out->priority_count = 0;
    while (more) {
        more = slice_cut(rest, ',', &item, &rest);
        item = slice_trim(item);
        if (out->priority_count == RETRY_STEPS_MAX)
            return ERR_FULL;
        bool minus = item.len && item.p[0] == '-', sign = minus || (item.len && item.p[0] == '+');
        if (slice_u64(slice_from(item, sign), RETRY_PRIORITY_MAX, &size))
            return ERR_INVALID;
        out->priority[out->priority_count++] = (int16_t)(minus ? -(int)size : (int)size);
    }
    return OK;
}

/* '*' remembers where it may take one more character when what follows does not fit. */
static bool matches(struct slice pattern, struct slice label)
{
    uint32_t p = 0, l = 0, star = UINT32_MAX, from = 0;

    while (l < label.len) {
        if (p < pattern.len && pattern.p[p] == '*') {
            star = p++;
            from = l;
        } else if (p < pattern.len && (pattern.p[p] == '?' || pattern.p[p] == label.p[l])) {
            p++;
            l++;
        } else if (star != UINT32_MAX) {
            p = star + 1;
            l = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.p[p] == '*')
        p++;
    return p == pattern.len;
}

bool retry_label_matches(struct slice patterns, struct slice label)
{
    struct slice rest = patterns, pattern;
    bool more = true;

    while (more) {
        more = slice_cut(rest, ',', &pattern, &rest);
        pattern = slice_trim(pattern);
        if (pattern.len && matches(pattern, label))
            return true;
    }
    return false;
}
