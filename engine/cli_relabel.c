/* `peal report relabel`: stored calls judged again by new rules. */
#include "cli_history.h"

#include <stdlib.h>

#include "report/relabel.h"

static const char help[] =
    "usage: peal report relabel [--rules FILE.yaml] [--apply] [FILTERS] [--data DIR]...\n"
    "\n"
    "Decides the results of stored calls anew, from the evidence kept with them: by the rules of\n"
    "this Peal and, before those, by a file of your own. Says what would change; with --apply it "
    "is\n"
    "changed in calls.sqlite, and each first label, who changed it, when and by which rules are\n"
    "kept there (tables relabels, relabel_runs; peal history shows the first label). Doing it "
    "again\n"
    "changes nothing. calls.jsonl, the tasks and the ledger stay as they are: people were called\n"
    "and counted by what was known then.\n"
    "\n"
    "  --rules FILE   mappings sip, q850 (code: result), sit (category: result), known (id of a\n"
    "                 recording: result)\n"
    "  --apply        change them\n"
    "  FILTERS, --data, --zone   as in peal history\n"
    "\n"
    "examples:\n"
    "  printf 'sip: {603: congestion}\\nsit: {vc: congestion}\\n' > ours.yaml\n"
    "  peal report relabel --rules ours.yaml --from 2026-03-01 --data data\n"
    "  peal report relabel --rules ours.yaml --from 2026-03-01 --data data --apply\n";

struct asked {
    struct history_folders folders;
    struct history_options options;
    const char *rules_path;
    bool apply;
    struct relabel_rules rules;
    struct relabel_counts counts;
};

static void print(const struct asked *a)
{
    const struct relabel_counts *c = &a->counts;

    for (int from = 0; from < RESULT_COUNT; from++)
        for (int to = 0; to < RESULT_COUNT; to++)
            if (c->moved[from][to])
                printf("  %-14s -> %-14s %9u\n", result_name((enum result)from),
                       result_name((enum result)to), c->moved[from][to]);
    printf("%llu of %llu calls %s another result; %llu were not decided from evidence%s\n",
           (unsigned long long)c->changed, (unsigned long long)c->rows,
           a->apply ? "have" : "would have", (unsigned long long)(c->rows - c->judged),
           !a->apply && c->changed ? " (--apply changes them)" : "");
}

static int relabel_all(struct asked *a)
{
    char error[HISTORY_ERROR_MAX] = "";
    enum err e = OK;

    for (uint32_t i = 0; i < a->folders.count && !e; i++)
        e = relabel(a->folders.path[i], &a->options.filter, &a->rules, a->apply, &a->counts, error);
    if (e)
        fprintf(stderr, "peal report relabel: %s\n", error[0] ? error : err_name(e));
    else
        print(a);
    return e ? EXIT_FAILED : EXIT_DONE;
}

int cli_relabel(int argc, char **argv)
{
    struct asked *a = calloc(1, sizeof(*a));
    char error[HISTORY_ERROR_MAX] = "";
    struct zone *zone = NULL;

    if (!a)
        return EXIT_FAILED;
    history_filter_init(&a->options.filter);
    const struct cli_option options[] = {
        HISTORY_DATA_OPTIONS(a->folders),
        HISTORY_FILTER_OPTIONS(a->options),
        {"--rules", &a->rules_path, NULL},
        {"--apply", NULL, &a->apply},
        {0},
    };
    int code =
        cli_read(&(struct cli_command){"report relabel", help, options, NULL}, argc, argv, NULL);
    if (code == CLI_GO_ON)
        code = history_folders_find(&a->folders, "report relabel");
    if (code == CLI_GO_ON)
        code = history_filter_read(&a->options, &a->folders, &zone, "report relabel");
    if (code == CLI_GO_ON && a->rules_path &&
        relabel_rules_load(&a->rules, a->rules_path, error) != OK) {
        fprintf(stderr, "peal report relabel: %s\n", error);
        code = EXIT_USAGE;
    }
    if (code == CLI_GO_ON)
        code = relabel_all(a);
    relabel_rules_free(&a->rules);
    zone_close(zone);
    free(a);
    return code;
}
