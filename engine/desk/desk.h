/* Agents: who is there, who is free, and their legs.
 *
 * The engine calls each agent's SIP URI once and the leg stays up (nailed up), so a live callee is
 * connected by a bridge alone, without call set-up. An agent ends a conversation by hanging up the
 * leg; after wrap-up the engine calls again. When the callee hangs up, the leg stays and the agent
 * goes to wrap-up. A leg that cannot be set up is tried again with a growing delay.
 *
 * Control thread only. */
#ifndef PEAL_DESK_DESK_H
#define PEAL_DESK_DESK_H

#include "call/call.h"
#include "campaign/groups.h"

#define DESK_AGENTS_MAX   10000
#define DESK_RETRY_MIN_MS 1000
#define DESK_RETRY_MAX_MS 60000

enum agent_state {
    AGENT_OFFLINE, /* not wanted, or waiting to be called again after a failure */
    AGENT_CALLING, /* the engine is calling the agent's leg */
    AGENT_READY,
    AGENT_TALKING,
    AGENT_WRAP_UP,
    AGENT_STATE_COUNT
};
const char *agent_state_name(enum agent_state s); /* "ready", "wrap_up"… */

struct desk;
struct agent;

struct desk_handler {
    /* Any change of an agent's state. `was` is the state before. */
    void (*state)(void *arg, struct agent *a, enum agent_state was);
    /* The conversation with `callee` is over. by_agent: the agent hung up (or the leg was lost);
     * the callee's call is then still up and the owner's again. */
    void (*talk_ended)(void *arg, struct agent *a, struct call *callee, bool by_agent);
    /* A key of an agent who does not talk (RFC 4733). May be NULL. */
    void (*key)(void *arg, struct agent *a, char digit);
    /* How long the wrap-up that begins now takes. NULL: the agent's wrap_up_ms. */
    uint32_t (*wrap_up_ms)(void *arg, const struct agent *a);
    /* A key of an agent who talks to `callee`. May be NULL. */
    void (*talk_key)(void *arg, struct agent *a, struct call *callee, char digit);
};

enum err desk_open(struct desk **out, struct call_env *env, const struct desk_handler *handler,
                   void *arg);
void desk_close(struct desk *d); /* the calls' environment ends the legs */

struct desk_agent_config {
    const char *name;
    const char *uri;       /* SIP URI the engine calls */
    struct addr via;       /* where to send it; unset: from the URI */
    const char *from_user; /* shown to the agent */
    uint32_t wrap_up_ms;
    uint8_t place; /* this and what follows: of struct call_dial */
    enum call_nat nat;
    uint32_t keep_alive_ms;
    struct sdp_codecs codecs; /* n 0: the environment's */
    uint32_t groups;          /* campaign/groups.h */
};
enum err desk_add(struct desk *d, const struct desk_agent_config *config, struct agent **out);

/* Calls every agent's leg from now on; desk_stop hangs up those not talking, and the others as
 * their conversations end. */
void desk_start(struct desk *d);
void desk_stop(struct desk *d);
bool desk_is_idle(const struct desk *d); /* stopped, and no leg is up any more */

/* Of the group, the agent who has been ready the longest, or NULL; first of those who count for it
 * (desk_count_for), so that others stay free for whom they count for. */
struct agent *desk_longest_ready(const struct desk *d, uint8_t group);
/* Of the groups an agent is in, the one they count for now; AGENT_GROUP_ANY at first. */
void desk_count_for(struct agent *a, uint8_t group);

/* A READY agent who is kept for something is not found by desk_longest_ready, until let go or until
 * the state changes. */
void desk_hold(struct desk *d, struct agent *a, bool on);

/* Bridges a READY agent with an answered call. The caller keeps the callee's handler and must tell
 * desk_callee_left when that call ends. */
enum err desk_connect(struct desk *d, struct agent *a, struct call *callee);
void desk_callee_left(struct desk *d, struct agent *a);

/* The callee of a TALKING agent is held and hears `music` (NULL: nothing) in a loop, or comes back.
 * ERR_STATE: the agent does not talk, or it cannot be told to the callee now. */
enum err desk_park(struct agent *a, bool on, const struct sound *music);
bool desk_is_parked(const struct agent *a);

struct desk_counts {
    uint32_t by_state[AGENT_STATE_COUNT];
    uint32_t total;
};
struct desk_counts desk_counts(const struct desk *d);

struct agent *desk_find(const struct desk *d, struct slice name); /* NULL: nobody of that name */

const char *agent_name(const struct agent *a);
enum agent_state agent_state(const struct agent *a);
struct call *agent_leg(const struct agent *a); /* NULL: none */
uint32_t agent_wrap_up_ms(const struct agent *a);
uint32_t agent_groups(const struct agent *a); /* a set */

#endif
