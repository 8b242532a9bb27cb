/* A lead, by its id or one of its numbers: every rule that holds it, when it may be dialled, and
 * what its attempts became. For `peal why` and the API. */
#ifndef PEAL_API_WHY_H
#define PEAL_API_WHY_H

#include "api/view.h"
#include "base/json.h"

#define WHY_FOUND_MAX 32 /* leads of one number in one campaign */
#define WHY_JSON_MAX  (512 * 1024)

/* Valid during the call only. */
struct why {
    const struct view *view;
    const struct queue_stands *stands;
    const struct reasons *reasons;
    const struct queue_attempt_text *attempts; /* the latest, oldest first */
    uint32_t attempt_count;
};
typedef void why_fn(void *arg, const struct why *w);

struct why_counts {
    uint32_t found, left_out; /* left_out: more than WHY_FOUND_MAX */
};
/* Calls `each` for every lead that is found. False: view->ask->e. */
bool why_ask(struct view *view, const char *lead, why_fn *each, void *arg, struct why_counts *n);
void why_json(const struct why *w, struct json *j);

#endif
