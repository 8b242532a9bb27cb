/* Legs of one codec on the phone with legs of all, over real sockets: caller --- a
 * ==bridge== b --- agent. What the agent hears is recorded and compared with what the caller said,
 * in pieces of 200 ms: likeness, level, delay, no click; without loss, and with 3 and 10 % of the
 * caller's packets lost. A machine that is busy tears what is said: then it is said again. */
#include <criterion/criterion.h>

#include "codec_kit.h"
#include "media_kit.h"

#define SECONDS   3
#define RATE      8000
#define SAID      (SECONDS * RATE)
#define PIECE     1600       /* 200 ms, compared by itself */
#define LATE_MOST (RATE / 2) /* of the whole way */
#define PIECES    (SAID / PIECE - 1)
#define CODECS    6
#define TALKS     6 /* at most, until each was heard well */

static const struct {
    enum media_codec codec;
    uint8_t pt;
    const char *name;
} codecs[CODECS] = {{MEDIA_PCMU, 0, "pcmu"},   {MEDIA_PCMA, 8, "pcma"},
                    {MEDIA_G722, 9, "g722"},   {MEDIA_OPUS, 111, "opus"},
                    {MEDIA_L16_8, 117, "l16"}, {MEDIA_L16_16, 118, "l16-16k"}};

static void connect_legs(struct heard_leg *a, struct heard_leg *b, uint32_t codec)
{
    struct media_remote to_b = kit_remote(media_leg_local(b->leg), codecs[codec].codec);
    struct media_remote to_a = kit_remote(media_leg_local(a->leg), codecs[codec].codec);

    to_a.payload_type = to_b.payload_type = codecs[codec].pt;
    to_a.wishes.fec = to_b.wishes.fec = true;
    if (codecs[codec].codec == MEDIA_OPUS)
        to_a.event_khz = to_b.event_khz = 48;
    cr_assert_eq(media_leg_set_remote(a->leg, &to_b), OK);
    cr_assert_eq(media_leg_set_remote(b->leg, &to_a), OK);
}

struct pair { /* one conversation */
    struct heard_leg caller, a, b, agent;
    char path[32];
};

static struct kit k;
static struct pair pairs[CODECS];
static int16_t said[SAID], heard[SAID + 4 * RATE];

static void open_all(uint32_t from)
{
    kit_open(&k, 1);
    for (uint32_t i = 0; i < CODECS; i++) {
        struct pair *p = &pairs[i];

        kit_leg(&k, &p->caller, false);
        kit_leg(&k, &p->a, false);
        kit_leg(&k, &p->b, false);
        kit_leg(&k, &p->agent, false);
        connect_legs(&p->caller, &p->a, from);
        connect_legs(&p->b, &p->agent, i);
        strcpy(p->path, "/tmp/peal-coded-XXXXXX");
        close(mkstemp(p->path));
    }
    for (uint32_t i = 0; i < CODECS; i++) {
        struct pair *p = &pairs[i];

        cr_assert(kit_until(&k, &p->a.first_rtp, 1, KIT_LIMIT_MS));
        cr_assert(kit_until(&k, &p->b.first_rtp, 1, KIT_LIMIT_MS));
        cr_assert_eq(media_bridge(p->a.leg, p->b.leg), OK);
        cr_assert(kit_until(&k, &p->b.bridged, 1, KIT_LIMIT_MS), "to %s", codecs[i].name);
        cr_assert(kit_until(&k, &p->a.bridged, 1, KIT_LIMIT_MS), "from %s", codecs[i].name);
    }
}

static void close_all(void)
{
    for (uint32_t i = 0; i < CODECS; i++) {
        kit_close_pair(&k, &pairs[i].caller, &pairs[i].a);
        kit_close_pair(&k, &pairs[i].b, &pairs[i].agent);
        unlink(pairs[i].path);
    }
    kit_close(&k);
}

