/* Leads that an event outside has stopped (queue/stop.h): asked for a few times a second, their
 * calls ended at once, unless an agent talks to them already. Those not dialled yet need nothing
 * here: Redis refuses their attempts. */
#include "dialer/internal.h"

#include "base/log.h"
#include "queue/stop.h"

#define ASK_EVERY_MS 200

static struct attempt *attempt_of(struct dialer *d, struct slice id)
{
    list_each(n, next, &d->live)
    {
        struct attempt *a = container_of(n, struct attempt, node);

        if (slice_eq(slice_cstr(a->task.id), id))
            return a;
    }
    return NULL;
}

static void on_stops(void *arg, enum err e, uint64_t seen, const struct slice *ids, uint32_t n)
{
    struct dialer *d = arg;

    d->stops.asking = false;
    if (e != OK)
        return;
    d->stops.seen = seen;
    for (uint32_t i = 0; i < n; i++) {
        struct attempt *a = attempt_of(d, ids[i]);

        if (!a || a->phase == ATTEMPT_CONNECTED)
            continue;
        log_info("dialer", "a lead was stopped while it was called", "lead=%s", a->task.id);
        attempt_take_back(a);
    }
}

void stops_begin(struct dialer *d)
{
    d->stops.seen = STOP_NONE_SEEN;
}

void stops_look(struct dialer *d)
{
    uint64_t now = loop_now_ms(d->loop);

    if (d->config.model || d->stops.asking || !queue_up(d->queue) ||
        now < d->stops.asked_ms + ASK_EVERY_MS)
        return;
    d->stops.asked_ms = now;
    d->stops.asking = queue_stops(d->queue, d->stops.seen, on_stops, d) == OK;
}
