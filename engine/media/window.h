/* How late the workers' slots were of late: the difference of their histograms between two looks.
 * The worst worker counts, for its legs are the ones that suffer. Control thread only. */
#ifndef PEAL_MEDIA_WINDOW_H
#define PEAL_MEDIA_WINDOW_H

#include "media/media.h"

/* A quantile of few slots says little: at least so many must be late before a window is. */
#define WINDOW_SLOTS_MIN 5

struct media_window;

struct media_lateness {
    uint64_t slots;           /* of all workers */
    uint64_t p50_us, late_us; /* of the worst worker: late_us is its p99, or the least lateness of
                                 its WINDOW_SLOTS_MIN latest slots where that is less */
    uint64_t skipped;         /* slots left out, of all workers */
    uint32_t worker;          /* the worst one */
};

enum err media_window_open(struct media_window **out, struct media *m);
void media_window_close(struct media_window *w);
/* Of the time since the last call (the first: since the start). all: the counters as they are now,
 * may be NULL. */
void media_window_take(struct media_window *w, struct media_lateness *out,
                       struct media_metrics *all);

#endif
