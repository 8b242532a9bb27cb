/* What the sub-commands say alike. */
#include "cli.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "io/loop.h"

int cli_unknown(const char *command, const char *argument)
{
    fprintf(stderr, "peal %s: unknown argument '%s'; see peal %s --help\n", command, argument,
            command);
    return EXIT_USAGE;
}

int cli_missing(const char *command, const char *option)
{
    fprintf(stderr, "peal %s: %s needs a value; see peal %s --help\n", command, option, command);
    return EXIT_USAGE;
}

static const struct cli_option *option_of(const struct cli_command *c, const char *name)
{
    const struct cli_option *found = NULL;

    for (const struct cli_option *o = c->options; o->name; o++) {
        if (strcmp(o->name, name) != 0)
            continue;
        found = o;
        if (o->value && !*o->value) /* of several of one name, the first that is free */
            break;
    }
    return found;
}

int cli_read(const struct cli_command *c, int argc, char **argv, const char **path)
{
    bool found = false;

    for (int i = 1; i < argc; i++) {
        const struct cli_option *o = option_of(c, argv[i]);

        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(c->help, stdout);
            return EXIT_DONE;
        }
        if (o && !o->value) {
            *o->flag = true;
        } else if (o) {
            if (i + 1 == argc)
                return cli_missing(c->name, argv[i]);
            *o->value = argv[++i];
        } else if (c->place && argv[i][0] != '-' && !found) {
            *path = argv[i];
            found = true;
        } else {
            return cli_unknown(c->name, argv[i]);
        }
    }
    if (!c->place || found)
        return CLI_GO_ON;
    fprintf(stderr, "peal %s: %s is missing; see peal %s --help\n", c->name, c->place, c->name);
    return EXIT_USAGE;
}

void cli_catch_signals(void (*stop)(int), void (*hangup)(int))
{
    struct sigaction action = {.sa_handler = stop};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (hangup) {
        action.sa_handler = hangup;
        sigaction(SIGHUP, &action, NULL);
    }
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

bool cli_loop(const char *command, struct loop *loop)
{
    enum err e = loop_init(loop, NULL);

    if (e != OK)
        fprintf(stderr,
                "peal %s: io_uring is not available (%s); Linux 6.0 or later is needed, with "
                "kernel.io_uring_disabled = 0\n",
                command, err_name(e));
    return e == OK;
}
