/* What happens on a call, as its flow sees it: noted here, then the verb under way is woken and
 * looks for itself. */
#include "flow/host.h"
#include "flow/inner.h"

static void on_key(struct flow *f, char digit)
{
    if (f->keys_count == FLOW_KEYS_MAX) {
        f->keys_dropped++;
        return;
    }
    f->keys[f->keys_count++] = digit;
}

static void on_heard(struct flow *f, const struct dsp_event *e)
{
    struct flow_report *r = &f->report;

    f->heard = *e;
    f->heard_seq++;
    if (e->kind == DSP_SPEECH_START)
        f->speaking = true;
    if (e->kind == DSP_SPEECH_END) {
        f->speaking = false;
        f->speech_s += (e->end_ms - e->start_ms) / 1000.0;
    }
    struct flow_heard *last = r->heard_count ? &r->heard[r->heard_count - 1] : NULL;
    if (last && last->kind == e->kind && last->start_ms == e->start_ms) {
        last->end_ms = e->end_ms; /* silence is told again as it grows */
        return;
    }
    if (r->heard_count == FLOW_HEARD_MAX) {
        r->heard_dropped++;
        return;
    }
    r->heard[r->heard_count++] = (struct flow_heard){e->kind, e->detail, e->start_ms, e->end_ms};
}

static void on_ended(struct flow *f, const struct call_event *e)
{
    f->ended = true;
    f->report.ended_ms = call_mark_at(f->call, MARK_END);
    if (f->report.ended_ms == CALL_TIME_NONE)
        f->report.ended_ms = call_age_ms(f->call);
    f->report.code = e->code;
    f->report.q850 = e->q850;
    f->report.by = e->by;
    if (f->doom == DOOM_NONE && !f->over && !f->after)
        f->doom = DOOM_HANGUP;
}

void flow_on_call(void *arg, struct call *c, const struct call_event *e)
{
    struct flow *f = arg;

    (void)c;
    switch (e->kind) {
    case CALL_EV_ANSWERED:
        f->answered = true;
        f->report.answered_ms = call_age_ms(f->call);
        /* The full set only while a verb listens, or where an answer is being judged. */
        if ((f->rt->simulator || !call_is_outgoing(f->call)) && !f->hearing)
            call_detect(f->call, DSP_TALK);
        break;
    case CALL_EV_MEDIA:
        f->media = true;
        break;
    case CALL_EV_DTMF:
        on_key(f, e->digit);
        break;
    case CALL_EV_HEARD:
        on_heard(f, e->heard);
        break;
    case CALL_EV_PLAYED:
        if (e->cookie > f->played)
            f->played = e->cookie;
        f->played_cancelled = e->err == ERR_CANCELLED;
        break;
    case CALL_EV_RECORDED:
        f->recorded = true;
        f->recorded_s = e->seconds;
        break;
    case CALL_EV_BRIDGED:
        if (f->agent_here && f->rt->host->agent_heard)
            f->rt->host->agent_heard(f->rt->host->arg, f);
        break;
    case CALL_EV_REFER:
    case CALL_EV_REFERRED:
    case CALL_EV_NOTIFIED:
        flow_refer_event(f, e);
        break;
    case CALL_EV_PROGRESS:
    case CALL_EV_HOLD:
        break;
    case CALL_EV_ENDED:
        on_ended(f, e);
        break;
    }
    if (f->ended && (f->over || f->after))
        flow_finish_soon(f);
    if (!f->over)
        flow_wake(f);
}
