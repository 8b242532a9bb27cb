/* The order of one simulation: the folder, the world (leads, people, staff, wire), the dialer on a
 * redis-server that keeps nothing, then the books: SQLite, the report, the promises. */
#include "simulate/simulate.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dialer/dialer.h"
#include "queue/server.h"
#include "report/records.h"
#include "report/report.h"
#include "simulate/roll.h"

#define CLOCK_START_US UINT64_C(3600000000) /* nothing ever happened at 0 */
#define LOOK_EVERY_MS  10000                /* of virtual time */
#define TELL_EVERY_US  250000               /* of real time */
#define ENGINE         "simulation"

struct simulation {
    const struct simulate_config *config;
    struct simulate_result *result;
    char *error;
    char dir[CAMPAIGN_PATH_MAX];
    struct clock clock, real;
    struct loop loop;
    bool loop_open;
    struct people *people;
    struct roll *roll;
    struct staff staff;
    struct wire *wire;
    struct redis_server *server;
    struct dialer *dialer;
    struct timer look;
    uint64_t began_us, told_us, end_wall_ms;
    bool days_over;
};

static _Atomic uint32_t stop_asked;
static struct dialer *_Atomic running;

void simulate_stop(void)
{
    struct dialer *d = atomic_load(&running);

    atomic_fetch_add(&stop_asked, 1);
    if (d)
        dialer_stop(d);
}

/* ---- dates ---- */

static bool digits(const char *text, uint32_t n, uint32_t *out)
{
    *out = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *out = *out * 10 + (uint32_t)(text[i] - '0');
    }
    return true;
}

enum err simulate_start_of(const char *date, const struct zone *zone, uint64_t *wall_ms)
{
    uint32_t year, month, day;
    struct zone_local back;

    if (strlen(date) != 10 || !digits(date, 4, &year) || date[4] != '-' ||
        !digits(date + 5, 2, &month) || date[7] != '-' || !digits(date + 8, 2, &day) ||
        year < 1971 || year > 2500 || month < 1 || month > 12 || day < 1)
        return ERR_INVALID;
    *wall_ms = zone_from_local(zone, (int32_t)year, (int32_t)month, (int32_t)day, 0);
    zone_to_local(zone, *wall_ms, &back);
    return back.month == month && back.day == day ? OK : ERR_INVALID; /* 31 April is none */
}

/* ---- the folder ---- */

static enum err fail(struct simulation *s, enum err e, const char *what, const char *why)
{
    if (!s->error[0])
        snprintf(s->error, SIMULATE_ERROR_MAX, "%.600s: %.300s", what, why);
    return e;
}

static void path_in(const struct simulation *s, const char *name, char *path, size_t cap)
{
    snprintf(path, cap, "%s/%s", s->dir, name);
}

static bool is_there(const struct simulation *s, const char *name)
{
    char path[CAMPAIGN_PATH_MAX + 32];

    path_in(s, name, path, sizeof(path));
    return access(path, F_OK) == 0;
}

static enum err write_mark(struct simulation *s)
{
    char path[CAMPAIGN_PATH_MAX + 32];

    path_in(s, SIMULATE_MARK, path, sizeof(path));
    FILE *f = fopen(path, "we");

    if (!f || fprintf(f, "{\"campaign\":\"%s\",\"seed\":%llu,\"days\":%u,\"start_ms\":%llu}\n",
                      s->config->campaign->name, (unsigned long long)s->config->seed,
                      s->config->days, (unsigned long long)s->result->from_wall_ms) < 0) {
        if (f)
            fclose(f);
        return fail(s, ERR_IO, path, strerror(errno));
    }
    return fclose(f) == 0 ? OK : fail(s, ERR_IO, path, strerror(errno));
}

/* A real run's data are never touched; an earlier simulation's are made anew. */
static enum err open_folder(struct simulation *s)
{
    static const char *const made[] = {"calls.jsonl",      "calls.sqlite", "calls.sqlite-wal",
                                       "calls.sqlite-shm", "run.json",     "rejected.csv",
                                       "pacing",           "redis.log"};
    char path[CAMPAIGN_PATH_MAX + 64];

