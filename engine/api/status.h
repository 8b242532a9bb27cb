/* A campaign at a glance, for `peal status` and the API. Counts that Redis keeps are asked at once;
 * which leads are outside their window, and what became of attempts, is counted in chunks, so that
 * nobody waits for Redis meanwhile. */
#ifndef PEAL_API_STATUS_H
#define PEAL_API_STATUS_H

#include "api/view.h"
#include "base/json.h"

#define STATUS_NAMES_MAX 64
#define STATUS_JSON_MAX  (256 * 1024)

struct status_tally {
    struct {
        char name[QUEUE_ENGINE_MAX + 1];
        uint64_t n;
    } at[STATUS_NAMES_MAX]; /* the most first */
    uint32_t n;
    uint64_t others;
};

struct status {
    const struct view *view;
    /* By looking at every lead: */
    uint64_t leads, ready, waits, window, spent, expired, leased, done, malformed, rests;
    uint64_t next_due_ms, next_window_ms; /* the first of those; 0: none */
    struct status_tally held_by, statuses, results;
    uint64_t attempts;
    double live, abandoned; /* the abandonment account of 30 days */
};

/* To be freed. NULL: view->ask->e. */
struct status *status_count(struct view *view);
double status_abandoned_percent(const struct status *s);
void status_json(const struct status *s, struct json *j);

#endif
