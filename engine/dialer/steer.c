/* Another policy while the campaign runs: SIGHUP reads the campaign file again and takes its pacing
 * section; everything else of the file waits for the next start. Calls under way, agents and what
 * was learned stay. A file that cannot be read, or asks for what this run does not have, changes
 * nothing and is told in the live view and the log. */
#include "dialer/internal.h"

#include <stdio.h>

#include "base/log.h"

static void tell(struct dialer *d, bool followed, const char *fmt, const char *what)
{
    snprintf(d->reloaded, sizeof(d->reloaded), fmt, what);
    d->reloaded_ms = loop_now_ms(d->loop);
    log_info("dialer", "the campaign file was read again", "outcome=\"%s\"", d->reloaded);
    control_tell(d, followed, d->reloaded);
}

static void take(struct dialer *d, const struct campaign_pacing *policy)
{
    if (d->policy.mode == PACING_PREVIEW && policy->mode != PACING_PREVIEW)
        preview_stop(d);
    d->policy = *policy;
    pacing_set_policy(d->pacing, policy);
    tell(d, true, "pacing is %s now", pacing_mode_name(policy->mode));
}

void steer(struct dialer *d)
{
    char error[CAMPAIGN_ERROR_MAX];
    struct campaign *c;
    uint32_t asked = atomic_exchange(&d->reload_asked, 0);

    if (!asked)
        return;
    if (campaign_load(&c, d->campaign->path, error) != OK) {
        tell(d, false, "the pacing stays as it was: %.120s", error);
        return;
    }
    if (c->pacing.mode != PACING_AGENTLESS && d->agent_count == 0)
        tell(d, false, "the pacing stays as it was: mode %s needs agents from the start",
             pacing_mode_name(c->pacing.mode));
    else
        take(d, &c->pacing);
    campaign_free(c);
}
