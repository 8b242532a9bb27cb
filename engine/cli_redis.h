/* How commands reach Redis: the URL given, or the private server of a data folder. Each question
 * is waited for on a loop of its own. */
#ifndef PEAL_CLI_REDIS_H
#define PEAL_CLI_REDIS_H

#include "api/ask.h"

struct cli_redis {
    const char *command; /* "dnc", for complaints */
    struct loop loop;
    struct redis_server *server;
    struct ask ask;
    bool looping;
};

/* False: said why on standard error; cli_redis_close all the same. makes: the data folder may be
 * made when it is not there. */
bool cli_redis_open(struct cli_redis *r, const char *command, const char *campaign, const char *url,
                    const char *data_dir, bool makes);
void cli_redis_close(struct cli_redis *r);

/* ask_wait, and what its callbacks end with (arg: the struct cli_redis). */
bool cli_redis_wait(struct cli_redis *r, enum err asked);
/* "peal COMMAND: WHAT (error): Redis' own word" */
void cli_redis_complain(const struct cli_redis *r, const char *what);
void cli_redis_on_done(void *arg, enum err e); /* a queue_done_fn */

#endif
