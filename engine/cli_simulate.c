/* `peal simulate`: a campaign on a virtual clock. */
#include "cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "campaign/lists.h"
#include "simulate/simulate.h"

static const char help[] =
    "usage: peal simulate CAMPAIGN.yaml --days N --seed S --out DIR [--leads FILE.csv]\n"
    "                     [--population FILE.yaml] [--start DATE] [--quiet] [--log LEVEL]\n"
    "       peal simulate --show-population\n"
    "\n"
    "Plays the campaign for N days on a virtual clock: the dialer of `peal run` with its rules,\n"
    "queue and pacing on a redis-server of its own, against modelled callees and agents; no call\n"
    "leaves the machine. Writes what a run writes (calls.jsonl, calls.sqlite, run.json) and\n"
    "report/ into DIR, prints what came out, and checks from the records alone that no call began\n"
    "outside its window, no attempt went beyond the campaign's, and no lead was lost or doubled.\n"
    "The same seed gives the same calls.jsonl. Ctrl-C ends it early, in order. Its Redis begins "
    "empty:\n"
    "do-not-call lists and orders (pause, stop) of the campaign's own Redis are not in it.\n"
    "\n"
    "  --leads FILE        the leads; instead of the campaign's own\n"
    "  --days N            days to play, 1 to 3660; it ends earlier when every lead is finished\n"
    "  --seed S            a whole number: another one, another fate\n"
    "  --out DIR           where everything goes; an earlier simulation there is replaced\n"
    "  --population FILE   who is called and who calls: answers by hour and weekday, talk times,\n"
    "                      shifts (default: what --show-population prints)\n"
    "  --start DATE        first day, from 00:00 in the campaign's zone (default: 2026-03-02, a\n"
    "                      Monday); a campaign with `starts` or `ends` wants one between them\n"
    "  --quiet             no progress\n"
    "  --log LEVEL         debug, info, warn, error or off (default: error)\n"
    "\n"
    "Exit code: 0, 1 when it could not go on or a promise is broken, 2 for wrong usage.\n"
    "\n"
    "examples:\n"
    "  peal simulate spring.yaml --leads spring.csv --days 7 --seed 1 --out out/spring-week\n"
    "  peal simulate --show-population > retired.yaml    # then change what differs\n"
    "  peal simulate spring.yaml --days 7 --seed 1 --population retired.yaml --out out/retired\n";

static void on_signal(int number)
{
    (void)number;
    simulate_stop();
}

/* ---- progress ---- */

struct view {
    const struct campaign *campaign;
    bool drawn;
};

static void local_text(const struct zone *zone, uint64_t wall_ms, char *dst, size_t cap)
{
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    struct zone_local t;

    zone_to_local(zone, wall_ms, &t);
    snprintf(dst, cap, "%s %04d-%02u-%02u %02u:%02u", days[t.weekday % 7], t.year, t.month, t.day,
             t.day_ms / 3600000, t.day_ms / 60000 % 60);
}

static void on_progress(void *arg, const struct simulate_progress *p)
{
    struct view *v = arg;
    char when[48];

    local_text(v->campaign->zone, p->wall_ms, when, sizeof(when));
    fprintf(stderr,
            "\r\x1b[K%s  %" PRIu64 " calls, %" PRIu64 " of %" PRIu64
            " leads finished, agents %u talking of %u, %.0f x real time",
            when, p->dialled, p->finished, p->leads, p->talking, p->agents, p->speed);
    v->drawn = true;
}

/* ---- the summary ---- */

static double percent(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : 0;
}

static void say_agents(const struct simulate_result *r)
{
    const struct run *run = &r->summary->run;
    double free_ms = 0, busy_ms = 0;

    for (uint32_t i = 0; i < run->agent_listed; i++) {
        free_ms += (double)run->agent[i].free_ms;
        busy_ms += (double)(run->agent[i].talking_ms + run->agent[i].wrapping_ms);
    }
    if (run->agents)
        printf("  agents        %u; %.0f hours there, %.1f %% of them talking or wrapping up\n",
               run->agents, (free_ms + busy_ms) / 3.6e6, percent(busy_ms, free_ms + busy_ms));
}

static void say_calls(const struct simulate_result *r)
{
    const struct summary *s = r->summary;

    printf("  calls         %" PRIu64 " of %" PRIu64 " leads: %.2f a lead\n", s->attempts, r->leads,
           r->leads ? (double)s->attempts / (double)r->leads : 0);
    printf("  contacts      %" PRIu64 " live answers, %" PRIu64 " connected, %" PRIu64
           " abandoned (%.2f %%)\n",
           s->live, s->deliveries[DELIVERY_CONNECTED], s->abandoned, s->abandonment_percent);
    printf("  results      ");
    for (int i = 0; i < RESULT_COUNT; i++)
        if (s->results[i])
            printf(" %s %" PRIu64, result_name((enum result)i), s->results[i]);
    printf("\n  leads         ");
    for (uint32_t i = 0; i < r->counts.statuses; i++)
        printf("%s %" PRIu64 ", ", r->counts.status[i].name, r->counts.status[i].count);
    printf("waiting %" PRIu64 "\n", r->counts.due + r->counts.waiting + r->counts.leased);
}