static void talk(const struct sound *s, double loss, uint32_t turn)
{
    for (uint32_t i = 0; i < CODECS; i++) {
        struct media_impair bad = {.seed = 5 + i, .loss = loss};

        cr_assert_eq(media_leg_impair(pairs[i].caller.leg, &bad), OK);
        cr_assert_eq(kit_record(&pairs[i].agent, pairs[i].path, true), OK);
    }
    for (uint32_t i = 0; i < CODECS; i++)
        cr_assert_eq(media_leg_play(pairs[i].caller.leg, s, false, 1), OK);
    for (uint32_t i = 0; i < CODECS; i++)
        cr_assert(kit_until(&k, &pairs[i].caller.played, turn, KIT_LIMIT_MS));
    kit_run_ms(&k, 500);
    for (uint32_t i = 0; i < CODECS; i++) {
        media_leg_record_stop(pairs[i].agent.leg);
        cr_assert(kit_until(&k, &pairs[i].agent.recorded, turn, KIT_LIMIT_MS));
    }
}

static uint32_t read_heard(const char *path)
{
    size_t len;
    struct wav w;
    uint8_t *file = kit_read(path, &len);
    uint32_t n = 0;

    cr_assert_eq(wav_parse(file, len, &w), OK);
    memset(heard, 0, sizeof(heard));
    for (; n < w.frames && n < sizeof(heard) / sizeof(*heard); n++)
        heard[n] = kit_sample(&w, n, 0);
    free(file);
    return n;
}

struct result {
    uint32_t well; /* of PIECES: alike and as loud */
    double alike;  /* mean */
    int32_t step;
};

/* Each piece is sought near where the one before it was. */
static struct result compare(uint32_t frames)
{
    struct result r = {0};
    uint32_t at = 0, room = LATE_MOST + RATE;

    for (uint32_t i = 0; i < PIECES; i++) {
        const int16_t *piece = said + (i + 1) * PIECE;
        uint32_t from = i ? at + PIECE - RATE / 10 : 0, later = 0;

        if (from + PIECE + room > frames)
            from = frames > PIECE + room ? frames - PIECE - room : 0;
        double best = -1.0;

        for (uint32_t lag = 0; lag <= (i ? RATE / 4u : room); lag++) {
            double one = kit_alike_at(piece, heard + from + lag, PIECE / 2);

            if (one > best) {
                best = one;
                later = lag;
            }
        }
        double alike = kit_alike_at(piece, heard + from + later, PIECE);
        double level = kit_level_db(heard + from + later, PIECE) - kit_level_db(piece, PIECE);

        at = alike > 0.6 ? from + later : at + PIECE;
        r.well += alike > 0.6 && fabs(level) < 3.0;
        r.alike += alike / PIECES;
    }
    r.step = kit_step(heard, frames);
    return r;
}

static bool is_well(const struct result *r, double loss)
{
    return r->well >= PIECES * (loss > 0.05 ? 6 : 7) / 10 && r->alike > 0.6 &&
           r->step <= 2 * kit_step(said, SAID);
}

