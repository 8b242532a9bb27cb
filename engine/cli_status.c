/* `peal status`: a campaign at a glance. Counts that Redis keeps are asked at once; which leads are
 * outside their window, and what became of attempts, is counted in chunks, so that nobody waits for
 * Redis meanwhile. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "campaign/abandonment.h"
#include "cli.h"
#include "cli_view.h"
#include "queue/ledger.h"

#define JSON_MAX     (256 * 1024)
#define RESULTS_MAX  64
#define STATUSES_MAX 64
#define SEEN_FIRST   (1u << 16)

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

struct count {
    char name[QUEUE_ENGINE_MAX + 1];
    uint64_t n;
};

struct tally {
    struct count at[STATUSES_MAX];
    uint32_t n;
    uint64_t others;
};

struct counting {
    struct cli_view view;
    struct queue_counts quick; /* by Redis, at one instant */
    /* By looking at every lead: */
    uint64_t leads, ready, waits, window, spent, expired, leased, done, malformed, rests;
    uint64_t next_due_ms, next_window_ms; /* the first of those; 0: none */
    struct tally held_by, statuses, results;
    uint64_t attempts, next;
    struct {
        double live, abandoned;
        uint64_t entries;
    } account;      /* of 30 days */
    uint64_t *seen; /* hashes of ids: a scan may tell a task twice */
    uint32_t seen_cap;
    bool full;
};

static void add(struct tally *t, const char *name, uint64_t n)
{
    for (uint32_t i = 0; i < t->n; i++)
        if (strcmp(t->at[i].name, name) == 0) {
            t->at[i].n += n;
            return;
        }
    if (t->n == STATUSES_MAX) {
        t->others += n;
        return;
    }
    snprintf(t->at[t->n].name, sizeof(t->at[t->n].name), "%s", name);
    t->at[t->n++].n = n;
}

static int most_first(const void *a, const void *b)
{
    const struct count *x = a, *y = b;

    return x->n != y->n ? (x->n < y->n ? 1 : -1) : strcmp(x->name, y->name);
}

/* ---- each lead once ---- */

static bool place_of(const uint64_t *seen, uint32_t cap, uint64_t h, uint32_t *at)
{
    for (*at = (uint32_t)h & (cap - 1); seen[*at] && seen[*at] != h;)
        *at = (*at + 1) & (cap - 1);
    return seen[*at] == h;
}

static bool grow(struct counting *c)
{
    uint32_t cap = c->seen_cap ? c->seen_cap * 2 : SEEN_FIRST, at;
    uint64_t *bigger = calloc(cap, sizeof(*bigger));

    if (!bigger)
        return false;
    for (uint32_t i = 0; i < c->seen_cap; i++)
        if (c->seen[i]) {
            place_of(bigger, cap, c->seen[i], &at);
            bigger[at] = c->seen[i];
        }
    free(c->seen);
    c->seen = bigger;
    c->seen_cap = cap;
    return true;
}

static bool is_new(struct counting *c, const char *id)
{
    static const struct hash_seed seed = {0x7065616c, 0x73746174};
    uint64_t h = hash_bytes(seed, id, strlen(id)) | 1; /* 0 is no entry */
    uint32_t at;

    if (c->leads * 2 >= c->seen_cap && !grow(c)) {
        c->full = true;
        return false;
    }
    if (place_of(c->seen, c->seen_cap, h, &at))
        return false;
    c->seen[at] = h;
    return true;
}

static void earliest(uint64_t *first, uint64_t wall_ms)
{
    if (wall_ms != WINDOW_NEVER && (*first == 0 || wall_ms < *first))
        *first = wall_ms;
}

static void count_open(struct counting *c, const struct queue_stands *t)
{
    uint64_t when;

    if (standing_list_rests(&c->view.standing, t)) {
        c->rests++;
        return;
    }
    if (t->stands == TASK_WAITS && t->due_wall_ms > c->view.now_wall_ms) {
        c->waits++;
        earliest(&c->next_due_ms, t->due_wall_ms);
        return;
    }
    switch (standing_rule(&c->view.standing, &t->task, c->view.now_wall_ms, &when)) {
    case REASON_WINDOW:
        c->window++;
        earliest(&c->next_window_ms, when);
        break;
    case REASON_SPENT:
        c->spent++;
        break;
    case REASON_EXPIRED:
        c->expired++;
        break;
    default:
        c->ready++;
    }
}

static void on_lead(void *arg, const struct queue_stands *t)
{
    struct counting *c = arg;

    if (!is_new(c, t->task.id))
        return;
    c->leads++;
    if (t->stands == TASK_DONE) {
        c->done++;
        add(&c->statuses, t->status, 1);
    } else if (t->stands == TASK_LEASED) {
        c->leased++;
        add(&c->held_by, t->engine, 1);
    } else if (t->malformed) {
        c->malformed++;
    } else {
        count_open(c, t);
    }
}

