/* The jitter buffer on made-up arrivals: what comes out, how late, and how it settles. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "media/jitter.h"

#define FIRST_TS UINT32_C(0xfffff000) /* wraps after 25 packets */

/* The code of sample t of the stream; never silence. */
static uint8_t code(uint32_t t)
{
    return (uint8_t)(0x80 + (t * 31 + t / 160) % 100);
}

static void put(struct jitter *j, uint32_t ts, uint32_t n, uint32_t arrival)
{
    uint8_t p[480];

    for (uint32_t i = 0; i < n; i++)
        p[i] = code(ts + i);
    jitter_put(j, ts, p, n, arrival);
}

struct outcome {
    uint32_t blocks, lost, partial, wrong;
    uint32_t delay; /* of the last good block: played at - sampled at */
};

/* One block at `now`; the stream's samples must come in order, none twice. */
static void play(struct jitter *j, uint32_t now, struct outcome *o)
{
    uint8_t out[JITTER_BLOCK];
    uint32_t from, to, at = j->play_ts;

    switch (jitter_get(j, now, false, out, &from, &to)) {
    case JITTER_NOTHING:
        return;
    case JITTER_LOST:
        o->lost++;
        return;
    case JITTER_PARTIAL:
        o->partial++;
        break;
    case JITTER_BLOCK_OK:
        o->blocks++;
        from = 0;
        to = JITTER_BLOCK;
        o->delay = now - j->play_ts + JITTER_BLOCK;
        break;
    }
    at = j->play_ts - JITTER_BLOCK; /* a skip may have moved it */
    for (uint32_t i = from; i < to; i++)
        o->wrong += out[i] != code(at + i);
}

struct arrival {
    uint32_t at, ts;
};

static int by_time(const void *a, const void *b)
{
    const struct arrival *x = a, *y = b;

    return x->at < y->at ? -1 : x->at > y->at ? 1 : x->ts < y->ts ? -1 : x->ts > y->ts;
}

/* n packets of `size` samples, each delayed by delay(i); every drop-th is lost; played in step. */
static struct outcome run(struct jitter *j, uint32_t n, uint32_t size,
                          uint32_t (*delay)(uint32_t i, struct rng *r), uint32_t drop)
{
    struct arrival *a = calloc(n, sizeof(*a));
    struct outcome o = {0};
    struct rng r;
    uint32_t count = 0, next = 0;

    rng_seed(&r, 5);
    for (uint32_t i = 0; i < n; i++)
        if (!drop || i % drop != drop - 1)
            a[count++] = (struct arrival){1000 + i * size + delay(i, &r), FIRST_TS + i * size};
    qsort(a, count, sizeof(*a), by_time);
    for (uint32_t now = 1050; now < 1000 + n * size; now += JITTER_BLOCK) {
        for (; next < count && a[next].at <= now; next++)
            put(j, a[next].ts, size, a[next].at);
        play(j, now, &o);
    }
    free(a);
    return o;
}

static uint32_t no_delay(uint32_t i, struct rng *r)
{
    (void)i;
    (void)r;
    return 0;
}

static uint32_t ten_ms(uint32_t i, struct rng *r)
{
    (void)i;
    return rng_below(r, 80);
}

static uint32_t sixty_ms(uint32_t i, struct rng *r)
{
    (void)i;
    return rng_below(r, 480);
}

static uint32_t swapped(uint32_t i, struct rng *r)
{
    (void)r;
    return i % 2 ? 0 : 200; /* each second packet overtakes the one before it */
}

Test(jitter, steady_stream_comes_out_whole)
{
    static struct jitter j;

    jitter_init(&j);
    struct outcome o = run(&j, 500, 160, no_delay, 0);

    cr_expect_eq(o.wrong, 0);
    cr_expect_eq(o.lost + o.partial, 0);
    cr_expect_geq(o.blocks, 495);
    cr_expect_eq(j.skipped + j.stretched + j.late, 0);
    cr_expect_leq(o.delay, 1000 - FIRST_TS + 2 * 160 + 0, "at most two blocks of delay");
}

