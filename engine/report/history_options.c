#include "report/history_options.h"

#include "campaign/file.h"

/* "30s", "1m30s", or a number of seconds. */
static enum err read_duration(const char *text, uint32_t *out_ms, char *error)
{
    uint32_t seconds;

    if (!text)
        return OK;
    if (slice_u32(slice_cstr(text), &seconds) == OK && seconds < 1000000) {
        *out_ms = seconds * 1000;
        return OK;
    }
    if (campaign_duration(slice_cstr(text), UINT32_MAX - 1, out_ms) == OK)
        return OK;
    snprintf(error, HISTORY_ERROR_MAX, "accepted are seconds, or durations such as 30s and 7m30s");
    return ERR_INVALID;
}

static enum err open_zone(struct history_options *o, const char *const *folders, uint32_t n,
                          struct zone **zone, char *error)
{
    char name[ZONE_NAME_MAX];
    bool known = true;

    if (!o->zone)
        known = history_zone(folders, n, o->filter.campaign, name) == OK;
    else if (slice_copy(slice_cstr(o->zone), name, sizeof(name)))
        known = false;
    if (known && zone_open(zone, slice_cstr(name)) == OK)
        return OK;
    if (o->zone) {
        snprintf(error, HISTORY_ERROR_MAX, "there is no such time zone; Europe/Berlin is one");
        return ERR_INVALID;
    }
    o->no_one_zone = true;
    return zone_open(zone, SLICE("UTC"));
}

static enum err read_times(struct history_options *o, const struct zone *zone, const char **which,
                           char *error)
{
    struct history_filter *f = &o->filter;

    *which = "from";
    if (o->from && history_instant(o->from, zone, false, &f->from_ms, error) != OK)
        return ERR_INVALID;
    *which = "to";
    if (o->to && history_instant(o->to, zone, true, &f->to_ms, error) != OK)
        return ERR_INVALID;
    if (!f->to_ms || f->to_ms > f->from_ms)
        return OK;
    snprintf(error, HISTORY_ERROR_MAX, "it is not after --from");
    return ERR_INVALID;
}

/* Of the kinds named, if any, these results. */
static enum err read_results(struct history_options *o, char *error)
{
    uint64_t kinds = o->filter.results;

    if (!o->result)
        return OK;
    o->filter.results = 0;
    if (history_filter_results(&o->filter, o->result, error) != OK)
        return ERR_INVALID;
    if (!kinds || (o->filter.results &= kinds))
        return OK;
    snprintf(error, HISTORY_ERROR_MAX, "none of them is of the kind asked for");
    return ERR_INVALID;
}

enum err history_options_read(struct history_options *o, const char *const *folders, uint32_t n,
                              struct zone **zone, const char **which, char *error)
{
    struct history_filter *f = &o->filter;

    *which = "zone";
    enum err e = open_zone(o, folders, n, zone, error);

    if (e != OK || (e = read_times(o, *zone, which, error)) != OK)
        return e;
    *which = "kind";
    if (o->kind && history_filter_kinds(f, o->kind, error) != OK)
        return ERR_INVALID;
    *which = "delivery";
    if (o->delivery && history_filter_deliveries(f, o->delivery, error) != OK)
        return ERR_INVALID;
    *which = "result";
    if (read_results(o, error) != OK)
        return ERR_INVALID;
    *which = "min-duration";
    if (read_duration(o->shortest, &f->duration_min_ms, error) != OK)
        return ERR_INVALID;
    *which = "max-duration";
    return read_duration(o->longest, &f->duration_max_ms, error);
}
