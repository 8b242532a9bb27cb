/* `peal why`: for one lead, by its id or one of its numbers, every rule that holds it, when it may
 * be dialled, and what its attempts became. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "cli.h"
#include "cli_view.h"
#include "queue/dnc.h"
#include "report/input.h"

#define CAMPAIGNS_MAX 64
#define FOUND_MAX     32 /* leads of one number in one campaign */
#define JSON_MAX      (512 * 1024)

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
    struct queue_stands *found; /* FOUND_MAX */
    uint32_t count, left_out;
    uint64_t next;
    struct queue_gate_answer gate;
    struct place_limit limits[PLACE_LIMITS_MAX];
    struct standing_more more;
    char attempts_text[64 * 1024];
    struct queue_attempt_text attempts[LOOK_ATTEMPTS_MAX];
    uint32_t attempt_count;
    struct json *json; /* NULL: sentences */
    bool any;
};

/* ---- asking ---- */

static void keep(struct asking *a, const struct queue_stands *t)
{
    for (uint32_t i = 0; i < a->count; i++)
        if (strcmp(a->found[i].task.id, t->task.id) == 0)
            return; /* a scan may tell a task twice */
    if (a->count < FOUND_MAX)
        a->found[a->count++] = *t;
    else
        a->left_out++;
}

static void on_look(void *arg, enum err e, const struct queue_stands *t)
{
    struct asking *a = arg;

    a->view.to.answered = true;
    a->view.to.e = e;
    if (t)
        keep(a, t);
}

static void on_each(void *arg, const struct queue_stands *t)
{
    keep(arg, t);
}

static void on_chunk(void *arg, enum err e, uint64_t next)
{
    struct asking *a = arg;

    a->view.to.answered = true;
    a->view.to.e = e;
    a->next = next;
}

/* The texts are the answer's: kept until the next question. */
static void on_attempts(void *arg, enum err e, const struct queue_attempt_text *t, uint32_t n)
{
    struct asking *a = arg;
    size_t used = 0;

    a->view.to.answered = true;
    a->view.to.e = e;
    a->attempt_count = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct queue_attempt_text *k = &a->attempts[a->attempt_count];

        if (t[i].text.len > sizeof(a->attempts_text) - used) { /* drop the oldest: start again */
            a->attempt_count = 0;
            used = 0;
            k = &a->attempts[0];
        }
        *k = t[i];
        if (t[i].text.len)
            memcpy(a->attempts_text + used, t[i].text.p, t[i].text.len);
        k->text = slice_of(a->attempts_text + used, t[i].text.len);
        used += t[i].text.len;
        a->attempt_count++;
    }
}

static void on_gate(void *arg, enum err e, const struct queue_gate_answer *g)
{
    struct asking *a = arg;

    a->view.to.answered = true;
    a->view.to.e = e;
    a->gate = *g;
}

static bool find(struct asking *a)
{
    struct cli_queue *to = &a->view.to;
    char number[NUMBER_E164_MAX] = "";
    const struct number_country *home =
        a->view.campaign ? a->view.campaign->country : number_country_find(SLICE("us"));

    a->count = a->left_out = 0;
    if (!cli_queue_wait(to, queue_look(to->queue, slice_cstr(a->lead), on_look, a)))
        return false;
    if (a->count || number_normalise(slice_cstr(a->lead), home, number, NULL) != OK)
        return true;
    a->next = 0;
    do {
        if (!cli_queue_wait(
                to, queue_find(to->queue, slice_cstr(number), a->next, on_each, on_chunk, a)))
            return false;
    } while (a->next);
    return true;
}

/* "since 0x1f until 0x1f who 0x1f why", or an import's, which has its list before who. */
static void read_entry(struct standing_more *m, struct slice text, bool import)
{
    struct slice since, word, who, why;

    if (!slice_cut(text, '\x1f', &since, &text) || !slice_cut(text, '\x1f', &word, &text) ||
        (import && !slice_cut(text, '\x1f', &word, &text)))
        return;
    slice_cut(text, '\x1f', &who, &text);
    slice_cut(text, '\x1f', &why, &text);
    if (slice_u64(since, UINT64_MAX, &m->listed_wall_ms) != OK ||
        slice_copy(who, m->listed_by, sizeof(m->listed_by)) != OK ||
        slice_copy(why, m->listed_why, sizeof(m->listed_why)) != OK)
        m->listed_wall_ms = 0;
}

