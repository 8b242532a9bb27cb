/* DTMF against Q.24's figures (AT&T and NTT where they differ), both laws. */
#include <criterion/criterion.h>

#include "dsp/tape.h"

static const double rows[4] = {697, 770, 852, 941}, cols[4] = {1209, 1336, 1477, 1633};
static const char keys[] = "123A456B789C*0#D";

/* One digit with its frequencies off by a factor, after a pause that shifts the block grid. */
static void digit(struct tape *t, int key, double off_row, double off_col, double level_row,
                  double level_col, double ms)
{
    tape_pair(t, rows[key / 4] * off_row, level_row, cols[key % 4] * off_col, level_col, ms);
}

static unsigned count_digit(const struct heard *h, char key)
{
    unsigned n = 0;
    for (unsigned i = 0; i < h->n; i++)
        n += h->e[i].kind == DSP_DTMF && h->e[i].detail == (uint8_t)key;
    return n;
}

/* All sixteen with one setting, at shifting offsets: how many were found, and none doubled. */
static unsigned found_of_16(double off_row, double off_col, double level_row, double level_col,
                            double ms, double noise_db, bool alaw)
{
    struct tape t;
    tape_open(&t, (uint32_t)(ms * 10 + off_row * 1000));
    tape_silence(&t, 100);
    for (int key = 0; key < 16; key++) {
        digit(&t, key, off_row, off_col, level_row, level_col, ms);
        tape_silence(&t, 61.25);
    }
    tape_silence(&t, 100);
    if (noise_db > -90)
        tape_noise(&t, noise_db, 0);
    const struct heard *h = line_play(&t, (struct line){.phase = DSP_TALK, .alaw = alaw});
    unsigned right = 0;
    for (int key = 0; key < 16; key++)
        right += count_digit(h, keys[key]) == 1;
    unsigned all = heard_count(h, DSP_DTMF);
    tape_close(&t);
    cr_assert_leq(all, 16, "digits were doubled: %u", all);
    return right;
}

Test(dtmf, hears_all_sixteen_in_both_laws)
{
    cr_assert_eq(found_of_16(1, 1, -10, -10, 70, -99, false), 16);
    cr_assert_eq(found_of_16(1, 1, -10, -10, 70, -99, true), 16);
}

Test(dtmf, takes_both_tones_off_by_1_8_percent)
{
    for (int signs = 0; signs < 4; signs++) {
        double row = signs & 1 ? 1.018 : 0.982, col = signs & 2 ? 1.018 : 0.982;
        for (int law = 0; law < 2; law++) {
            unsigned n = found_of_16(row, col, -12, -12, 50, -99, law);
            cr_assert_eq(n, 16, "rows ×%g columns ×%g law %d: %u of 16", row, col, law, n);
        }
    }
}

Test(dtmf, refuses_either_tone_off_by_3_5_percent)
{
    for (int signs = 0; signs < 4; signs++) {
        double off = signs & 1 ? 1.035 : 0.965;
        unsigned n =
            found_of_16(signs & 2 ? off : 1, signs & 2 ? 1 : off, -12, -12, 80, -99, false);
        cr_assert_eq(n, 0, "off ×%g: %u taken", off, n);
    }
    cr_assert_eq(found_of_16(1.06, 1.06, -12, -12, 80, -99, false), 0);
    cr_assert_eq(found_of_16(0.94, 0.94, -12, -12, 80, -99, false), 0);
}

Test(dtmf, takes_twist_of_plus_4_and_minus_8_db)
{
    cr_assert_eq(found_of_16(1, 1, -16, -12, 50, -99, false), 16, "+4 dB");
    cr_assert_eq(found_of_16(1, 1, -10, -18, 50, -99, false), 16, "-8 dB");
    cr_assert_eq(found_of_16(1.018, 0.982, -10, -18, 50, -99, true), 16, "-8 dB and 1.8 %%");
    cr_assert_eq(found_of_16(1, 1, -17, -10, 50, -99, false), 0, "+7 dB is beyond our limit");
    cr_assert_eq(found_of_16(1, 1, -10, -20.5, 50, -99, false), 0, "-10.5 dB is beyond our limit");
    cr_assert_eq(found_of_16(1, 1, -10, -24, 50, -99, false), 0, "-14 dB is not a digit");
    cr_assert_eq(found_of_16(1, 1, -22, -10, 50, -99, false), 0, "+12 dB is not a digit");
}

