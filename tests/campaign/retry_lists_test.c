/* Leads through retry lists that nobody wrote: rules by result, recording, outcome and attempt,
 * several numbers a lead, budgets and limits, drawn by a seed and written as a campaign file. The
 * production functions take each lead to its end on a clock of the test's own; an oracle that knows
 * only what was drawn, and the C library's clock, says of every step when it must be and to which
 * number, that no call is outside its hours or beyond a budget, and that every lead ends. */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "campaign/place.h"
#include "campaign/rules.h"
#include "campaign/wall_clock.h"

#define LEADS      6000
#define STEPS_MOST 4000 /* of one lead, refusals and waits too */
#define RESULTS    9
#define LABELS     5
#define PATTERNS   5
#define OUTCOMES   3
#define NUMBERS    4
#define DIALS_MOST 64
#define DAY_MS     UINT64_C(86400000)

enum { OTHER_TRUNK = 1, OTHER_NUMBER = 2, NEXT_NUMBER = 4, OTHER_CALLER_ID = 8, FINISH = 16 };

static const struct {
    enum result result;
    bool refusal, charged, live;
} results[RESULTS] = {
    {RESULT_BUSY, false, true, false},       {RESULT_NO_ANSWER, false, true, false},
    {RESULT_MACHINE, false, true, false},    {RESULT_ANNOUNCEMENT, false, true, false},
    {RESULT_HUMAN, false, true, true},       {RESULT_OUR_FAULT, false, false, false},
    {RESULT_NO_TRUNK, false, false, false},  {RESULT_DNC, true, false, false},
    {RESULT_OWN_NUMBER, true, false, false},
};
#define DIALLED 7 /* of them */

static const char *const labels[LABELS] = {"", "ru-off-1", "ru-busy-2", "en-off-1", "en-moved-3"};
static const char *const patterns[PATTERNS] = {"ru-*", "*-off-?", "en-moved-3",
                                               "en-off-1, ru-busy-?", "?n-*o*"};
static const bool fits[PATTERNS][LABELS] = {
    {0, 1, 1, 0, 0}, {0, 1, 0, 1, 0}, {0, 0, 0, 0, 1}, {0, 0, 1, 1, 0}, {0, 0, 0, 1, 1}};
static const char *const outcomes[OUTCOMES] = {"stranger", "later", "sold"};

/* ---- what is drawn ---- */

struct rule {
    uint32_t afters, hows, attempts; /* attempts 0: the campaign's */
    struct {
        uint32_t days, s; /* days 0: a delay */
    } after[4];
    uint8_t how[4];
    int counts; /* −1: as the result says */
    char status[16];
};

struct limit {
    uint32_t calls;
    enum { ROLLS, PER_DAY, PER_WEEK, PER_MONTH } per;
    uint32_t days; /* ROLLS */
};

struct plan {
    uint32_t attempts;
    uint32_t from_min[7], to_min[7]; /* Monday…; equal: closed */
    uint32_t limits;
    struct limit limit[3];
    struct rule by_result[RESULTS], by_label[PATTERNS], by_outcome[OUTCOMES];
    uint32_t label_rules, outcome_rules;
    int zone[2];
    uint32_t zones, numbers;
    uint64_t expires_ms;
    uint64_t listed_until_ms[NUMBERS]; /* refused before */
    int refused_as[NUMBERS];
};

