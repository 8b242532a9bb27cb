/* Pacing: how many calls to launch now.
 *
 * One interface for every policy: events in (what became of each call, what each agent does),
 * advice out at each event and tick. Policies now: progressive (one call a free agent), ratio
 * (a fixed number a free agent), agentless (calls a second and calls at once). Predictive policies
 * fit behind the same calls; that is why events carry ages, scores and agents by number.
 *
 * Time is any monotonic milliseconds, real or virtual. Control thread only. Never allocates after
 * pacing_open. Calls and agents are numbered by the caller: 0…max_calls-1 and 0…max_agents-1. */
#ifndef PEAL_CAMPAIGN_PACING_H
#define PEAL_CAMPAIGN_PACING_H

#include "campaign/file.h"

struct pacing;

struct pacing_config {
    struct campaign_pacing policy;
    uint32_t max_calls, max_agents;
    uint32_t limit_ms;  /* of abandonment */
    double cap_percent; /* of abandonment */
};

enum pacing_phase {
    PACING_IDLE,     /* no such call (never reported by the caller) */
    PACING_LAUNCHED, /* INVITE is about to leave */
    PACING_RINGING,
    PACING_ANSWERED,  /* analysis runs */
    PACING_WAITING,   /* a live person waits for an agent */
    PACING_CONNECTED, /* talks to an agent */
    PACING_TREATED,   /* answered, but needs no agent (flow, message, machine) */
    PACING_ENDED,     /* gone; result and delivery are final */
    PACING_PHASES
};

struct pacing_call_event {
    uint32_t call;
    enum pacing_phase phase;
    uint64_t now_ms;
    float score;            /* LAUNCHED: chance of a live answer, 0: unknown */
    enum result result;     /* ENDED */
    enum delivery delivery; /* ENDED */
    bool abandoned;         /* ENDED: counted as abandoned (strict) */
};

enum agent_pace {
    AGENT_PACE_OUT, /* not logged in, on a break, leg is down */
    AGENT_PACE_FREE,
    AGENT_PACE_RESERVED, /* being connected */
    AGENT_PACE_TALKING,
    AGENT_PACE_WRAPPING,
    AGENT_PACE_LEAVING, /* asked to log out: will not become free */
    AGENT_PACE_STATES
};
const char *agent_pace_name(enum agent_pace s);

/* What else bounds a launch; the caller knows. */
struct pacing_limits {
    uint32_t tasks_ready; /* leads that may be dialled now */
    uint32_t trunk_room;  /* calls that trunks and the engine can still take */
    uint32_t record_room; /* records that can still be kept (records_room) */
    bool stopping;        /* no new calls */
};

struct pacing_advice {
    uint32_t launch;
    uint32_t again_ms; /* ask again after this even when nothing happens; 0: events only */
    char reason[160];  /* why so many and not more, for people */
};

struct pacing_state { /* what the policy sees, for views and metrics */
    uint32_t calls[PACING_PHASES];
    uint32_t agents[AGENT_PACE_STATES];
    uint64_t launched, answered, live, connected, abandoned, ended;
    double calls_per_second; /* launched, over the last 5 s */
};

enum err pacing_open(struct pacing **out, const struct pacing_config *config);
void pacing_close(struct pacing *p);

/* Out-of-range numbers and impossible changes are ignored and counted (pacing_refused). */
void pacing_call(struct pacing *p, const struct pacing_call_event *e);
void pacing_agent(struct pacing *p, uint32_t agent, enum agent_pace state, uint64_t now_ms);

void pacing_launch(struct pacing *p, uint64_t now_ms, const struct pacing_limits *limits,
                   struct pacing_advice *out);

void pacing_look(struct pacing *p, uint64_t now_ms, struct pacing_state *out);
uint64_t pacing_refused(const struct pacing *p);

#endif
