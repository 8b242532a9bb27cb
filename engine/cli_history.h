/* What `peal history`, `peal retain` and `peal report relabel` share: data folders and filters. */
#ifndef PEAL_CLI_HISTORY_H
#define PEAL_CLI_HISTORY_H

#include "cli.h"
#include "report/history_options.h"

struct history_folders {
    /* As the options give them; one more than may be used. */
    const char *path[HISTORY_FOLDERS_MAX + 1];
    uint32_t count;
    char found[HISTORY_FOLDERS_MAX][256];
};

/* For the table of options: --data may be given as often as there may be folders. */
#define HISTORY_DATA_OPTION(f, i)                                                                  \
    {                                                                                              \
        "--data", &(f).path[i], NULL                                                               \
    }
#define HISTORY_DATA_OPTIONS(f)                                                                    \
    HISTORY_DATA_OPTION(f, 0), HISTORY_DATA_OPTION(f, 1), HISTORY_DATA_OPTION(f, 2),               \
        HISTORY_DATA_OPTION(f, 3), HISTORY_DATA_OPTION(f, 4), HISTORY_DATA_OPTION(f, 5),           \
        HISTORY_DATA_OPTION(f, 6), HISTORY_DATA_OPTION(f, 7), HISTORY_DATA_OPTION(f, 8),           \
        HISTORY_DATA_OPTION(f, 9), HISTORY_DATA_OPTION(f, 10), HISTORY_DATA_OPTION(f, 11),         \
        HISTORY_DATA_OPTION(f, 12), HISTORY_DATA_OPTION(f, 13), HISTORY_DATA_OPTION(f, 14),        \
        HISTORY_DATA_OPTION(f, 15), HISTORY_DATA_OPTION(f, 16)

/* Without --data: the current folder if it has call records, else its folders that have. Says what
 * is wrong for `command`; the exit code, or CLI_GO_ON. */
int history_folders_find(struct history_folders *f, const char *command);

#define HISTORY_FILTER_OPTIONS(o)                                                                  \
    {"--from", &(o).from, NULL}, {"--to", &(o).to, NULL}, {"--zone", &(o).zone, NULL},             \
        {"--lead", &(o).filter.lead, NULL}, {"--number", &(o).filter.number, NULL},                \
        {"--client", &(o).filter.client, NULL}, {"--agent", &(o).filter.agent, NULL},              \
        {"--group", &(o).filter.group, NULL}, {"--campaign", &(o).filter.campaign, NULL},          \
        {"--kind", &(o).kind, NULL}, {"--result", &(o).result, NULL},                              \
        {"--delivery", &(o).delivery, NULL}, {"--disposition", &(o).filter.disposition, NULL},     \
        {"--min-duration", &(o).shortest, NULL},                                                   \
    {                                                                                              \
        "--max-duration", &(o).longest, NULL                                                       \
    }

/* Reads the texts into the filter and opens the zone of its dates. */
int history_filter_read(struct history_options *o, const struct history_folders *f,
                        struct zone **zone, const char *command);

#endif
