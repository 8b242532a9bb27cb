/* Legs over real sockets: what one says, the other hears. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "media/leg.h"
#include "media/rtp.h"
#include "media/wav.h"
#include "media_kit.h"

/* A sound whose every stretch of 40 samples is recognisable. */
static const struct sound *melody(struct kit *k, uint32_t ms)
{
    static int16_t pcm[60 * 8000];
    uint32_t n = ms * 8;

    for (uint32_t i = 0; i < n; i++)
        pcm[i] = (int16_t)(9000.0 * sin(i * 0.05 + 0.00002 * i * i) + 3000.0 * sin(i * 0.31));
    const struct sound *s;

    cr_assert_eq(sound_from_pcm(media_sounds(k->media), pcm, n, &s), OK);
    return s;
}

Test(leg, plays_to_the_other_end_sample_for_sample)
{
    struct kit k;
    struct heard_leg a, b;
    struct wav w;

    kit_open(&k, 1);
    kit_pair(&k, &a, &b, MEDIA_PCMU);
    const struct sound *s = melody(&k, 2000);
    char path[] = "/tmp/peal-media-XXXXXX";

    close(mkstemp(path));
    cr_assert_eq(media_leg_record(b.leg, path, true), OK);
    cr_assert_eq(media_leg_play(a.leg, s, false, 77), OK);
    cr_assert(kit_until(&k, &a.played, 1, 5000));
    cr_assert_eq(a.last_cookie, 77);
    cr_assert_eq(a.last_err, OK);
    kit_run_ms(&k, 200);
    media_leg_record_stop(b.leg);
    cr_assert(kit_until(&k, &b.recorded, 1, 3000));
    cr_assert_eq(b.last_err, OK);

    size_t len;
    uint8_t *file = kit_read(path, &len);

    cr_assert_eq(wav_parse(file, len, &w), OK);
    cr_assert_eq(w.channels, 2);
    double share = kit_match(&w, 0, s, false);

    cr_expect_gt(share, 0.9, "only %.3f of the played audio arrived", share);
    cr_expect_float_eq(b.seconds, w.frames / 8000.0, 1e-9);
    free(file);
    unlink(path);
    sound_unref(s);
    kit_close_pair(&k, &a, &b);
    cr_expect_eq(b.stats.lost, 0);
    cr_expect_gt(b.stats.received, 100);
    kit_close(&k);
}