struct listed {
    struct asking *a;
    bool import;
    uint64_t number; /* of the import */
};

static void on_entry(void *arg, enum err e, const struct slice *texts, uint32_t n)
{
    struct listed *l = arg;

    l->a->view.to.answered = true;
    l->a->view.to.e = e;
    if (e == OK && n == 1)
        read_entry(&l->a->more, texts[0], l->import);
}

static void on_lists(void *arg, enum err e, const struct slice *texts, uint32_t n)
{
    struct listed *l = arg;

    l->a->view.to.answered = true;
    l->a->view.to.e = e;
    for (uint32_t i = 3; e == OK && i + 2 < n; i += 3) {
        if (slice_eq(texts[i + 1], SLICE("note")))
            read_entry(&l->a->more, texts[i + 2], false);
        else if (slice_eq(texts[i + 1], SLICE("bulk")) &&
                 slice_u64(texts[i + 2], UINT32_MAX, &l->number) == OK)
            l->import = true;
    }
}

/* Since when it is on its list, and by whom. */
static bool ask_list(struct asking *a, const char *number)
{
    struct cli_queue *to = &a->view.to;
    struct listed l = {.a = a};
    struct slice list = slice_cstr(a->gate.list);

    if (a->gate.prefix[0])
        return cli_queue_wait(
            to, queue_dnc_about_prefix(to->queue, list, slice_cstr(a->gate.prefix), on_entry, &l));
    return cli_queue_wait(to,
                          queue_dnc_look(to->queue, slice_cstr(number), &list, 1, on_lists, &l)) &&
           (!l.import || cli_queue_wait(to, queue_dnc_about_import(to->queue, (uint32_t)l.number,
                                                                   on_entry, &l)));
}

static bool ask_gate(struct asking *a, const struct queue_task *t)
{
    struct cli_queue *to = &a->view.to;
    const char *number = queue_task_number(t);
    struct queue_gate_limit limits[GATE_LIMITS_MAX];
    struct queue_gate_ask ask = {.number = slice_cstr(number),
                                 .campaign = slice_cstr(a->view.name),
                                 .limits = limits,
                                 .peek = true};

    a->more.limits = a->limits;
    a->more.limit_count = standing_limits(&a->view.standing, t, a->limits);
    for (uint32_t i = 0; i < a->more.limit_count && i < GATE_LIMITS_MAX; i++)
        limits[ask.limit_count++] =
            (struct queue_gate_limit){.since_wall_ms = a->limits[i].since_wall_ms,
                                      .most = a->limits[i].calls,
                                      .until_wall_ms = a->limits[i].until_wall_ms};
    a->more.gate = NULL;
    if (!number[0])
        return true;
    enum err asked = queue_gate(to->queue, &ask, on_gate, a);

    if (asked == ERR_INVALID)
        return true;
    if (!cli_queue_wait(to, asked))
        return false;
    a->more.gate = &a->gate;
    return (a->gate.verdict != GATE_DNC && a->gate.verdict != GATE_OWN) || ask_list(a, number);
}

/* ---- telling ---- */

static void say_attempt(const struct asking *a, const struct queue_attempt_text *t)
{
    char when[96];

    if (t->open) {
        printf("  attempt %u: under way since %s\n", t->number,
               standing_time(&a->view.standing, t->open_ms, when));
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
        printf(", %s", standing_time(&a->view.standing, invite_ms, when));
    putchar('\n');
    input_free(r);
}

static void say(const struct asking *a, const struct queue_stands *t, const struct reasons *r)
{
    const struct queue_task *task = &t->task;
    char when[96];

    printf("Lead %s of campaign %s", task->id, a->view.name);
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
               r->next_if_run_wall_ms <= a->view.now_wall_ms ? "at once" : "from ",
               r->next_if_run_wall_ms <= a->view.now_wall_ms
                   ? ""
                   : standing_time(&a->view.standing, r->next_if_run_wall_ms, when));
    for (uint32_t i = 0; i < a->attempt_count; i++)
        say_attempt(a, &a->attempts[i]);
}

static void put_instant(struct json *j, const char *name, uint64_t wall_ms)
{
    char text[32];

    if (wall_ms == 0 || wall_ms == WINDOW_NEVER) {
        json_put_null(j, name);
        return;
    }
    clock_format_utc(wall_ms, text, sizeof(text));
    json_cstr(j, name, text);
}

