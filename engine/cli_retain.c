/* `peal retain`: records and recordings that are older than they may be kept. */
#include "cli_history.h"

#include <stdlib.h>
#include <time.h>

#include "report/retain.h"

#define DAYS_MAX 36500

static const char help[] =
    "usage: peal retain --days N [--recordings-only] [--recordings DIR] [--apply] [--data DIR]...\n"
    "\n"
    "Counts the recordings and call records that are older than N days (of 24 hours, by their\n"
    "INVITE); with --apply they are removed: files of the recordings' folder, lines of "
    "calls.jsonl,\n"
    "rows of calls.sqlite, whose bytes are overwritten. Who did it, when and how many stays in "
    "the\n"
    "table audit of calls.sqlite. An engine that writes to the folder must have ended, but for\n"
    "--recordings-only. Interrupted, it goes on when it is asked again.\n"
    "\n"
    "Not reached: tasks, leads and the ledger in Redis, exports and copies made elsewhere.\n"
    "\n"
    "  --days N           what is older goes; at least 1\n"
    "  --recordings-only  records stay\n"
    "  --recordings DIR   where they are, if not in DATA/recordings (campaign: recording: dir)\n"
    "  --apply            remove them; without it, nothing is touched\n"
    "  --data DIR         as in peal history\n"
    "\n"
    "examples:\n"
    "  peal retain --days 90 --data data\n"
    "  peal retain --days 30 --recordings-only --data data --apply\n";

static void print(const struct retain_counts *c, const struct retain *r)
{
    printf("%s %llu recordings (%.1f MB)", r->apply ? "removed" : "would remove",
           (unsigned long long)c->files, (double)c->bytes / 1e6);
    if (!r->recordings_only)
        printf(", %llu lines of calls.jsonl (%llu stay), %llu rows of calls.sqlite",
               (unsigned long long)c->lines, (unsigned long long)c->kept_lines,
               (unsigned long long)c->rows);
    puts(r->apply ? "" : "; --apply does it");
    if (c->files_failed)
        fprintf(stderr, "peal retain: %llu recordings could not be removed; may this account?\n",
                (unsigned long long)c->files_failed);
}

static int retain_all(const struct history_folders *f, struct retain *r)
{
    struct retain_counts counts = {0};
    char error[HISTORY_ERROR_MAX] = "";
    enum err e = OK;

    for (uint32_t i = 0; i < f->count && !e; i++) {
        r->folder = f->path[i];
        e = retain(r, &counts, error);
    }
    if (e)
        fprintf(stderr, "peal retain: %s\n", error[0] ? error : err_name(e));
    else
        print(&counts, r);
    return e || counts.files_failed ? EXIT_FAILED : EXIT_DONE;
}

int cli_retain(int argc, char **argv)
{
    struct history_folders folders = {0};
    struct retain r = {0};
    const char *days_text = NULL;
    uint32_t days = 0;
    const struct cli_option options[] = {
        HISTORY_DATA_OPTIONS(folders),         {"--days", &days_text, NULL},
        {"--recordings", &r.recordings, NULL}, {"--recordings-only", NULL, &r.recordings_only},
        {"--apply", NULL, &r.apply},           {0},
    };
    int code = cli_read(&(struct cli_command){"retain", help, options, NULL}, argc, argv, NULL);

    if (code != CLI_GO_ON)
        return code;
    if (!days_text)
        return cli_missing("retain", "--days");
    if (slice_u32(slice_cstr(days_text), &days) != OK || days < 1 || days > DAYS_MAX) {
        fprintf(stderr, "peal retain: --days: 1 to %d\n", DAYS_MAX);
        return EXIT_USAGE;
    }
    code = history_folders_find(&folders, "retain");
    if (code != CLI_GO_ON)
        return code;
    r.before_ms = ((uint64_t)time(NULL) - (uint64_t)days * 86400) * 1000;
    return retain_all(&folders, &r);
}
