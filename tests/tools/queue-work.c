/* queue-work: an engine without calls, to see what the queue does when Redis and engines die.
 *
 *   queue-work --redis URL --campaign NAME --engine NAME --log FILE [--leads N] [--work MS]
 *              [--most N] [--lease MS] [--settle MS] [--seconds S] [--print]
 *
 * Adds the leads (lead-0 …), then claims, puts each attempt on record, "dials" (one line ID ATTEMPT
 * in the log, written before anything else happens), and completes after --work ms. A lead is
 * finished by its attempt number `attempts_of(id)`; attempts that an engine left open are closed as
 * if the call had come to its end. Ends with 0 when every lead of the campaign is finished, with 1
 * after --seconds. --print: one line of JSON with the counts. */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/list.h"
#include "queue/queue.h"

#define MOST_MAX 256

struct work {
    struct list_node node;
    struct queue_task task;
    struct timer timer;
    uint32_t attempt;
    bool busy, closing;
};

static struct options {
    const char *redis, *campaign, *engine, *log;
    uint32_t leads, work_ms, most, lease_ms, settle_ms, seconds;
    bool print;
} options = {.work_ms = 20, .most = 16, .lease_ms = 3000, .seconds = 60};

static struct loop loop;
static struct queue *queue;
static struct work works[MOST_MAX];
static struct queue_counts last;
static int out = -1;
static uint32_t given;
static bool added, started, claiming, counting, reclaiming, renewing, over, counted;

static uint32_t attempts_of(const char *id)
{
    return 1 + (uint32_t)strtoul(id + 5, NULL, 10) % 3;
}

static void complete(struct work *w);

static void on_completed(void *arg, enum err e)
{
    struct work *w = arg;

    (void)e; /* refused: somebody else has it, and has closed the attempt */
    w->busy = false;
}

static void on_again(struct timer *t)
{
    complete(container_of(t, struct work, timer));
}

static void complete(struct work *w)
{
    bool last_one = w->attempt >= attempts_of(w->task.id);
    struct queue_completion c = {.outcome = last_one ? QUEUE_FINISH : QUEUE_RETRY,
                                 .attempt = w->attempt,
                                 .status = SLICE("reached"),
                                 .retry_wall_ms = clock_wall_ms(loop.clock),
                                 .charged = true,
                                 .avoid_trunk = QUEUE_NO_TRUNK,
                                 .record = SLICE("{\"result\":\"human\"}")};

    w->closing = true;
    if (queue_complete(queue, &w->task, &c, on_completed, w) != OK)
        loop_timer(&loop, &w->timer, 50, on_again);
}

static void dial(struct work *w)
{
    char line[128];
    int n = snprintf(line, sizeof(line), "%s %u\n", w->task.id, w->attempt);

    if (write(out, line, (size_t)n) != n)
        abort();
    loop_timer(&loop, &w->timer, options.work_ms, on_again);
}

static void ask(struct work *w);

static void on_ask_again(struct timer *t)
{
    ask(container_of(t, struct work, timer));
}

static void on_recorded(void *arg, enum err e)
{
    struct work *w = arg;

    if (e == OK)
        dial(w);
    else if (e == ERR_CLOSED || e == ERR_TIMEOUT || e == ERR_FULL || e == ERR_IO)
        loop_timer(&loop, &w->timer, 20, on_ask_again); /* not known: asking again is safe */
    else
        w->busy = false;
}

static void ask(struct work *w)
{
    char call[QUEUE_CALL_ID_MAX + 1];
    int n = snprintf(call, sizeof(call), "%s-%s-%u", options.engine, w->task.id, w->attempt);

    if (queue_attempt(queue, &w->task, w->attempt, slice_of(call, (size_t)n), on_recorded, w) != OK)
        loop_timer(&loop, &w->timer, 20, on_ask_again);
}

static struct work *free_work(void)
{
    for (uint32_t i = 0; i < options.most; i++)
        if (!works[i].busy)
            return &works[i];
    return NULL;
}

/* Of a lead that is in the air already? Then Redis has forgotten that we have it. */
static bool in_air(const char *id)
{
    for (uint32_t i = 0; i < options.most; i++)
        if (works[i].busy && strcmp(works[i].task.id, id) == 0)
            return true;
    return false;
}

static void give_back(const struct queue_task *t)
{
    const struct queue_completion c = {.outcome = QUEUE_RETRY,
                                       .retry_wall_ms = clock_wall_ms(loop.clock) + 500,
                                       .avoid_trunk = QUEUE_NO_TRUNK};

    queue_complete(queue, t, &c, NULL, NULL);
}

static void take(const struct queue_task *t, bool open)
{
    struct work *w = free_work();

    if (!w || in_air(t->id)) {
        if (!open)
            give_back(t);
        return; /* an open one comes again when this lease has run out */
    }
    w->task = *t;
    w->busy = true;
    w->closing = false;
    timer_init(&w->timer);
    w->attempt = open ? t->open_attempt : t->tries + 1;
    if (open)
        complete(w);
    else
        ask(w);
}

static void on_claimed(void *arg, enum err e, const struct queue_task *tasks, uint32_t n)
{
    (void)arg;
    claiming = false;
    for (uint32_t i = 0; e == OK && i < n; i++)
        take(&tasks[i], false);
}

static void on_reclaimed(void *arg, enum err e, const struct queue_task *tasks, uint32_t n,
                         uint32_t back)
{
    (void)arg, (void)back;
    reclaiming = false;
    started = started || e == OK;
    for (uint32_t i = 0; e == OK && i < n; i++)
        take(&tasks[i], true);
}

