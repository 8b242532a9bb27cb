/* Each worker's histogram as it was at the last look is kept beside the present one. A worker that
 * has told nothing for a second although it turns four times a second is late by that much. */
#include "media/window.h"

#include <stdlib.h>
#include <string.h>

#include "media/control.h"

#define TELLS_EVERY_US 1000000

struct media_window {
    struct media *media;
    struct media_metrics all;
    struct hist diff;
    uint64_t skipped;
    struct hist before[];
};

enum err media_window_open(struct media_window **out, struct media *m)
{
    struct media_window *w = calloc(1, sizeof(*w) + m->workers * sizeof(w->before[0]));

    if (!w)
        return ERR_NOMEM;
    w->media = m;
    *out = w;
    return OK;
}

void media_window_close(struct media_window *w)
{
    free(w);
}

static uint64_t late_us(const struct hist *h)
{
    double by_count = h->count ? 1.0 - (double)WINDOW_SLOTS_MIN / (double)h->count : 0;

    if (h->count < WINDOW_SLOTS_MIN)
        return 0;
    return hist_quantile(h, by_count < 0.99 ? by_count : 0.99);
}

static uint64_t silent_us(const struct media *m, uint32_t worker, uint64_t now_us)
{
    uint64_t told_us = m->latest[worker].at_us;

    return told_us && now_us > told_us + TELLS_EVERY_US ? now_us - told_us : 0;
}

void media_window_take(struct media_window *w, struct media_lateness *out,
                       struct media_metrics *all)
{
    struct media *m = w->media;
    uint64_t now_us = clock_us(&m->clock);

    *out = (struct media_lateness){0};
    media_metrics(m, &w->all);
    for (uint32_t i = 0; i < m->workers; i++) {
        hist_since(&m->latest[i].late_us, &w->before[i], &w->diff);
        w->before[i] = m->latest[i].late_us;
        uint64_t late = late_us(&w->diff), silent = silent_us(m, i, now_us);

        out->slots += w->diff.count;
        if (silent > late)
            late = silent;
        if (i == 0 || late > out->late_us) {
            out->late_us = late;
            out->p50_us = hist_quantile(&w->diff, 0.5);
            out->worker = i;
        }
    }
    out->skipped = w->all.ticks_skipped - w->skipped;
    w->skipped = w->all.ticks_skipped;
    if (all)
        *all = w->all;
}
