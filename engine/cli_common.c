/* What the sub-commands say alike. */
#include "cli.h"

#include <stdio.h>

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
