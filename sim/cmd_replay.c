/* peal-sim replay: the calls of an import again, with the start times of the capture or at a rate.
 * Given --to it plays the callers, given --listen the callees, given both the two sides of what
 * lies between. SSRCs, sequence numbers, timestamps, Call-IDs and tags are new ones. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/pool.h"
#include "sim/host.h"
#include "sim/law.h"
#include "sim/options.h"
#include "sim/replay.h"
#include "sim/sim.h"
#include "sip/uri.h"

#define PROGRAM    "peal-sim replay"
#define URI_MAX    256
#define NUMBER_MAX 64
#define DRAIN_MS   3000
#define BURST_MAX  64
#define TOLD_MAX   10 /* differences said one by one */
#define SETTLE_MS  50

struct replay;
struct leg {
    struct replay *replay;
    struct replay_call *call;
    enum replay_side side;
    uint64_t wall_ms;
    char number[NUMBER_MAX], caller[NUMBER_MAX];
};

struct side_scripts {
    struct flow_script *script[REPLAY_CALLS_MAX];
};

struct arguments {
    const char *dir, *to, *listen, *rate, *report, *ports;
    uint64_t seed, workers, late_limit, max_calls, seconds, speed, tolerance;
    bool quiet;
};

struct replay {
    struct host host;
    struct replay_list list;
    const struct arguments *a;
    struct side_scripts caller, callee;
    struct pool legs;
    struct timer next, drain, duration;
    struct hist start_late_us, off_us;
    uint64_t start_us;
    uint32_t started, finished, answered, ended, same, different, beyond, refused, not_started;
    bool stopping;
    FILE *table;
};

/* ---- how each call went ---- */

static void put_time(FILE *f, double s)
{
    if (s >= 0)
        fprintf(f, "%.3f", s);
    fputc(',', f);
}

static void tell(struct replay *s, const struct leg *leg, const struct replay_result *r,
                 const struct flow_report *report)
{
    const struct replay_call *k = leg->call;
    const char *side = leg->side == REPLAY_CALLER ? "caller" : "callee";
    bool late = s->a->tolerance && r->worst_ms > (double)s->a->tolerance;

    hist_add(&s->off_us, (uint64_t)(r->worst_ms * 1000));
    s->same += r->same;
    s->different += !r->same;
    s->beyond += late;
    if (s->table) {
        fprintf(s->table, "%s,%s,%u,%u,%s,", k->name, side, k->code, r->code,
                r->same ? "yes" : "no");
        put_time(s->table, k->ring_s);
        put_time(s->table, r->ring_s);
        put_time(s->table, k->answer_s);
        put_time(s->table, r->answer_s);
        put_time(s->table, k->end_s);
        put_time(s->table, r->end_s);
        fprintf(s->table, "%.0f\n", r->worst_ms);
    }
    if (s->a->quiet || (r->same && !late) || s->different + s->beyond > TOLD_MAX)
        return;
    if (!r->same)
        printf("  %s, %s: %u in the capture, now %u%s%s\n", k->name, side, k->code, r->code,
               report->error[0] ? "; " : "", report->error);
    else
        printf("  %s, %s: the %s is %.0f ms off\n", k->name, side, r->worst_of, r->worst_ms);
}

static void finish_if_done(struct replay *s)
{
    bool callers = !s->a->to || s->finished + s->not_started == s->list.count ||
                   (s->stopping && s->finished == s->started);
    bool callees = !s->a->listen || s->ended == s->answered;

    if (callers && callees && (s->a->to || s->stopping))
        loop_stop(&s->host.loop);
}

static void on_flow_end(void *arg, struct call *c, const struct flow_report *report)
{
    struct leg *leg = arg;
    struct replay *s = leg->replay;
    struct truth_call who = {leg->number, leg->caller, 1, leg->wall_ms};
    struct replay_result r;

    replay_compare(leg->call, leg->side, c, report, &r);
    if (leg->side == REPLAY_CALLER)
        s->finished++;
    else
        s->ended++;
    if (!s->stopping)
        tell(s, leg, &r, report);
    truth_write(&s->host.truth, &who, call_record_of(c), report);
    call_release(c);
    pool_put(&s->legs, leg);
    finish_if_done(s);
}

static struct leg *leg_for(struct replay *s, struct replay_call *k, enum replay_side side)
{
    struct leg *leg = pool_get(&s->legs);