    if (slice_copy(slice_cstr(s->config->out_dir), s->dir, sizeof(s->dir) - 32) != OK)
        return fail(s, ERR_INVALID, s->config->out_dir, "the path is too long");
    if (mkdir(s->dir, 0755) != 0 && errno != EEXIST)
        return fail(s, ERR_INVALID, s->dir, strerror(errno));
    if (!is_there(s, SIMULATE_MARK) &&
        (is_there(s, "calls.jsonl") || is_there(s, "calls.sqlite") || is_there(s, "engine-id")))
        return fail(s, ERR_INVALID, s->dir,
                    "this folder holds the data of a real run; name another with --out");
    for (uint32_t i = 0; i < s->config->campaign->groups.count; i++) {
        char name[AGENT_GROUP_NAME_MAX + 8];

        snprintf(name, sizeof(name), "pacing-%s", s->config->campaign->groups.name[i]);
        path_in(s, name, path, sizeof(path));
        if (unlink(path) != 0 && errno != ENOENT)
            return fail(s, ERR_IO, path, strerror(errno));
    }
    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
        path_in(s, made[i], path, sizeof(path));
        if (unlink(path) != 0 && errno != ENOENT)
            return fail(s, ERR_IO, path, strerror(errno));
    }
    return write_mark(s);
}

/* ---- the run ---- */

static double real_s(const struct simulation *s)
{
    return (double)(clock_us(&s->real) - s->began_us) / 1e6;
}

static void tell(struct simulation *s)
{
    const struct simulate_config *c = s->config;
    const struct queue_counts *counts = dialer_counts(s->dialer);
    uint64_t now_us = clock_us(&s->real);
    struct simulate_progress p = {
        .wall_ms = clock_wall_ms(&s->clock),
        .dialled = wire_stats(s->wire)->dialled,
        .finished = counts->finished,
        .leads = counts->total,
    };

    if (!c->progress || now_us - s->told_us < TELL_EVERY_US)
        return;
    s->told_us = now_us;
    wire_agents(s->wire, &p.talking, &p.agents);
    p.speed = (double)(p.wall_ms - s->result->from_wall_ms) / 1000 / real_s(s);
    c->progress(c->arg, &p);
}

static void on_look(struct timer *t)
{
    struct simulation *s = container_of(t, struct simulation, look);
    uint64_t now = clock_wall_ms(&s->clock);

    tell(s);
    if (now >= s->end_wall_ms && !s->days_over) {
        s->days_over = true;
        dialer_stop(s->dialer);
    }
    uint64_t left = s->end_wall_ms > now ? s->end_wall_ms - now : LOOK_EVERY_MS;

    loop_timer(&s->loop, &s->look, left < LOOK_EVERY_MS ? left : LOOK_EVERY_MS, on_look);
}

static enum err open_world(struct simulation *s)
{
    const struct simulate_config *c = s->config;
    const struct loop_config loop = {.clock = &s->clock};
    struct wire_config wire = {.loop = &s->loop, .campaign = c->campaign, .seed = c->seed};
    char why[ROLL_ERROR_MAX] = "";
    enum err e = loop_init(&s->loop, &loop);

    s->loop_open = e == OK;
    if (e != OK)
        return fail(s, e, "io_uring is not available",
                    "Linux 6.0 or later is needed, with kernel.io_uring_disabled = 0");
    e = people_open(&s->people, c->population, c->campaign->zone, c->seed);
    if (e == OK)
        e = roll_open(&s->roll, c->campaign, c->leads_path, s->people, s->result->from_wall_ms,
                      why);
    if (why[0])
        return fail(s, ERR_INVALID, "the leads cannot be read", why);
    if (e == OK)
        e = staff_init(&s->staff, c->population, c->campaign->zone, c->campaign->agent_count,
                       c->seed);
    wire.people = s->people;
    wire.staff = &s->staff;
    if (e == OK)
        e = wire_open(&s->wire, &wire);
    return e == OK ? OK : fail(s, e, "the simulation cannot begin", err_name(e));
}

static enum err dial(struct simulation *s)
{
    const struct simulate_config *c = s->config;
    char why[DIALER_ERROR_MAX] = "", server_why[REDIS_SERVER_ERROR_MAX] = "";
    const struct dialer_model model = {
        .line = wire_line(s->wire),
        .engine = ENGINE,
        .wrap_up_ms = wire_wrap_up_ms,
        .arg = s->wire,
    };
    struct dialer_config dialer = {
        .loop = &s->loop,
        .campaign = c->campaign,
        .data_dir = s->dir,
        .leads_path = c->leads_path,
        .quiet = true,
        .model = &model,
    };
    enum err e = redis_server_open_volatile(&s->server, s->dir, server_why);

    if (e != OK)
        return fail(s, e, "no redis-server", server_why);
    dialer.redis_url = redis_server_url(s->server);
    e = dialer_open(&s->dialer, &dialer, why);
    if (e == OK) {
        atomic_store(&running, s->dialer);
        timer_init(&s->look);
        loop_timer(&s->loop, &s->look, LOOK_EVERY_MS, on_look);
        if (atomic_load(&stop_asked))
            dialer_stop(s->dialer);
        e = dialer_run(s->dialer, why);
        atomic_store(&running, NULL);
        loop_timer_stop(&s->loop, &s->look);
        s->result->counts = *dialer_counts(s->dialer);
        s->result->wire = *wire_stats(s->wire);
    }
    dialer_close(s->dialer);
    s->dialer = NULL;
    return e == OK ? OK : fail(s, e, "the dialer stopped", why[0] ? why : err_name(e));
}