Test(dtmf, takes_levels_from_minus_3_to_minus_36)
{
    for (int level = -3; level >= -36; level -= 3)
        for (int law = 0; law < 2; law++) {
            unsigned n = found_of_16(1, 1, level, level, 50, -99, law);
            cr_assert_eq(n, 16, "%d dBm0 law %d: %u of 16", level, law, n);
        }
    cr_assert_eq(found_of_16(1, 1, -55, -55, 80, -99, false), 0, "-55 must not operate");
}

Test(dtmf, takes_40_ms_and_refuses_23_at_every_offset)
{
    for (double shift = 0; shift < 20; shift += 1.25)
        for (int taken = 0; taken < 2; taken++) {
            struct tape t;
            tape_open(&t, (uint32_t)(shift * 8));
            tape_silence(&t, 100 + shift);
            for (int key = 0; key < 16; key++) {
                digit(&t, key, 1, 1, -12, -12, taken ? 40 : 23);
                tape_silence(&t, taken ? 60 : 77);
            }
            const struct heard *h = line_play(&t, (struct line){.phase = DSP_TALK});
            cr_assert_eq(heard_count(h, DSP_DTMF), taken ? 16 : 0, "%d ms, offset %g: %u",
                         taken ? 40 : 23, shift, heard_count(h, DSP_DTMF));
            tape_close(&t);
        }
}

Test(dtmf, takes_40_ms_off_by_1_8_percent_at_15_db_of_noise)
{
    unsigned n = 0;
    for (int round = 0; round < 4; round++)
        n += found_of_16(round & 1 ? 1.018 : 0.982, round & 2 ? 1.018 : 0.982, -12, -12,
                         40 + 0.125 * round, -24, round & 1);
    cr_assert_geq(n, 63, "%u of 64", n);
}

Test(dtmf, tells_when_and_how_loud)
{
    struct tape t;
    tape_open(&t, 3);
    tape_silence(&t, 517);
    digit(&t, 5, 1, 1, -10, -13, 80);
    tape_silence(&t, 300);
    const struct heard *h = line_play(&t, (struct line){.phase = DSP_TALK});
    const struct dsp_event *e = heard_first(h, DSP_DTMF);
    cr_assert_not_null(e);
    cr_assert_eq(e->leg, 7);
    cr_assert_eq(e->detail, '5');
    cr_assert_leq(abs((int)e->start_ms - 517), 6, "start %u", e->start_ms);
    cr_assert_leq(abs(e->level_ddb + 82), 10, "level %d", e->level_ddb); /* −10 and −13 together */
    cr_assert_leq(abs(e->freq_hz[0] - 770), 4);
    cr_assert_leq(abs(e->freq_hz[1] - 1336), 4);
    cr_assert_leq(heard_at(h, e), 517 + 80, "known before it ends");
    tape_close(&t);
}

Test(dtmf, parts_equal_digits_by_a_pause_of_40_ms)
{
    for (double shift = 0; shift < 20; shift += 2.5) {
        struct tape t;
        tape_open(&t, 5);
        tape_silence(&t, 60 + shift);
        for (int i = 0; i < 8; i++) {
            digit(&t, 9, 1, 1, -12, -12, 50);
            tape_silence(&t, 40);
        }
        tape_silence(&t, 100);
        const struct heard *h = line_play(&t, (struct line){.phase = DSP_TALK});
        cr_assert_eq(count_digit(h, '8'), 8, "offset %g: %u", shift, count_digit(h, '8'));
        tape_close(&t);
    }
}

Test(dtmf, is_one_digit_over_an_interruption_of_10_ms)
{
    for (double shift = 0; shift < 20; shift += 2.5) {
        struct tape t;
        tape_open(&t, 6);
        tape_silence(&t, 60 + shift);
        digit(&t, 2, 1, 1, -12, -12, 45);
        tape_silence(&t, 10);
        digit(&t, 2, 1, 1, -12, -12, 45);
        tape_silence(&t, 100);
        const struct heard *h = line_play(&t, (struct line){.phase = DSP_TALK});
        cr_assert_eq(count_digit(h, '3'), 1, "offset %g: %u", shift, count_digit(h, '3'));
        tape_close(&t);
    }
}

