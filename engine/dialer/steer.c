/* The campaign file read again while it runs (SIGHUP, `peal reload`): what is looked up at each
 * decision is taken (campaign/change.h), calls under way, agents and what was learned stay. A file
 * that cannot be read, or asks for what a running engine cannot become, changes nothing. Either way
 * a sentence says so in the live view, the log and Redis. */
#include "dialer/internal.h"

#include <stdio.h>

#include "base/log.h"
#include "campaign/change.h"
#include "dialer/lists.h"

static void tell(struct dialer *d, bool followed, const char *fmt, const char *what)
{
    snprintf(d->reloaded, sizeof(d->reloaded), fmt, what);
    d->reloaded_ms = loop_now_ms(d->loop);
    log_info("dialer", "the campaign file was read again", "outcome=\"%s\"", d->reloaded);
    control_tell(d, followed, d->reloaded);
}

static void take(struct dialer *d, struct campaign *next)
{
    const struct campaign *old = d->campaign;
    char changes[sizeof(d->reloaded)];

    campaign_changes(d->campaign, next, changes, sizeof(changes));
    if (d->policy.mode == PACING_PREVIEW && next->pacing.mode != PACING_PREVIEW)
        preview_stop(d);
    d->policy = next->pacing;
    for (uint32_t i = 0; i < d->lane_count; i++)
        pacing_set_policy(d->lanes[i].pacing, &d->policy);
    for (uint32_t i = 0; i < next->trunk_count; i++)
        d->trunks[i].config = &next->trunks[i];
    health_set_limit(d->health, next->media.late_limit_ms);
    d->campaign = next;
    lists_share(d->queue, next, 0);
    d->superseded[d->reloads++] = next;
    if (campaign_hours_change(old, next))
        forward_begin(d, old);
    tell(d, true, "%s", changes[0] ? changes : "nothing in it has changed");
}

void steer(struct dialer *d)
{
    char error[CAMPAIGN_ERROR_MAX];
    struct campaign *c;
    uint32_t asked = atomic_exchange(&d->reload_asked, 0);

    if (!asked)
        return;
    if (d->reloads == DIALER_RELOADS_MAX) {
        tell(d, false, "nothing is changed: %s",
             "it was read again 64 times; start the engine anew");
        return;
    }
    if (campaign_load(&c, d->campaign->path, error) != OK) {
        tell(d, false, "nothing is changed: %.200s", error);
    } else if (campaign_may_become(d->campaign, c, error) != OK) {
        tell(d, false, "nothing is changed: %.200s", error);
        campaign_free(c);
    } else {
        take(d, c);
    }
}
