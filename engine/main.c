/* `peal`: finds the sub-command and runs it. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
};

static const struct command commands[] = {
    {"run", cli_run, "dial a campaign until it is done"},
    {"serve", cli_serve, "answer numbers, each by its flow"},
    {"check", cli_check, "say what a campaign would dial and what not, and why; dials nothing"},
    {"leads", cli_leads, "import lists of leads into a campaign's queue, or stop leads"},
    {"status", cli_status, "count a campaign's leads by what holds them, and its engines"},
    {"why", cli_why, "say why a lead is not dialled, and when it may be"},
    {"pause", cli_pause, "no new calls of a campaign on any engine; live ones go on"},
    {"resume", cli_resume, "let a paused or stopped campaign go on"},
    {"drain", cli_drain, "let live calls end, then the engines"},
    {"stop", cli_stop, "end a campaign's engines in order, or now"},
    {"reload", cli_reload, "let the engines read their campaign files again"},
    {"api", cli_api, "answer campaigns' HTTP API without dialling"},
    {"simulate", cli_simulate, "play a campaign for days on a virtual clock, calling nobody"},
    {"report", cli_report, "make summary, tables and an HTML report of a finished run"},
    {"ledger", cli_ledger, "show a campaign's live answers and who of them was abandoned"},
    {"history", cli_history, "show and export call attempts by filters, with totals"},
    {"dnc", cli_dnc, "keep the lists of numbers that must not be called, and own numbers"},
    {"recordings", cli_recordings, "list recordings, show their events, decrypt, remove old ones"},
    {"retain", cli_retain, "remove records and recordings that are older than they may be kept"},
    {"forget", cli_forget, "erase what is kept of one person, known by their number"},
    {"prints", cli_prints, "keep the library of known recordings, and try it on a file"},
    {"listen", cli_listen,
     "say what the detectors hear in a recording or capture, and the verdict"},
};

static void usage(FILE *to)
{
    fputs("peal: a predictive dialer engine\n\nusage: peal COMMAND [ARGUMENTS]\n\n", to);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fputs("\npeal COMMAND --help tells more, with examples.\n", to);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        usage(stdout);
        return EXIT_DONE;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "peal: unknown command '%s'; peal --help lists them\n", argv[1]);
    return EXIT_USAGE;
}