/* One block of 20 ms lost within each digit of 100 ms, said or not. */
Test(dtmf, doubles_no_digit_when_packets_are_lost)
{
    for (int unsaid = 0; unsaid < 2; unsaid++)
        for (unsigned every = 7; every < 12; every++) {
            struct tape t;
            tape_open(&t, every);
            tape_silence(&t, 100);
            for (int key = 0; key < 16; key++) {
                digit(&t, key, 1, 1, -12, -12, 100);
                tape_silence(&t, 103.75);
            }
            const struct heard *h = line_play(
                &t, (struct line){.phase = DSP_TALK, .lose_every = every, .loss_unsaid = unsaid});
            unsigned n = heard_count(h, DSP_DTMF);
            cr_assert_eq(n, 16, "every %u lost, unsaid %d: %u", every, unsaid, n);
            tape_close(&t);
        }
}

Test(dtmf, says_nothing_while_rfc_4733_events_come)
{
    struct tape t;
    tape_open(&t, 8);
    tape_silence(&t, 100);
    digit(&t, 1, 1, 1, -10, -10, 200);
    tape_silence(&t, 100);
    const struct heard *h =
        line_play(&t, (struct line){.phase = DSP_TALK, .flags = DSP_FLAG_DTMF_EVENT});
    cr_assert_eq(heard_count(h, DSP_DTMF), 0);
    tape_close(&t);
}

Test(dtmf, is_not_talked_off_by_speech_or_noise)
{
    struct tape t;
    tape_open(&t, 9);
    for (int i = 0; i < 30; i++)
        tape_speech(&t, -14 - i % 10, 4000);
    tape_noise(&t, -50, 0);
    uint32_t from = tape_ms(&t);
    tape_silence(&t, 20000);
    tape_noise(&t, -12, from);
    const struct heard *h = line_play(&t, (struct line){.phase = DSP_TALK});
    cr_assert_eq(heard_count(h, DSP_DTMF), 0, "%u digits in two minutes of speech and noise",
                 heard_count(h, DSP_DTMF));
    tape_close(&t);
}

/* Two packets in a row, flagged, their concealment mute: the detector must not believe it. */
Test(dtmf, holds_a_digit_over_40_ms_of_flagged_loss)
{
    for (unsigned every = 8; every < 12; every++) {
        struct tape t;
        tape_open(&t, every);
        tape_silence(&t, 100);
        for (int key = 0; key < 16; key++) {
            digit(&t, key, 1, 1, -12, -12, 150);
            tape_silence(&t, 103.75);
        }
        const struct heard *h = line_play(
            &t, (struct line){
                    .phase = DSP_TALK, .lose_every = every, .lose_run = 2, .loss_mute = true});
        unsigned n = heard_count(h, DSP_DTMF);
        cr_assert_eq(n, 16, "two of every %u lost: %u", every, n);
        tape_close(&t);
    }
}

Test(dtmf, wants_nothing_but_the_pair)
{
    struct tape t;
    tape_open(&t, 10);
    for (int key = 0; key < 16; key++) {
        tape_silence(&t, 80);
        size_t from = t.n;
        digit(&t, key, 1, 1, -12, -12, 100);
        size_t to = t.n;
        tape_tone(&t, 1050, -14, 100); /* laid over the digit */
        for (size_t i = 0; i < to - from; i++)
            t.s[from + i] += t.s[to + i];
        t.n = to;
    }
    tape_silence(&t, 100);
    cr_assert_eq(heard_count(line_play(&t, (struct line){.phase = DSP_TALK}), DSP_DTMF), 0);
    tape_close(&t);
}

/* What speech gives for 40 ms and longer: the pair, and a tenth of the energy elsewhere. */
Test(dtmf, refuses_a_pair_that_is_a_tenth_impure)
{
    for (int impure = 0; impure < 2; impure++) {
        struct tape t;
        tape_open(&t, 11);
        for (int key = 0; key < 16; key++) {
            tape_silence(&t, 80);
            size_t from = t.n;
            digit(&t, key, 1, 1, -12, -12, 50);
            size_t to = t.n;
            tape_tone(&t, 2600, impure ? -20 : -24, 50); /* 7.5 and 3 % of the energy */
            for (size_t i = 0; i < to - from; i++)
                t.s[from + i] += t.s[to + i];
            t.n = to;
        }
        tape_silence(&t, 100);
        unsigned n = heard_count(line_play(&t, (struct line){.phase = DSP_TALK}), DSP_DTMF);
        cr_assert_eq(n, impure ? 0 : 16, "impure %d: %u", impure, n);
        tape_close(&t);
    }
}

