/* Folders and filters of the commands that look into call records. */
#include "cli_history.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

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

int history_filter_read(struct history_options *o, const struct history_folders *f,
                        struct zone **zone, const char *command)
{
    char error[HISTORY_ERROR_MAX] = "";
    const char *which = "";
    enum err e = history_options_read(o, f->path, f->count, zone, &which, error);

    if (e == ERR_NOMEM)
        return EXIT_FAILED;
    if (e != OK) {
        fprintf(stderr, "peal %s: --%s: %s\n", command, which, error);
        return EXIT_USAGE;
    }
    if (o->no_one_zone)
        fprintf(stderr,
                "peal %s: the campaigns of these records have no one zone; times are of UTC "
                "(--zone names another)\n",
                command);
    return CLI_GO_ON;
}
