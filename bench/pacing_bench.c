/* peal-bench pacing: every policy on every workload, in virtual time with the production code.
 *
 * Rows: WORKLOAD/utilisation/POLICY (%), WORKLOAD/abandonment/POLICY (% of live answers),
 * WORKLOAD/day_max/POLICY (% on the worst day), WORKLOAD/month_max/POLICY (% over the 30 days, or
 * the first days, that end on the worst day of a seed; from 1,000 answers on), and beside them
 * interval (half of the 95 % interval of the utilisation over seeds), idle (s of an agent for each
 * call taken), dials (for each contact), decision (µs), air_sd (spread of calls in the air from
 * second to second). For `peal` the peer of the utilisation is `bound`: the same rule with all
 * distributions and each agent's finish time known. `ratio` and `dp` are tuned to 3 % first, on
 * other seeds. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/pacing_policies.h"
#include "bench/pacing_report.h"

#define SEEDS_MAX          8
#define TUNE_SEED          100000
#define TUNE_ROUNDS        11
#define TARGET             3.0
#define MONTH              30
#define MONTH_LEAST        1000 /* answers */
#define AGENT_DAYS         200  /* agents × days of a seed, about; */
#define QUICK_CURVE_AGENTS 5    /* curves of a quick run: only of rooms up to this size */
#define DAYS_MOST          10   /* and at most so many days */

static const char *const quick_loads[] = {"base-5-0.20", "base-20-0.20", "base-100-0.20", "w5",
                                          "w6",          "w11",          "memoryless"};
static const char *const all_loads[] = {"base-5-0.20",
                                        "base-10-0.20",
                                        "base-20-0.20",
                                        "base-50-0.20",
                                        "base-100-0.20",
                                        "base-300-0.20",
                                        "base-5-0.06",
                                        "base-20-0.06",
                                        "base-100-0.06",
                                        "base-5-0.50",
                                        "base-20-0.50",
                                        "base-100-0.50",
                                        "w1",
                                        "w2",
                                        "w3",
                                        "w4",
                                        "w5",
                                        "w6",
                                        "w7",
                                        "w8",
                                        "w9",
                                        "w10",
                                        "w11",
                                        "w12",
                                        "w13",
                                        "mix-5",
                                        "mix-20",
                                        "memoryless"};
static const char *const quick_policies[] = {"bound",        "peal", "progressive", "ratio",
                                             "vici-tapered", "idle", "dp"};

struct plan {
    bool quick;
    const char *policy, *html;
    uint32_t agents, days, seeds;
    uint64_t seed;
};

static struct pacing_page page;

/* Student's t, 97.5 %, by degrees of freedom. */
static double student(uint32_t freedom)
{
    static const double t[] = {0, 12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31};

    return freedom < 9 ? t[freedom] : 2.0;
}

static uint32_t days_of(const struct plan *p, const struct sim_load *l)
{
    uint32_t days = AGENT_DAYS / l->agents;

    if (p->days)
        return p->days;
    if (days > DAYS_MOST)
        days = DAYS_MOST;
    if (p->quick)
        days /= 3;
    return days ? days : 1;
}

/* The share abandoned of the days from `d` back, 30 at most; 0 of too few answers. */
static double month_until(const struct sim_day *days, uint32_t d)
{
    double live = 0, abandoned = 0;

    for (uint32_t i = d + 1 > MONTH ? d + 1 - MONTH : 0; i <= d; i++) {
        live += (double)days[i].live;
        abandoned += (double)days[i].abandoned;
    }
    return live < MONTH_LEAST ? 0 : 100 * abandoned / live;
}

/* False: memory, or a policy that does not fit this workload. */
static bool run_cell(const struct sim_load *l, const struct pacing_entry *e, double parameter,
                     uint64_t seed, uint32_t seeds, uint32_t days, struct pacing_cell *c)
{
    static struct sim_day all[SIM_DAYS_MAX];
    double mean[SEEDS_MAX], sum = 0, spread = 0, idle = 0, dials = 0, live = 0, abandoned = 0;
    double connected = 0, contacts = 0, air = 0;

    *c = (struct pacing_cell){.policy = e->policy.name};
    memcpy(c->load, l->name, sizeof(c->load));
    for (uint32_t s = 0; s < seeds; s++) {
        struct sim *sim;
        double busy = 0, logged = 0, most;

        if (sim_open(&sim, l, &e->policy, parameter, seed + s) != OK)
            return false;
        for (uint32_t d = 0; d < days; d++) {
            struct sim_day day;

            sim_day(sim, &day);
            all[d] = day;
            c->month_most = fmax(c->month_most, month_until(all, d));
            busy += day.busy_s;
            logged += day.logged_s;
            idle += day.idle_s;
            dials += (double)day.dials;
            live += (double)day.live;
            abandoned += (double)day.abandoned;
            connected += (double)day.connected;
            contacts += (double)day.contacts;
            air += day.air_variance;
            c->day_most =
                fmax(c->day_most, 100 * (double)day.abandoned / fmax((double)day.live, 1));
        }
        mean[s] = 100 * busy / fmax(logged, 1e-9);
        sum += mean[s];
        c->decision_us += sim_decision_us(sim, &most) / seeds;
        c->decision_most_us = fmax(c->decision_most_us, most);
        sim_close(sim);
    }
    c->utilisation = sum / seeds;
    for (uint32_t s = 0; s < seeds; s++)
        spread += (mean[s] - c->utilisation) * (mean[s] - c->utilisation);
    c->interval = seeds > 1 ? student(seeds - 1) * sqrt(spread / (seeds - 1) / seeds) : 0;
    c->abandoned = 100 * abandoned / fmax(live, 1);
    c->air_sd = sqrt(air / (seeds * days));
    c->idle_s = idle / fmax(connected, 1);
    c->dials = dials / fmax(contacts, 1);
    return true;
}

