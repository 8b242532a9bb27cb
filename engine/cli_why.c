/* `peal why`: for one lead, by its id or one of its numbers, every rule that holds it, when it may
 * be dialled, and what its attempts became. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/why.h"
#include "base/log.h"
#include "cli.h"
#include "cli_view.h"
#include "report/input.h"

#define CAMPAIGNS_MAX 64

static const char help[] =
    "usage: peal why LEAD [CAMPAIGN…] [--redis URL] [--data DIR] [--json FILE]\n"
    "\n"
    "Says for a lead, named by its id or by one of its numbers, every rule that holds it, the\n"
    "earliest instant at which it may be dialled, and what its attempts became. CAMPAIGN is a\n"
    "campaign file or a campaign's name; several may be given; without any, all campaigns that\n"
    "engines have worked on there. By name, the rules are those of the file that the engine which\n"
    "started last has read. Exit code 1 when no campaign has the lead.\n"
    "\n"
    "  --redis URL    as in peal run\n"
    "  --data DIR     as in peal run (default: ./NAME of the campaign)\n"
    "  --json FILE    the same as JSON; - is standard output\n"
    "\n"
    "examples:\n"
    "  peal why L-4711 spring.yaml\n"
    "  peal why +12025550123 --redis redis://127.0.0.1:6379\n"
    "  peal why \"(202) 555-0123\" spring.yaml --json why.json\n";

struct asking {
    struct cli_view view;
    const char *lead;
    struct json *json; /* NULL: sentences */
    bool any;
};

static void say_attempt(const struct view *v, const struct queue_attempt_text *t)
{
    char when[96];

    if (t->open) {
        printf("  attempt %u: under way since %s\n", t->number,
               standing_time(&v->standing, t->open_ms, when));
        return;
    }
    struct input *r = input_parse(t->text);
    const char *result = input_text(input_get(r, "result"));
    const char *delivery = input_text(input_get(r, "delivery"));
    const char *number = input_text(input_get(r, "number"));
    uint64_t invite_ms = input_u64(input_get(r, "invite_ms"));

    printf("  attempt %u: %s", t->number, result ? result : "no record");
    if (delivery && strcmp(delivery, "none") != 0)
        printf(", %s", delivery);
    if (number)
        printf(", %s", number);
    if (invite_ms)
        printf(", %s", standing_time(&v->standing, invite_ms, when));
    putchar('\n');
    input_free(r);
}

static void say(const struct why *w)
{
    const struct queue_stands *t = w->stands;
    const struct reasons *r = w->reasons;
    const struct queue_task *task = &t->task;
    char when[96];

    printf("Lead %s of campaign %s", task->id, w->view->name);
    for (uint32_t i = 0; i < task->number_count; i++)
        printf("%s%s%s%s", i ? ", " : ": ", task->numbers[i].number,
               task->numbers[i].kind[0] ? " " : "", task->numbers[i].kind);
    puts("");
    for (uint32_t i = 0; i < r->count; i++)
        printf("  %s\n", r->at[i].text);
    if (r->left_out)
        printf("  (%u more reasons are not shown)\n", r->left_out);
    if (t->stands == TASK_DONE)
        puts("  It is not dialled any more.");
    else if (r->next_if_run_wall_ms == WINDOW_NEVER)
        puts("  As things are, it is not dialled.");
    else if (t->stands != TASK_LEASED)
        printf("  It may be dialled %s%s%s.\n",
               r->next_wall_ms == WINDOW_NEVER ? "when the campaign runs, " : "",
               r->next_if_run_wall_ms <= w->view->now_wall_ms ? "at once" : "from ",
               r->next_if_run_wall_ms <= w->view->now_wall_ms
                   ? ""
                   : standing_time(&w->view->standing, r->next_if_run_wall_ms, when));
    for (uint32_t i = 0; i < w->attempt_count; i++)
        say_attempt(w->view, &w->attempts[i]);
}

static void on_why(void *arg, const struct why *w)
{
    struct asking *a = arg;

    if (a->json)
        why_json(w, a->json);
    else
        say(w);
}

