/* What is heard over each trunk: of its answered calls, those whose audio went one way only and
 * those that stayed silent. A share that is too large is said once, in the log and the view, and
 * once when it is over (media/alarm.h). */
#include "dialer/internal.h"

#include <stdio.h>

#include "base/log.h"

#define ANSWERED_MS   2000 /* shorter calls say nothing */
#define FAR_LOSS_MOST 250  /* of 256 that we sent did not arrive: nothing does */

static bool says_something(const struct call_record *r)
{
    uint32_t answered = r->at_ms[MARK_ANSWERED], end = r->at_ms[MARK_END];

    return answered != CALL_TIME_NONE && end != CALL_TIME_NONE && end - answered >= ANSWERED_MS;
}

/* Nothing came although we sent, or the far end reports that nothing of ours arrives. */
static bool is_one_way(const struct call_media_stats *m)
{
    return (m->rtp_sent && m->rtp_received == 0) || m->far_loss_rate >= FAR_LOSS_MOST;
}

static void take(struct trunk *t, struct media_alarm *alarm, bool bad, const char *what)
{
    if (!media_alarm_take(alarm, bad))
        return;
    if (alarm->on)
        log_warn("dialer", "many calls of a trunk have bad audio",
                 "trunk=%s what=\"%s\" percent=%u of=%u", t->config->name, what,
                 media_alarm_percent(alarm), alarm->calls);
    else
        log_warn("dialer", "audio of a trunk is as it should be again",
                 "trunk=%s what=\"%s\" percent=%u", t->config->name, what,
                 media_alarm_percent(alarm));
}

void hearing_take(struct attempt *a)
{
    struct dialer *d = a->dialer;
    const struct call_record *r = &a->record;
    struct trunk *t = &d->trunks[a->trunk];

    if (d->config.model || !says_something(r) || a->trunk >= d->campaign->trunk_count)
        return;
    bool one_way = is_one_way(&r->media), silent = !one_way && r->result == RESULT_DEAD_AIR;

    d->run->one_way_calls += one_way;
    d->run->silent_calls += silent;
    take(t, &t->one_way, one_way, "one way only");
    take(t, &t->silent, silent, "silent");
}

const char *hearing_trouble(const struct dialer *d, char *text, size_t cap)
{
    text[0] = '\0';
    for (uint32_t i = 0; i < d->campaign->trunk_count && !text[0]; i++) {
        const struct trunk *t = &d->trunks[i];
        const struct media_alarm *a = t->one_way.on ? &t->one_way : &t->silent;

        if (a->on)
            snprintf(text, cap, "trunk %.32s: %u %% of its last %u calls %s", t->config->name,
                     media_alarm_percent(a), a->calls,
                     a == &t->one_way ? "have audio one way only" : "are silent");
    }
    return text;
}
