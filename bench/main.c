/* peal-bench: every figure that is claimed, measured here, each beside its peer in the same run.
 * A benchmark is one line of the table below and one file bench/NAME_bench.c. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/output.h"

#define SECONDS_DEFAULT 5.0
#define SECONDS_MAX     3600.0

int bench_sip(struct bench *b);
int bench_media(struct bench *b);
int bench_dsp(struct bench *b);
int bench_srtp(struct bench *b);
int bench_recording(struct bench *b);
int bench_codec(struct bench *b);
int bench_import(struct bench *b);
int bench_gate(struct bench *b);
int bench_queue(struct bench *b);
int bench_generator(struct bench *b);
int bench_base(struct bench *b);
int bench_scripts(struct bench *b);
int bench_pacing(struct bench *b);
int bench_accuracy(struct bench *b);
/* Figures with intervals do not fit the frame's rows: this one reads its options and writes its
 * JSON by itself when it is named first. */
int bench_accuracy_command(int argc, char **argv);

static const struct {
    const char *name, *says;
    int (*run)(struct bench *b);
    const char *options; /* of its own: "quick days=", those with a value end with '=' */
} table[] = {
    {"sip", "calls/s beside SIPp, cost per message, parser, allocations", bench_sip, ""},
    {"media",
     "legs of one core beside a bare io_uring relay and echo, and rtpengine; memory of a leg",
     bench_media, "rounds= case= legs= srtp= record= detect= workers="},
    {"dsp", "detectors: ns a packet and legs of one core beside spandsp", bench_dsp, "legs="},
    {"srtp", "SRTP: ns a packet and legs of one core beside libsrtp2", bench_srtp, "streams="},
    {"recording", "a recorded leg: WAV and Opus, encrypted or not: us a block, legs of one core",
     bench_recording, ""},
    {"codec", "Opus, G.722, L16: ns a frame and legs of one core beside libopus and spandsp",
     bench_codec, ""},
    {"import", "a million leads into Redis beside redis-cli --pipe", bench_import, ""},
    {"gate", "lists and calls of numbers: memory, and what asking adds to a launch", bench_gate,
     ""},
    {"queue", "claims and completions beside the same commands by redis-benchmark", bench_queue,
     "leads="},
    {"scripts", "call scripts: bytes a call, ns a resume, calls/s with five steps", bench_scripts,
     ""},
    {"generator", "does the simulator keep time: beside SIPp's rtp_stream, to one far end",
     bench_generator, "legs="},
    {"base", "hash table, timer wheel and rings by size", bench_base, ""},
    {"pacing", "agents busy and answers abandoned, by policy, in virtual time", bench_pacing,
     "quick workload= policy= agents= days= seed= seeds= html="},
    {"accuracy", "hits, misses, false events and delays; accuracy --help tells more",
     bench_accuracy, ""},
};

#define BENCHES (sizeof(table) / sizeof(table[0]))
#define ALL     BENCHES

static struct bench bench;

static void help(FILE *to)
{
    fputs("usage: peal-bench BENCH [--json FILE] [--seconds N] [options of BENCH]\n\n", to);
    for (size_t i = 0; i < BENCHES; i++)
        fprintf(to, "  %-10s%s\n", table[i].name, table[i].says);
    fputs(
        "  all       all of them, one after another\n"
        "\n"
        "  --json FILE   write the rows as one JSON array:\n"
        "                {\"bench\",\"case\",\"value\",\"unit\",\"better\",\"peer\","
        "\"peer_value\",\"ratio\"}\n"
        "                ratio = value / peer_value, both of this run; a peer that is not\n"
        "                installed is named with peer_value null\n"
        "  --seconds N   measure each case for at least N seconds (default 5)\n"
        "\n"
        "Options of dsp:\n"
        "  --legs N          so many legs, worked through in turn (default 512)\n"
        "\n"
        "Options of srtp:\n"
        "  --streams N       so many keys each way, visited in turn, beside one alone\n"
        "                    (default 2000)\n"
        "\n"
        "Options of queue:\n"
        "  --leads N         not beyond so many leads (default 1000000)\n"
        "\n"
        "Options of generator:\n"
        "  --legs N          so many calls at once (default 1000, then 2000)\n"
        "\n"
        "Options of media:\n"
        "  --rounds N        engine and peers in turn, N times; rows are medians (default 3)\n"
        "  --legs N          of so many legs (default 1000)\n"
        "  --srtp SUITE      of the relay (AES_CM_128_HMAC_SHA1_80); then all detectors on SRTP,\n"
        "                    beside the same in clear and the echo\n"
        "  --record KIND     the relay alone, recording: wav (default) or opus\n"
        "  --detect on|off   the relay alone, with detectors of talk (default) or without\n"
        "  --workers N       the relay alone, on so many threads, from the first core on (1)\n"
        "  --case NAME       that one alone, for a profiler: all, talk, none, echo; or churn: "
        "200,000 short\n"
        "                    legs, and 10,000 at once: memory and descriptors\n"
        "\n"
        "Options of pacing:\n"
        "  --quick           a few workloads and days: less than a minute\n"
        "  --workload NAME   base-AGENTS-P or a file of bench/pacing/ (w1 ... w13, mix-5, short, "
        "...)\n"
        "  --policy NAME     peal, bound, known, peal-daily, progressive, ratio, vici-tapered,\n"
        "                    vici-average, vici-hard, idle, dp, ...; only when named: peal-4 "
        "(four\n"
        "                    engines that share), peal-4-apart, peal-guard (account of 30 "
        "days),\n"
        "                    peal-guard-daily, peal-ratio-3, peal-ratio-8 (fixed ratios)\n"
        "  --agents N        so many agents\n"
        "  --days D          so many days for each seed\n"
        "  --seed S          the first seed (default 1)\n"
        "  --seeds N         so many seeds, up to 8 (default 4, of a quick run 3)\n"
        "  --html FILE       a page with the curves of utilisation over abandonment\n"
        "\n"
        "Exit code: 0; 1 when something failed that must hold (it is said); 2 for wrong\n"
        "arguments.\n"
        "\n"
        "Examples:\n"
        "  peal-bench sip\n"
        "  peal-bench all --json out/bench.json\n"
        "  peal-bench dsp --legs 2000\n"
        "  peal-bench base --seconds 1\n"
        "  peal-bench pacing --quick --html out/pacing.html\n",
        to);
}

