/* A line that is modelled instead of SIP and RTP: the seam under a call for virtual time.
 *
 * An environment opened with a line has no user agent, no media workers and no sockets. Its calls
 * are the same calls: states, ring limit, marks, evidence and the events to their owners are made
 * by the code that serves real ones, which is told here what SIP and media would have told it. So
 * whoever models a line says what the far side does (call_line_…), and hears what we do (struct
 * call_line). Playing takes as long as the sound lasts; two bridged calls hear each other after
 * LINE_BRIDGE_MS. Nothing is recorded.
 *
 * Control thread only. The hooks are called from inside the owner's call (call_dial, call_hangup…):
 * they start timers and must not call call_line_… themselves. */
#ifndef PEAL_CALL_LINE_H
#define PEAL_CALL_LINE_H

#include "call/call.h"

#define LINE_BRIDGE_MS 40 /* a packet's way from one side of a bridge to the other */

struct call_line {
    uint64_t seed; /* of Call-IDs: the same seed, the same ids */
    void *arg;
    /* Our INVITE has left. *own is kept with the call (call_line_own). */
    void (*dialled)(void *arg, struct call *c, const struct call_dial *dial, void **own);
    void (*hung_up)(void *arg, struct call *c); /* our CANCEL or BYE; call_line_end must follow */
    void (*bridged)(void *arg, struct call *a, struct call *b);
    void (*plays)(void *arg, struct call *c, uint32_t ms); /* the far side is to hear so much */
    void (*freed)(void *arg, struct call *c); /* the call is no more: forget it */
};

void *call_line_own(const struct call *c);

/* What the far side does. */
void call_line_progress(struct call *c, uint16_t code);
void call_line_answer(struct call *c); /* 200 */
void call_line_rtp(struct call *c);    /* the first packet came */
/* Times of e count from the INVITE. */
void call_line_heard(struct call *c, const struct dsp_event *e);
void call_line_key(struct call *c, char digit);
/* The call is over: code and q850 of the refusal (0 after an answer), by whom. */
void call_line_end(struct call *c, uint16_t code, uint16_t q850, enum call_ender by);

#endif
