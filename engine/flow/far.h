/* The leg that a script has dialled: one at a time a call. It outlives the flow until its own end
 * has been told, so that its record is whole. For the verbs of this room only. */
#ifndef PEAL_FLOW_FAR_H
#define PEAL_FLOW_FAR_H

#include "flow/host.h"
#include "flow/inner.h"

struct far {
    struct list_node node; /* in rt->fars */
    struct flow_runtime *rt;
    struct flow *flow; /* NULL: let go; hung up or ending */
    struct call *call;
    void *token; /* the host's */
    bool answered, ended, hold_music;
    uint16_t code;
};

struct far_dial {
    const char *to;    /* a number, or "sip:…" */
    const char *shown; /* caller id: From, and P-Asserted-Identity */
    const char *name;  /* display name; NULL: none */
    uint32_t ring_ms;
};

/* What cannot be dialled raises; ERR_FULL: no room for another leg. */
enum err far_dial(lua_State *L, struct flow *f, const struct far_dial *dial);
/* Hangs up and forgets the leg; harmless when there is none. */
void far_let_go(struct flow *f);
/* How the leg that ended without an answer ended: a label of the closed list of results. */
const char *far_result(const struct far *far);

#endif