    if (!leg)
        return NULL;
    leg->replay = s;
    leg->call = k;
    leg->side = side;
    leg->wall_ms = clock_wall_ms(s->host.loop.clock);
    return leg;
}

static enum err start_flow(struct replay *s, struct leg *leg, struct call *c)
{
    uint32_t at = (uint32_t)(leg->call - s->list.call);
    struct flow_start start = {
        .script = leg->side == REPLAY_CALLER ? s->caller.script[at] : s->callee.script[at],
        .call = c,
        .leg = at + 1,
        .attempt = 1,
        .row = rows_at(s->list.rows, at),
        .row_count = rows_columns(s->list.rows),
        .on_end = on_flow_end,
        .arg = leg,
    };

    return flow_start(s->host.rt, &start, NULL);
}

/* ---- callees ---- */

static void on_refused(void *arg, struct call *c, const struct call_event *e)
{
    (void)arg;
    if (e->kind == CALL_EV_ENDED)
        call_release(c);
}

static void on_incoming(void *arg, struct call *c)
{
    struct replay *s = arg;
    struct slice number = call_called_number(c);
    struct replay_call *k =
        s->stopping || !s->a->listen ? NULL : replay_list_answer(&s->list, number);
    struct leg *leg = k ? leg_for(s, k, REPLAY_CALLEE) : NULL;

    if (leg) {
        slice_copy(number, leg->number, sizeof leg->number);
        slice_copy(call_caller_number(c), leg->caller, sizeof leg->caller);
        s->answered++;
        if (start_flow(s, leg, c) == OK)
            return;
        s->answered--;
        pool_put(&s->legs, leg);
    }
    s->refused++;
    call_set_handler(c, on_refused, s);
    call_reject(c, k ? 503 : 404, NULL, 0);
}

/* ---- callers ---- */

static void on_early(void *arg, struct call *c, const struct call_event *e)
{
    (void)arg;
    (void)c;
    (void)e;
}

static enum err dial(struct replay *s, struct leg *leg)
{
    const struct replay_call *k = leg->call;
    char uri[URI_MAX], number[NUMBER_MAX * 3];
    struct buf b = buf_on(number, sizeof number - 1);
    struct call *c = NULL;

    sip_user_write_escaped(&b, slice_cstr(k->number));
    number[b.len] = '\0';
    if (buf_end(&b) != OK || (size_t)snprintf(uri, sizeof uri, "sip:%s%s%s", number,
                                              number[0] ? "@" : "", s->a->to) >= sizeof uri)
        return ERR_TOO_LONG;
    snprintf(leg->number, sizeof leg->number, "%s", k->number);
    snprintf(leg->caller, sizeof leg->caller, "%s", k->caller);
    struct call_dial dial = {
        .to_uri = uri,
        .from_user = k->caller[0] ? k->caller : NULL,
        .tcp = k->tcp,
        .late_offer = k->late_offer,
        .payload = k->payload.name ? &k->payload : NULL,
    };
    enum err e = call_dial(s->host.env, &dial, on_early, leg, &c);

    if (e == OK) {
        e = start_flow(s, leg, c);
        if (e != OK)
            call_release(c);
    }
    return e;
}

static void start_one(struct replay *s, struct replay_call *k, uint64_t now_us)
{
    struct leg *leg = leg_for(s, k, REPLAY_CALLER);
    enum err e = leg ? dial(s, leg) : ERR_FULL;

    hist_add(&s->start_late_us, now_us - (s->start_us + k->planned_us));
    if (e == OK) {
        s->started++;
        return;
    }
    if (leg)
        pool_put(&s->legs, leg);
    s->not_started++;
    log_warn("sim", "a call could not be started", "call=%s error=%s", k->name, err_name(e));
}

static void on_next(struct timer *t)
{
    struct replay *s = container_of(t, struct replay, next);

    for (int i = 0; i < BURST_MAX && !s->stopping; i++) {
        uint32_t at = s->started + s->not_started;
        uint64_t now_us = clock_us(s->host.loop.clock);

        if (at == s->list.count) {
            finish_if_done(s);
            return;
        }
        uint64_t due_us = s->start_us + s->list.call[at].planned_us;

        if (due_us > now_us) {
            loop_timer(&s->host.loop, t, (due_us - now_us + 500) / 1000, on_next);
            return;
        }
        start_one(s, &s->list.call[at], now_us);
    }
    loop_timer(&s->host.loop, t, 0, on_next);
}

