/* The two threads of media under load: legs come and go, are bridged across workers, play, press
 * keys, record and are closed at any moment, while metrics are read. Run under TSan. */
#include <unistd.h>

#include "base/rng.h"
#include "media/mix.h"
#include "media_kit.h"

#define LEGS  24
#define STEPS 3000

static struct kit k;
static struct heard_leg legs[LEGS];
static const struct sound *sound;
static char folder[] = "/tmp/peal-media-XXXXXX";
static uint32_t opened, closed_by_us;

static void step(struct rng *r)
{
    struct heard_leg *a = &legs[rng_below(r, LEGS)], *b = &legs[rng_below(r, LEGS)];
    struct media_record how;
    char path[64];

    if (!a->leg) {
        kit_leg(&k, a, rng_below(r, 2));
        opened++;
        return;
    }
    switch (rng_below(r, 18)) {
    case 0:
    case 1:
    case 2:
        if (b->leg && a != b)
            kit_connect(a, b, rng_below(r, 2) ? MEDIA_PCMU : MEDIA_PCMA);
        break;
    case 3:
        media_leg_play(a->leg, sound, rng_below(r, 2), rng_below(r, 3));
        break;
    case 4:
        media_leg_dtmf(a->leg, slice_cstr("19"), rng_below(r, 2), 60, 60, 3);
        break;
    case 5:
        media_leg_stop(a->leg);
        break;
    case 6:
        media_leg_phase(a->leg, (enum dsp_phase)rng_below(r, 4));
        break;
    case 7:
        snprintf(path, sizeof(path), "%s/%u.wav", folder, (unsigned)(a - legs));
        how = (struct media_record){.path = path,
                                    .stereo = rng_below(r, 2),
                                    .format = rng_below(r, 2) ? RECORD_OPUS : RECORD_WAV,
                                    .index = rng_below(r, 2)};
        media_leg_record(a->leg, &how);
        break;
    case 8:
        media_leg_record_stop(a->leg);
        break;
    case 9:
        if (b->leg)
            media_bridge(a->leg, b->leg);
        break;
    case 10:
        media_unbridge(a->leg);
        break;
    case 12:
    case 13:
        if (b->leg)
            media_mix_join(a->leg, b->leg, (enum mix_role)rng_below(r, 3));
        break;
    case 14:
        media_leg_gain(a->leg, (int)rng_below(r, 12) - 6, rng_below(r, 2));
        media_leg_keys_across(a->leg, (enum media_keys)rng_below(r, 3));
        break;
    case 15:
        media_leg_play_over(a->leg, sound, false, rng_below(r, 3));
        break;
    case 11:
        media_leg_record_arm(a->leg, 200);
        break;
    case 16:
        media_leg_record_mask(a->leg, rng_below(r, 2));
        media_leg_record_mark(a->leg, 0, "key", "5");
        break;
    case 17:
        media_leg_close(a->leg);
        KIT_CHECK(kit_until(&k, &a->closed, 1, KIT_LIMIT_MS));
        closed_by_us++;
        break;
    }
}

int main(void)
{
    static struct media_metrics m;
    int16_t pcm[1600];
    struct rng r;

    rng_seed(&r, 20);
    KIT_CHECK(mkdtemp(folder));
    kit_open(&k, 3);
    for (int i = 0; i < 1600; i++)
        pcm[i] = (int16_t)(i * 37 % 9000);
    KIT_CHECK(sound_from_pcm(media_sounds(k.media), pcm, 1600, &sound) == OK);
    for (int i = 0; i < STEPS; i++) {
        step(&r);
        if (i % 50 == 0) {
            media_metrics(k.media, &m);
            media_metrics_restart(k.media);
        }
        kit_run_ms(&k, i % 8 == 0);
    }
    for (int i = 0; i < LEGS; i++)
        if (legs[i].leg)
            kit_close_leg(&k, &legs[i]);
    media_metrics(k.media, &m);
    KIT_CHECK(m.legs == 0 && m.legs_opened == opened && m.moves > 0);
    KIT_CHECK(closed_by_us > 10);
    KIT_CHECK(sound->refs == 1);

    /* And once more with legs alive at the end of everything. */
    for (int i = 0; i < 4; i++)
        kit_leg(&k, &legs[i], true);
    kit_connect(&legs[0], &legs[1], MEDIA_PCMU);
    media_leg_play(legs[0].leg, sound, true, 1);
    kit_run_ms(&k, 50);
    sound_unref(sound);
    kit_close(&k);
    for (int i = 0; i < LEGS; i++) {
        char path[64];

        snprintf(path, sizeof(path), "%s/%d.wav", folder, i);
        unlink(path);
    }
    rmdir(folder);
    return 0;
}