static void on_renewed(void *arg, enum err e, const struct queue_lease *lost, uint32_t n)
{
    (void)arg, (void)e, (void)lost, (void)n;
    renewing = false;
}

static void renew(void)
{
    struct queue_lease leases[MOST_MAX];
    uint32_t n = 0;

    for (uint32_t i = 0; i < options.most; i++)
        if (works[i].busy && !works[i].closing) {
            slice_copy(slice_cstr(works[i].task.id), leases[n].id, sizeof(leases[n].id));
            leases[n++].token = works[i].task.token;
        }
    renewing = n && queue_renew(queue, leases, n, on_renewed, NULL) == OK;
}

static void on_count(void *arg, enum err e, const struct queue_counts *c)
{
    (void)arg;
    counting = false;
    if (e != OK)
        return;
    last = *c;
    counted = true;
    over = added && c->total > 0 && c->finished == c->total;
}

static void on_added(void *arg, enum err e)
{
    (void)arg;
    added = e == OK;
}

static void add(void)
{
    char id[32], number[32];

    while (given < options.leads) {
        int n = snprintf(id, sizeof(id), "lead-%u", given);
        int m = snprintf(number, sizeof(number), "+1202555%04u", given % 10000);
        struct queue_lead lead = {.id = slice_of(id, (size_t)n)};

        lead.numbers[0].number = slice_of(number, (size_t)m);
        if (queue_add(queue, &lead) != OK)
            return;
        given++;
    }
    queue_add_finish(queue, on_added, NULL);
    options.leads = 0;
    given = 1;
}

static bool any_busy(void)
{
    for (uint32_t i = 0; i < options.most; i++)
        if (works[i].busy)
            return true;
    return false;
}

static void turn(uint64_t now, uint64_t *slow)
{
    loop_turn(&loop, 5000);
    if (options.leads)
        add();
    if (!queue_up(queue) || over)
        return;
    if (!started && !reclaiming)
        reclaiming = queue_reclaim(queue, true, on_reclaimed, NULL) == OK;
    if (started && !claiming && free_work())
        claiming = queue_claim(queue, options.most, on_claimed, NULL) == OK;
    if (now < *slow)
        return;
    *slow = now + options.lease_ms / 6;
    if (!renewing)
        renew(); /* first: what ran out while Redis was away is ours still */
    if (!reclaiming)
        reclaiming = queue_reclaim(queue, false, on_reclaimed, NULL) == OK;
    if (!counting)
        counting = queue_count(queue, on_count, NULL) == OK;
}

static bool read_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"redis", 1, NULL, 'r'},  {"campaign", 1, NULL, 'c'}, {"engine", 1, NULL, 'e'},
        {"log", 1, NULL, 'l'},    {"leads", 1, NULL, 'n'},    {"work", 1, NULL, 'w'},
        {"most", 1, NULL, 'm'},   {"lease", 1, NULL, 't'},    {"seconds", 1, NULL, 's'},
        {"settle", 1, NULL, 'q'}, {"print", 0, NULL, 'p'},    {0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        uint32_t n = optarg ? (uint32_t)strtoul(optarg, NULL, 10) : 0;

        switch (c) {
        case 'r':
            options.redis = optarg;
            break;
        case 'c':
            options.campaign = optarg;
            break;
        case 'e':
            options.engine = optarg;
            break;
        case 'l':
            options.log = optarg;
            break;
        case 'n':
            options.leads = n;
            break;
        case 'w':
            options.work_ms = n;
            break;
        case 'm':
            options.most = n < MOST_MAX ? n : MOST_MAX;
            break;
        case 't':
            options.lease_ms = n;
            break;
        case 's':
            options.seconds = n;
            break;
        case 'q':
            options.settle_ms = n;
            break;
        case 'p':
            options.print = true;
            break;
        default:
            return false;
        }
    }
    return options.redis && options.campaign && options.engine && options.log;
}

int main(int argc, char **argv)
{
    const struct queue_config config = {.loop = &loop};
    struct queue_config mine = config;
    uint64_t slow = 0;

    if (!read_options(argc, argv)) {
        fputs("usage: queue-work --redis URL --campaign NAME --engine NAME --log FILE ...\n",
              stderr);
        return 2;
    }
    out = open(options.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    mine.url = options.redis;
    mine.campaign = options.campaign;
    mine.engine = options.engine;
    mine.lease_ms = options.lease_ms;
    mine.settle_ms = options.settle_ms;
    if (out < 0 || loop_init(&loop, NULL) != OK || queue_open(&queue, &mine) != OK) {
        fputs("queue-work: cannot start\n", stderr);
        return 2;
    }
    added = options.leads == 0;
    uint64_t until = clock_ms(loop.clock) + options.seconds * UINT64_C(1000);
    while ((!over || any_busy() || !queue_idle(queue)) && clock_ms(loop.clock) < until)
        turn(clock_ms(loop.clock), &slow);
    if (options.print || !over)
        printf("{\"total\":%llu,\"finished\":%llu,\"leased\":%llu,\"attempts\":%llu,\"error\":\"%"
               "s\"}\n",
               (unsigned long long)last.total, (unsigned long long)last.finished,
               (unsigned long long)last.leased, (unsigned long long)last.attempts,
               queue_error(queue));
    queue_close(queue);
    loop_fini(&loop);
    return over ? 0 : 1;
}
