/* REFER from and to the far side of a call: a thin way to what its session can do (sip/session.h).
 */
#include "call/internal.h"

enum err call_refer(struct call *c, struct slice to)
{
    return c->session ? sip_session_refer(c->session, to) : ERR_STATE;
}

enum err call_take_refers(struct call *c, uint16_t code)
{
    if (!c->session)
        return ERR_STATE;
    sip_session_take_refers(c->session, code);
    return OK;
}

enum err call_notify(struct call *c, uint16_t code)
{
    return c->session ? sip_session_notify(c->session, code) : ERR_STATE;
}

void call_on_refer(struct call *c, const struct sip_event *e)
{
    struct call_event out = {.code = e->code, .refer_to = e->refer_to};

    out.kind = e->kind == SIP_EV_REFER            ? CALL_EV_REFER
               : e->kind == SIP_EV_REFER_ANSWERED ? CALL_EV_REFERRED
                                                  : CALL_EV_NOTIFIED;
    call_tell(c, &out);
}