static void draw_rule(struct rng *rng, const char *status, bool refusal, struct rule *r)
{
    *r = (struct rule){.counts = -1};
    snprintf(r->status, sizeof(r->status), "%s", status);
    r->hows = 1 + rng_below(rng, 4);
    for (uint32_t i = 0; i < r->hows; i++) {
        r->how[i] = (uint8_t)(rng_below(rng, 4) ? 0 : rng_below(rng, 2) ? OTHER_TRUNK : FINISH);
        if (r->how[i] != FINISH && rng_below(rng, 3) == 0)
            r->how[i] |= OTHER_CALLER_ID;
        if (r->how[i] != FINISH && rng_below(rng, 2))
            r->how[i] |= rng_below(rng, 3) ? OTHER_NUMBER : NEXT_NUMBER;
    }
    if (r->hows == 1 && r->how[0] == FINISH)
        return; /* nothing else may be said then */
    r->afters = 1 + rng_below(rng, 4);
    for (uint32_t i = 0; i < r->afters; i++) {
        r->after[i].days = rng_below(rng, 3) ? 0 : 1 + rng_below(rng, 4);
        r->after[i].s = r->after[i].days    ? rng_below(rng, 96) * 900
                        : rng_below(rng, 4) ? rng_below(rng, 2 * 86400)
                        : rng_below(rng, 2) ? 0
                                            : 1 + rng_below(rng, 60);
    }
    if (rng_below(rng, 3) == 0)
        r->attempts = 1 + rng_below(rng, 7);
    if (!refusal && rng_below(rng, 5) == 0)
        r->counts = (int)rng_below(rng, 2);
}

static void draw_rules(struct rng *rng, struct plan *p)
{
    char status[16];

    for (int i = 0; i < RESULTS; i++) {
        snprintf(status, sizeof(status), "r%d", i);
        draw_rule(rng, status, results[i].refusal, &p->by_result[i]);
    }
    p->label_rules = rng_below(rng, PATTERNS + 1);
    for (uint32_t i = 0; i < p->label_rules; i++) {
        snprintf(status, sizeof(status), "l%u", i);
        draw_rule(rng, status, false, &p->by_label[i]);
    }
    p->outcome_rules = rng_below(rng, OUTCOMES + 1);
    for (uint32_t i = 0; i < p->outcome_rules; i++) {
        snprintf(status, sizeof(status), "o%u", i);
        draw_rule(rng, status, false, &p->by_outcome[i]);
    }
}

static void draw(struct rng *rng, uint64_t start_ms, struct plan *p)
{
    *p = (struct plan){.attempts = 1 + rng_below(rng, 6),
                       .zones = rng_below(rng, 4) ? 1 : 2,
                       .zone = {(int)rng_below(rng, WALL_ZONES), (int)rng_below(rng, WALL_ZONES)},
                       .numbers = 1 + rng_below(rng, NUMBERS),
                       .limits = rng_below(rng, 4)};
    for (int d = 0; d < 7; d++) {
        bool closed = d > 1 && rng_below(rng, 4) == 0;
        p->from_min[d] = closed ? 0 : 15 * rng_below(rng, 48);
        p->to_min[d] = closed ? 0 : p->from_min[d] + 15 * (1 + rng_below(rng, 48));
    }
    if (p->zones == 2) /* where two clocks of the world are never both inside: not asked for here */
        for (int d = 0; d < 7; d++)
            p->from_min[d] = 0, p->to_min[d] = 1440 - 15 * rng_below(rng, 8);
    for (uint32_t i = 0; i < p->limits; i++) {
        struct limit *l = &p->limit[i];
        static const uint32_t least[] = {1, 1, 2, 4};

        l->per = rng_below(rng, 4);
        l->calls = least[l->per] + rng_below(rng, 3);
        l->days = 1 + rng_below(rng, 9);
    }
    p->expires_ms = rng_below(rng, 3) ? 0 : start_ms + rng_below(rng, 40 * 86400) * UINT64_C(1000);
    for (uint32_t i = 0; i < p->numbers; i++) {
        p->listed_until_ms[i] =
            rng_below(rng, 4) ? 0 : start_ms + rng_below(rng, 2 * 86400) * UINT64_C(1000);
        p->refused_as[i] = DIALLED + (int)rng_below(rng, RESULTS - DIALLED);
    }
    draw_rules(rng, p);
}

/* ---- the same as a user's file ---- */

struct text {
    char p[24576];
    size_t n;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    t->n += (size_t)vsnprintf(t->p + t->n, sizeof(t->p) - t->n, fmt, args);
    va_end(args);
    cr_assert_lt(t->n, sizeof(t->p));
}

