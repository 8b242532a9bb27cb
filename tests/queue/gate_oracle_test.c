/* The gate beside the simplest thing that could be right: arrays that are searched from end to end.
 * Random changes and questions by seed, on numbers of which many share a group; every answer must
 * be the oracle's, to the last millisecond. */
#include "gate_kit.h"

#include "base/rng.h"

#define NUMBERS 24
#define LISTS   4
#define CALLS   4000
#define STEPS   2500

static const char *const lists[LISTS] = {"own", "*", "ch:phone", "c:spring"};
static const char *const prefixes[] = {"1", "1202", "12025", "386", "3864", "49301234567"};

static struct {
    uint64_t number;
    char text[20];
    /* by list: 0 none, 1 for good, else its end */
    uint64_t note[LISTS], bulk[LISTS];
    uint64_t lock;
    char why[20];
} numbers[NUMBERS];
static uint64_t prefix_end[LISTS][6];
static struct {
    uint32_t number, call;
    uint64_t at;
} calls[CALLS];
static uint32_t call_count;
static uint64_t base, now;

static bool holds(uint64_t end)
{
    return end == 1 || end > now;
}

static bool later(uint64_t end, uint64_t than)
{
    return than == 0 || (than != 1 && (end == 1 || end > than));
}

/* Half of them in one group, where a search could find the wrong one. */
static void choose_numbers(struct rng *r)
{
    struct gate_place first = gate_place_at(12025550000 + rng_below(r, 1000));
    uint64_t n = first.number;

    for (uint32_t i = 0; i < NUMBERS; i++) {
        if (i % 2) {
            static const uint64_t starts[] = {12025550000, 38640555000, 4930123456700,
                                              999999999999000};
            n = starts[rng_below(r, 4)] + i;
        } else {
            uint64_t m = i ? numbers[i - (i > 1 ? 2 : 0)].number + 1 : first.number;
            struct gate_place p;

            while (p = gate_place_at(m), p.tag != first.tag || p.group != first.group)
                m++;
            n = m;
        }
        memset(&numbers[i], 0, sizeof(numbers[i]));
        numbers[i].number = n;
        snprintf(numbers[i].text, sizeof(numbers[i].text), "+%lu", n);
    }
}

static const char *prefix_for(uint32_t list, const char *digits)
{
    const char *best = NULL;

    for (uint32_t p = 0; p < 6; p++)
        if (prefix_end[list][p] && holds(prefix_end[list][p]) &&
            strncmp(digits, prefixes[p], strlen(prefixes[p])) == 0 &&
            (!best || strlen(prefixes[p]) > strlen(best)))
            best = prefixes[p];
    return best;
}

static int by_age(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? 1 : x > y ? -1 : 0; /* the latest first */
}

static struct queue_gate_answer oracle(uint32_t i, uint32_t call, bool peek,
                                       const struct queue_gate_limit *limits, uint32_t n)
{
    struct queue_gate_answer a = {.verdict = GATE_PASS};
    uint64_t times[CALLS];
    uint32_t count = 0;

    for (uint32_t l = 0; l < LISTS; l++) {
        bool by_number = holds(numbers[i].note[l]) || holds(numbers[i].bulk[l]);
        const char *prefix = by_number ? "" : prefix_for(l, numbers[i].text + 1);

        if (!prefix)
            continue;
        a.verdict = l == 0 ? GATE_OWN : GATE_DNC;
        strcpy(a.list, lists[l]);
        strcpy(a.prefix, prefix);
        return a;
    }
    if (numbers[i].lock > now) {
        a.verdict = GATE_LOCKED;
        a.until_wall_ms = numbers[i].lock;
        strcpy(a.why, numbers[i].why);
        return a;
    }
    for (uint32_t c = 0; c < call_count; c++) {
        if (calls[c].number != i)
            continue;
        if (!peek && calls[c].call == call)
            return a;
        times[count++] = calls[c].at;
    }
    if (count)
        qsort(times, count, sizeof(*times), by_age);
    for (uint32_t l = 0; l < n; l++) {
        uint32_t inside = 0;

        while (inside < count && times[inside] >= limits[l].since_wall_ms)
            inside++;
        if (inside < limits[l].most)
            continue;
        uint64_t free = limits[l].until_wall_ms
                            ? limits[l].until_wall_ms
                            : times[limits[l].most - 1] + (now - limits[l].since_wall_ms) + 1;
        if (free > a.until_wall_ms) {
            a.verdict = GATE_LIMIT;
            a.limit = l;
            a.until_wall_ms = free;
        }
    }
    if (a.verdict == GATE_PASS && !peek) {
        calls[call_count].number = i;
        calls[call_count].call = call;
        calls[call_count++].at = now;
    }
    return a;
}

