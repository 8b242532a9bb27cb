/* Readers of single values of a campaign file, and durations. */
#include "campaign/reading.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

void reading_fail(struct reading *r, const char *at, const char *fmt, ...)
{
    va_list args;
    int n;

    if (r->failed)
        return;
    r->failed = true;
    uint32_t line = document_line(r->document, at);
    if (line)
        n = snprintf(r->error, CAMPAIGN_ERROR_MAX, "%s:%u: ", r->path, line);
    else
        n = snprintf(r->error, CAMPAIGN_ERROR_MAX, "%s: ", r->path);
    if (n < 0 || n >= CAMPAIGN_ERROR_MAX)
        return;
    va_start(args, fmt);
    vsnprintf(r->error + n, (size_t)(CAMPAIGN_ERROR_MAX - n), fmt, args);
    va_end(args);
}

/* Milliseconds of a unit at the head of s; *s moves past it. 0: none. */
static uint64_t take_unit(struct slice *s)
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (slice_starts(*s, slice_cstr(units[i].name))) {
            *s = slice_from(*s, (uint32_t)strlen(units[i].name));
            return units[i].ms;
        }
    }
    return 0;
}

/* One "25s" or "1.5h" off the head of s. Up to 9 whole digits and 3 decimals. */
static enum err take_amount(struct slice *s, uint64_t *ms)
{
    uint64_t whole = 0, thousandths = 0, scale = 100;
    uint32_t digits = 0;

    while (s->len && isdigit((unsigned char)s->p[0]) && digits < 9) {
        whole = whole * 10 + (uint64_t)(s->p[0] - '0');
        digits++;
        *s = slice_from(*s, 1);
    }
    if (digits == 0)
        return ERR_INVALID;
    if (s->len && s->p[0] == '.') {
        *s = slice_from(*s, 1);
        if (!s->len || !isdigit((unsigned char)s->p[0]))
            return ERR_INVALID;
        for (; s->len && isdigit((unsigned char)s->p[0]); scale /= 10) {
            thousandths += (uint64_t)(s->p[0] - '0') * scale;
            *s = slice_from(*s, 1);
        }
    }
    uint64_t unit = take_unit(s);
    if (unit == 0)
        return ERR_INVALID;
    *ms = whole * unit + thousandths * unit / 1000;
    return OK;
}

enum err campaign_duration(struct slice text, uint32_t max_ms, uint32_t *out_ms)
{
    struct slice s = slice_trim(text);
    uint64_t total = 0, ms;

    if (slice_eq(s, SLICE("0"))) {
        *out_ms = 0;
        return OK;
    }
    do {
        enum err e = take_amount(&s, &ms);
        if (e)
            return e;
        total += ms;
        if (total > max_ms)
            return ERR_TOO_LONG;
    } while (s.len);
    *out_ms = (uint32_t)total;
    return OK;
}

void campaign_duration_text(uint32_t ms, char *dst, size_t cap)
{
    if (ms && ms % 86400000 == 0)
        snprintf(dst, cap, "%ud", ms / 86400000);
    else if (ms && ms % 3600000 == 0)
        snprintf(dst, cap, "%uh", ms / 3600000);
    else if (ms && ms % 60000 == 0)
        snprintf(dst, cap, "%um", ms / 60000);
    else if (ms % 1000 == 0)
        snprintf(dst, cap, "%us", ms / 1000);
    else
        snprintf(dst, cap, "%ums", ms);
}

void reading_duration(struct reading *r, const char *key, const char *text, uint32_t min_ms,
                      uint32_t max_ms, uint32_t *out_ms)
{
    char low[24], high[24];
    uint32_t ms = 0;

    if (!text || r->failed)
        return;
    enum err e = campaign_duration(slice_cstr(text), max_ms, &ms);
    if (e == OK && ms >= min_ms) {
        *out_ms = ms;
        return;
    }
    campaign_duration_text(min_ms, low, sizeof(low));
    campaign_duration_text(max_ms, high, sizeof(high));
    reading_fail(r, text, "%s: '%.60s' is %s; accepted: %s to %s, as in 500ms, 25s, 5m, 1h30m, 1d",
                 key, text, e == ERR_INVALID ? "no duration" : "out of range", low, high);
}

