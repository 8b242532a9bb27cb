/* Reading a dialog's moments. */
#include "sim/sip_times.h"

#include "sip/trace.h"

/* At least 1: a time of 0 means that it did not happen. */
static uint64_t since(const struct trace_call *t, const struct trace_message *m)
{
    uint64_t us = m->at_us - t->message[0].at_us;

    return us ? us : 1;
}

static void read_response(struct sip_times *out, const struct trace_call *t,
                          const struct trace_message *m)
{
    uint64_t at = since(t, m);

    if (m->method == SIP_BYE && m->status >= 200 && !out->bye_answered_us)
        out->bye_answered_us = at;
    if (m->method != SIP_INVITE || out->bye_us)
        return;
    /* Repeated with credentials: what counts is the answer to the last. */
    bool challenged = m->status == 401 || m->status == 407;
    if (m->status > 100 && m->status < 300 && !out->sign_us)
        out->sign_us = at;
    if (m->status >= 200 && !challenged && !out->final_us)
        out->final_us = at;
}

void sip_times_read(struct sip_times *out, const struct trace_call *t)
{
    *out = (struct sip_times){0};
    for (uint32_t i = 0; t && i < t->count; i++) {
        const struct trace_message *m = &t->message[i];
        if (m->status) {
            read_response(out, t, m);
        } else if (m->method == SIP_BYE && !out->bye_us) {
            out->bye_us = since(t, m);
            out->bye_sent = m->out;
        }
    }
}