static int by_start(const void *a, const void *b)
{
    const struct replay_call *x = a, *y = b;

    if (x->start_s != y->start_s)
        return x->start_s < y->start_s ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int plan(struct replay *s)
{
    const struct law_spec spec = {.rate = s->a->rate, .calls = s->list.count, .seed = s->a->seed};
    char error[LAW_ERROR_MAX];
    struct law law;

    for (uint32_t i = 1; i < s->list.count; i++)
        if (by_start(&s->list.call[i - 1], &s->list.call[i]) > 0) {
            fprintf(stderr,
                    PROGRAM ": %s/calls.csv: row %u starts before the row above it: order the rows "
                            "by start_s\n",
                    s->a->dir, i + 1);
            return SIM_CONFIG;
        }
    if (s->a->rate && law_parse(&law, &spec, error) != OK) {
        fprintf(stderr, PROGRAM ": %s\n", error);
        return SIM_CONFIG;
    }
    for (uint32_t i = 0; i < s->list.count; i++) {
        struct replay_call *k = &s->list.call[i];

        k->planned_us = s->a->rate ? law_next(&law)
                                   : (uint64_t)(k->start_s * 1e6 * 100 / (double)s->a->speed + 0.5);
    }
    return SIM_PASS;
}

/* ---- the end ---- */

static void on_drain(struct timer *t)
{
    loop_stop(&container_of(t, struct replay, drain)->host.loop);
}

static void end(struct replay *s)
{
    if (s->stopping)
        return;
    s->stopping = true;
    flow_stop_all(s->host.rt);
    loop_timer(&s->host.loop, &s->drain, DRAIN_MS, on_drain);
    finish_if_done(s);
}

static void on_signal(void *arg, uint32_t count)
{
    struct replay *s = arg;

    end(s);
    if (count > 1)
        loop_stop(&s->host.loop);
}

static void on_duration(struct timer *t)
{
    end(container_of(t, struct replay, duration));
}

static void add_replay(void *arg, struct json *j)
{
    const struct replay *s = arg;

    json_u64(j, "calls", s->list.count);
    json_u64(j, "callers", s->finished);
    json_u64(j, "callees", s->ended);
    json_u64(j, "as_captured", s->same);
    json_u64(j, "different", s->different);
    json_u64(j, "beyond_tolerance", s->beyond);
    json_u64(j, "refused", s->refused);
    json_u64(j, "not_started", s->not_started);
    json_begin_object(j, "time_off_ms");
    json_num(j, "p50", (double)hist_quantile(&s->off_us, 0.5) / 1000);
    json_num(j, "p99", (double)hist_quantile(&s->off_us, 0.99) / 1000);
    json_num(j, "max", (double)s->off_us.max / 1000);
    json_end(j);
    json_begin_object(j, "start_late_ms");
    json_num(j, "p99", (double)hist_quantile(&s->start_late_us, 0.99) / 1000);
    json_num(j, "max", (double)s->start_late_us.max / 1000);
    json_end(j);
}

static int judge(struct replay *s, int rc)
{
    if (!s->a->quiet)
        printf(
            "peal-sim replay: %u calls made and %u answered of %u captured; %u as captured, %u "
            "not, %u refused, %u not started; times off by p50 %.0f, p99 %.0f, at most %.0f ms\n",
            s->finished, s->ended, s->list.count, s->same, s->different, s->refused, s->not_started,
            (double)hist_quantile(&s->off_us, 0.5) / 1000,
            (double)hist_quantile(&s->off_us, 0.99) / 1000, (double)s->off_us.max / 1000);
    if (rc == SIM_PASS && (s->different || s->not_started || s->beyond)) {
        if (s->beyond)
            fprintf(stderr, PROGRAM ": %u sides are off by more than --tolerance %llu ms\n",
                    s->beyond, (unsigned long long)s->a->tolerance);
        rc = SIM_FAILED;
    }
    return rc;
}

/* ---- start ---- */

static int load_scripts(struct replay *s, const char *folder, struct side_scripts *into)
{
    char path[512];

    for (uint32_t i = 0; i < s->list.count; i++) {
        if ((size_t)snprintf(path, sizeof path, "%s/%s/%s.lua", s->a->dir, folder,
                             s->list.call[i].name) >= sizeof path ||
            !host_script(&s->host, path, &into->script[i]))
            return SIM_CONFIG;
    }
    return SIM_PASS;
}

/* So that no call waits for a disk. */
static int load_media(struct replay *s)
{
    char path[512], message[256];
    struct dirent *d;

    snprintf(path, sizeof path, "%s/media", s->a->dir);
    DIR *folder = opendir(path);

    while (folder && (d = readdir(folder))) {
        size_t len = strlen(d->d_name);

        if (len < 9 || strcmp(d->d_name + len - 8, ".rtpdump") != 0)
            continue;
        snprintf(path, sizeof path, "media/%.200s", d->d_name);
        if (flow_packets_load(s->host.rt, path, message) != OK) {
            fprintf(stderr, PROGRAM ": %s/%s: %s\n", s->a->dir, path, message);
            closedir(folder);
            return SIM_CONFIG;
        }
    }
    if (folder)
        closedir(folder);
    return SIM_PASS;
}

static int open_table(struct replay *s, char *path)
{
    snprintf(path, 400, "%.380s/replay.csv", s->a->report);
    s->table = fopen(path, "we");
    if (!s->table) {
        fprintf(stderr, PROGRAM ": %s: %s\n", path, strerror(errno));
        return SIM_CONFIG;
    }
    fputs("call,side,captured_code,code,same,captured_ring_s,ring_s,captured_answer_s,answer_s,"
          "captured_end_s,end_s,worst_ms\n",
          s->table);
    return SIM_PASS;
}

static int open_replay(struct replay *s, const char *truth)
{
    const struct arguments *a = s->a;
    char error[REPLAY_ERROR_MAX];
    struct host_config config = {
        .program = PROGRAM,
        .listen = a->listen ? a->listen : "127.0.0.1:0",
        .media_ports = a->ports,
        .workers = a->workers,
        .max_calls = a->max_calls,
        .seed = a->seed,
        .late_limit_ms = a->late_limit,
        .audio = a->dir,
        .truth = truth,
        .incoming = on_incoming,
        .on_signal = on_signal,
        .arg = s,
    };

    if (replay_list_load(&s->list, a->dir, error) != OK) {
        fprintf(stderr, PROGRAM ": %s\n", error);
        return SIM_CONFIG;
    }
    int rc = plan(s);

    if (rc == SIM_PASS)
        rc = host_open(&s->host, &config);
    if (rc == SIM_PASS && a->to)
        rc = load_scripts(s, "callers", &s->caller);
    if (rc == SIM_PASS && a->listen)
        rc = load_scripts(s, "callees", &s->callee);
    if (rc == SIM_PASS)
        rc = load_media(s);
    if (rc == SIM_PASS && pool_init(&s->legs, sizeof(struct leg), (uint32_t)a->max_calls) != OK)
        rc = SIM_CONFIG;
    return rc;
}

static int run(struct replay *s, const char *summary)
{
    if (s->a->listen) {
        printf("peal-sim replay: listening on %s, %u captured calls\n", s->host.listen,
               s->list.count);
        fflush(stdout);
    }
    s->start_us = clock_us(s->host.loop.clock) + SETTLE_MS * 1000;
    if (s->a->to)
        loop_timer(&s->host.loop, &s->next, SETTLE_MS, on_next);
    if (s->a->seconds)
        loop_timer(&s->host.loop, &s->duration, s->a->seconds * 1000, on_duration);
    loop_run(&s->host.loop);
    s->host.loop.stopping = false;
    struct lateness_result late;
    int rc = host_finish(&s->host, summary, add_replay, s, &late);

    return judge(s, rc);
}

static int with_arguments(const struct arguments *a)
{
    char truth[400] = "", summary[400] = "", table[400];
    struct replay *s = calloc(1, sizeof *s);
    int rc = s ? SIM_PASS : SIM_CONFIG;

    if (!s)
        return rc;
    s->a = a;
    timer_init(&s->next);
    timer_init(&s->drain);
    timer_init(&s->duration);
    if (a->quiet)
        log_set_level(LOG_WARN);
    if (a->report) {
        if (mkdir(a->report, 0777) != 0 && errno != EEXIST) {
            fprintf(stderr, PROGRAM ": --report %s: %s\n", a->report, strerror(errno));
            rc = SIM_CONFIG;
        } else {
            snprintf(truth, sizeof truth, "%.380s/truth.jsonl", a->report);
            snprintf(summary, sizeof summary, "%.380s/summary.json", a->report);
            rc = open_table(s, table);
        }
    }
    if (rc == SIM_PASS)
        rc = open_replay(s, truth[0] ? truth : NULL);
    if (rc == SIM_PASS)
        rc = run(s, summary[0] ? summary : NULL);
    host_close(&s->host);
    if (s->table && fclose(s->table) != 0 && rc == SIM_PASS)
        rc = SIM_FAILED;
    if (s->legs.mem)
        pool_fini(&s->legs);
    replay_list_free(&s->list);
    free(s);
    return rc;
}

/* "HOST:PORT", or a SIP URI of one. */
static bool target_is_good(struct arguments *a)
{
    struct addr addr;

    if (strncmp(a->to, "sip:", 4) == 0)
        a->to += 4;
    return !strchr(a->to, '@') && addr_parse(slice_cstr(a->to), 5060, &addr) == OK;
}

int sim_replay(int argc, char **argv)
{
    struct arguments a = {
        .seed = 1, .late_limit = 20, .max_calls = 4096, .speed = 100, .ports = "30000-39999"};
    const struct option_row rows[] = {
        {"to",
         "HOST:PORT",
         "plays the callers: calls each captured number there",
         OPTION_TEXT,
         {.text = &a.to},
         0,
         false},
        {"listen",
         "ADDR:PORT",
         "plays the callees: answers there, each number as captured",
         OPTION_TEXT,
         {.text = &a.listen},
         0,
         false},
        {"rate",
         "R/s",
         "starts calls at a rate instead of their captured times: 20/s, 90/m",
         OPTION_TEXT,
         {.text = &a.rate},
         0,
         false},
        {"speed",
         "PERCENT",
         "of the captured times between starts: 200 is twice as fast (100)",
         OPTION_NUMBER,
         {.number = &a.speed},
         100000,
         false},
        {"tolerance",
         "MS",
         "fails when a response, answer or end is further off than this",
         OPTION_NUMBER,
         {.number = &a.tolerance},
         3600000,
         false},
        {"report",
         "DIR",
         "replay.csv (a row a call and side), truth.jsonl, summary.json",
         OPTION_TEXT,
         {.text = &a.report},
         0,
         false},
        {"for",
         "SECONDS",
         "end by itself after so long",
         OPTION_NUMBER,
         {.number = &a.seconds},
         604800,
         false},
        {"media-ports",
         "A-B",
         "RTP ports (30000-39999)",
         OPTION_TEXT,
         {.text = &a.ports},
         0,
         false},
        {"workers",
         "N",
         "audio threads (cores - 1)",
         OPTION_NUMBER,
         {.number = &a.workers},
         64,
         false},
        {"max-calls",
         "N",
         "legs at once (4096)",
         OPTION_NUMBER,
         {.number = &a.max_calls},
         100000,
         false},
        {"late-limit",
         "MS",
         "own lateness (p99) above which the run is invalid (20)",
         OPTION_NUMBER,
         {.number = &a.late_limit},
         60000,
         false},
        {"seed",
         "N",
         "of what edited scripts draw (1)",
         OPTION_NUMBER,
         {.number = &a.seed},
         INT64_MAX,
         false},
        {"quiet", NULL, "say nothing but errors", OPTION_FLAG, {.flag = &a.quiet}, 0, false},
    };
    const struct options options = {
        PROGRAM,
        "the calls of an import again, callers, callees or both",
        "DIR",
        "  peal-sim replay out/calls --to 127.0.0.1:5060                 # callers, captured "
        "times\n"
        "  peal-sim replay out/calls --to 127.0.0.1:5060 --rate 20/s --tolerance 20\n"
        "  peal-sim replay out/calls --listen 127.0.0.1:5070             # callees, for an engine\n"
        "  peal-sim replay out/calls --to 127.0.0.1:5060 --listen 127.0.0.1:5070   # both sides\n",
        rows,
        sizeof rows / sizeof *rows,
    };
    int rest;
    int code = options_parse(&options, argc, argv, &rest);

    if (code != OPTIONS_GO_ON)
        return code;
    if (rest != 1 || (!a.to && !a.listen) || (a.to && !target_is_good(&a)) || a.speed == 0 ||
        a.max_calls == 0) {
        fprintf(stderr,
                PROGRAM ": give the folder of one import, and --to HOST:PORT (callers), --listen "
                        "ADDR:PORT (callees) or both; hosts are numeric addresses\n");
        return SIM_CONFIG;
    }
    a.dir = argv[1];
    return with_arguments(&a);
}
