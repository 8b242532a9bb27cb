/* The sub-commands of `peal`. Each gets its own arguments (argv[0] is its name) and returns the
 * exit code: 0 done, 1 the work failed, 2 wrong usage or configuration. */
#ifndef PEAL_CLI_H
#define PEAL_CLI_H

#include <stdbool.h>

struct loop;

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

int cli_run(int argc, char **argv);
int cli_serve(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_leads(int argc, char **argv);
int cli_simulate(int argc, char **argv);
int cli_report(int argc, char **argv);
int cli_relabel(int argc, char **argv); /* peal report relabel */
int cli_ledger(int argc, char **argv);
int cli_history(int argc, char **argv);
int cli_status(int argc, char **argv);
int cli_why(int argc, char **argv);
int cli_pause(int argc, char **argv);
int cli_resume(int argc, char **argv);
int cli_drain(int argc, char **argv);
int cli_stop(int argc, char **argv);
int cli_reload(int argc, char **argv);
int cli_api(int argc, char **argv);
int cli_dnc(int argc, char **argv);
int cli_recordings(int argc, char **argv);
int cli_retain(int argc, char **argv);
int cli_forget(int argc, char **argv);
int cli_prints(int argc, char **argv);
int cli_listen(int argc, char **argv);

struct cli_option {
    const char *name;   /* with its dashes; several of one name: as often it may be given */
    const char **value; /* where its value goes; NULL: it is a flag */
    bool *flag;
};

/* What a command is called, what it says of itself, and what it takes. */
struct cli_command {
    const char *name, *help;
    const struct cli_option *options; /* until the one without a name */
    const char *place; /* what the argument without dashes is called; NULL: there is none */
};

#define CLI_GO_ON (-1)

/* Reads the arguments into the options' places and *path. CLI_GO_ON, or what to exit with: help was
 * asked for and shown, or an argument is unknown, has no value, or is missing (said). */
int cli_read(const struct cli_command *c, int argc, char **argv, const char **path);

/* Shared by the commands: says "peal NAME: unknown argument 'X'; see peal NAME --help". */
int cli_unknown(const char *command, const char *argument);
int cli_missing(const char *command, const char *option);

/* SIGINT and SIGTERM, SIGHUP (NULL: as it was); SIGPIPE is ignored. */
void cli_catch_signals(void (*stop)(int), void (*hangup)(int));
/* False: said why. */
bool cli_loop(const char *command, struct loop *loop);

#endif
