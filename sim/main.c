/* peal-sim: plays carriers, callees, callers and agents over real SIP and RTP, from the scripts in
 * scenarios/. */
#include <stdio.h>
#include <string.h>

#include "sim/sim.h"

static const struct {
    const char *name, *does;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"serve", "answer calls: a carrier, its callees, and agents", sim_serve},
    {"call", "make calls at a rate and report how they went", sim_call},
    {"run", "play a suite, both sides at once, and judge it", sim_run},
    {"coordinate", "let several processes play one suite together", sim_coordinate},
    {"import", "make scripts and media of a capture or a recording", sim_import},
    {"replay", "play imported calls again", sim_replay},
    {"check", "look for faults in scripts, mixes and suites before any call", sim_check},
};

static void usage(FILE *out)
{
    fputs("peal-sim: a telephone network to test against\n\n"
          "usage: peal-sim COMMAND [OPTIONS]\n\n",
          out);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].does);
    fputs("\n`peal-sim COMMAND --help` tells its options, with examples.\n"
          "Exit codes: 0 passed, 1 a check failed, 2 wrong configuration, 3 run invalid (the\n"
          "simulator was late).\n",
          out);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return SIM_CONFIG;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        usage(stdout);
        return SIM_PASS;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr,
            "peal-sim: there is no command '%s'; known: serve, call, run, coordinate, import, "
            "replay, check\n",
            argv[1]);
    return SIM_CONFIG;
}
