/* One voice all the way from its far end to another's ear, while the product bridges, mixes,
 * coaches, holds with music, takes back and moves it between workers: how loud it arrives, how
 * late, how alike, and without a click. For both laws and between them, with 0, 2 and 10 % of its
 * packets lost.
 *
 * A click is a step between two samples that neither the voice nor the music can make. The machine
 * may be so busy that concealment shows; the best of TRIES runs counts, which a click of our own
 * making would be in all of. */
#include "audio_kit.h"

#define SECONDS    4
#define SAMPLES    (SECONDS * 8000)
#define LOW_HZ     180.0
#define HIGH_HZ    420.0
#define SIZE       8000.0
#define MUSIC_HZ   350.0
#define STEP_LIMIT 1.5 /* times the largest natural step: what is concealed bends a little */
#define TRIES      3
#define WINDOW     800

static int16_t source[SAMPLES];

/* Sweeps up and down, so that every 100 ms is unlike the others, and ends where it began. */
static void make_source(void)
{
    double phase = 0, middle = (LOW_HZ + HIGH_HZ) / 2, swing = (HIGH_HZ - LOW_HZ) / 2;

    for (int i = 0; i < SAMPLES; i++) {
        source[i] = (int16_t)lrint(SIZE * sin(phase));
        phase += 2 * M_PI * (middle + swing * sin(2 * M_PI * i / SAMPLES)) / 8000.0;
    }
}

struct path {
    struct kit k;
    struct voice a, b, c;
    struct heard_leg between; /* so that near legs are of two workers */
    const struct sound *speech, *music;
};

enum { BRIDGED, MIXED, COACHED, RELAYED_AGAIN, HELD, TAKEN_BACK, STAGES };

struct heard {
    struct {
        size_t from, to; /* samples of the recording */
        double alike, level, late_ms;
    } stage[STAGES];
    double step;
    uint64_t moves;
};

/* Where in the source the window fits best: the lag in samples, and how well. */
static double fit(const struct voice *v, size_t at, int *lag)
{
    double best = -2, mine = 0;

    for (int i = 0; i < WINDOW; i++)
        mine += pow(kit_sample(&v->wav, at + (size_t)i, 0), 2);
    for (int from = 0; from < SAMPLES; from++) {
        double dot = 0, theirs = 0;

        for (int i = 0; i < WINDOW; i += 2) { /* under 1 kHz: half the samples say the same */
            double x = source[(from + i) % SAMPLES];

            dot += x * kit_sample(&v->wav, at + (size_t)i, 0);
            theirs += x * x;
        }
        double r = mine > 0 ? 2 * dot / sqrt(mine * theirs * 2) : 0;

        if (r > best) {
            best = r;
            *lag = from;
        }
    }
    return best;
}

static double level_at(const struct voice *v, size_t at)
{
    double power = 0;

    for (size_t i = at; i < at + WINDOW; i++)
        power += pow(kit_sample(&v->wav, i, 0), 2);
    return sqrt(2 * power / WINDOW);
}

static void judge(const struct voice *v, struct heard *h)
{
    double first = 0;

    for (int s = 0; s < STAGES; s++) {
        size_t middle = (h->stage[s].from + h->stage[s].to) / 2;
        int lag = 0;

        cr_assert_lt(middle + WINDOW, v->wav.frames, "stage %d", s);
        h->stage[s].level = level_at(v, middle);
        if (s == HELD)
            continue;
        h->stage[s].alike = fit(v, middle, &lag);
        double late = fmod((double)middle - lag + 8.0 * SAMPLES, SAMPLES) / 8;

        if (s == BRIDGED)
            first = late;
        late -= first; /* later than by the relay */
        h->stage[s].late_ms = late < -SECONDS * 500.0  ? late + SECONDS * 1000.0
                              : late > SECONDS * 500.0 ? late - SECONDS * 1000.0
                                                       : late;
    }
    h->step = voice_step(v);
}

static void open_path(struct path *p, enum media_codec from, enum media_codec to, double loss)
{
    struct media_impair bad = {.seed = 7, .loss = loss};

    kit_open(&p->k, 2);
    voice_open_as(&p->k, &p->a, 500, 0, from);
    kit_leg(&p->k, &p->between, false);
    voice_open_as(&p->k, &p->b, 500, 0, to);
    voice_open_as(&p->k, &p->c, 500, 0, from);
    cr_assert_eq(sound_from_pcm(media_sounds(p->k.media), source, SAMPLES, &p->speech), OK);
    p->music = voice_tone(&p->k, MUSIC_HZ, SIZE);
    media_leg_stop(p->a.far.leg);
    cr_assert_eq(media_leg_play(p->a.far.leg, p->speech, true, 2), OK);
    if (loss > 0)
        cr_assert_eq(media_leg_impair(p->a.far.leg, &bad), OK);
}