void reading_u32(struct reading *r, const char *key, const char *text, uint32_t min, uint32_t max,
                 uint32_t *out)
{
    uint64_t v;

    if (!text || r->failed)
        return;
    if (slice_u64(slice_trim(slice_cstr(text)), max, &v) || v < min)
        reading_fail(r, text, "%s: '%.60s' is not accepted; accepted: a whole number, %u to %u",
                     key, text, min, max);
    else
        *out = (uint32_t)v;
}

void reading_double(struct reading *r, const char *key, const char *text, double min, double max,
                    double *out)
{
    char *end;

    if (!text || r->failed)
        return;
    double v = strtod(text, &end);
    /* strtod takes "inf", "nan" and hexadecimal too; a campaign file does not. */
    bool plain = text[0] && text[strspn(text, "0123456789.")] == '\0';
    if (!plain || *end || !isfinite(v) || v < min || v > max)
        reading_fail(r, text, "%s: '%.60s' is not accepted; accepted: a number, %g to %g", key,
                     text, min, max);
    else
        *out = v;
}

int reading_word(struct reading *r, const char *key, const char *text,
                 const struct reading_word *words, size_t count, int otherwise)
{
    char accepted[512] = "";
    size_t n = 0;

    if (!text || r->failed)
        return otherwise;
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(text, words[i].word) == 0)
            return words[i].value;
    }
    for (size_t i = 0; i < count && n < sizeof(accepted); i++)
        n += (size_t)snprintf(accepted + n, sizeof(accepted) - n, "%s%s", i ? ", " : "",
                              words[i].word);
    reading_fail(r, text, "%s: '%.60s' is not accepted; accepted: %s", key, text, accepted);
    return otherwise;
}

void reading_bool(struct reading *r, const char *key, const char *text, bool *out)
{
    static const struct reading_word words[] = {{"yes", 1},   {"no", 0}, {"true", 1},
                                                {"false", 0}, {"on", 1}, {"off", 0}};

    *out = reading_word(r, key, text, words, sizeof(words) / sizeof(words[0]), *out) != 0;
}

void reading_text(struct reading *r, const char *key, const char *text, char *dst, size_t cap)
{
    if (!text || r->failed)
        return;
    for (const char *p = text; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            reading_fail(r, text, "%s: control characters are not accepted", key);
            return;
        }
    }
    if (slice_copy(slice_cstr(text), dst, cap))
        reading_fail(r, text, "%s: too long; accepted: %zu bytes at most", key, cap - 1);
}

void reading_name(struct reading *r, const char *key, const char *text, char *dst, size_t cap)
{
    if (!text || r->failed)
        return;
    bool ok = text[0] != '\0' && text[0] != '.';
    for (const char *p = text; *p && ok; p++)
        ok = isalnum((unsigned char)*p) || strchr("_-.", *p);
    if (!ok)
        reading_fail(r, text,
                     "%s: '%.60s' is not accepted; accepted: letters, digits, '_', '-', '.'", key,
                     text);
    else
        reading_text(r, key, text, dst, cap);
}

void reading_path(struct reading *r, const char *key, const char *text, char *dst, size_t cap)
{
    char whole[2 * CAMPAIGN_PATH_MAX + 2];

    if (!text || r->failed)
        return;
    if (!text[0]) {
        reading_fail(r, text, "%s: a file name is needed", key);
        return;
    }
    if (text[0] == '/' || !r->folder[0])
        snprintf(whole, sizeof(whole), "%.*s", CAMPAIGN_PATH_MAX, text);
    else
        snprintf(whole, sizeof(whole), "%.*s/%.*s", CAMPAIGN_PATH_MAX - 1, r->folder,
                 CAMPAIGN_PATH_MAX, text);
    if (strlen(whole) >= cap)
        reading_fail(r, text, "%s: too long; accepted: %zu bytes at most", key, cap - 1);
    else
        reading_text(r, key, whole, dst, cap);
}

char *reading_keep(struct reading *r, const char *text)
{
    struct campaign *c = r->campaign;
    char **more = realloc(c->owned, (c->owned_count + 1) * sizeof(*more));
    char *copy = more ? strdup(text) : NULL;

    if (more)
        c->owned = more;
    if (!copy) {
        reading_fail(r, NULL, "no memory");
        return NULL;
    }
    c->owned[c->owned_count++] = copy;
    return copy;
}