static void one_question(struct rng *r)
{
    uint32_t i = rng_below(r, NUMBERS), call = rng_below(r, 400), n = rng_below(r, 4);
    bool peek = rng_below(r, 4) == 0;
    struct queue_gate_limit limits[3];
    char call_id[32];

    for (uint32_t l = 0; l < n; l++) {
        limits[l].since_wall_ms = now - DAY_MS * rng_below(r, 20) - rng_below(r, 1000);
        limits[l].most = 1 + rng_below(r, 4);
        limits[l].until_wall_ms = rng_below(r, 3) ? 0 : now + 1 + rng_below(r, 100000000);
    }
    snprintf(call_id, sizeof(call_id), "%u@peal.invalid", call);
    ask_gate(queue, numbers[i].text, "spring", peek ? NULL : call_id, now, limits, n);
    struct queue_gate_answer want = oracle(i, call, peek, limits, n);
    cr_assert(
        gate_said.verdict == want.verdict && gate_said.limit == want.limit &&
            gate_said.until_wall_ms == want.until_wall_ms &&
            strcmp(gate_said.list, want.list) == 0 && strcmp(gate_said.prefix, want.prefix) == 0 &&
            strcmp(gate_said.why, want.why) == 0,
        "%s at %lu: %s %s/%s %u %lu %s, not %s %s/%s %u %lu %s", numbers[i].text, now - base,
        gate_verdict_name(gate_said.verdict), gate_said.list, gate_said.prefix, gate_said.limit,
        gate_said.until_wall_ms, gate_said.why, gate_verdict_name(want.verdict), want.list,
        want.prefix, want.limit, want.until_wall_ms, want.why);
}

/* An entry's end lies after the wall clock's now, by which a change judges what is there. */
static uint64_t an_end(struct rng *r)
{
    return rng_below(r, 3) ? base + DAY_MS * (1 + rng_below(r, 30)) : 0;
}

static void one_change(struct rng *r)
{
    uint32_t i = rng_below(r, NUMBERS), l = rng_below(r, LISTS), p = rng_below(r, 6);
    uint64_t until = an_end(r), end = until ? until : 1;
    char call_id[32];

    i -= i % 3; /* the others are left to be called */
    uint64_t *note = &numbers[i].note[l], *bulk = &numbers[i].bulk[l];
    switch (rng_below(r, 9)) {
    case 0: {
        bool want = *note ? later(end, *note) : later(end, *bulk);

        cr_assert_eq(add(lists[l], numbers[i].text, until), want);
        if (want)
            *note = end;
        break;
    }
    case 1:
        cr_assert_eq(fill(lists[l], begin_import(lists[l], until), until, numbers[i].text),
                     later(end, *bulk));
        if (later(end, *bulk))
            *bulk = end;
        break;
    case 2:
    case 3:
        cr_assert_eq(take_away(lists[l], numbers[i].text), *note || *bulk);
        *note = *bulk = 0;
        break;
    case 4:
        cr_assert_eq(fill(lists[l], 0, 0, numbers[i].text), *bulk != 0);
        *bulk = 0;
        break;
    case 5:
        if (rng_below(r, 6) == 0) {
            add(lists[l], prefixes[p], until);
            if (later(end, prefix_end[l][p]))
                prefix_end[l][p] = end;
        }
        break;
    case 6:
        for (l = 0; l < LISTS && !prefix_end[l][p]; l++) {
        }
        if (l < LISTS) {
            cr_assert(take_away(lists[l], prefixes[p]));
            prefix_end[l][p] = 0;
        }
        break;
    case 7:
        until = now + 1 + rng_below(r, 20000000);
        {
            snprintf(call_id, sizeof(call_id), "why %u", rng_below(r, 1000));
            lock(numbers[i].text, until, call_id);
            if (until > numbers[i].lock) {
                numbers[i].lock = until;
                strcpy(numbers[i].why, call_id);
            }
        }
        break;
    default:
        if (call_count) {
            uint32_t c = rng_below(r, call_count);

            snprintf(call_id, sizeof(call_id), "%u@peal.invalid", calls[c].call);
            back(numbers[calls[c].number].text, call_id);
            calls[c] = calls[--call_count];
        }
    }
}

static void play(uint64_t seed)
{
    struct rng r;

    rng_seed(&r, seed);
    setup();
    choose_numbers(&r);
    base = now = wall_ms() + DAY_MS;
    for (uint32_t i = 0; i < STEPS; i++) {
        now += rng_below(&r, 10) ? rng_below(&r, 60000) : rng_below(&r, 1000000) * 20;
        if (now > base + 34 * DAY_MS)
            break; /* calls that old may be gone */
        if (rng_below(&r, 3))
            one_question(&r);
        else
            one_change(&r);
    }
    cr_expect_gt(call_count, 50, "some calls were made: %u", call_count);
    teardown();
}

Test(gate_oracle, seed_1)
{
    play(1);
}

Test(gate_oracle, seed_2)
{
    play(2);
}

Test(gate_oracle, seed_3)
{
    play(3);
}
