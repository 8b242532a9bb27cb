/* `peal history`: the attempts of the call records, filtered, with totals; and as files. */
#include "cli_history.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "report/history_out.h"

#define ROWS_DEFAULT 40
#define ROWS_MAX     100000
#define OUTPUTS      3

static const char help[] =
    "usage: peal history [--from WHEN] [--to WHEN] [FILTERS] [--csv FILE] [--xlsx FILE]\n"
    "                    [--json FILE] [--data DIR]... [--zone ZONE] [--rows N]\n"
    "\n"
    "Shows the call attempts of one or several data folders, oldest first, with totals for the\n"
    "filter, and writes them to files. Reads only, also beside a running engine; an attempt that\n"
    "two folders have is shown once.\n"
    "\n"
    "  --from, --to        dates, both included (2026-03-30), or instants: 2026-03-30T09:00 and\n"
    "                      then nothing, Z, +02:00 or [Europe/Berlin]\n"
    "  --client TEXT       a lead's id, or a number\n"
    "  --lead ID, --number N, --agent NAME, --group NAME, --campaign NAME,\n"
    "  --disposition TEXT  N: +12025550123, +1202* (its beginning), 0123 (its end); the group of\n"
    "                      agents is the one that people were to go to\n"
    "  --kind LIST         not_dialled, network, human, machine, unclear; answered\n"
    "  --result LIST       busy, no_answer, human, ...      --delivery LIST  connected, ...\n"
    "  --min-duration D, --max-duration D   from answer to end: 30s, 7m30s\n"
    "  --csv FILE          RFC 4180; - is standard output\n"
    "  --json FILE         JSON Lines, with all times and the evidence; - is standard output\n"
    "  --xlsx FILE         a sheet of totals, and the calls\n"
    "  --data DIR          data folders of runs, up to 16 times --data (default: this folder if\n"
    "                      it has call records, else those of its folders that have)\n"
    "  --zone ZONE         of the times shown and asked for (default: the campaigns' own)\n"
    "  --rows N            the last N attempts are shown (default: 40; 0: totals only)\n"
    "\n"
    "Average handling is from the decision to connect to the end of the call; wrap-up after it is\n"
    "in no record. Texts that a spreadsheet would take for formulas get an apostrophe.\n"
    "\n"
    "examples:\n"
    "  peal history --from 2026-03-30 --to 2026-04-05 --data /var/lib/peal/spring\n"
    "  peal history --from 2026-03-30 --to 2026-03-30 --agent amy --min-duration 30s --xlsx "
    "a.xlsx\n"
    "  peal history --client +12025550123 --json - --rows 0\n";

struct asked {
    struct history_folders folders;
    struct history_options options;
    const char *file[OUTPUTS]; /* by enum history_format */
    const char *rows_text;
    uint32_t rows;
    char about[256];
};

static int read_arguments(struct asked *a, int argc, char **argv)
{
    const struct cli_option options[] = {
        HISTORY_DATA_OPTIONS(a->folders),
        HISTORY_FILTER_OPTIONS(a->options),
        {"--csv", &a->file[HISTORY_CSV], NULL},
        {"--json", &a->file[HISTORY_JSON], NULL},
        {"--xlsx", &a->file[HISTORY_XLSX], NULL},
        {"--rows", &a->rows_text, NULL},
        {0},
    };
    int code = cli_read(&(struct cli_command){"history", help, options, NULL}, argc, argv, NULL),
        to = 0;

    if (code != CLI_GO_ON)
        return code;
    for (int i = 0; i < OUTPUTS; i++) {
        if (a->file[i] && (strncmp(a->file[i], "--", 2) == 0 || !a->file[i][0])) {
            fputs("peal history: --csv, --xlsx and --json each need a FILE\n", stderr);
            return EXIT_USAGE;
        }
        to += a->file[i] && strcmp(a->file[i], "-") == 0;
    }
    if (to > 1 || (a->file[HISTORY_XLSX] && strcmp(a->file[HISTORY_XLSX], "-") == 0)) {
        fputs("peal history: only one of --csv and --json can go to standard output\n", stderr);
        return EXIT_USAGE;
    }
    a->rows = ROWS_DEFAULT;
    if (a->rows_text &&
        (slice_u32(slice_cstr(a->rows_text), &a->rows) != OK || a->rows > ROWS_MAX)) {
        fprintf(stderr, "peal history: --rows: 0 to %d\n", ROWS_MAX);
        return EXIT_USAGE;
    }
    return history_folders_find(&a->folders, "history");
}