Test(dtmf, takes_a_pair_clipped_by_8_db)
{
    struct tape t;
    tape_open(&t, 12);
    for (int key = 0; key < 16; key++) {
        tape_silence(&t, 80);
        digit(&t, key, 1, 1, -2, -2, 60);
    }
    tape_silence(&t, 100);
    for (size_t i = 0; i < t.n; i++) {
        float top = (float)tape_peak(-4);
        t.s[i] = t.s[i] > top ? top : t.s[i] < -top ? -top : t.s[i];
    }
    unsigned n = heard_count(line_play(&t, (struct line){.phase = DSP_TALK}), DSP_DTMF);
    cr_assert_eq(n, 16, "%u of 16", n);
    tape_close(&t);
}

Test(dtmf, refuses_either_tone_off_by_2_5_percent)
{
    for (int signs = 0; signs < 4; signs++) {
        double off = signs & 1 ? 1.025 : 0.975;
        unsigned n =
            found_of_16(signs & 2 ? off : 1, signs & 2 ? 1 : off, -12, -12, 80, -99, false);
        cr_assert_eq(n, 0, "off ×%g: %u taken", off, n);
    }
}

/* Pairs that do not stand: in level (2.5 and 4 dB each 10 ms), or in frequency (1.5 %). */
Test(dtmf, refuses_a_pair_that_moves)
{
    for (int glides = 0; glides < 3; glides++)
        for (double shift = 0; shift < 20; shift += 2.5) {
            struct tape t;
            tape_open(&t, 13);
            tape_silence(&t, 100 + shift);
            float *at = tape_more(&t, 45);
            double row = 0, col = 0;
            for (size_t i = 0; i < 360; i++) {
                double s = (double)i / 80, off = glides == 1 ? 1 + 0.015 * (s - 2.25) : 1;
                double a = tape_peak(glides == 1 ? -12 : -24 + (glides ? 2.5 : 4) * s);
                row += 6.283185307 * 852 * off / 8000;
                col += 6.283185307 * 1336 * off / 8000;
                at[i] = (float)(a * (sin(row) + sin(col)));
            }
            tape_silence(&t, 100);
            unsigned n = heard_count(line_play(&t, (struct line){.phase = DSP_TALK}), DSP_DTMF);
            cr_assert_eq(n, 0, "glides %d, shift %g: %u", glides, shift, n);
            tape_close(&t);
        }
}

/* Most of it a third impure: what is left of the digit is too short to be one. */
Test(dtmf, refuses_a_pair_of_which_most_is_impure)
{
    for (int impure = 0; impure < 2; impure++)
        for (int last = 0; last < 2; last++) {
            struct tape t;
            tape_open(&t, 14);
            for (int key = 0; key < 16; key++) {
                tape_silence(&t, 80);
                size_t from = t.n;
                digit(&t, key, 1, 1, -12, -12, 52);
                size_t to = t.n;
                tape_tone(&t, 2600, impure ? -12 : -25, 36); /* a third and 2.4 % of the energy */
                for (size_t i = to; i < t.n; i++)
                    t.s[(last ? from + 128 : from) + i - to] += t.s[i];
                t.n = to;
            }
            tape_silence(&t, 100);
            unsigned n = heard_count(line_play(&t, (struct line){.phase = DSP_TALK}), DSP_DTMF);
            cr_assert_eq(n, impure ? 0 : 16, "impure %d, last %d: %u", impure, last, n);
            tape_close(&t);
        }
}

/* A digit begins where it has a third of its power: a lead-in far below is not it. */
Test(dtmf, begins_where_a_third_of_its_power_does)
{
    for (int quiet = 0; quiet < 2; quiet++)
        for (double shift = 0; shift < 20; shift += 5) {
            struct tape t;
            tape_open(&t, 15);
            tape_silence(&t, 100 + shift);
            size_t from = t.n;
            digit(&t, 5, 1, 1, -12, -12, 110);
            for (size_t i = from; i < from + 120; i++) /* 15 ms, -4.2 and -7.7 dB */
                t.s[i] *= sqrtf(quiet ? 0.17f : 0.38f);
            tape_silence(&t, 100);
            const struct heard *h = line_play(&t, (struct line){.phase = DSP_TALK});
            cr_assert_eq(heard_count(h, DSP_DTMF), 1);
            double start = 100 + shift + (quiet ? 15 : 0);
            cr_assert_leq(fabs(heard_first(h, DSP_DTMF)->start_ms - start), 6, "quiet %d, %g: %u",
                          quiet, start, heard_first(h, DSP_DTMF)->start_ms);
            tape_close(&t);
        }
}
