/* See media_kit.h. */
#include "bench/media_kit.h"

#include <math.h>

#include "bench/bench.h"
#include "bench/media_echo.h"

static struct media *open_room(struct loop *l, uint32_t core, uint32_t workers, uint16_t ports,
                               uint32_t legs, bool shared)
{
    struct media_config config = {.loop = l,
                                  .workers = workers,
                                  .pin_from = core + 1,
                                  .realtime = true,
                                  .port_min = ports,
                                  .port_max = (uint16_t)(ports + 2 * ECHO_LEGS_MAX),
                                  .shared = shared,
                                  .max_legs = legs};
    struct media *m;

    return media_open(&m, &config) == OK ? m : NULL;
}

struct media *media_kit_open(struct loop *l, uint32_t core, uint32_t workers, uint16_t ports,
                             uint32_t legs)
{
    return open_room(l, core, workers, ports, legs, false);
}

struct media *media_kit_open_shared(struct loop *l, uint32_t core, uint16_t ports, uint32_t legs)
{
    return open_room(l, core, 1, ports, legs, true);
}

void media_kit_run(struct loop *l, double seconds)
{
    uint64_t end_us = bench_now_us() + (uint64_t)(seconds * 1e6);

    while (bench_now_us() < end_us)
        loop_turn(l, 20000);
}

bool media_kit_connect(struct media_leg *l, const struct addr *to)
{
    struct media_remote r = {
        .rtp = *to, .codec = MEDIA_PCMU, .event_pt = 101, .direction = MEDIA_SENDRECV};

    return media_leg_set_remote(l, &r) == OK;
}

bool media_kit_connect_shared(struct media_leg *l, const struct media_leg *to)
{
    struct media_remote r = {.rtp = *media_leg_local(to),
                             .codec = MEDIA_PCMU,
                             .event_pt = 101,
                             .direction = MEDIA_SENDRECV};
    struct media_shared at;

    if (!media_leg_shared(to, &at))
        return false;
    r.shared = r.rtp;
    addr_set_port(&r.shared, at.port);
    r.shared_number = at.number;
    return media_leg_set_remote(l, &r) == OK;
}

const struct sound *media_kit_speech(struct media *m)
{
    static int16_t pcm[5 * 8000];
    const struct sound *s = NULL;
    uint32_t noise = 1;

    for (uint32_t i = 0; i < 40000; i++) {
        noise = noise * 1664525 + 1013904223;
        double loud = (i / 3000) % 3 ? 6000.0 : 30.0;

        pcm[i] = (int16_t)(loud * sin(i * 0.13 + 2.0 * sin(i * 0.002)) + (noise >> 24));
    }
    return sound_from_pcm(media_sounds(m), pcm, 40000, &s) == OK ? s : NULL;
}
