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