static void put_rule(struct text *t, const struct rule *r)
{
    static const char *const words[] = {"other_trunk", "other_number", "next_number",
                                        "other_caller_id", "finish"};

    put(t, "next: \"");
    for (uint32_t i = 0; i < r->hows; i++) {
        const char *between = i ? ", " : "";
        for (int b = 0; b < 5; b++) {
            if (!(r->how[i] & (1 << b)))
                continue;
            put(t, "%s%s", between, words[b]);
            between = " + ";
        }
        if (!r->how[i])
            put(t, "%sretry", between);
    }
    put(t, "\", finish: %s", r->status);
    if (r->afters)
        put(t, ", after: \"");
    for (uint32_t i = 0; i < r->afters; i++) {
        uint32_t s = r->after[i].s, days = r->after[i].days;
        put(t, "%s", i ? ", " : "");
        if (days == 0)
            put(t, "%us", s);
        else if (days == 1)
            put(t, "next day %02u:%02u", s / 3600, s / 60 % 60);
        else
            put(t, "in %u days %u:%02u", days, s / 3600, s / 60 % 60);
    }
    if (r->afters)
        put(t, "\"");
    if (r->attempts)
        put(t, ", attempts: %u", r->attempts);
    if (r->counts >= 0)
        put(t, ", counts: %s", r->counts ? "yes" : "no");
    put(t, " }\n");
}

static struct campaign *write_down(const struct plan *p)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    static const char *const per[] = {"", "day", "week", "month"};
    static char error[CAMPAIGN_ERROR_MAX];
    static struct text t;
    struct campaign *c;

    t.n = 0;
    put(&t,
        "name: lists\ncountry: si\ntrunks: [{address: 127.0.0.1}]\npacing: {concurrent: 5}\n"
        "attempts: %u\nwindows: \"",
        p->attempts);
    for (int d = 0, first = 1; d < 7; d++) {
        if (p->from_min[d] == p->to_min[d])
            continue;
        put(&t, "%s%s %02u:%02u-%02u:%02u", first ? "" : ", ", days[d], p->from_min[d] / 60,
            p->from_min[d] % 60, p->to_min[d] / 60, p->to_min[d] % 60);
        first = 0;
    }
    put(&t, "\"\n%s", p->limits ? "number_limits:\n" : "");
    for (uint32_t i = 0; i < p->limits; i++) {
        const struct limit *l = &p->limit[i];
        if (l->per == ROLLS)
            put(&t, "  - { calls: %u, per: %ud }\n", l->calls, l->days);
        else
            put(&t, "  - { calls: %u, per: %s }\n", l->calls, per[l->per]);
    }
    put(&t, "results:\n");
    for (int i = 0; i < RESULTS; i++) {
        put(&t, "  %s: { ", result_name(results[i].result));
        put_rule(&t, &p->by_result[i]);
    }
    put(&t, "%s", p->label_rules ? "recordings:\n" : "");
    for (uint32_t i = 0; i < p->label_rules; i++) {
        put(&t, "  - { label: \"%s\", ", patterns[i]);
        put_rule(&t, &p->by_label[i]);
    }
    put(&t, "%s", p->outcome_rules ? "outcomes:\n" : "");
    for (uint32_t i = 0; i < p->outcome_rules; i++) {
        put(&t, "  - { label: %s, key: \"%u\", ", outcomes[i], i);
        put_rule(&t, &p->by_outcome[i]);
    }
    cr_assert_eq(campaign_parse(&c, "lists.yaml", slice_of(t.p, t.n), error), OK, "%s\n%s", error,
                 t.p);
    return c;
}

/* ---- what must be, by what was drawn alone ---- */

struct happened {
    int result;         /* of results[] */
    int label, outcome; /* of labels[], outcomes[]; −1: none */
    enum delivery delivery;
};

struct expected {
    bool finish, charged;
    const char *status;
    uint64_t at_ms;
    uint32_t number;
    uint8_t how;
};