/* The parameter at which a tuned policy abandons 3 %, on seeds of its own. */
static double tune(const struct sim_load *l, const struct pacing_entry *e, uint32_t days)
{
    double low = e->low, high = e->high;

    for (int i = 0; i < TUNE_ROUNDS; i++) {
        double middle = (low + high) / 2;
        struct pacing_cell c;

        if (!run_cell(l, e, middle, TUNE_SEED, 2, days, &c))
            return low;
        if ((c.abandoned > TARGET) == e->falls)
            low = middle;
        else
            high = middle;
    }
    return e->falls ? high : low;
}

static void add_rows(struct bench *b, const struct pacing_cell *c, const struct pacing_cell *bound)
{
    const struct {
        const char *what, *unit;
        double value;
        enum bench_better better;
    } rows[] = {
        {"abandonment", "%", c->abandoned, BENCH_LOWER},
        {"day_max", "%", c->day_most, BENCH_LOWER},
        {"month_max", "%", c->month_most, BENCH_LOWER},
        {"interval", "%", c->interval, BENCH_LOWER},
        {"idle", "s/call", c->idle_s, BENCH_LOWER},
        {"dials", "dials/contact", c->dials, BENCH_LOWER},
        {"decision", "us", c->decision_us, BENCH_LOWER},
        {"air_sd", "calls", c->air_sd, BENCH_LOWER},
    };
    char name[BENCH_TEXT_MAX];

    snprintf(name, sizeof(name), "%s/utilisation/%s", c->load, c->policy);
    if (bound && strcmp(c->policy, "peal") == 0)
        bench_add_peer(b, "pacing", name, c->utilisation, "%", BENCH_HIGHER, "bound",
                       bound->utilisation);
    else
        bench_add(b, "pacing", name, c->utilisation, "%", BENCH_HIGHER);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(name, sizeof(name), "%s/%s/%s", c->load, rows[i].what, c->policy);
        bench_add(b, "pacing", name, rows[i].value, rows[i].unit, rows[i].better);
    }
}

static void add_point(const struct pacing_cell *c)
{
    if (page.points == PACING_POINTS_MAX)
        return;
    struct pacing_point *p = &page.point[page.points++];
    *p = (struct pacing_point){
        .policy = c->policy, .abandoned = c->abandoned, .utilisation = c->utilisation};
    memcpy(p->load, c->load, sizeof(p->load));
}

/* Curves: ours by cap, the ratio by level. */
static void draw_curves(const struct sim_load *l, const struct pacing_entry *e, double tuned,
                        const struct plan *p)
{
    static const double caps[] = {0.5, 1, 2, 3, 4, 6};
    bool ours = strcmp(e->policy.name, "peal") == 0 || strcmp(e->policy.name, "bound") == 0;
    bool ratio = strcmp(e->policy.name, "ratio") == 0;

    for (size_t i = 0; (ours || ratio) && i < sizeof(caps) / sizeof(caps[0]); i++) {
        double at = ours ? caps[i] : tuned * (0.93 + 0.025 * (double)i);
        struct pacing_cell c;

        if (run_cell(l, e, at, p->seed, 1, days_of(p, l), &c))
            add_point(&c);
    }
}

static bool wanted(const struct plan *p, const char *policy)
{
    if (p->policy)
        return strcmp(p->policy, policy) == 0 ||
               (strcmp(p->policy, "peal") == 0 && strcmp(policy, "bound") == 0);
    for (size_t i = 0; p->quick && i < sizeof(quick_policies) / sizeof(quick_policies[0]); i++)
        if (strcmp(quick_policies[i], policy) == 0)
            return true;
    return !p->quick;
}

static bool fits(const struct sim_load *l, const char *policy)
{
    if (strcmp(policy, "dp") == 0)
        return pacing_dp_fits(l);
    return true;
}

