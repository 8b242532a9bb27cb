/* The guard over months of random workloads: budget and account together, as the dialer joins them.
 *
 * An answer is abandoned with a chance that the price θ allows, times an error of the look ahead
 * that drifts and jumps and is unknown to the budget; what was dialled under an older θ is still
 * answered. One or several engines, days of any size, some without a call. */
#include <criterion/criterion.h>
#include <math.h>

#include "base/rng.h"
#include "campaign/abandonment.h"

#define DAY_MS     UINT64_C(86400000)
#define FIRST      UINT64_C(1774868400000) /* Monday 2026-03-30 */
#define DAYS       150
#define IN_AIR     16 /* answers under way, at most */
#define ENGINES    3
#define LIVE_LEAST 1000

struct world {
    struct rng rng;
    double error; /* of the look ahead: so many times more is abandoned than θ says */
    uint32_t in_air, engines, typical;
    bool daily;
    double false_machines;
};

struct engine {
    struct pacing_budget budget;
    struct abandonment own;
    double thetas[IN_AIR]; /* under which the next answers were dialled */
    uint32_t next;
    struct pacing_budget_share given;
    double told;
};

static struct zone *zone;
static struct abandonment_day history[DAYS];

static struct world draw_world(struct rng *g)
{
    struct world w = {.error = rng_uniform(g, 0.5, 2),
                      .engines = rng_below(g, 2) ? 1 : ENGINES,
                      .typical = 100 + rng_below(g, 1500),
                      .daily = rng_below(g, 3) == 0,
                      .false_machines = rng_below(g, 3) == 0 ? rng_uniform(g, 0, 0.006) : 0};

    /* A room of 100 has 20,000 answers a day and eight of them in the air. */
    w.in_air = 1 + rng_below(g, 1 + w.typical / 200) / w.engines;
    rng_seed(&w.rng, rng_u64(g));
    return w;
}

static void drift(struct world *w)
{
    w->error *= exp(rng_normal(&w->rng, 0, 0.05));
    if (rng_below(&w->rng, 400) == 0)
        w->error = rng_uniform(&w->rng, 0.3, 4);
    w->error = fmin(fmax(w->error, 0.2), 5);
}

/* As dialer/share.c does each second: here, after each answer of the engine. */
static void exchange(struct engine *e, double *shared, bool *begun)
{
    pacing_budget_give(&e->budget, &e->given);
    *shared = *begun ? *shared + e->given.moved - e->told : e->given.s;
    *shared = fmin(*shared, e->given.ceiling);
    *begun = true;
    e->told = e->given.moved;
    pacing_budget_take(&e->budget, &e->given, *shared);
}

static void answer(struct world *w, struct engine *e, struct abandonment *all, int32_t day,
                   uint64_t now)
{
    double *slot = &e->thetas[e->next++ % w->in_air];
    double theta = *slot;
    struct pacing_account account;
    bool abandoned = rng_unit(&w->rng) < fmin(theta * w->error, 0.9);
    struct abandonment_day one = {.day = day, .live = 1, .abandoned = abandoned};

    if (w->false_machines > 0)
        one.false_ppm = (uint64_t)(1e6 * w->false_machines / (1 - w->false_machines) + 0.5);
    pacing_budget_answer(&e->budget, abandoned);
    abandonment_restore(&e->own, &one);
    abandonment_restore(all, &one);
    abandonment_account(all, &e->own, now, &account);
    pacing_budget_account(&e->budget, &account);
    *slot = pacing_budget_theta(&e->budget);
    cr_assert(*slot >= 0 && *slot <= PACING_THETA_MOST);
}

/* Above the cap by so many abandons, counting the estimated ones as the account does. */
static double excess(int last, int days, double cap, double *live)
{
    double abandoned = 0;

    *live = 0;
    for (int d = last < days - 1 ? 0 : last - days + 1; d <= last; d++) {
        double taken = (double)history[d].false_ppm / 1e6;

        *live += history[d].live + taken;
        abandoned += history[d].abandoned + taken;
    }
    return abandoned - cap * *live;
}

static void run_world(struct world *w, double cap, int round)
{
    static struct engine engines[ENGINES];
    struct abandonment all;
    double shared = 0, live, moved = 0;
    bool begun = false;

    abandonment_init(&all, zone, 2000);
    memset(history, 0, sizeof(history));
    for (uint32_t e = 0; e < w->engines; e++) {
        engines[e] = (struct engine){0};
        pacing_budget_init(&engines[e].budget, cap, w->daily, w->false_machines);
        abandonment_init(&engines[e].own, zone, 2000);
    }
    double begin = engines[0].budget.s;
    for (int d = 0; d < DAYS; d++) {
        uint64_t now = FIRST + (uint64_t)d * DAY_MS;
        int32_t day = abandonment_day_of(zone, now);
        uint32_t answers =
            rng_below(&w->rng, 7) == 0 ? 0 : w->typical / 2 + rng_below(&w->rng, w->typical);

        for (uint32_t e = 0; e < w->engines; e++)
            pacing_budget_day(&engines[e].budget);
        for (uint32_t i = 0; i < answers; i++) {
            struct engine *e = &engines[rng_below(&w->rng, w->engines)];

            drift(w);
            answer(w, e, &all, day, now);
            if (w->engines > 1)
                exchange(e, &shared, &begun);
            history[d] = *abandonment_day_at(&all, day);
            /* At every moment, of the thirty days that end today. */
            double over = excess(d, ABANDONMENT_DAYS, cap, &live);
            cr_assert(live < LIVE_LEAST || over <= 0,
                      "round %d day %d: %.2f abandons above %.1f %% of %.0f", round, d, over,
                      100 * cap, live);
        }
    }
    /* ln θ is where its answers moved it, or lower (its top, a new day): nothing held it up. */
    for (uint32_t e = 0; e < w->engines; e++)
        moved += engines[e].budget.moved;
    cr_assert_leq(w->engines > 1 ? shared : engines[0].budget.s, begin + moved + 1e-6,
                  "round %d: held up from below", round);
}

Test(guard, the_cap_is_kept_over_any_thirty_days)
{
    struct rng g;

    cr_assert_eq(zone_open(&zone, SLICE("Europe/Ljubljana")), OK);
    rng_seed(&g, 77);
    for (int round = 0; round < 20; round++) {
        struct world w = draw_world(&g);

        run_world(&w, round % 5 == 4 ? 0.01 : 0.03, round);
    }
    zone_close(zone);
}