static bool is_open(const struct plan *p, uint64_t ms)
{
    for (uint32_t i = 0; i < p->zones; i++) {
        int64_t local = wall_local_s(p->zone[i], ms);
        uint32_t weekday = (uint32_t)((local / 86400 + 3) % 7);
        uint32_t minute = (uint32_t)(local % 86400 / 60);
        if (minute < p->from_min[weekday] || minute >= p->to_min[weekday])
            return false;
    }
    return true;
}

static uint64_t first_open(const struct plan *p, uint64_t ms)
{
    for (uint32_t i = 0; !is_open(p, ms); i++) {
        ms = wall_next_step(ms);
        cr_assert_lt(i, 30 * 96, "these hours open every week");
    }
    return ms;
}

static const struct rule *rule_of(const struct plan *p, const struct happened *h)
{
    if (h->outcome >= 0 && (uint32_t)h->outcome < p->outcome_rules)
        return &p->by_outcome[h->outcome];
    for (uint32_t i = 0; !results[h->result].live && i < p->label_rules; i++) {
        if (fits[i][h->label])
            return &p->by_label[i];
    }
    return &p->by_result[h->result];
}

static uint32_t at_step(uint32_t count, uint32_t n)
{
    n = n ? n - 1 : 0;
    return n < count ? n : count - 1;
}

static void expect_retry(const struct plan *p, const struct rule *r, bool refusal, uint32_t n,
                         uint32_t number, uint64_t now, struct expected *e)
{
    uint32_t step = at_step(r->afters, n);
    bool goes_on = (e->how & (OTHER_NUMBER | NEXT_NUMBER)) && number + 1 < p->numbers;
    uint64_t due = now + (r->after[step].s ? r->after[step].s * UINT64_C(1000) : 1);

    if (r->after[step].days)
        due = wall_later_day(p->zone[0], now, r->after[step].days, r->after[step].s);
    if (refusal && !goes_on && due < now + 600000)
        due = now + 600000;
    e->at_ms = first_open(p, due);
    e->number = e->how & (OTHER_NUMBER | NEXT_NUMBER) ? (number + 1) % p->numbers : number;
    if (p->expires_ms && e->at_ms >= p->expires_ms) {
        e->finish = true;
        e->status = r->status;
    }
}

/* charged, tries: this attempt not yet counted in the first, but in the second. */
static struct expected expect(const struct plan *p, const struct happened *h, uint32_t charged,
                              uint32_t tries, uint32_t number, uint64_t now)
{
    const struct rule *r = rule_of(p, h);
    bool chosen = h->outcome >= 0 && (uint32_t)h->outcome < p->outcome_rules;
    struct expected e = {.charged = r->counts >= 0 ? r->counts : results[h->result].charged,
                         .finish = true,
                         .status = r->status};
    uint32_t n = charged + e.charged, step = e.charged ? n : tries;

    e.how = r->how[at_step(r->hows, step)];
    if (h->delivery == DELIVERY_CONNECTED && !chosen)
        e.status = "reached";
    else if (e.how == FINISH || ((e.how & NEXT_NUMBER) && number + 1 == p->numbers) ||
             n >= p->attempts || (e.charged && r->attempts && n >= r->attempts))
        e.status = r->status;
    else if (tries >= 10 * p->attempts)
        e.status = "failed";
    else {
        e.finish = false;
        expect_retry(p, r, results[h->result].refusal, step, number, now, &e);
    }
    return e;
}

/* ---- a lead and its calls ---- */

struct lead {
    const struct plan *plan;
    const struct campaign *campaign;
    struct place place;
    uint64_t seed, now;
    uint32_t number, charged, tries;
    uint32_t dials;
    struct {
        uint64_t at;
        uint32_t number;
    } dial[DIALS_MOST];
};

static uint32_t dials_within(const struct lead *l, uint64_t since_ms)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < l->dials; i++)
        n += l->dial[i].number == l->number && l->dial[i].at >= since_ms;
    return n;
}

