/* The sub-commands of `peal`. Each gets its own arguments (argv[0] is its name) and returns the
 * exit code: 0 done, 1 the work failed, 2 wrong usage or configuration. */
#ifndef PEAL_CLI_H
#define PEAL_CLI_H

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

int cli_run(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_report(int argc, char **argv);
int cli_ledger(int argc, char **argv);
int cli_prints(int argc, char **argv);
int cli_listen(int argc, char **argv);

/* Shared by the commands: says "peal NAME: unknown argument 'X'; see peal NAME --help". */
int cli_unknown(const char *command, const char *argument);
int cli_missing(const char *command, const char *option);

#endif
