/* Reads a file of calling rules: libcyaml's schema of it, then its values with the readers of
 * campaign files. */
#include <cyaml/cyaml.h>
#include <stdio.h>
#include <stdlib.h>

#include "campaign/calling_read.h"

#define TEXT_MAX     1024
#define LOCK_OUT_MAX (45u * 86400u * 1000u)

struct raw_law {
    char *windows, *holidays, *lock_out;
    struct raw_limit *limits;
    unsigned limits_count;
};

struct raw_region {
    char *region;
    struct raw_law law;
};

struct raw_calling {
    char *name;
    char **zones;
    unsigned zones_count;
    struct raw_region *regions;
    unsigned regions_count;
    struct raw_calling_number *numbers;
    unsigned numbers_count;
    struct raw_law law;
};

#define OPTIONAL                (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define TEXT(key, type, member) CYAML_FIELD_STRING_PTR(key, OPTIONAL, type, member, 0, TEXT_MAX)
#define LAW(of)                                                                                    \
    TEXT("windows", of, law.windows), TEXT("holidays", of, law.holidays),                          \
        TEXT("lock_out", of, law.lock_out),                                                        \
    {                                                                                              \
        .key = "limits", .data_offset = offsetof(of, law.limits),                                  \
        .count_offset = offsetof(of, law.limits_count), .count_size = sizeof(unsigned), .value = { \
            .type = CYAML_SEQUENCE,                                                                \
            .flags = OPTIONAL,                                                                     \
            .data_size = sizeof(struct raw_limit),                                                 \
            .sequence = {&calling_limit_value, 0, CALLING_LIMITS_MAX}                              \
        }                                                                                          \
    }

static const cyaml_schema_field_t limit_fields[] = {
    TEXT("calls", struct raw_limit, calls), TEXT("per", struct raw_limit, per), CYAML_FIELD_END};
const cyaml_schema_value_t calling_limit_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_limit, limit_fields)};

static const cyaml_schema_value_t text_value = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, TEXT_MAX)};

static const cyaml_schema_field_t region_fields[] = {TEXT("region", struct raw_region, region),
                                                     LAW(struct raw_region), CYAML_FIELD_END};
static const cyaml_schema_value_t region_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_region, region_fields)};

static const cyaml_schema_field_t number_fields[] = {
    TEXT("prefix", struct raw_calling_number, prefix),
    TEXT("region", struct raw_calling_number, region),
    CYAML_FIELD_SEQUENCE("zones", OPTIONAL, struct raw_calling_number, zones, &text_value, 0,
                         CALLING_NUMBER_ZONES),
    CYAML_FIELD_END};
static const cyaml_schema_value_t number_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_calling_number, number_fields)};

static const cyaml_schema_field_t fields[] = {
    TEXT("name", struct raw_calling, name),
    LAW(struct raw_calling),
    CYAML_FIELD_SEQUENCE("zones", OPTIONAL, struct raw_calling, zones, &text_value, 0,
                         CALENDAR_ZONES_MAX),
    CYAML_FIELD_SEQUENCE("regions", OPTIONAL, struct raw_calling, regions, &region_value, 0,
                         CALLING_REGIONS_MAX),
    CYAML_FIELD_SEQUENCE("numbers", OPTIONAL, struct raw_calling, numbers, &number_value, 0,
                         CALLING_NUMBERS_MAX),
    CYAML_FIELD_END};
static const cyaml_schema_value_t root = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_calling, fields)};

void reading_limits(struct reading *r, const char *key, const struct raw_limit *raw, uint32_t count,
                    struct calling_limits *out)
{
    char name[64];

    out->count = 0;
    for (uint32_t i = 0; i < count && i < CALLING_LIMITS_MAX && !r->failed; i++) {
        struct calling_limit *l = &out->list[out->count++];
        const char *per = raw[i].per;

        *l = (struct calling_limit){.per = CALLING_ROLLING};
        if (!per || !raw[i].calls) {
            reading_fail(r, per ? per : raw[i].calls,
                         "%s: a limit needs both: '{ calls: 1, per: day }'", key);
            return;
        }
        snprintf(name, sizeof(name), "%s: calls", key);
        reading_u32(r, name, raw[i].calls, 1, CALLING_CALLS_MAX, &l->calls);
        if (slice_ieq(slice_cstr(per), SLICE("day")))
            l->per = CALLING_DAY;
        else if (slice_ieq(slice_cstr(per), SLICE("week")))
            l->per = CALLING_WEEK;
        else if (slice_ieq(slice_cstr(per), SLICE("month")))
            l->per = CALLING_MONTH;
        else if (campaign_duration(slice_cstr(per), CALLING_ROLLING_MAX, &l->rolling_ms) ||
                 l->rolling_ms == 0)
            reading_fail(r, per,
                         "%s: per: '%.60s' is not accepted; accepted: day, week, month, or a "
                         "duration up to 35d, such as 24h, 7d",
                         key, per);
    }
}