Test(jitter, any_packet_length_falls_into_place)
{
    static const uint32_t sizes[] = {80, 160, 240, 320, 480, 100, 17};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        static struct jitter j;

        jitter_init(&j);
        struct outcome o = run(&j, 40000 / sizes[i], sizes[i], no_delay, 0);

        cr_expect_eq(o.wrong, 0, "%u", sizes[i]);
        cr_expect_leq(o.lost + o.partial, 4, "size %u: %u lost, %u torn", sizes[i], o.lost,
                      o.partial);
        cr_expect_geq(o.blocks, 235, "size %u: %u", sizes[i], o.blocks);
    }
}

Test(jitter, loss_is_told_and_nothing_else_suffers)
{
    static struct jitter j;

    jitter_init(&j);
    struct outcome o = run(&j, 1000, 160, no_delay, 10);

    cr_expect_eq(o.wrong, 0);
    cr_expect(o.lost >= 98 && o.lost <= 100, "%u", o.lost);
    cr_expect_geq(o.blocks, 890);
}

Test(jitter, small_jitter_costs_nothing)
{
    static struct jitter j;

    jitter_init(&j);
    struct outcome o = run(&j, 2000, 160, ten_ms, 0);

    cr_expect_eq(o.wrong, 0);
    cr_expect_eq(o.lost + o.partial, 0, "%u lost", o.lost);
    cr_expect_lt(jitter_target(&j), 240);
}

Test(jitter, delay_grows_with_jitter_and_shrinks_again)
{
    static struct jitter j;

    jitter_init(&j);
    struct outcome o = run(&j, 1500, 160, sixty_ms, 0);

    cr_expect_eq(o.wrong, 0);
    cr_expect_leq(o.lost + o.partial, 8, "%u lost while it learned", o.lost);
    uint32_t high = jitter_target(&j);

    cr_expect(high >= 440 && high <= 560, "%u", high);
    /* Calm again: the same sender, now without jitter. Its clock goes on. */
    for (uint32_t i = 0; i < 3000; i++) {
        uint32_t now = 1050 + (1500 + i) * 160;

        put(&j, FIRST_TS + (1500 + i) * 160, 160, 1000 + (1500 + i) * 160);
        play(&j, now, &o);
    }
    cr_expect_lt(jitter_target(&j), 200, "%u", jitter_target(&j));
    cr_expect_eq(o.wrong, 0);
}

Test(jitter, overtaking_packets_are_put_in_order)
{
    static struct jitter j;

    jitter_init(&j);
    struct outcome o = run(&j, 1000, 160, swapped, 0);

    cr_expect_eq(o.wrong, 0);
    cr_expect_leq(o.lost + o.partial, 4, "%u", o.lost);
}

Test(jitter, duplicates_do_no_harm)
{
    static struct jitter j;
    struct outcome o = {0};

    jitter_init(&j);
    for (uint32_t i = 0; i < 300; i++) {
        for (int twice = 0; twice < 2; twice++)
            put(&j, FIRST_TS + i * 160, 160, 1000 + i * 160);
        play(&j, 1050 + i * 160, &o);
    }
    cr_expect_eq(o.wrong, 0);
    cr_expect_eq(o.lost, 0);
    cr_expect_geq(o.blocks, 295);
}

Test(jitter, a_jump_of_the_senders_clock_is_followed)
{
    static struct jitter j;
    struct outcome o = {0};
    static const uint32_t jumps[] = {0x10000000, 0xf0000000, 5000, (uint32_t)-5000, 40000};

    for (size_t k = 0; k < sizeof(jumps) / sizeof(jumps[0]); k++) {
        uint32_t ts = FIRST_TS;

        jitter_init(&j);
        o = (struct outcome){0};
        for (uint32_t i = 0; i < 200; i++) {
            if (i == 100)
                ts += jumps[k];
            put(&j, ts, 160, 1000 + i * 160);
            ts += 160;
            play(&j, 1050 + i * 160, &o);
        }
        cr_expect_eq(o.wrong, 0);
        cr_expect_geq(o.blocks, 185, "jump %x: %u", jumps[k], o.blocks);
    }
}

