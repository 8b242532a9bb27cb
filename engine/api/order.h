/* An order to all engines of a campaign (queue/control.h) and what each makes of it, for `peal
 * pause` and its kin and for the API. */
#ifndef PEAL_API_ORDER_H
#define PEAL_API_ORDER_H

#include "api/ask.h"
#include "base/json.h"
#include "queue/control.h"

#define ORDER_FOLLOW_MS 5000 /* engines look four times a second */

struct order_outcome {
    bool given; /* false after true of order_give: never; after false: the order is not given */
    enum control_answer answer;
    struct queue_control now;
    /* CHANGED: engines that are there. One whose version is below now.version has not answered
     * within ORDER_FOLLOW_MS. */
    struct queue_engine_told engine[QUEUE_ENGINES_MAX];
    uint32_t engines;
};

/* Gives it and waits for the engines. False: a->e, and out->given. who, why: on one line, at most
 * CONTROL_WHO_MAX and CONTROL_WHY_MAX. */
bool order_give(struct ask *a, enum control_order order, const char *who, const char *why,
                struct order_outcome *out);
/* Every engine has answered, and follows. */
bool order_is_followed(const struct order_outcome *o);
void order_json(const struct order_outcome *o, const char *campaign, struct json *j);
/* Why a text cannot be kept with an order; NULL: it can. */
const char *order_text_wrong(const char *text, size_t most);

#endif
