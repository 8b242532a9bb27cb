/* Keys by RFC 4733 with loss, and the same key by two ways; the player's side of it. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "media/event.h"
#include "media/player.h"

static struct event_receiver r;
static uint64_t now_us;

static char packet(char digit, bool end, uint16_t duration, uint32_t ts)
{
    uint8_t p[EVENT_BYTES];

    now_us += 20000;
    event_write(p, (uint8_t)dtmf_code(digit), end, 10, duration);
    return event_take(&r, p, sizeof(p), ts, now_us);
}

static void fresh(void)
{
    memset(&r, 0, sizeof(r));
    now_us = 1000000;
}

TestSuite(event, .init = fresh);

Test(event, a_key_is_reported_once_whatever_is_lost)
{
    /* Every subset of the eight packets of a key (5 updates, 3 ends) that is not empty. */
    for (uint32_t kept = 1; kept < 256; kept++) {
        uint32_t reported = 0;

        fresh();
        for (int i = 0; i < 8; i++) {
            if (!(kept >> i & 1)) {
                now_us += 20000;
                continue;
            }
            char d = packet('7', i >= 5, (uint16_t)((i < 5 ? i + 1 : 5) * 160), 4000);

            reported += d == '7';
        }
        cr_assert_eq(reported, 1, "packets %02x", kept);
        now_us += 200000;
        cr_assert_not(event_under_way(&r, now_us));
    }
}

Test(event, the_same_key_again_is_a_new_one)
{
    cr_expect_eq(packet('5', false, 160, 1000), '5');
    cr_expect_eq(packet('5', true, 320, 1000), 0);
    cr_expect_eq(packet('5', false, 160, 3000), '5');
    cr_expect_eq(packet('5', true, 320, 3000), 0);
    cr_expect_eq(packet('5', true, 320, 1000), 0, "a straggler of the first");
}

Test(event, segments_of_a_long_key_are_one)
{
    cr_expect_eq(packet('#', false, 0xffff, 0), '#');
    cr_expect_eq(packet('#', false, 160, 0xffff), 0);
    cr_expect_eq(packet('#', true, 320, 0xffff), 0);
}

Test(event, what_is_no_key_is_ignored)
{
    uint8_t p[EVENT_BYTES] = {32, 10, 0, 160};

    cr_expect_eq(event_take(&r, p, 4, 100, 1), 0, "ANS is no key");
    p[0] = 5;
    cr_expect_eq(event_take(&r, p, 3, 100, 1), 0, "cut short");
    cr_expect_not(r.seen);
}

Test(event, one_key_by_two_ways_is_one_key)
{
    cr_expect_eq(packet('3', false, 160, 1000), '3');
    cr_expect_eq(event_in_band(&r, '3', now_us + 50000), 0, "event first");
    packet('3', true, 640, 1000);
    cr_expect_eq(event_in_band(&r, '3', now_us + 100000), 0, "the tone's tail");
    cr_expect_eq(event_in_band(&r, '3', now_us + 900000), '3', "later: a key of its own");
    fresh();
    cr_expect_eq(event_in_band(&r, '4', now_us), '4');
    cr_expect_eq(packet('4', false, 160, 1000), 0, "tone first");
    cr_expect_eq(packet('4', true, 320, 1000), 0);
    cr_expect_eq(packet('4', false, 160, 3000), '4', "pressed again");
    fresh();
    cr_expect_eq(event_in_band(&r, '4', now_us), '4');
    cr_expect_eq(packet('5', false, 160, 1000), '5', "another key");
}

Test(event, player_sends_updates_and_three_ends)
{
    static struct player p;
    struct player_item item = {.kind = PLAYER_DTMF, .cookie = 9};
    struct player_block b;
    int updates = 0, ends = 0, firsts = 0;

    item.dtmf = (struct player_dtmf){.digits = "2", .count = 1, .on_ms = 100, .gap_ms = 80};
    player_init(&p);
    cr_assert(player_add(&p, &item));
    for (int i = 0; i < 40 && !player_idle(&p); i++) {
        enum player_said said = player_next(&p, false, true, false, &b);

        if (said != PLAYER_EVENT)
            continue;
        cr_expect_eq(b.digit, '2');
        cr_expect_eq(b.duration, (uint32_t)(updates < 5 ? updates + 1 : 5) * 160);
        firsts += b.first;
        ends += b.last;
        updates++;
    }
    cr_expect_eq(firsts, 1);
    cr_expect_eq(ends, 3);
    cr_expect_eq(updates, 7, "five blocks, the fifth being the first end");
    cr_expect(b.done && b.cookie == 9);
}

Test(event, tones_have_the_level_and_cadence_that_was_asked)
{
    static struct player p;
    struct player_item item = {.kind = PLAYER_TONE};
    struct player_block b;
    int16_t all[80 * 160];
    double energy = 0.0;
    uint32_t n = 0;

    item.tone = (struct media_tone){
        .freq_hz = {425}, .level_ddb = -100, .on_ms = 400, .off_ms = 400, .total_ms = 1600};
    player_init(&p);
    player_add(&p, &item);
    for (; !player_idle(&p); n++) {
        cr_assert_lt(n, 80);
        player_next(&p, true, false, true, &b);
        memcpy(all + n * 160, b.pcm, sizeof(b.pcm));
    }
    cr_expect_eq(n, 80, "1.6 s");
    for (int i = 0; i < 3200; i++)
        energy += (double)all[i] * all[i];
    double dbm0 = 20.0 * log10(sqrt(2.0 * energy / 3200) / 32768.0) + 3.14;

    cr_expect_float_eq(dbm0, -10.0, 0.1, "%f dBm0", dbm0);
    for (int i = 3200; i < 6400; i++)
        cr_assert_eq(all[i], 0, "pause at %d", i);
    cr_expect_neq(all[6410], 0);
}