static void on_chunk(void *arg, enum err e, uint64_t next)
{
    struct counting *c = arg;

    c->view.to.answered = true;
    c->view.to.e = e;
    c->next = next;
}

static void on_result(void *arg, struct slice result, uint64_t n)
{
    struct counting *c = arg;
    char name[QUEUE_ENGINE_MAX + 1];

    c->attempts += n;
    if (slice_copy(result, name, sizeof(name)) == OK)
        add(&c->results, name, n);
    else
        c->results.others += n;
}

static void on_counts(void *arg, enum err e, const struct queue_counts *counts)
{
    struct counting *c = arg;

    c->view.to.answered = true;
    c->view.to.e = e;
    c->quick = *counts;
}

static void on_sums(void *arg, enum err e, const struct queue_ledger *l)
{
    struct counting *c = arg;

    c->view.to.answered = true;
    c->view.to.e = e;
    c->account.entries = l->entries;
    for (uint32_t i = 0; i < l->days; i++) {
        c->account.live += (double)l->day[i].live + (double)l->day[i].false_ppm / 1e6;
        c->account.abandoned += (double)l->day[i].abandoned + (double)l->day[i].false_ppm / 1e6;
    }
}

static bool count_all(struct counting *c)
{
    struct cli_queue *to = &c->view.to;
    const struct zone *zone = c->view.campaign ? c->view.campaign->zone : NULL;
    int32_t today = zone ? abandonment_day_of(zone, c->view.now_wall_ms)
                         : (int32_t)(c->view.now_wall_ms / 86400000);

    if (!cli_queue_wait(to, queue_count(to->queue, on_counts, c)))
        return false;
    do {
        if (!cli_queue_wait(to, queue_scan(to->queue, c->next, on_lead, on_chunk, c)))
            return false;
    } while (c->next);
    do {
        if (!cli_queue_wait(to, queue_results(to->queue, c->next, on_result, on_chunk, c)))
            return false;
    } while (c->next);
    qsort(c->held_by.at, c->held_by.n, sizeof(c->held_by.at[0]), most_first);
    qsort(c->statuses.at, c->statuses.n, sizeof(c->statuses.at[0]), most_first);
    qsort(c->results.at, c->results.n, sizeof(c->results.at[0]), most_first);
    return cli_queue_wait(to, queue_ledger_sums(to->queue, today - ABANDONMENT_DAYS + 1,
                                                ABANDONMENT_DAYS, on_sums, c));
}

static double account_percent(const struct counting *c)
{
    return c->account.live > 0 ? 100 * c->account.abandoned / c->account.live : 0;
}

/* ---- for people ---- */

static void line(const char *what, uint64_t n, const char *more)
{
    printf("  %-34s %10llu%s%s\n", what, (unsigned long long)n, more[0] ? "   " : "", more);
}

static void say_tally(const struct tally *t, const char *before)
{
    char what[QUEUE_ENGINE_MAX + 40];

    for (uint32_t i = 0; i < t->n; i++) {
        snprintf(what, sizeof(what), "%s%s", before, t->at[i].name);
        line(what, t->at[i].n, "");
    }
    if (t->others)
        line("others", t->others, "");
}

static void say_state(const struct counting *c)
{
    char text[96];
    const struct queue_control *k = &c->view.control;

    printf("Campaign %s is %s", c->view.name, control_state_name(k->state));
    if (k->since_wall_ms)
        printf(" since %s, by %s%s%s", standing_time(&c->view.standing, k->since_wall_ms, text),
               k->who, k->why[0] ? ": " : "", k->why);
    puts(".");
    if (k->state == CONTROL_DRAINING && c->view.present == 0)
        puts("Its last engine was lost before it had drained: nothing dials.");
    if (!c->view.campaign)
        puts("Its file is not known here: windows and attempts are not looked at.");
}

