/* Pacing: how many calls to launch now.
 *
 * One interface for every policy: events in (what became of each call, what each agent does),
 * advice out at each event and tick. Policies: preview (one call for each agent who accepts),
 * progressive (one call a free agent), ratio (a fixed number a free agent), agentless (calls a
 * second and calls at once), predictive (ahead of agents who will be free). Learning goes on under
 * all of them, so a campaign can be switched while it runs.
 *
 * Predictive in short: of the calls under way and of the agents who talk it is known by experience
 * how likely each is to be answered and to be free within the next seconds (pacing_learn.h); one
 * more call is made as long as the chance that its answer meets no free agent (pacing_look.h) is at
 * most θ, and θ follows what the abandonment cap leaves to spend (pacing_budget.h). Until it has
 * seen some live answers, and when the account of 30 days is spent, it is progressive and says so.
 *
 * Time is any monotonic milliseconds, real or virtual. Control thread only. Never allocates after
 * pacing_open. Calls and agents are numbered by the caller: 0…max_calls-1 and 0…max_agents-1.
 *
 * Where people go to groups of agents, each group has a pacing of its own, with its own calls,
 * agents and experience, and the limits of calls, the 30 days' account and θ are common to all
 * (pacing_config.with): the same risk is worth the same in each. An agent of several groups is in
 * one pacing at a time, and ELSEWHERE in the others, so that no two calls rely on them. */
#ifndef PEAL_CAMPAIGN_PACING_H
#define PEAL_CAMPAIGN_PACING_H

#include "campaign/file.h"
#include "campaign/pacing_budget.h"
#include "campaign/pacing_score.h"

struct pacing;

struct pacing_config {
    struct campaign_pacing policy;
    uint32_t max_calls, max_agents;
    uint32_t limit_ms;  /* of abandonment */
    double cap_percent; /* of abandonment */
    /* Another of this engine and campaign, for people who go to another group of agents: limits of
     * calls and the abandonment budget are one for both. NULL: this is the first, closed last. */
    struct pacing *with;
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
    float score;                    /* LAUNCHED: chance of a live answer, 0: unknown */
    enum result result;             /* ENDED */
    enum delivery delivery;         /* ENDED */
    bool abandoned;                 /* ENDED: counted as abandoned (strict) */
    uint8_t list;                   /* LAUNCHED: of 1…PACING_LISTS-1; 0: not told */
    const struct pacing_lead *lead; /* LAUNCHED: what is known of it, to learn scores; or NULL */
};

enum agent_pace {
    AGENT_PACE_OUT, /* not logged in, on a break, leg is down */
    AGENT_PACE_FREE,
    AGENT_PACE_RESERVED, /* being connected */
    AGENT_PACE_TALKING,
    AGENT_PACE_WRAPPING,
    AGENT_PACE_LEAVING,   /* asked to log out: will not become free */
    AGENT_PACE_ELSEWHERE, /* none of this pacing's: of other groups, or counted for one of them */
    AGENT_PACE_STATES
};
const char *agent_pace_name(enum agent_pace s);

/* What else bounds a launch; the caller knows. */
struct pacing_limits {
    uint32_t tasks_ready; /* leads that may be dialled now */
    uint32_t trunk_room;  /* calls that trunks and the engine can still take */
    uint32_t record_room; /* records that can still be kept (records_room) */
    bool stopping;        /* no new calls */
    /* Scores of the next leads, in the order they would be dialled; NULL: not known. The advice
     * then picks among them. */
    const float *scores;
    uint32_t score_count;
};

#define PACING_PICKS_MAX 64

struct pacing_advice {
    uint32_t launch;
    uint32_t again_ms; /* ask again after this even when nothing happens; 0: events only */
    char reason[160];  /* why so many and not more, for people */
    /* mode predictive, for views: */
    double theta;           /* risk that is allowed now, 0…1 */
    double taken;           /* risk of the last call advised; without one, of the next; 0…1 */
    double risk;            /* of the next call, which is not made; 0…1 */
    double expected_live;   /* live answers expected of the calls under way, whenever */
    double expected_agents; /* agents free within horizon_s */
    double horizon_s;
    uint8_t picks[PACING_PICKS_MAX]; /* with scores: which of them to launch, `launch` of them */
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

/* Chance of a live answer of this lead, as learned; 0: not known better than of any other. */
float pacing_score_of(const struct pacing *p, const struct pacing_lead *lead);
bool pacing_scores_on(const struct pacing *p); /* scores are worth asking for */

/* Another policy from now on; calls under way and what was learned stay. */
void pacing_set_policy(struct pacing *p, const struct campaign_pacing *policy);
/* Mode preview: so many agents wait for the call they accepted, which is not launched yet. */
void pacing_ask(struct pacing *p, uint32_t agents);
/* A new day of the campaign's zone begins (the abandonment account starts a new line). */
void pacing_new_day(struct pacing *p);
/* The account of the campaign as the ledger has it, all engines together (pacing_budget.h): near
 * the cap it brings predictive pacing down to progressive, until it is below again. Once a second.
 */
void pacing_account(struct pacing *p, const struct pacing_account *a);

/* Several engines of one campaign (pacing_share.c). The one ln θ: what goes there and what comes
 * back. */
void pacing_budget_of(const struct pacing *p, struct pacing_budget_share *out);
void pacing_budget_agreed(struct pacing *p, const struct pacing_budget_share *given, double s);
/* Of what the campaign as a whole may do (calls_per_second, concurrent) this engine's part reaches
 * from `from` to `to` of 0…1, and the others have so many calls in the air. Alone: 0, 1, 0. */
struct pacing_part {
    double from, to;
    uint32_t others_in_air;
};
void pacing_set_part(struct pacing *p, const struct pacing_part *part);
/* This part of a whole number; the parts of all engines add up to it. */
uint32_t pacing_part_of(const struct pacing_part *part, uint32_t whole);
/* Calls that rang for policy.hang_up_at_ms or longer and for which no agent is expected: they may
 * be hung up as RESULT_NO_ANSWER by the caller. Returns how many numbers were written to `calls`.
 */
uint32_t pacing_hopeless(struct pacing *p, uint64_t now_ms, uint32_t *calls, uint32_t most);

/* What was learned, as text of a few KB ("pacing 1 …"). Returns its length, or 0 when cap (which
 * PACING_SAVE_MAX always satisfies) is too small. */
#define PACING_SAVE_MAX 65536
size_t pacing_save(const struct pacing *p, char *text, size_t cap);
/* ERR_INVALID (and nothing is changed) when it is not such a text, ERR_UNSUPPORTED for another
 * version. */
enum err pacing_load(struct pacing *p, struct slice text);

#endif
