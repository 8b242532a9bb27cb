/* Numbers whose owners are elsewhere than the numbering plan says, by prefix: read from calling
 * rules and looked up, the longest first. */
#include <ctype.h>
#include <stdlib.h>

#include "campaign/calling_read.h"

static int by_prefix(const void *a, const void *b)
{
    return strcmp(((const struct calling_number *)a)->prefix,
                  ((const struct calling_number *)b)->prefix);
}

/* "+1 907-555" → "+1907555"; false: it is no beginning of an E.164 number. */
static bool normalise(const char *text, char prefix[NUMBER_E164_MAX])
{
    uint32_t n = 0;

    for (; text && *text; text++) {
        if (*text == ' ' || *text == '-')
            continue;
        if (n == NUMBER_E164_MAX - 1 || (n == 0 ? *text != '+' : !isdigit((unsigned char)*text)))
            return false;
        prefix[n++] = *text;
    }
    prefix[n] = '\0';
    return n > 1;
}

static void read_number(struct reading *r, const struct raw_calling_number *raw,
                        struct calling_number *n)
{
    const char *at = raw->prefix ? raw->prefix : raw->region;

    if (!normalise(raw->prefix, n->prefix))
        reading_fail(r, at,
                     "numbers: prefix: '%.40s' is not accepted; accepted: how numbers begin, with "
                     "their country, in quotes: \"+1907\"",
                     raw->prefix ? raw->prefix : "");
    else if (!raw->zones_count && !raw->region)
        reading_fail(r, at, "numbers: %s needs zones or a region", n->prefix);
    reading_text(r, "numbers: region", raw->region, n->region, sizeof(n->region));
    reading_zones(r, "numbers: zones", raw->zones, raw->zones_count, n->zones, &n->zone_count);
}

void reading_calling_numbers(struct reading *r, const struct raw_calling_number *raw,
                             uint32_t count, struct calling_rules *rules)
{
    if (count == 0 || r->failed)
        return;
    rules->numbers = calloc(count, sizeof(*rules->numbers));
    if (!rules->numbers) {
        reading_fail(r, NULL, "no memory");
        return;
    }
    while (rules->number_count < count && !r->failed) {
        uint32_t i = rules->number_count++;

        read_number(r, &raw[i], &rules->numbers[i]);
    }
    qsort(rules->numbers, rules->number_count, sizeof(*rules->numbers), by_prefix);
    for (uint32_t i = 1; i < count && !r->failed; i++) {
        const char *twice = rules->numbers[i].prefix;

        if (strcmp(twice, rules->numbers[i - 1].prefix) == 0)
            reading_fail(r, raw[0].prefix, "numbers: %s is there twice", twice);
    }
}

void calling_numbers_free(struct calling_rules *r)
{
    for (uint32_t i = 0; i < r->number_count; i++)
        for (uint32_t k = 0; k < r->numbers[i].zone_count; k++)
            zone_close(r->numbers[i].zones[k]);
    free(r->numbers);
}

const struct calling_number *calling_number(const struct calling_rules *r, const char *e164)
{
    struct calling_number key;
    size_t len = strlen(e164);

    if (!r || !r->number_count || len >= sizeof(key.prefix))
        return NULL;
    memcpy(key.prefix, e164, len + 1);
    for (; len > 1; key.prefix[--len] = '\0') {
        const struct calling_number *n =
            bsearch(&key, r->numbers, r->number_count, sizeof(*r->numbers), by_prefix);

        if (n)
            return n;
    }
    return NULL;
}