static void say_leads(const struct counting *c)
{
    char text[96], more[128] = "";

    printf("\nLeads %37llu\n", (unsigned long long)c->leads);
    line("may be dialled now", c->ready, "");
    if (c->next_due_ms)
        snprintf(more, sizeof(more), "the first until %s",
                 standing_time(&c->view.standing, c->next_due_ms, text));
    line("wait for their time", c->waits, more);
    more[0] = '\0';
    if (c->next_window_ms)
        snprintf(more, sizeof(more), "the first opens %s",
                 standing_time(&c->view.standing, c->next_window_ms, text));
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

static void say_engines(const struct counting *c)
{
    printf("\nEngines %35u\n", c->view.present);
    for (uint32_t i = 0; i < c->view.engines; i++) {
        const struct queue_engine_told *e = &c->view.engine[i];
        uint64_t ago = c->view.now_wall_ms > e->seen_wall_ms
                           ? (c->view.now_wall_ms - e->seen_wall_ms) / 1000
                           : 0;

        printf("  %-34s %4u agents %5u calls   %s %llu s ago%s%s\n", e->name, e->agents, e->calls,
               e->gone ? "GONE, last seen" : "seen", (unsigned long long)ago,
               e->trouble[0] && !e->gone ? "; " : "", e->gone ? "" : e->trouble);
    }
    if (c->view.engines == 0)
        puts("  none works on it now");
}

static void say_account(const struct counting *c)
{
    printf("\nAbandonment over 30 days: %.0f of %.0f live answers, %.2f %%", c->account.abandoned,
           c->account.live, account_percent(c));
    if (c->view.campaign)
        printf(" (cap %.2f %%)", c->view.campaign->abandonment.cap_percent);
    puts(".");
}

/* ---- as JSON ---- */

static void put_tally(struct json *j, const char *name, const struct tally *t)
{
    json_begin_object(j, name);
    for (uint32_t i = 0; i < t->n; i++)
        json_u64(j, t->at[i].name, t->at[i].n);
    if (t->others)
        json_u64(j, "others", t->others);
    json_end(j);
}

static void put_instant(struct json *j, const char *name, uint64_t wall_ms)
{
    char text[32];

    if (wall_ms) {
        clock_format_utc(wall_ms, text, sizeof(text));
        json_cstr(j, name, text);
    } else {
        json_put_null(j, name);
    }
}

static void put_engines(struct json *j, const struct counting *c)
{
    json_begin_array(j, "engines");
    for (uint32_t i = 0; i < c->view.engines; i++) {
        const struct queue_engine_told *e = &c->view.engine[i];

        json_begin_object(j, NULL);
        json_cstr(j, "name", e->name);
        json_bool(j, "gone", e->gone);
        json_u64(j, "agents", e->agents);
        json_u64(j, "calls", e->calls);
        put_instant(j, "seen", e->seen_wall_ms);
        json_cstr(j, "trouble", e->trouble[0] ? e->trouble : NULL);
        json_end(j);
    }
    json_end(j);
}

static void put_all(struct json *j, const struct counting *c)
{
    const struct queue_control *k = &c->view.control;

    json_begin_object(j, NULL);
    json_cstr(j, "campaign", c->view.name);
    put_instant(j, "at", c->view.now_wall_ms);
    json_begin_object(j, "state");
    json_cstr(j, "name", control_state_name(k->state));
    put_instant(j, "since", k->since_wall_ms);
    json_cstr(j, "who", k->who);
    json_cstr(j, "why", k->why);
    json_end(j);
    json_begin_object(j, "leads");
    json_u64(j, "all", c->leads);
    json_u64(j, "ready", c->ready);
    json_u64(j, "waits", c->waits);
    json_u64(j, "outside_window", c->window);
    json_u64(j, "spent", c->spent);
    json_u64(j, "expired", c->expired);
    json_u64(j, "list_rests", c->rests);
    json_u64(j, "malformed", c->malformed);
    json_u64(j, "leased", c->leased);
    json_u64(j, "finished", c->done);
    put_instant(j, "next_due", c->next_due_ms);
    put_instant(j, "next_window", c->next_window_ms);
    json_end(j);
    put_tally(j, "leased_by", &c->held_by);
    put_tally(j, "finished_as", &c->statuses);
    json_u64(j, "attempts", c->attempts);
    put_tally(j, "attempts_by_result", &c->results);
    put_engines(j, c);
    json_begin_object(j, "abandonment_30_days");
    json_num(j, "live", c->account.live);
    json_num(j, "abandoned", c->account.abandoned);
    json_num(j, "percent", account_percent(c));
    json_end(j);
    json_end(j);
}

static int write_json(const struct counting *c, const char *path)
{
    char *text = malloc(JSON_MAX);
    struct buf out = buf_on(text, JSON_MAX);
    struct json j;
    FILE *f = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
    bool good = f && text;

    if (good) {
        json_init(&j, &out);
        put_all(&j, c);
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

static int show(struct counting *c, const char *json)
{
    if (!count_all(c) || c->full)
        return cli_queue_failed(&c->view.to, "the campaign cannot be counted");
    if (json)
        return write_json(c, json);
    say_state(c);
    say_leads(c);
    say_engines(c);
    say_account(c);
    return EXIT_DONE;
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
    struct counting *c = calloc(1, sizeof(*c));

    code = EXIT_FAILED;
    if (c) {
        if (cli_view_open(&c->view, &place, path, &usage))
            code = show(c, json);
        else if (usage)
            code = EXIT_USAGE;
        cli_view_close(&c->view);
        free(c->seen);
    }
    free(c);
    return code;
}
