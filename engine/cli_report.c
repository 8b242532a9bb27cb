/* `peal report`: joins the call records of a run with what the engine and the simulator know. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report/report.h"

static const char help[] =
    "usage: peal report --calls FILE.jsonl --out DIR [--run run.json] [--truth FILE.jsonl]\n"
    "                   [--simulator FILE.json] [--title TEXT] [--quiet]\n"
    "       peal report relabel ...   stored calls judged again (its own --help)\n"
    "\n"
    "Writes summary.json, results.csv and report.html into DIR and prints the tables.\n"
    "Exit code 0 only when the books balance: every lead finished or pending, and as many\n"
    "attempts in Redis as calls the simulator saw.\n"
    "\n"
    "  --calls FILE      call records of the engine (DATA/calls.jsonl)\n"
    "  --run FILE        what the engine knew at its end (DATA/run.json)\n"
    "  --truth FILE      what peal-sim really played, for the confusion matrix\n"
    "  --simulator FILE  peal-sim's own summary (its lateness)\n"
    "\n"
    "example:\n"
    "  peal report --calls data/calls.jsonl --run data/run.json --out data/report\n";

static uint32_t terminal_width(void)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 40)
        return size.ws_col;
    return 100;
}

static int build(const struct report_inputs *in, bool quiet)
{
    char error[SUMMARY_ERROR_MAX] = "";
    struct summary *s = malloc(sizeof(*s));
    bool balanced;

    if (!s) {
        fputs("peal report: out of memory\n", stderr);
        return EXIT_FAILED;
    }
    if (report_build(in, s, error) != OK) {
        fprintf(stderr, "peal report: %s\n", error);
        free(s);
        return EXIT_FAILED;
    }
    if (!quiet)
        summary_print(s, stdout, isatty(STDOUT_FILENO) == 1, terminal_width());
    balanced = s->balance_ok;
    free(s);
    return balanced ? EXIT_DONE : EXIT_FAILED;
}

int cli_report(int argc, char **argv)
{
    struct report_inputs in = {0};
    bool quiet = false;

    if (argc > 1 && strcmp(argv[1], "relabel") == 0)
        return cli_relabel(argc - 1, argv + 1);
    const struct cli_option options[] = {
        {"--calls", &in.from.calls, NULL}, {"--run", &in.from.run, NULL},
        {"--truth", &in.from.truth, NULL}, {"--simulator", &in.from.simulator, NULL},
        {"--out", &in.out_dir, NULL},      {"--title", &in.title, NULL},
        {"--quiet", NULL, &quiet},         {0},
    };
    int code = cli_read(&(struct cli_command){"report", help, options, NULL}, argc, argv, NULL);

    if (code != CLI_GO_ON)
        return code;
    if (!in.from.calls)
        return cli_missing("report", "--calls");
    if (!in.out_dir)
        return cli_missing("report", "--out");
    return build(&in, quiet);
}