/* As the gate answers: 0 when the number may be called, else when to ask again. */
static uint64_t held_until(const struct lead *l)
{
    struct place_limit limits[PLACE_LIMITS_MAX];
    uint32_t n = place_limits(l->campaign, &l->place, l->now, limits);
    uint64_t free_at = 0;

    cr_assert_eq(n, l->plan->limits);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t until = limits[i].until_wall_ms;

        if (dials_within(l, limits[i].since_wall_ms) < limits[i].calls)
            continue;
        for (uint32_t k = l->dials, left = limits[i].calls; until == 0 && left && k-- > 0;)
            if (l->dial[k].number == l->number && --left == 0)
                until = l->dial[k].at + (l->now - limits[i].since_wall_ms) + 1;
        cr_assert_gt(until, l->now);
        free_at = until > free_at ? until : free_at;
    }
    return free_at;
}

static bool same_period(const struct limit *l, int zone, uint64_t then, uint64_t now)
{
    int64_t a = wall_local_s(zone, then), b = wall_local_s(zone, now);

    switch (l->per) {
    case ROLLS:
        return then + l->days * DAY_MS >= now;
    case PER_DAY:
        return wall_day(a) == wall_day(b);
    case PER_WEEK:
        return wall_week(a) == wall_week(b);
    default:
        return wall_month(a) == wall_month(b);
    }
}

/* A call leaves now: may it? */
static void judge_dial(const struct lead *l)
{
    const struct plan *p = l->plan;
    unsigned long long seed = l->seed;

    cr_assert(is_open(p, l->now), "seed %llu: a call outside its hours at %llu", seed,
              (unsigned long long)l->now);
    cr_assert_lt(l->charged, p->attempts, "seed %llu: a call beyond the lead's attempts", seed);
    cr_assert_lt(l->tries, 10 * p->attempts, "seed %llu: it is tried for ever", seed);
    cr_assert(p->expires_ms == 0 || l->now < p->expires_ms, "seed %llu: it had expired", seed);
    cr_assert_geq(l->now, p->listed_until_ms[l->number], "seed %llu: a listed number", seed);
    for (uint32_t i = 0; i < p->limits; i++) {
        for (uint32_t z = 0; z < p->zones; z++) {
            uint32_t n = 0;
            for (uint32_t k = 0; k < l->dials; k++)
                n += l->dial[k].number == l->number &&
                     same_period(&p->limit[i], p->zone[z], l->dial[k].at, l->now);
            cr_assert_lt(n, p->limit[i].calls, "seed %llu: call %u of %u of limit %u", seed, n + 1,
                         p->limit[i].calls, i);
        }
    }
}

/* Judged by the production's rules, and they by the oracle. True: the lead goes on. */
static bool settle(struct lead *l, const struct happened *h)
{
    const struct plan *p = l->plan;
    bool refusal = results[h->result].refusal;
    struct rules_input in = {
        .result = results[h->result].result,
        .delivery = h->delivery,
        .label = slice_cstr(labels[h->label]),
        .outcome = slice_cstr(h->outcome < 0 ? "" : outcomes[h->outcome]),
        .tries = refusal ? 0 : l->tries, /* not on record */
        .now_wall_ms = l->now,
        .expires_wall_ms = p->expires_ms,
        .place = &l->place,
        .number_at = l->number,
        .number_count = p->numbers,
    };
    struct rules_decision d;
    struct expected e = expect(p, h, l->charged, in.tries, l->number, l->now);
    unsigned long long seed = l->seed;

    in.attempt = l->charged + rules_charged(l->campaign, in.result, in.label, in.outcome);
    rules_decide(l->campaign, &in, &d);
    cr_assert_eq(d.charged, e.charged, "seed %llu: %s counts", seed, result_name(in.result));
    cr_assert_eq(d.finish, e.finish, "seed %llu: %s after %u (%u): %s", seed,
                 result_name(in.result), in.attempt, in.tries, d.reason);
    l->charged += d.charged;
    if (d.finish) {
        cr_assert_str_eq(d.status, e.status, "seed %llu: %s", seed, d.status);
        return false;
    }
    cr_assert_eq(d.retry_wall_ms, e.at_ms, "seed %llu: %s: %llu, not %llu", seed,
                 result_name(in.result), (unsigned long long)d.retry_wall_ms,
                 (unsigned long long)e.at_ms);
    cr_assert_eq(d.next_number, e.number, "seed %llu", seed);
    cr_assert_eq(d.other_trunk, (e.how & OTHER_TRUNK) != 0, "seed %llu", seed);
    cr_assert_eq(d.other_caller_id, (e.how & OTHER_CALLER_ID) != 0, "seed %llu", seed);
    l->now = d.retry_wall_ms;
    l->number = d.next_number;
    return true;
}

