/* A campaign's queue as commands other than `peal run` use it: found by --redis URL or in the data
 * folder of a run, opened, asked one question after the other, closed. */
#ifndef PEAL_CLI_QUEUE_H
#define PEAL_CLI_QUEUE_H

#include "api/view.h"

/* Where a command looks. */
struct cli_place {
    const char *command;   /* for its complaints: "ledger" */
    const char *redis_url; /* NULL: the private redis-server of data_dir */
    const char *data_dir;  /* NULL: ./NAME */
};

struct cli_queue {
    const char *command;
    bool loop_open;
    struct loop loop;
    struct redis_server *server;
    struct ask ask;
};

/* False, with a sentence on standard error: cannot be reached. A data folder that is not there is
 * not made. Close it in any case. */
bool cli_queue_connect(struct cli_queue *q, const struct cli_place *place, const char *campaign);
void cli_queue_close(struct cli_queue *q);

/* Says that Redis did not do it, and why. Returns EXIT_FAILED. */
int cli_queue_failed(const struct cli_queue *q, const char *what);

/* The campaign named by its file or by its name. A file is read (*c, to be freed); a name gives
 * *c = NULL. False, with a sentence on standard error: neither. */
bool cli_campaign_of(const char *command, const char *text, struct campaign **c,
                     char name[CAMPAIGN_NAME_MAX]);

#endif
