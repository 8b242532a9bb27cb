/* May new calls be taken? Judged once a second by how late the media workers' slots began: packets
 * leave late before anything is lost, so a machine that is late for several seconds has as many
 * calls as it can bear. It opens again after a longer, better time, so that it does not swing.
 * Pure: the caller brings the figures (media/window.h) and asks once a second. */
#ifndef PEAL_MEDIA_ADMISSION_H
#define PEAL_MEDIA_ADMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADMISSION_LIMIT_MS 20 /* a slot of 20 ms late: the far end's jitter buffer runs dry */
#define ADMISSION_BAD_S    3  /* seconds in a row above the limit that close it */
#define ADMISSION_GOOD_S   5  /* … and at most half of it that open it again */
#define ADMISSION_TEXT_MAX 160

struct admission {
    uint64_t limit_us; /* 0: everything is admitted */
    uint64_t late_us, skipped; /* as last judged */
    uint32_t bad_s, good_s;
    bool closed;
    uint64_t closed_times, closed_s; /* how often, and seconds in all */
    uint64_t refused;                /* calls, counted by who refuses them */
};

void admission_init(struct admission *a, uint64_t limit_us);
/* Another limit from now on; 0 opens at once. */
void admission_set_limit(struct admission *a, uint64_t limit_us);
/* The last second: late_us as in struct media_lateness, slots that were left out. A slot left out
 * (the worker fell WORKER_BEHIND_MAX_MS behind) closes at once. True: it has opened or closed. */
bool admission_judge(struct admission *a, uint64_t late_us, uint64_t skipped);
/* Why new calls are refused, as a sentence; "" when they are not. */
const char *admission_why(const struct admission *a, char text[ADMISSION_TEXT_MAX]);

#endif