static struct happened draw_call(struct rng *rng)
{
    struct happened h = {.result = (int)rng_below(rng, DIALLED),
                         .label = (int)rng_below(rng, LABELS),
                         .outcome = -1};

    if (results[h.result].result != RESULT_HUMAN)
        return h;
    h.delivery = rng_below(rng, 2) ? DELIVERY_CONNECTED : DELIVERY_ABANDONED;
    if (h.delivery == DELIVERY_CONNECTED && rng_below(rng, 4))
        h.outcome = (int)rng_below(rng, OUTCOMES);
    return h;
}

/* One step as an engine takes it: what holds a lead, then its call. */
static bool step(struct lead *l, struct rng *rng)
{
    const struct plan *p = l->plan;
    uint64_t when;
    enum result why =
        rules_may_dial(l->campaign, &l->place, l->charged, p->expires_ms, l->now, &when);

    if (why == RESULT_OUT_OF_WINDOW) {
        cr_assert_eq(when, first_open(p, l->now), "seed %llu", (unsigned long long)l->seed);
        l->now = when;
        return true;
    }
    if (why != RESULT_NONE)
        return false;
    if (l->now < p->listed_until_ms[l->number])
        return settle(l, &(struct happened){.result = p->refused_as[l->number], .outcome = -1});
    uint64_t until = held_until(l);
    if (until) {
        l->now = until;
        return true;
    }
    judge_dial(l);
    cr_assert_lt(l->dials, DIALS_MOST);
    l->dial[l->dials].number = l->number;
    l->dial[l->dials++].at = l->now;
    l->tries++;
    struct happened h = draw_call(rng);
    l->now += rng_below(rng, 600000);
    return settle(l, &h);
}

static uint32_t take(struct zone_cache *cache, uint64_t seed)
{
    struct rng rng;
    struct plan p;
    char zones[128];

    rng_seed(&rng, seed);
    /* Any minute of 2024 to 2029: all changes of the clocks, 29 February 2024 and 2028. */
    uint64_t start =
        (WALL_FROM_S + rng_below(&rng, 6u * 365 * 1440) * INT64_C(60)) * UINT64_C(1000);
    draw(&rng, start, &p);
    struct campaign *c = write_down(&p);
    struct lead l = {.plan = &p, .campaign = c, .seed = seed, .now = start};

    snprintf(zones, sizeof(zones), "%s%s%s", wall_zones[p.zone[0]], p.zones == 2 ? "|" : "",
             p.zones == 2 ? wall_zones[p.zone[1]] : "");
    place_read(&l.place, slice_cstr(zones), SLICE("{}"), cache);
    cr_assert_eq(l.place.zone_count, p.zones);
    for (uint32_t steps = 0; step(&l, &rng); steps++) {
        cr_assert_lt(steps, STEPS_MOST, "seed %llu: it does not end", (unsigned long long)seed);
        if (rng_below(&rng, 4) == 0) /* the engine was busy, or away */
            l.now += rng_below(&rng, rng_below(&rng, 4) ? 60000 : 2 * DAY_MS);
    }
    campaign_free(c);
    return l.dials;
}

Test(retry_lists, keep_budgets_windows_and_order_and_end)
{
    struct zone_cache *cache;
    uint32_t dials = 0;

    wall_open();
    cr_assert_eq(zone_cache_open(&cache), OK);
    for (uint64_t seed = 1; seed <= LEADS; seed++)
        dials += take(cache, seed);
    cr_expect_gt(dials, LEADS, "leads are tried more than once: %u calls", dials);
    zone_cache_close(cache);
}