/* ---- what is left of it ---- */

/* The rows of SQLite, from the journal, all at once. */
static enum err fill_sqlite(struct simulation *s)
{
    char jsonl[CAMPAIGN_PATH_MAX + 32], sqlite[CAMPAIGN_PATH_MAX + 32], why[RECORDS_ERROR_MAX] = "";
    const struct records_config config = {.jsonl_path = jsonl,
                                          .sqlite_path = sqlite,
                                          .campaign = s->config->campaign->name,
                                          .zone = zone_name(s->config->campaign->zone),
                                          .unsynced = true};
    struct records *r = NULL;

    path_in(s, "calls.jsonl", jsonl, sizeof(jsonl));
    path_in(s, "calls.sqlite", sqlite, sizeof(sqlite));
    enum err e = records_open(&r, &config, why);
    if (e == OK)
        e = records_close(r, NULL);
    return e == OK ? OK : fail(s, e, "calls.sqlite", why[0] ? why : err_name(e));
}

static enum err report(struct simulation *s)
{
    char calls[CAMPAIGN_PATH_MAX + 32], run[CAMPAIGN_PATH_MAX + 32], out[CAMPAIGN_PATH_MAX + 32],
        why[SUMMARY_ERROR_MAX] = "";
    const struct report_inputs in = {.from = {.calls = calls, .run = run}, .out_dir = out};

    path_in(s, "calls.jsonl", calls, sizeof(calls));
    path_in(s, "run.json", run, sizeof(run));
    path_in(s, "report", out, sizeof(out));
    s->result->summary = malloc(sizeof(*s->result->summary));
    if (!s->result->summary)
        return fail(s, ERR_NOMEM, "the report", "no memory");
    enum err e = report_build(&in, s->result->summary, why);
    if (e != OK)
        return fail(s, e, "the report", why);
    e = promises_check(&s->result->promises, s->config->campaign, s->roll, calls,
                       s->result->counts.total, why);
    return e == OK ? OK : fail(s, e, "the promises", why);
}

static void close_all(struct simulation *s)
{
    redis_server_close(s->server);
    wire_close(s->wire);
    staff_fini(&s->staff);
    people_close(s->people); /* stands on the roll's zones */
    roll_close(s->roll);
    if (s->loop_open)
        loop_fini(&s->loop);
}

static double cpu_s(int who)
{
    struct rusage r;

    if (getrusage(who, &r) != 0)
        return 0;
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

enum err simulate_run(const struct simulate_config *config, struct simulate_result *out,
                      char *error)
{
    struct simulation *s = calloc(1, sizeof(*s));
    const char *start = config->start ? config->start : SIMULATE_DEFAULT_START;
    enum err e;

    *out = (struct simulate_result){0};
    error[0] = '\0';
    if (!s) {
        snprintf(error, SIMULATE_ERROR_MAX, "no memory");
        return ERR_NOMEM;
    }
    *s = (struct simulation){.config = config, .result = out, .error = error};
    clock_init_real(&s->real);
    s->began_us = clock_us(&s->real);
    e = simulate_start_of(start, config->campaign->zone, &out->from_wall_ms);
    if (e != OK)
        fail(s, e, start, "this is no date; accepted: YYYY-MM-DD, as in 2026-03-02");
    s->end_wall_ms = out->from_wall_ms + (uint64_t)config->days * 86400000;
    clock_init_virtual(&s->clock, CLOCK_START_US, out->from_wall_ms - CLOCK_START_US / 1000);
    if (e == OK)
        e = open_folder(s);
    if (e == OK)
        e = open_world(s);
    if (e == OK)
        e = dial(s);
    out->run_s = real_s(s);
    out->to_wall_ms = clock_wall_ms(&s->clock);
    out->virtual_s = (double)(out->to_wall_ms - out->from_wall_ms) / 1000;
    if (e == OK)
        e = fill_sqlite(s);
    if (e == OK)
        e = report(s);
    out->interrupted = atomic_load(&stop_asked) > 0;
    out->finished = !s->days_over && !out->interrupted;
    out->leads = s->roll ? s->roll->count : 0;
    close_all(s);
    out->total_s = real_s(s);
    out->cpu_s = cpu_s(RUSAGE_SELF) + cpu_s(RUSAGE_CHILDREN); /* the server has been waited for */
    free(s);
    return e;
}

void simulate_result_free(struct simulate_result *r)
{
    free(r->summary);
    r->summary = NULL;
}
