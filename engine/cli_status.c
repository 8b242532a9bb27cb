/* `peal status`: a campaign at a glance (api/status.h counts). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/status.h"
#include "base/log.h"
#include "cli.h"
#include "cli_view.h"

static const char help[] =
    "usage: peal status CAMPAIGN [--redis URL] [--data DIR] [--json FILE]\n"
    "\n"
    "Counts a campaign's leads by where they stand and what holds them, its attempts by result,\n"
    "and shows its state, its engines and its abandonment account. CAMPAIGN is a campaign file or\n"
    "a campaign's name (then with the file of the engine that started last). Reads only; a "
    "million\n"
    "leads are counted in chunks.\n"
    "\n"
    "  --redis URL    as in peal run\n"
    "  --data DIR     as in peal run (default: ./NAME)\n"
    "  --json FILE    the same as JSON; - is standard output\n"
    "\n"
    "examples:\n"
    "  peal status spring.yaml --data /var/lib/peal/spring\n"
    "  peal status spring --redis redis://127.0.0.1:6379 --json status.json\n";

/* ---- for people ---- */

static void line(const char *what, uint64_t n, const char *more)
{
    printf("  %-34s %10llu%s%s\n", what, (unsigned long long)n, more[0] ? "   " : "", more);
}

static void say_tally(const struct status_tally *t, const char *before)
{
    char what[QUEUE_ENGINE_MAX + 40];

    for (uint32_t i = 0; i < t->n; i++) {
        snprintf(what, sizeof(what), "%s%s", before, t->at[i].name);
        line(what, t->at[i].n, "");
    }
    if (t->others)
        line("others", t->others, "");
}

static void say_state(const struct status *c)
{
    char text[96];
    const struct queue_control *k = &c->view->control;

    printf("Campaign %s is %s", c->view->name, control_state_name(k->state));
    if (k->since_wall_ms)
        printf(" since %s, by %s%s%s", standing_time(&c->view->standing, k->since_wall_ms, text),
               k->who, k->why[0] ? ": " : "", k->why);
    puts(".");
    if (k->state == CONTROL_DRAINING && c->view->present == 0)
        puts("Its last engine was lost before it had drained: nothing dials.");
    if (!c->view->campaign)
        puts("Its file is not known here: windows and attempts are not looked at.");
}

static void say_leads(const struct status *c)
{
    char text[96], more[128] = "";

    printf("\nLeads %37llu\n", (unsigned long long)c->leads);
    line("may be dialled now", c->ready, "");
    if (c->next_due_ms)
        snprintf(more, sizeof(more), "the first until %s",
                 standing_time(&c->view->standing, c->next_due_ms, text));
    line("wait for their time", c->waits, more);
    more[0] = '\0';
    if (c->next_window_ms)
        snprintf(more, sizeof(more), "the first opens %s",
                 standing_time(&c->view->standing, c->next_window_ms, text));
    line("outside their calling window", c->window, more);
    if (c->spent)
        line("attempts spent, about to be finished", c->spent, "");
    if (c->expired)
        line("expired, about to be finished", c->expired, "");
    if (c->rests)
        line("of lists with share 0", c->rests, "");
    if (c->malformed)
        line("cannot be read", c->malformed, "");
    line("with an engine", c->leased, "");
    line("finished", c->done, "");
    say_tally(&c->statuses, "  as ");
    printf("\nAttempts %34llu\n", (unsigned long long)c->attempts);
    say_tally(&c->results, "");
}

static void say_engines(const struct status *c)
{
    printf("\nEngines %35u\n", c->view->present);
    for (uint32_t i = 0; i < c->view->engines; i++) {
        const struct queue_engine_told *e = &c->view->engine[i];
        uint64_t ago = c->view->now_wall_ms > e->seen_wall_ms
                           ? (c->view->now_wall_ms - e->seen_wall_ms) / 1000
                           : 0;

        printf("  %-34s %4u agents %5u calls   %s %llu s ago%s%s\n", e->name, e->agents, e->calls,
               e->gone ? "GONE, last seen" : "seen", (unsigned long long)ago,
               e->trouble[0] && !e->gone ? "; " : "", e->gone ? "" : e->trouble);
    }
    if (c->view->engines == 0)
        puts("  none works on it now");
}

static void say_account(const struct status *c)
{
    printf("\nAbandonment over 30 days: %.0f of %.0f live answers, %.2f %%", c->abandoned, c->live,
           status_abandoned_percent(c));
    if (c->view->campaign)
        printf(" (cap %.2f %%)", c->view->campaign->abandonment.cap_percent);
    puts(".");
}

static int write_json(const struct status *c, const char *path)
{
    char *text = malloc(STATUS_JSON_MAX);
    struct buf out = buf_on(text, STATUS_JSON_MAX);
    struct json j;
    FILE *f = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
    bool good = f && text;

    if (good) {
        json_init(&j, &out);
        status_json(c, &j);
        good =
            buf_end(&out) == OK && fwrite(out.p, 1, out.len, f) == out.len && fputc('\n', f) != EOF;
    }
    if (f && f != stdout)
        good = fclose(f) == 0 && good;
    if (!good)
        fprintf(stderr, "peal status: %s cannot be written\n", path);
    free(text);
    return good ? EXIT_DONE : EXIT_FAILED;
}

static int show(struct cli_view *v, const char *json)
{
    struct status *s = status_count(&v->view);
    int code = EXIT_DONE;

    if (!s)
        return cli_queue_failed(&v->to, "the campaign cannot be counted");
    if (json) {
        code = write_json(s, json);
    } else {
        say_state(s);
        say_leads(s);
        say_engines(s);
        say_account(s);
    }
    free(s);
    return code;
}

int cli_status(int argc, char **argv)
{
    struct cli_place place = {.command = "status"};
    const char *path = NULL, *json = NULL;
    const struct cli_option options[] = {{"--redis", &place.redis_url, NULL},
                                         {"--data", &place.data_dir, NULL},
                                         {"--json", &json, NULL},
                                         {0}};
    bool usage = false;
    int code =
        cli_read(&(struct cli_command){"status", help, options, "CAMPAIGN"}, argc, argv, &path);

    if (code != CLI_GO_ON)
        return code;
    log_set_level(LOG_ERROR);
    struct cli_view *v = calloc(1, sizeof(*v));

    code = EXIT_FAILED;
    if (v) {
        if (cli_view_open(v, &place, path, &usage))
            code = show(v, json);
        else if (usage)
            code = EXIT_USAGE;
        cli_view_close(v);
    }
    free(v);
    return code;
}
