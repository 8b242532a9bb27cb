/* Verbs about the recording that is under way. */
#include "flow/far.h"
#include "flow/ops.h"

/* Whichever of the two legs is recorded. */
static int masked(lua_State *L, bool on)
{
    struct flow *f = verb_begin(L);

    call_record_mask(f->call, on);
    if (f->far && f->far->call)
        call_record_mask(f->far->call, on);
    return 0;
}

/*@both call:record_pause()
 * From now on a recording of the call (call:record, call:bridge, a campaign's) has silence in
 * place of both sides, and keys are not noted in its index: for a card's number. It goes on until
 * call:record_resume, also into recordings that begin meanwhile.
 */
static int verb_record_pause(lua_State *L)
{
    return masked(L, true);
}

/*@both call:record_resume()
 * Both sides are recorded again. Harmless where nothing is masked.
 */
static int verb_record_resume(lua_State *L)
{
    return masked(L, false);
}

const struct verb verbs_record[] = {
    {"record_pause", verb_record_pause, VERB_BOTH},
    {"record_resume", verb_record_resume, VERB_BOTH},
    {NULL, NULL, VERB_BOTH},
};