static bool to_stdout(const struct asked *a)
{
    for (int i = 0; i < OUTPUTS; i++)
        if (a->file[i] && strcmp(a->file[i], "-") == 0)
            return true;
    return false;
}

struct sinks {
    struct history_out *out[OUTPUTS];
    struct history_table *table;
    struct history_totals totals;
};

static enum err open_sinks(struct sinks *s, const struct asked *a, const struct zone *zone,
                           char *error)
{
    enum err e = history_table_open(&s->table, a->rows, zone);

    for (int i = 0; i < OUTPUTS && !e; i++)
        if (a->file[i])
            e = history_out_open(&s->out[i], (enum history_format)i, a->file[i], zone, error);
    return e;
}

static enum err close_sinks(struct sinks *s, enum err so_far, const char *about, char *error)
{
    enum err e = so_far;

    for (int i = 0; i < OUTPUTS; i++) {
        char why[HISTORY_ERROR_MAX] = "";
        enum err one = history_out_close(s->out[i], so_far == OK, &s->totals, about, why);

        if (one && !e) {
            e = one;
            memcpy(error, why, sizeof(why));
        }
    }
    return e;
}

static enum err pass_rows(struct history *h, struct sinks *s, char *error)
{
    struct history_row row;
    enum err e;

    while ((e = history_next(h, &row, error)) == OK) {
        history_totals_add(&s->totals, &row);
        history_table_row(s->table, &row);
        for (int i = 0; i < OUTPUTS && !e; i++)
            if (s->out[i])
                e = history_out_row(s->out[i], &row, error);
        if (e)
            return e;
    }
    return e == ERR_CLOSED ? OK : e;
}

static int show(struct asked *a, const struct zone *zone)
{
    char error[HISTORY_ERROR_MAX] = "";
    struct sinks s = {0};
    struct history *h;
    FILE *to = to_stdout(a) ? stderr : stdout; /* the table is no part of a file */
    enum err e = history_open(&h, a->folders.path, a->folders.count, &a->options.filter, error);

    snprintf(a->about, sizeof(a->about), "Calls from %.60s to %.60s",
             a->options.from ? a->options.from : "the first",
             a->options.to ? a->options.to : "the last");
    if (!e)
        e = open_sinks(&s, a, zone, error);
    if (!e)
        e = pass_rows(h, &s, error);
    e = close_sinks(&s, e, a->about, error);
    if (!e)
        history_table_print(s.table, &s.totals, to, isatty(fileno(to)) == 1);
    else
        fprintf(stderr, "peal history: %s\n", error[0] ? error : err_name(e));
    history_table_close(s.table);
    history_close(h);
    return e ? EXIT_FAILED : EXIT_DONE;
}

int cli_history(int argc, char **argv)
{
    struct asked *a = calloc(1, sizeof(*a));
    struct zone *zone = NULL;
    int code = EXIT_FAILED;

    if (!a)
        return EXIT_FAILED;
    signal(SIGPIPE, SIG_IGN); /* a pager that is closed is an error of the write */
    history_filter_init(&a->options.filter);
    code = read_arguments(a, argc, argv);
    if (code == CLI_GO_ON)
        code = history_filter_read(&a->options, &a->folders, &zone, "history");
    if (code == CLI_GO_ON)
        code = show(a, zone);
    zone_close(zone);
    free(a);
    return code;
}