static void run_load(struct bench *b, const struct sim_load *l, const struct plan *p)
{
    uint32_t bound = UINT32_MAX, days = days_of(p, l);

    bench_note("pacing: %s, %u agents, %u days of %u seeds", l->name, l->agents, days, p->seeds);
    printf("%-16s %-16s %11s %8s %10s %8s %9s %7s %7s %9s\n", l->name, "policy", "utilisation",
           "±95 %", "abandoned", "day max", "30 d max", "idle s", "dials", "decision");
    for (const struct pacing_entry *e = pacing_entries; e->policy.name; e++) {
        struct pacing_cell *c = &page.cell[page.cells];
        double parameter = 0;

        if (!wanted(p, e->policy.name) || (e->asked && !p->policy) || !fits(l, e->policy.name))
            continue;
        if (page.cells == PACING_CELLS_MAX) {
            bench_fail(b, "pacing: more than %d results", PACING_CELLS_MAX);
            return;
        }
        if (e->tuned)
            parameter = tune(l, e, days);
        if (!run_cell(l, e, parameter, p->seed, p->seeds, days, c)) {
            bench_fail(b, "pacing: %s cannot run %s", e->policy.name, l->name);
            continue;
        }
        printf("%-16s %-16s %9.2f %% %8.2f %8.2f %% %6.2f %% %7.2f %% %7.1f %7.2f %6.1f us\n", "",
               c->policy, c->utilisation, c->interval, c->abandoned, c->day_most, c->month_most,
               c->idle_s, c->dials, c->decision_us);
        fflush(stdout);
        if (strcmp(c->policy, "bound") == 0)
            bound = page.cells;
        page.cells++;
        add_rows(b, c, bound == UINT32_MAX ? NULL : &page.cell[bound]);
        if (p->html && (!p->quick || l->agents <= QUICK_CURVE_AGENTS))
            draw_curves(l, e, parameter, p);
    }
}

static bool number(struct bench *b, const char *name, uint64_t most, uint64_t *out)
{
    const char *text = bench_option(b, name);
    char *end;

    if (!text)
        return true;
    *out = strtoull(text, &end, 10);
    if (*text >= '0' && *text <= '9' && *end == '\0' && *out > 0 && *out <= most)
        return true;
    bench_fail(b, "pacing: --%s takes a whole number from 1 to %llu, not \"%s\"", name,
               (unsigned long long)most, text);
    return false;
}

static bool read_plan(struct bench *b, struct plan *p)
{
    uint64_t agents = 0, days = 0, seeds = 0;

    *p = (struct plan){.quick = bench_option(b, "quick") != NULL,
                       .policy = bench_option(b, "policy"),
                       .html = bench_option(b, "html"),
                       .seed = 1};
    if (!number(b, "agents", 4096, &agents) || !number(b, "days", SIM_DAYS_MAX, &days) ||
        !number(b, "seed", UINT32_MAX, &p->seed) || !number(b, "seeds", SEEDS_MAX, &seeds))
        return false;
    p->seeds = seeds ? (uint32_t)seeds : p->quick ? 3 : 4;
    p->agents = (uint32_t)agents;
    p->days = (uint32_t)days;
    if (p->policy && !pacing_entry_find(p->policy)) {
        bench_fail(b, "pacing: there is no policy \"%s\"; --help lists them", p->policy);
        return false;
    }
    return true;
}

static void run_named(struct bench *b, const char *name, const struct plan *p)
{
    struct sim_load l;
    char error[256];

    if (!sim_load_read(&l, name, error)) {
        bench_fail(b, "pacing: %s", error);
        return;
    }
    if (p->agents) {
        l.agents = p->agents;
        if (strncmp(name, "base-", 5) == 0)
            snprintf(l.name, sizeof(l.name), "base-%u-%.2f", l.agents, l.p);
        else
            snprintf(l.name, sizeof(l.name), "%.30s@%u", name, l.agents);
    }
    run_load(b, &l, p);
}

int bench_pacing(struct bench *b)
{
    const char *name = bench_option(b, "workload");
    struct plan p;

    if (!read_plan(b, &p))
        return 1;
    if (!name && p.agents)
        name = "base-20-0.20";
    if (name)
        run_named(b, name, &p);
    for (size_t i = 0; !name && p.quick && i < sizeof(quick_loads) / sizeof(quick_loads[0]); i++)
        run_named(b, quick_loads[i], &p);
    for (size_t i = 0; !name && !p.quick && i < sizeof(all_loads) / sizeof(all_loads[0]); i++)
        run_named(b, all_loads[i], &p);
    if (p.html && !pacing_page_write(&page, p.html))
        bench_fail(b, "pacing: the page %s was not written", p.html);
    return 0;
}
