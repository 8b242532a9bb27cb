/* A retry rule as a sentence for people: "again after 20m, then 2h; finished as unreachable". */
#include <stdarg.h>
#include <stdio.h>

#include "campaign/file.h"

__attribute__((format(printf, 4, 5))) static void put(char *dst, size_t cap, size_t *n,
                                                      const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    if (*n < cap) {
        int wrote = vsnprintf(dst + *n, cap - *n, fmt, args);
        *n += wrote > 0 ? (size_t)wrote : 0;
    }
    va_end(args);
}

static void put_delay(char *dst, size_t cap, size_t *n, const struct retry_delay *d)
{
    char text[24];

    if (d->days == 0) {
        campaign_duration_text(d->ms, text, sizeof(text));
        put(dst, cap, n, "after %s", text);
        return;
    }
    if (d->days == 1)
        put(dst, cap, n, "the next day");
    else
        put(dst, cap, n, "in %u days", d->days);
    if (d->ms)
        put(dst, cap, n, " at %u:%02u", d->ms / 3600000, d->ms / 60000 % 60);
}

static void put_how(char *dst, size_t cap, size_t *n, uint8_t how)
{
    static const char *const words[] = {"by another trunk", "by the next number, round and round",
                                        "by the next number, as long as there is one",
                                        "under another caller id", "finished"};

    for (uint32_t bit = 0, first = 1; bit < 5; bit++) {
        if (!(how & (1u << bit)))
            continue;
        put(dst, cap, n, "%s%s", first ? "" : " and ", words[bit]);
        first = 0;
    }
    if (how == 0)
        put(dst, cap, n, "the same way");
}

void retry_say(const struct campaign_rule *r, char *dst, size_t cap)
{
    size_t n = 0;

    dst[0] = '\0';
    if (retry_is_final(r)) {
        put(dst, cap, &n, "finished as %s", r->finish);
    } else {
        put(dst, cap, &n, "again ");
        for (uint32_t i = 0; i < r->after_count; i++) {
            put(dst, cap, &n, "%s", i ? ", then " : "");
            put_delay(dst, cap, &n, &r->after[i]);
        }
        for (uint32_t i = 0; (r->how_count > 1 || r->how[0]) && i < r->how_count; i++) {
            put(dst, cap, &n, "%s", i ? ", then " : ", ");
            put_how(dst, cap, &n, r->how[i]);
        }
        if (r->attempts)
            put(dst, cap, &n, "; %u attempts at most", r->attempts);
        put(dst, cap, &n, "; in the end %s", r->finish);
    }
    if (r->mark[0])
        put(dst, cap, &n, ", marked '%s'", r->mark);
    if (r->counts == 0)
        put(dst, cap, &n, " (costs no attempt)");
}
