/* What a simulator does wrong on purpose: a thin way from the call to what its session can do. */
#include "call/internal.h"
#include "sip/meddle.h"

enum err call_meddle(struct call *c, const struct sip_meddle *rule)
{
    if (!c->env->ua)
        return ERR_STATE;
    return sip_meddle_add(c->env->ua, slice_cstr(c->record.call_id), rule);
}

enum err call_meddle_before(struct call_env *env, const char *call_id,
                            const struct sip_meddle *rule)
{
    return env->ua ? sip_meddle_add(env->ua, slice_cstr(call_id), rule) : ERR_STATE;
}

enum err call_defy_cancel(struct call *c)
{
    return c->session ? sip_session_defy_cancel(c->session) : ERR_STATE;
}

bool call_cancel_defied(const struct call *c)
{
    return c->session && sip_session_cancel_defied(c->session);
}

enum err call_respond(struct call *c, uint16_t code, const char *phrase, const char *tag)
{
    return c->session ? sip_session_respond(c->session, code, slice_cstr(phrase), slice_cstr(tag))
                      : ERR_STATE;
}

enum err call_defy_ack(struct call *c)
{
    if (!c->session || c->outgoing)
        return ERR_STATE;
    sip_session_defy_ack(c->session);
    return OK;
}

enum err call_refuse_offer(struct call *c, uint32_t nth, uint16_t code)
{
    if (!c->session)
        return ERR_STATE;
    if (c->refusals == CALL_REFUSALS_MAX)
        return ERR_FULL;
    c->refusal[c->refusals++] = (struct call_refusal){nth, code};
    return OK;
}

uint16_t call_refusal_now(struct call *c)
{
    uint16_t code = 0;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < c->refusals; i++) {
        struct call_refusal r = c->refusal[i];

        if (--r.nth == 0)
            code = r.code;
        else
            c->refusal[kept++] = r;
    }
    c->refusals = kept;
    return code;
}