static void from(uint32_t caller, double loss)
{
    struct result r[CODECS];
    const struct sound *s;
    uint32_t well = 0;

    kit_speech(said, SAID, 8, 3200.0);
    open_all(caller);
    cr_assert_eq(sound_from_pcm(media_sounds(k.media), said, SAID, &s), OK);
    memset(r, 0, sizeof(r));
    for (uint32_t turn = 1; turn <= TALKS && well < CODECS; turn++) {
        talk(s, loss, turn);
        well = 0;
        for (uint32_t i = 0; i < CODECS; i++) {
            if (!is_well(&r[i], loss))
                r[i] = compare(read_heard(pairs[i].path));
            well += is_well(&r[i], loss);
        }
    }
    for (uint32_t i = 0; i < CODECS; i++)
        cr_expect(is_well(&r[i], loss), "%s to %s, %.0f %%: %u of %u, %.3f, a step of %d beside %d",
                  codecs[caller].name, codecs[i].name, 100 * loss, r[i].well, PIECES, r[i].alike,
                  r[i].step, kit_step(said, SAID));
    sound_unref(s);
    close_all();
    for (uint32_t i = 0; i < CODECS; i++) {
        /* Of one codec packets pass as they are; else they are made anew. */
        if (i == caller)
            cr_expect_gt(pairs[i].b.stats.relayed, 100u, "%s", codecs[i].name);
        else
            cr_expect_eq(pairs[i].b.stats.relayed, 0, "%s to %s", codecs[caller].name,
                         codecs[i].name);
        cr_expect_eq(pairs[i].a.stats.invalid + pairs[i].agent.stats.invalid, 0);
        const struct quality_figures *q = &pairs[i].agent.stats.quality;

        cr_expect_gt(q->mos_lq_hundredths, 0, "estimated of %s", codecs[i].name);
        cr_expect_eq(q->is_wide, emodel_coding(codecs[i].codec)->is_wide, "%s", codecs[i].name);
    }
}

Test(coded_leg, from_pcmu, .timeout = 110)
{
    from(0, 0.0);
}

Test(coded_leg, from_opus, .timeout = 110)
{
    from(3, 0.0);
}

Test(coded_leg, from_l16_wide, .timeout = 110)
{
    from(5, 0.0);
}

Test(coded_leg, from_g722_with_loss, .timeout = 110)
{
    from(2, 0.03);
}

Test(coded_leg, from_opus_with_loss, .timeout = 110)
{
    from(3, 0.10);
}

/* Keys go from a leg with the clock of Opus to one with the telephone's, and back. */
Test(coded_leg, keys_pass_between_clocks)
{
    open_all(3);
    for (uint32_t i = 0; i < CODECS; i++) {
        cr_assert_eq(media_leg_dtmf(pairs[i].caller.leg, SLICE("5"), false, 100, 100, 0), OK);
        cr_assert(kit_until(&k, &pairs[i].a.digits, 1, KIT_LIMIT_MS), "at a, %s", codecs[i].name);
        cr_assert(kit_until(&k, &pairs[i].agent.digits, 1, KIT_LIMIT_MS), "at %s", codecs[i].name);
        cr_expect_eq(pairs[i].agent.digit[0], '5');
        cr_assert_eq(media_leg_dtmf(pairs[i].agent.leg, SLICE("9"), false, 100, 100, 0), OK);
        cr_assert(kit_until(&k, &pairs[i].caller.digits, 1, KIT_LIMIT_MS), "back from %s",
                  codecs[i].name);
        cr_expect_eq(pairs[i].caller.digit[0], '9');
    }
    close_all();
}

/* A new offer may bring another codec in the middle of a call, and the first one back. */
Test(coded_leg, the_codec_changes_in_the_middle)
{
    struct heard_leg a, b;
    static const uint32_t order[] = {1, 3, 2, 3, 5, 0};
    const struct sound *s;

    kit_open(&k, 1);
    kit_leg(&k, &a, true);
    kit_leg(&k, &b, true);
    kit_speech(said, SAID, 8, 3200.0);
    cr_assert_eq(sound_from_pcm(media_sounds(k.media), said, SAID, &s), OK);
    for (uint32_t i = 0; i < 6; i++) {
        connect_legs(&a, &b, order[i]);
        media_leg_phase(b.leg, DSP_ANSWERED);
        uint32_t before = b.heard;

        cr_assert_eq(media_leg_play(a.leg, s, false, 1), OK);
        cr_assert(kit_until(&k, &b.heard, before + 1, KIT_LIMIT_MS), "heard in %s",
                  codecs[order[i]].name);
        media_leg_stop(a.leg);
        media_leg_phase(b.leg, DSP_OFF);
    }
    sound_unref(s);
    kit_close_pair(&k, &a, &b);
    kit_close(&k);
    cr_expect_eq(b.stats.invalid, 0);
    cr_expect_lt(b.stats.discarded, 5);
}