struct options {
    size_t which;
    const char *json;
};

static bool parse_bench(const char *name, struct options *o)
{
    if (o->which != SIZE_MAX) {
        fprintf(stderr, "peal-bench: one benchmark at a time, not also \"%s\"; \"all\" runs all\n",
                name);
        return false;
    }
    for (size_t i = 0; i < BENCHES; i++)
        if (strcmp(table[i].name, name) == 0)
            o->which = i;
    if (strcmp(name, "all") == 0)
        o->which = ALL;
    if (o->which != SIZE_MAX)
        return true;
    fprintf(stderr, "peal-bench: there is no benchmark \"%s\"; --help lists them\n", name);
    return false;
}

static bool parse_seconds(const char *text)
{
    char *end;

    bench.seconds = strtod(text, &end);
    if (end != text && *end == '\0' && bench.seconds > 0 && bench.seconds <= SECONDS_MAX)
        return true;
    fprintf(stderr, "peal-bench: --seconds takes a number above 0 and up to %.0f, not \"%s\"\n",
            SECONDS_MAX, text);
    return false;
}

/* "--name" of the benchmark that was named before. *takes: it wants a value. */
static bool own_option(const struct options *o, const char *name, bool *takes)
{
    size_t len = strlen(name);

    if (o->which >= BENCHES)
        return false;
    for (const char *at = table[o->which].options; (at = strstr(at, name)); at += len) {
        bool begins = at == table[o->which].options || at[-1] == ' ';

        *takes = at[len] == '=';
        if (begins && (*takes || at[len] == ' ' || at[len] == '\0'))
            return true;
    }
    return false;
}

/* Returns how many arguments were taken; 0: it is not such an option, negative: it is said. */
static int parse_own(int i, int argc, char **argv, const struct options *o)
{
    const char *name = argv[i] + 2;
    bool takes;

    if (strncmp(argv[i], "--", 2) != 0 || !*name || !own_option(o, name, &takes))
        return 0;
    if (takes && i + 1 == argc) {
        fprintf(stderr, "peal-bench: %s needs a value after it\n", argv[i]);
        return -1;
    }
    if (bench.options == BENCH_OPTIONS_MAX) {
        fprintf(stderr, "peal-bench: at most %d options of a benchmark\n", BENCH_OPTIONS_MAX);
        return -1;
    }
    bench.option[bench.options++] = (struct bench_option){name, takes ? argv[i + 1] : ""};
    return takes ? 2 : 1;
}

static bool parse(int argc, char **argv, struct options *o)
{
    *o = (struct options){.which = SIZE_MAX};
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        bool takes_value = strcmp(arg, "--json") == 0 || strcmp(arg, "--seconds") == 0;

        if (takes_value && i + 1 == argc) {
            fprintf(stderr, "peal-bench: %s needs a value after it\n", arg);
            return false;
        }
        int own = parse_own(i, argc, argv, o);
        if (own < 0)
            return false;
        if (own > 0) {
            i += own - 1;
        } else if (strcmp(arg, "--json") == 0) {
            o->json = argv[++i];
        } else if (strcmp(arg, "--seconds") == 0) {
            if (!parse_seconds(argv[++i]))
                return false;
        } else if (arg[0] == '-') {
            fprintf(stderr, "peal-bench: unknown option \"%s\"; --help lists them\n", arg);
            return false;
        } else if (!parse_bench(arg, o)) {
            return false;
        }
    }
    if (o->which == SIZE_MAX)
        fputs("peal-bench: which benchmark? --help lists them\n", stderr);
    return o->which != SIZE_MAX;
}

static void run_one(size_t i)
{
    uint32_t failures = bench.failures;

    if (table[i].run(&bench) != 0 && bench.failures == failures)
        bench_fail(&bench, "%s: ended without a result", table[i].name);
    bench_unpin();
}

int main(int argc, char **argv)
{
    struct options o;
    FILE *json = NULL;

    if (argc > 1 && strcmp(argv[1], "accuracy") == 0)
        return bench_accuracy_command(argc - 1, argv + 1);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            help(stdout);
            return 0;
        }
    }
    bench.seconds = SECONDS_DEFAULT;
    if (!parse(argc, argv, &o))
        return 2;
    /* Before minutes of work, not after. */
    if (o.json && !(json = fopen(o.json, "w"))) {
        fprintf(stderr, "peal-bench: cannot write %s: %s\n", o.json, strerror(errno));
        return 2;
    }
    bench_cores(); /* before anything is pinned */
    for (size_t i = 0; i < BENCHES; i++)
        if (o.which == i || o.which == ALL)
            run_one(i);
    bench_print(&bench);
    if (json && (!bench_write_json(&bench, json) || fclose(json) != 0))
        bench_fail(&bench, "%s could not be written whole: %s", o.json, strerror(errno));
    return bench.failures ? 1 : 0;
}
