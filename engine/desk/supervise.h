/* Supervisors: people who listen to an agent's conversations, speak to the agent alone, or join.
 * They call this engine under the agent's name (sip:agent-3@HOST), key the PIN and #, and are with
 * that agent from then on, from call to call, until they hang up:
 *
 *   1 listen: hears both, is heard by nobody      2 whisper: the agent alone hears them
 *   3 join: all hear each other                   other keys mean nothing
 *
 * Bounds: SUPERVISORS_MAX at once; three wrong PINs, or half a minute without one, end the call.
 * Control thread only. */
#ifndef PEAL_DESK_SUPERVISE_H
#define PEAL_DESK_SUPERVISE_H

#include "desk/desk.h"

#define SUPERVISORS_MAX   16
#define SUPERVISE_PIN_MAX 17 /* with its end */

struct supervisor {
    struct supervision *all;
    struct call *call;   /* NULL: the place is free */
    struct agent *agent; /* whom they called for */
    struct timer timer;
    char typed[SUPERVISE_PIN_MAX - 1];
    uint32_t typed_count, tries;
    uint8_t part;
    bool known; /* has keyed the PIN */
};

struct supervision {
    struct loop *loop;
    const struct desk *desk;
    char pin[SUPERVISE_PIN_MAX]; /* "": nobody is answered */
    struct supervisor place[SUPERVISORS_MAX];
};

void supervise_init(struct supervision *s, struct loop *loop, const struct desk *desk,
                    const char *pin);
/* A call that came in: answered when it is for an agent, else refused. It is the supervision's from
 * then on. open false: the engine takes none any more. */
void supervise_take(struct supervision *s, struct call *c, bool open);
/* The agent's state has changed: who is with them follows. */
void supervise_agent(struct supervision *s, const struct agent *a);
void supervise_end(struct supervision *s); /* hangs up */

#endif