static void say_promises(const struct promises *p)
{
    printf("  promises      calls outside their window %" PRIu64
           ", attempts beyond the campaign's %" PRIu64 ",\n                leads lost %" PRIu64
           ", doubled %" PRIu64 ": %s\n",
           p->outside, p->beyond, p->lost, p->doubled, promises_kept(p) ? "kept" : "BROKEN");
    if (p->example[0])
        printf("                %s\n", p->example);
}

static void say(const struct campaign *c, const struct simulate_config *config,
                const struct simulate_result *r)
{
    char from[48], to[48];

    local_text(c->zone, r->from_wall_ms, from, sizeof(from));
    local_text(c->zone, r->to_wall_ms, to, sizeof(to));
    printf("%s: %s to %s (%s), seed %" PRIu64 "%s\n", c->name, from, to, zone_name(c->zone),
           config->seed,
           r->interrupted ? ", ended early by you"
           : r->finished  ? ", every lead is finished"
                          : "");
    say_agents(r);
    say_calls(r);
    say_promises(&r->promises);
    for (uint32_t i = 0; i < r->summary->reason_count; i++)
        printf("  the books     %s\n", r->summary->reasons[i]);
    printf("  time          %.1f hours in %.1f s: %.0f x real time (%.1f s and %.0f x with the "
           "report)\n                %.1f s of CPU time, the report and redis-server included: "
           "%.0f x\n"
           "  report        %s/report/report.html\n",
           r->virtual_s / 3600, r->run_s, r->virtual_s / r->run_s, r->total_s,
           r->virtual_s / r->total_s, r->cpu_s, r->cpu_s > 0 ? r->virtual_s / r->cpu_s : 0,
           config->out_dir);
}

/* ---- the command ---- */

static bool whole_number(const char *name, const char *text, uint64_t min, uint64_t max,
                         uint64_t *out)
{
    if (slice_u64(slice_cstr(text), max, out) == OK && *out >= min)
        return true;
    fprintf(stderr,
            "peal simulate: %s %s is not accepted; accepted: a whole number, %" PRIu64
            " to %" PRIu64 "\n",
            name, text, min, max);
    return false;
}

static int run(struct simulate_config *config, bool quiet)
{
    struct view view = {.campaign = config->campaign};
    struct simulate_result result;
    char error[SIMULATE_ERROR_MAX];

    if (!quiet && isatty(STDERR_FILENO)) {
        config->progress = on_progress;
        config->arg = &view;
    }
    cli_catch_signals(on_signal, NULL);
    enum err e = simulate_run(config, &result, error);
    if (view.drawn)
        fputs("\r\x1b[K", stderr);
    if (e == OK)
        say(config->campaign, config, &result);
    else
        fprintf(stderr, "peal simulate: %s\n", error);
    bool good = e == OK && promises_kept(&result.promises) && result.summary->balance_ok;

    simulate_result_free(&result);
    return good ? EXIT_DONE : e == ERR_INVALID ? EXIT_USAGE : EXIT_FAILED;
}

int cli_simulate(int argc, char **argv)
{
    static struct population population;
    struct simulate_config config = {.population = &population};
    const char *path = NULL, *days_text = NULL, *seed_text = NULL, *population_path = NULL,
               *level_name = "error";
    char error[CAMPAIGN_ERROR_MAX] = "";
    bool quiet = false, show = false;
    enum log_level level;
    struct campaign_source sources[CAMPAIGN_SOURCES_MAX];
    struct campaign *c;
    uint64_t days;
    const struct cli_option options[] = {
        {"--leads", &config.leads_path, NULL},
        {"--days", &days_text, NULL},
        {"--seed", &seed_text, NULL},
        {"--out", &config.out_dir, NULL},
        {"--population", &population_path, NULL},
        {"--start", &config.start, NULL},
        {"--log", &level_name, NULL},
        {"--quiet", NULL, &quiet},
        {"--show-population", NULL, &show},
        {0},
    };
    struct cli_command command = {"simulate", help, options, "CAMPAIGN.yaml"};

    if (argc == 2 && strcmp(argv[1], "--show-population") == 0) {
        struct slice text = population_default();

        return fwrite(text.p, 1, text.len, stdout) == text.len ? EXIT_DONE : EXIT_FAILED;
    }
    int code = cli_read(&command, argc, argv, &path);
    if (code != CLI_GO_ON)
        return code;
    if (!days_text)
        return cli_missing("simulate", "--days");
    if (!seed_text)
        return cli_missing("simulate", "--seed");
    if (!config.out_dir)
        return cli_missing("simulate", "--out");
    if (!whole_number("--days", days_text, 1, SIMULATE_DAYS_MAX, &days) ||
        !whole_number("--seed", seed_text, 0, UINT64_MAX, &config.seed))
        return EXIT_USAGE;
    config.days = (uint32_t)days;
    if (log_level_parse(level_name, &level) != OK) {
        fprintf(stderr,
                "peal simulate: no log level '%s'; debug, info, warn, error and off exist\n",
                level_name);
        return EXIT_USAGE;
    }
    log_set_level(level);
    if (population_load(&population, population_path, error) != OK ||
        campaign_load(&c, path, error) != OK) {
        fprintf(stderr, "peal simulate: %s\n", error);
        return EXIT_USAGE;
    }
    config.campaign = c;
    code = campaign_sources(c, config.leads_path, sources) ? run(&config, quiet)
                                                           : cli_missing("simulate", "--leads");
    campaign_free(c);
    return code;
}
