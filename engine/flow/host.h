/* What flows get from the house they run in: where numbers are dialled to, records of the legs that
 * scripts dial, agents, and hours. The room above (serve/, dialer/) gives it; a part that is NULL
 * is not there, and the verb that needs it says so. Control thread only. */
#ifndef PEAL_FLOW_HOST_H
#define PEAL_FLOW_HOST_H

#include "flow/answer.h"
#include "flow/flow.h"

struct flow_host {
    void *arg;
    /* Where calls to numbers are sent; unset: only "sip:" addresses can be dialled. */
    struct addr trunk;
    bool trunk_tcp, trunk_tls;
    enum call_srtp trunk_srtp;               /* of calls there, at least */
    struct sdp_codecs trunk_codecs;          /* n 0: the environment's */
    const char *trunk_user, *trunk_password; /* digest; NULL: none */

    /* A script dials. The token comes back in leg_over, after the leg's end, when its record is
     * whole: the host keeps what it wants of it; the leg is released afterwards. The flow may be
     * gone by then. NULL token: the host has no room, and the leg is not dialled. */
    void *(*leg_begins)(void *arg, struct flow *f, const char *to, const char *shown);
    void (*leg_over)(void *arg, void *token, struct call *leg);

    /* A script wants an agent for its call, of a group ("": anybody, or whom the lead is for):
     * flow_agent_joined follows when one is bridged with it, and flow_agent_left when they have
     * left. ERR_NOT_FOUND: there are no agents; ERR_INVALID: none is in that group. */
    enum err (*agent_want)(void *arg, struct flow *f, struct slice group);
    /* Not wanted any more, or the call has ended under the conversation. */
    void (*agent_drop)(void *arg, struct flow *f);

    /* The call and that agent hear each other from now on. */
    void (*agent_heard)(void *arg, struct flow *f);

    /* The number that was called goes on a do-not-call list. Answered exactly once, never from
     * inside; ERR_CLOSED, ERR_FULL, ERR_NOMEM. */
    enum err (*do_not_call)(void *arg, struct flow *f, const char *list, flow_answer_fn *answered,
                            void *answered_arg);

    /* Whether the hours of that name are now. ERR_NOT_FOUND: there are none of that name. */
    enum err (*is_open)(void *arg, struct flow *f, const char *name, bool *open);
};

void flow_agent_joined(struct flow *f, const char *name);
void flow_agent_left(struct flow *f);

#endif