static void close_path(struct path *p)
{
    voice_close(&p->a);
    voice_close(&p->b);
    voice_close(&p->c);
    kit_close_leg(&p->k, &p->between);
    sound_unref(p->speech);
    sound_unref(p->music);
    kit_close(&p->k);
}

/* The stages one after the other, under one recording of what b's far end hears. */
static void walk(struct path *p, struct heard *h)
{
    struct media_leg *a = p->a.near.leg, *b = p->b.near.leg, *c = p->c.near.leg;
    struct media_metrics m;
    uint64_t begin_ms = 0;

    for (int s = 0; s < STAGES; s++) {
        switch (s) {
        case BRIDGED:
            cr_assert_eq(media_bridge(a, b), OK);
            cr_assert(kit_until(&p->k, &p->b.near.bridged, 1, KIT_LIMIT_MS));
            kit_run_ms(&p->k, 300);
            begin_ms = kit_now_ms();
            voice_begin(&p->b);
            break;
        case MIXED:
            cr_assert_eq(media_mix_join(c, a, MIX_TALKS), OK);
            break;
        case COACHED:
            cr_assert_eq(media_mix_join(c, b, MIX_COACHES), OK);
            break;
        case RELAYED_AGAIN:
            media_unbridge(c);
            break;
        case HELD:
            media_unbridge(a);
            cr_assert_eq(media_leg_play(b, p->music, true, 3), OK);
            break;
        case TAKEN_BACK:
            media_leg_stop(b);
            cr_assert_eq(media_bridge(b, a), OK);
            break;
        }
        h->stage[s].from = (size_t)(kit_now_ms() - begin_ms) * 8;
        kit_run_ms(&p->k, 700);
        h->stage[s].to = (size_t)(kit_now_ms() - begin_ms) * 8;
    }
    kit_run_ms(&p->k, 200);
    voice_end(&p->b);
    judge(&p->b, h);
    media_metrics(p->k.media, &m);
    h->moves = m.moves;
}

static bool is_good(const struct heard *h, double loss)
{
    double like = loss > 0.05 ? 0.85 : loss > 0 ? 0.95 : 0.99;

    for (int s = 0; s < STAGES; s++) {
        if (h->stage[s].level < SIZE * 0.8 || h->stage[s].level > SIZE * 1.1)
            return false;
        if (s != HELD &&
            (h->stage[s].alike < like || h->stage[s].late_ms < -30 || h->stage[s].late_ms > 250))
            return false;
    }
    return h->step < STEP_LIMIT * tone_step(HIGH_HZ, SIZE);
}

static void whole_path(enum media_codec from, enum media_codec to, double loss)
{
    struct heard h;
    bool good = false;

    make_source();
    for (int i = 0; i < TRIES && !good; i++) {
        struct path p = {0};

        h = (struct heard){0};
        open_path(&p, from, to, loss);
        walk(&p, &h);
        close_path(&p);
        good = is_good(&h, loss);
    }
    cr_expect_gt(h.moves, 0, "the legs came from two workers");
    cr_expect(good, "largest step %.0f (natural %.0f)", h.step, tone_step(HIGH_HZ, SIZE));
    for (int s = 0; s < STAGES && !good; s++)
        cr_expect(false, "stage %d: level %.0f, alike %.3f, %+.0f ms", s, h.stage[s].level,
                  h.stage[s].alike, h.stage[s].late_ms);
}

Test(audio_path, ulaw)
{
    whole_path(MEDIA_PCMU, MEDIA_PCMU, 0);
}
Test(audio_path, alaw)
{
    whole_path(MEDIA_PCMA, MEDIA_PCMA, 0);
}
Test(audio_path, between_the_laws)
{
    whole_path(MEDIA_PCMU, MEDIA_PCMA, 0);
}
Test(audio_path, ulaw_with_2_percent_lost)
{
    whole_path(MEDIA_PCMU, MEDIA_PCMU, 0.02);
}
Test(audio_path, alaw_with_10_percent_lost)
{
    whole_path(MEDIA_PCMA, MEDIA_PCMA, 0.1);
}
Test(audio_path, between_the_laws_with_10_percent_lost)
{
    whole_path(MEDIA_PCMA, MEDIA_PCMU, 0.1);
}