static int ask_campaign(struct asking *a, const struct cli_place *place, const char *campaign)
{
    const struct view *v = &a->view.view;
    struct why_counts n;
    bool usage;
    int code = EXIT_DONE;

    if (!cli_view_open(&a->view, place, campaign, &usage)) {
        code = usage ? EXIT_USAGE : EXIT_FAILED;
        goto out;
    }
    if (!v->campaign)
        fprintf(stderr,
                "peal why: the file of campaign %s is not known here: its windows, attempts and "
                "dates are not looked at\n",
                v->name);
    if (!why_ask(&a->view.view, a->lead, on_why, a, &n))
        code = cli_queue_failed(&a->view.to, "the lead cannot be looked at");
    if (code == EXIT_DONE && n.found == 0 && !a->json)
        printf("%s is not in campaign %s.\n", a->lead, v->name);
    if (n.left_out && !a->json)
        printf("(%u more leads of campaign %s have that number)\n", n.left_out, v->name);
    a->any = a->any || n.found > 0;
out:
    cli_view_close(&a->view);
    return code;
}

static int write_json(const struct buf *out, const char *path)
{
    FILE *f = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
    bool good = f && buf_end(out) == OK && fwrite(out->p, 1, out->len, f) == out->len &&
                fputc('\n', f) != EOF;

    if (f && f != stdout)
        good = fclose(f) == 0 && good;
    if (!good)
        fprintf(stderr, "peal why: %s cannot be written\n", path);
    return good ? EXIT_DONE : EXIT_FAILED;
}

struct words {
    const char *lead, *campaign[CAMPAIGNS_MAX], *json;
    uint32_t campaigns;
    struct cli_place place;
};

static int read_words(struct words *w, int argc, char **argv)
{
    const struct {
        const char *name, **value;
    } options[] = {
        {"--redis", &w->place.redis_url}, {"--data", &w->place.data_dir}, {"--json", &w->json}};

    for (int i = 1; i < argc; i++) {
        size_t o = 0;

        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(help, stdout);
            return EXIT_DONE;
        }
        while (o < 3 && strcmp(argv[i], options[o].name) != 0)
            o++;
        if (o < 3 && i + 1 == argc)
            return cli_missing("why", argv[i]);
        if (o < 3)
            *options[o].value = argv[++i];
        else if (argv[i][0] == '-' || (w->lead && w->campaigns == CAMPAIGNS_MAX))
            return cli_unknown("why", argv[i]);
        else if (!w->lead)
            w->lead = argv[i];
        else
            w->campaign[w->campaigns++] = argv[i];
    }
    if (w->lead && (w->campaigns || w->place.redis_url || w->place.data_dir))
        return CLI_GO_ON;
    fprintf(stderr, "peal why: %s; see peal why --help\n",
            w->lead ? "name a campaign, a Redis or a data folder" : "LEAD is missing");
    return EXIT_USAGE;
}

static int ask_all(struct asking *a, struct words *w)
{
    int code = EXIT_DONE;
    uint32_t n = 0;
    char(*names)[CAMPAIGN_NAME_MAX] = NULL;

    if (w->campaigns == 0)
        names = cli_campaigns(&w->place, &n);
    for (uint32_t i = 0; i < n && w->campaigns < CAMPAIGNS_MAX; i++)
        w->campaign[w->campaigns++] = names[i];
    for (uint32_t i = 0; i < w->campaigns && code != EXIT_USAGE; i++) {
        int one = ask_campaign(a, &w->place, w->campaign[i]);

        code = one ? one : code;
    }
    free(names);
    return code == EXIT_DONE && !a->any ? EXIT_FAILED : code;
}

int cli_why(int argc, char **argv)
{
    struct words w = {.place.command = "why"};
    int code = read_words(&w, argc, argv);

    if (code != CLI_GO_ON)
        return code;
    log_set_level(LOG_ERROR);
    struct asking *a = calloc(1, sizeof(*a));
    char *text = malloc(WHY_JSON_MAX);
    struct buf out = buf_on(text, WHY_JSON_MAX);
    struct json json;

    code = EXIT_FAILED;
    if (a && text) {
        a->lead = w.lead;
        json_init(&json, &out);
        a->json = w.json ? &json : NULL;
        if (w.json)
            json_begin_array(&json, NULL);
        code = ask_all(a, &w);
        if (w.json) {
            json_end(&json);
            if (write_json(&out, w.json) != EXIT_DONE)
                code = EXIT_FAILED;
        }
    }
    free(text);
    free(a);
    return code;
}