static void put_attempt(struct json *j, const struct queue_attempt_text *t)
{
    struct input *r = t->open ? NULL : input_parse(t->text);

    json_begin_object(j, NULL);
    json_u64(j, "attempt", t->number);
    json_bool(j, "open", t->open);
    put_instant(j, "at", t->open ? t->open_ms : input_u64(input_get(r, "invite_ms")));
    json_cstr(j, "result", input_text(input_get(r, "result")));
    json_cstr(j, "delivery", input_text(input_get(r, "delivery")));
    json_cstr(j, "number", input_text(input_get(r, "number")));
    json_end(j);
    input_free(r);
}

static void put(const struct asking *a, const struct queue_stands *t, const struct reasons *r)
{
    static const char *const stands[] = {"fresh", "waits", "leased", "done"};
    struct json *j = a->json;

    json_begin_object(j, NULL);
    json_cstr(j, "campaign", a->view.name);
    json_cstr(j, "lead", t->task.id);
    json_begin_array(j, "numbers");
    for (uint32_t i = 0; i < t->task.number_count; i++)
        json_cstr(j, NULL, t->task.numbers[i].number);
    json_end(j);
    json_cstr(j, "stands", stands[t->stands]);
    json_cstr(j, "status", t->stands == TASK_DONE ? t->status : NULL);
    put_instant(j, "next", r->next_wall_ms);
    put_instant(j, "next_if_it_runs", r->next_if_run_wall_ms);
    json_begin_array(j, "reasons");
    for (uint32_t i = 0; i < r->count; i++) {
        json_begin_object(j, NULL);
        json_cstr(j, "reason", reason_name(r->at[i].kind));
        put_instant(j, "until", r->at[i].until_wall_ms);
        json_cstr(j, "sentence", r->at[i].text);
        json_end(j);
    }
    json_end(j);
    json_u64(j, "tries", t->task.tries);
    json_u64(j, "charged", t->task.charged);
    json_begin_array(j, "attempts");
    for (uint32_t i = 0; i < a->attempt_count; i++)
        put_attempt(j, &a->attempts[i]);
    json_end(j);
    json_end(j);
}

static bool explain(struct asking *a, const struct queue_stands *t)
{
    struct cli_queue *to = &a->view.to;
    struct reasons reasons;

    a->more = (struct standing_more){
        .control = &a->view.control, .engines = a->view.engine, .engine_count = a->view.present};
    if (!cli_queue_wait(to, queue_attempts(to->queue, slice_cstr(t->task.id), on_attempts, a)) ||
        !ask_gate(a, &t->task))
        return false;
    if (a->attempt_count)
        a->more.last = &a->attempts[a->attempt_count - 1];
    standing_explain(&a->view.standing, t, &a->more, &reasons);
    if (a->json)
        put(a, t, &reasons);
    else
        say(a, t, &reasons);
    return true;
}

static int ask_campaign(struct asking *a, const struct cli_place *place, const char *campaign)
{
    bool usage;
    int code = EXIT_DONE;

    if (!cli_view_open(&a->view, place, campaign, &usage)) {
        code = usage ? EXIT_USAGE : EXIT_FAILED;
        goto out;
    }
    if (!a->view.campaign)
        fprintf(stderr,
                "peal why: the file of campaign %s is not known here: its windows, attempts and "
                "dates are not looked at\n",
                a->view.name);
    if (!find(a))
        code = cli_queue_failed(&a->view.to, "the lead cannot be looked for");
    if (code == EXIT_DONE && a->count == 0 && !a->json)
        printf("%s is not in campaign %s.\n", a->lead, a->view.name);
    for (uint32_t i = 0; i < a->count && code == EXIT_DONE; i++)
        if (!explain(a, &a->found[i]))
            code = cli_queue_failed(&a->view.to, "the lead cannot be looked at");
    if (a->left_out && !a->json)
        printf("(%u more leads of campaign %s have that number)\n", a->left_out, a->view.name);
    a->any = a->any || a->count > 0;
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
    char *text = malloc(JSON_MAX);
    struct buf out = buf_on(text, JSON_MAX);
    struct json json;

    code = EXIT_FAILED;
    if (a && text && (a->found = calloc(FOUND_MAX, sizeof(*a->found)))) {
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
        free(a->found);
    }
    free(text);
    free(a);
    return code;
}
