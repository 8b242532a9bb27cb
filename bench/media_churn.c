/* peal-bench media --case churn: short legs, opened and closed in hundreds of thousands, some with
 * a far end and a few packets; and as many as can be at once, for what they take. Memory that is
 * left growing after the first tenth would be a leak or fragmentation. */
#include "bench/media_churn.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/media_kit.h"

#define CHURN_LEGS   200000
#define BATCH        500
#define AT_ONCE      10000
#define AT_ONCE_FROM 10000 /* ports, two a leg */

struct churn {
    struct loop loop;
    struct media *media;
    struct media_leg *leg[AT_ONCE];
    uint64_t closed;
};

static void on_event(void *arg, struct media_leg *leg, const struct media_event *e)
{
    struct churn *c = arg;

    (void)leg;
    c->closed += e->kind == MEDIA_EV_CLOSED;
}

static double resident_kib(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    if (!f || fscanf(f, "%*d %ld", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1024;
}

static uint32_t descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    uint32_t n = 0;

    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

static bool open_media(struct churn *c, uint16_t first, uint32_t legs)
{
    const struct media_config config = {.loop = &c->loop,
                                        .workers = 1,
                                        .port_min = first,
                                        .port_max = (uint16_t)(first + 2 * legs + 1999),
                                        .max_legs = legs};

    return media_open(&c->media, &config) == OK;
}

static bool open_legs(struct churn *c, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (media_leg_open(c->media, &(struct media_leg_params){.detect = i & 1}, on_event, c,
                           &c->leg[i]) != OK)
            return false;
        if (i % 100 == 99)
            loop_turn(&c->loop, 0);
    }
    return true;
}

static bool close_legs(struct churn *c, uint32_t n)
{
    uint64_t wanted = c->closed + n, limit_us = bench_now_us() + 60000000;

    for (uint32_t i = 0; i < n; i++)
        media_leg_close(c->leg[i]);
    while (c->closed < wanted && bench_now_us() < limit_us)
        loop_turn(&c->loop, 10000);
    return c->closed == wanted;
}

static bool batch(struct churn *c)
{
    if (!open_legs(c, BATCH))
        return false;
    for (uint32_t i = 0; i < BATCH; i += 10) /* each tenth speaks to its neighbour */
        if (!media_kit_connect(c->leg[i], media_leg_local(c->leg[i + 1])) ||
            !media_kit_connect(c->leg[i + 1], media_leg_local(c->leg[i])))
            return false;
    loop_turn(&c->loop, 1000);
    return close_legs(c, BATCH);
}

static void many(struct bench *b, struct churn *c)
{
    uint64_t begin_us = bench_now_us();
    double early = 0;

    if (!open_media(c, ENGINE_PORTS, BATCH)) {
        bench_fail(b, "media: churn: no room of %u legs", BATCH);
        return;
    }
    for (uint32_t i = 0; i < CHURN_LEGS / BATCH; i++) {
        if (!batch(c)) {
            bench_fail(b, "media: churn: batch %u of legs could not be opened and closed", i);
            break;
        }
        if (i == CHURN_LEGS / BATCH / 10)
            early = resident_kib();
    }
    double growth = resident_kib() - early, seconds = (double)(bench_now_us() - begin_us) / 1e6;

    bench_add(b, "media", "churn: legs opened and closed", (double)c->closed / seconds, "legs/s",
              BENCH_HIGHER);
    bench_add(b, "media", "churn: 200,000 legs, memory grown after the first tenth",
              growth > 0 ? growth : 0, "KiB", BENCH_LOWER);
    media_close(c->media);
}

static void at_once(struct bench *b, struct churn *c)
{
    uint32_t before = descriptors();
    double kib = resident_kib();

    if (!open_media(c, AT_ONCE_FROM, AT_ONCE)) {
        bench_fail(b, "media: no room of %u legs", AT_ONCE);
        return;
    }
    bool opened = open_legs(c, AT_ONCE);

    for (int i = 0; i < 100; i++) /* the worker takes over what it was given */
        loop_turn(&c->loop, 10000);
    bench_add(b, "media", "10,000 legs at once: descriptors of each",
              (double)(descriptors() - before) / AT_ONCE, "", BENCH_LOWER);
    bench_add(b, "media", "10,000 legs at once, idle: memory of each",
              (resident_kib() - kib) / AT_ONCE, "KiB", BENCH_LOWER);
    if (!opened)
        bench_fail(b, "media: 10,000 legs could not be opened; raise ulimit -n");
    else if (!close_legs(c, AT_ONCE))
        bench_fail(b, "media: not every one of 10,000 legs could be closed");
    media_close(c->media);
    bench_add(b, "media", "10,000 legs at once: descriptors left when the room is closed",
              (double)descriptors() - before, "", BENCH_LOWER);
}

void bench_media_churn(struct bench *b)
{
    struct churn *c = calloc(1, sizeof(*c));

    if (!c || loop_init(&c->loop, NULL) != OK) {
        free(c);
        bench_fail(b, "media: churn: no ring");
        return;
    }
    many(b, c);
    at_once(b, c);
    loop_fini(&c->loop);
    free(c);
}
