/* Folders and filters of the commands that look into call records. */
#include "cli_history.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "campaign/file.h"

static bool has_records(const char *folder)
{
    char path[600];

    snprintf(path, sizeof(path), "%.560s/calls.sqlite", folder);
    return access(path, R_OK) == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static int too_many(const char *command)
{
    fprintf(stderr, "peal %s: at most %d data folders at once\n", command, HISTORY_FOLDERS_MAX);
    return EXIT_USAGE;
}

static int look_around(struct history_folders *f, const char *command)
{
    DIR *here = opendir(".");
    struct dirent *e;
    uint32_t n = 0;

    while (here && (e = readdir(here))) {
        if (e->d_name[0] == '.' || !has_records(e->d_name))
            continue;
        if (n == HISTORY_FOLDERS_MAX) {
            closedir(here);
            return too_many(command);
        }
        snprintf(f->found[n++], sizeof(f->found[0]), "%.255s", e->d_name);
    }
    if (here)
        closedir(here);
    qsort(f->found, n, sizeof(f->found[0]), by_name);
    for (f->count = 0; f->count < n; f->count++)
        f->path[f->count] = f->found[f->count];
    return CLI_GO_ON;
}

int history_folders_find(struct history_folders *f, const char *command)
{
    while (f->count <= HISTORY_FOLDERS_MAX && f->path[f->count])
        f->count++;
    if (f->count > HISTORY_FOLDERS_MAX)
        return too_many(command);
    if (f->count)
        return CLI_GO_ON;
    if (has_records(".")) {
        f->path[f->count++] = ".";
        return CLI_GO_ON;
    }
    int code = look_around(f, command);
    if (code == CLI_GO_ON && !f->count) {
        fprintf(stderr,
                "peal %s: no call records here nor in the folders of this one; name the data "
                "folders of the runs with --data DIR\n",
                command);
        code = EXIT_FAILED;
    }
    return code;
}

static int say(const char *command, const char *option, const char *error)
{
    fprintf(stderr, "peal %s: %s: %s\n", command, option, error);
    return EXIT_USAGE;
}

/* "30s", "1m30s", or a number of seconds. */
static int read_duration(const char *text, uint32_t *out_ms, const char *command,
                         const char *option)
{
    uint32_t seconds;

    if (!text)
        return CLI_GO_ON;
    if (slice_u32(slice_cstr(text), &seconds) == OK && seconds < 1000000)
        *out_ms = seconds * 1000;
    else if (campaign_duration(slice_cstr(text), UINT32_MAX - 1, out_ms) != OK)
        return say(command, option, "accepted are seconds, or durations such as 30s and 7m30s");
    return CLI_GO_ON;
}

static int open_zone(const struct history_options *o, const struct history_folders *f,
                     struct zone **zone, const char *command)
{
    char name[ZONE_NAME_MAX];
    bool known = true;

    if (!o->zone)
        known = history_zone(f->path, f->count, o->filter.campaign, name) == OK;
    else if (slice_copy(slice_cstr(o->zone), name, sizeof(name)))
        known = false;
    if (known && zone_open(zone, slice_cstr(name)) == OK)
        return CLI_GO_ON;
    if (o->zone)
        return say(command, "--zone", "there is no such time zone; Europe/Berlin is one");
    fprintf(stderr,
            "peal %s: the campaigns of these records have no one zone; times are of UTC (--zone "
            "names another)\n",
            command);
    if (zone_open(zone, SLICE("UTC")) == OK)
        return CLI_GO_ON;
    return EXIT_FAILED;
}

int history_options_read(struct history_options *o, const struct history_folders *f,
                         struct zone **zone, const char *command)
{
    struct history_filter *filter = &o->filter;
    char error[HISTORY_ERROR_MAX] = "";
    int code = open_zone(o, f, zone, command);

    if (code != CLI_GO_ON)
        return code;
    if (o->from && history_instant(o->from, *zone, false, &filter->from_ms, error) != OK)
        return say(command, "--from", error);
    if (o->to && history_instant(o->to, *zone, true, &filter->to_ms, error) != OK)
        return say(command, "--to", error);
    if (filter->to_ms && filter->to_ms <= filter->from_ms)
        return say(command, "--to", "it is not after --from");
    if (o->kind && history_filter_kinds(filter, o->kind, error) != OK)
        return say(command, "--kind", error);
    if (o->delivery && history_filter_deliveries(filter, o->delivery, error) != OK)
        return say(command, "--delivery", error);
    if (o->result) { /* of the kinds named, if any, these */
        uint64_t kinds = filter->results;

        filter->results = 0;
        if (history_filter_results(filter, o->result, error) != OK)
            return say(command, "--result", error);
        if (kinds && !(filter->results &= kinds))
            return say(command, "--result", "none of them is of the kind asked for");
    }
    code = read_duration(o->shortest, &filter->duration_min_ms, command, "--min-duration");
    if (code == CLI_GO_ON)
        code = read_duration(o->longest, &filter->duration_max_ms, command, "--max-duration");
    return code;
}