Test(jitter, a_pause_without_clock_is_followed)
{
    static struct jitter j;
    struct outcome o = {0};

    jitter_init(&j);
    for (uint32_t i = 0; i < 300; i++) {
        /* Nothing is sent for 100 blocks, and the timestamps do not count them. */
        if (i < 100)
            put(&j, FIRST_TS + i * 160, 160, 1000 + i * 160);
        else if (i >= 200)
            put(&j, FIRST_TS + (i - 100) * 160, 160, 1000 + i * 160);
        play(&j, 1050 + i * 160, &o);
    }
    cr_expect_eq(o.wrong, 0);
    cr_expect_geq(o.blocks, 185, "%u", o.blocks);
}

Test(jitter, drifting_clocks_are_followed)
{
    /* 200 ppm either way for ten minutes: 1,000 samples. */
    for (int sign = -1; sign <= 1; sign += 2) {
        static struct jitter j;
        struct outcome o = {0};

        jitter_init(&j);
        for (uint32_t i = 0; i < 30000; i++) {
            uint32_t drift = i * 160 / 5000;

            put(&j, FIRST_TS + i * 160, 160,
                1000 + i * 160 + (sign < 0 ? 20000 - drift : 20000 + drift));
            play(&j, 21050 + i * 160, &o);
        }
        cr_expect_eq(o.wrong, 0);
        cr_expect_leq(o.lost + j.skipped, 20, "%u lost, %lu skipped", o.lost,
                      (unsigned long)j.skipped);
        cr_expect_leq(j.late, 20);
        cr_expect_lt(jitter_target(&j), 240, "drift is no jitter: %u", jitter_target(&j));
    }
}

/* Somebody who speaks for two seconds and pauses for three quarters of one, on a clock that is
 * 200 ppm slow or fast, for twenty minutes: 1,920 samples are put in or left out, none in speech.
 */
Test(jitter, drift_is_made_up_for_in_pauses)
{
    for (int sign = -1; sign <= 1; sign += 2) {
        static struct jitter j;
        const uint32_t begin = 20000, packets = 60000;
        uint32_t next = 0, from, to;
        uint8_t p[160], out[JITTER_BLOCK];

        jitter_init(&j);
        for (uint32_t now = begin; now < begin + packets * 160; now += JITTER_BLOCK) {
            for (; next < packets; next++) {
                uint32_t drift = next * 160 / 5000;
                uint32_t arrival = begin + next * 160 + (sign < 0 ? drift : -drift);

                if (arrival > now)
                    break;
                memset(p, next % 138 < 100 ? 0x90 : 0xff, sizeof(p));
                jitter_put(&j, FIRST_TS + next * 160, p, 160, arrival);
            }
            jitter_get(&j, now, false, out, &from, &to);
        }
        uint64_t moved = sign < 0 ? j.stretched : j.skipped;

        cr_expect(moved >= 8, "%d ppm: %llu blocks", 200 * sign, (unsigned long long)moved);
        cr_expect_eq(j.cut_loud, 0, "%d ppm: %llu in speech", 200 * sign,
                     (unsigned long long)j.cut_loud);
        cr_expect_eq(j.late + j.discarded + j.resyncs, 0);
    }
}

Test(jitter, oversized_and_empty_payloads_are_refused)
{
    static struct jitter j;
    static uint8_t big[JITTER_SAMPLES];

    jitter_init(&j);
    jitter_put(&j, 0, big, 0, 0);
    jitter_put(&j, 0, big, JITTER_SAMPLES / 2 + 1, 0);
    cr_expect_eq(j.discarded, 1);
    cr_expect_not(j.started);
}