void reading_holidays(struct reading *r, const char *key, const char *text, struct holidays **out)
{
    char path[CAMPAIGN_PATH_MAX] = "";

    reading_path(r, key, text, path, sizeof(path));
    if (!text || r->failed || r->files_stay_closed)
        return;
    if (holidays_load(out, path, r->error) != OK)
        r->failed = true;
}

void reading_zones(struct reading *r, const char *key, char *const *texts, uint32_t count,
                   struct zone **zones, uint32_t *out)
{
    for (uint32_t i = 0; i < count && i < CALENDAR_ZONES_MAX && !r->failed; i++) {
        const char *text = texts[i] ? texts[i] : "";

        if (zone_open(&zones[*out], slice_cstr(text)))
            reading_fail(r, texts[i],
                         "%s: '%.60s' is no time zone of this system; accepted: names such as "
                         "America/Chicago or UTC (is tzdata installed?)",
                         key, text);
        else
            (*out)++;
    }
}

static void read_law(struct reading *r, const struct raw_law *raw, struct calling_law *law)
{
    char why[CAMPAIGN_ERROR_MAX];

    law->windows.any = true;
    if (raw->windows && !r->failed &&
        windows_parse(slice_cstr(raw->windows), &law->windows, why, sizeof(why)))
        reading_fail(r, raw->windows, "windows: %s", why);
    reading_holidays(r, "holidays", raw->holidays, &law->holidays);
    reading_duration(r, "lock_out", raw->lock_out, 0, LOCK_OUT_MAX, &law->lock_out_ms);
    reading_limits(r, "limits", raw->limits, raw->limits_count, &law->limits);
}

static void read_regions(struct reading *r, const struct raw_calling *raw,
                         struct calling_rules *rules)
{
    if (raw->regions_count == 0 || r->failed)
        return;
    rules->regions = calloc(raw->regions_count, sizeof(*rules->regions));
    if (!rules->regions) {
        reading_fail(r, NULL, "no memory");
        return;
    }
    for (uint32_t i = 0; i < raw->regions_count && !r->failed; i++) {
        const struct raw_region *from = &raw->regions[i];
        struct slice rest = slice_cstr(from->region ? from->region : ""), name;
        bool more = true;

        while (more && !r->failed) {
            more = slice_cut(rest, ',', &name, &rest);
            name = slice_trim(name);
            if (name.len == 0 || name.len >= CALLING_REGION_MAX)
                reading_fail(r, from->region ? from->region : from->law.windows,
                             "regions: each needs its name or names ('region: \"fl, florida\"'), "
                             "of %u bytes at most",
                             CALLING_REGION_MAX - 1);
            else if (calling_in(rules, name))
                reading_fail(r, from->region, "regions: '" SLICE_FMT "' is there twice",
                             SLICE_ARG(name));
        }
        if (r->failed)
            return;
        rules->regions[i].names = strdup(from->region);
        if (!rules->regions[i].names)
            reading_fail(r, NULL, "no memory");
        else
            rules->region_count = i + 1;
        read_law(r, &from->law, &rules->regions[i].law);
    }
}

static enum err parse(struct calling_rules **out, const char *path, struct slice text,
                      bool reads_files, char *error)
{
    struct document *document = NULL;
    struct reading r = {.path = path, .error = error, .files_stay_closed = !reads_files};
    struct calling_rules *rules = NULL;
    const char *slash = strrchr(path, '/');

    *out = NULL;
    error[0] = '\0';
    if (slash)
        snprintf(r.folder, sizeof(r.folder), "%.*s", (int)(slash - path), path);
    if (slash == path)
        snprintf(r.folder, sizeof(r.folder), "/.");
    enum err e = document_read(&document, path, text, &root, "calling rules need a name", error);
    if (!e && !(rules = calloc(1, sizeof(*rules))))
        e = ERR_NOMEM;
    if (!e) {
        const struct raw_calling *raw = document_data(document);

        r.document = document;
        if (!raw->name)
            reading_fail(&r, NULL, "calling rules need a name ('name: us-federal')");
        reading_name(&r, "name", raw->name, rules->name, sizeof(rules->name));
        read_law(&r, &raw->law, &rules->law);
        reading_zones(&r, "zones", raw->zones, raw->zones_count, rules->zones, &rules->zone_count);
        read_regions(&r, raw, rules);
        reading_calling_numbers(&r, raw->numbers, raw->numbers_count, rules);
        e = r.failed ? ERR_INVALID : OK;
    }
    document_close(document);
    if (e) {
        calling_free(rules);
        return e;
    }
    *out = rules;
    return OK;
}

enum err calling_parse(struct calling_rules **out, const char *path, struct slice text, char *error)
{
    return parse(out, path, text, false, error);
}

enum err calling_load(struct calling_rules **out, const char *path, char *error)
{
    char *text;
    uint32_t len;
    enum err e =
        campaign_read_file(path, "the calling rules", CALLING_FILE_MAX, &text, &len, error);

    *out = NULL;
    if (e)
        return e;
    e = parse(out, path, slice_of(text, len), true, error);
    free(text);
    return e;
}
