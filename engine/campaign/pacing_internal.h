/* What the files of the pacing share, and the doors a benchmark uses to tell it the truth. */
#ifndef PEAL_CAMPAIGN_PACING_INTERNAL_H
#define PEAL_CAMPAIGN_PACING_INTERNAL_H

#include "campaign/pacing.h"
#include "campaign/pacing_learn.h"
#include "campaign/pacing_look.h"

#define PACING_RATE_SECONDS 5
#define PACING_START_LIVE   16    /* live answers before the look ahead is trusted */
#define PACING_FIT_MS       20000 /* tables are fitted again after this */
#define PACING_BURST_MAX    512   /* calls of one advice */
#define PACING_NEVER        UINT64_MAX

struct pacing_dial { /* one of the latest, in the order of launches */
    struct pacing_outcome outcome;
    uint64_t launched_ms;
    uint32_t call;
    bool decided;
};

struct pacing_note { /* of one call */
    uint64_t launched_ms, ringing_ms, answered_ms;
    uint64_t dial; /* its number, 0… */
    uint32_t slot; /* in open[], while it is undecided */
    float score, chance;
    struct pacing_lead lead; /* when has_lead */
    uint8_t phase, list;
    bool has_lead;
    bool answered, judged;
    bool charged, lost; /* to the budget; as abandoned */
    bool given_up;      /* we said it may be hung up */
};

struct pacing_agent_note {
    uint64_t since_ms;
    uint64_t free_at_ms; /* known to a benchmark's bound; PACING_NEVER else */
    uint32_t slot;       /* in busy[] */
    uint8_t state;
};

/* What pacings of one engine, one for each group that people go to, have in common. */
struct pacing_common {
    struct pacing_budget budget;
    struct pacing_part part; /* of the campaign's limits */
    double tokens;           /* of calls a second */
    uint64_t tokens_at_ms;
    bool started;
    uint32_t in_air, agents;
};

struct pacing {
    struct pacing_config config;
    struct pacing_state state;
    struct pacing_note *calls;
    struct pacing_agent_note *agents;
    uint32_t *open, open_count; /* calls not decided yet, in no order */
    uint32_t *busy, busy_count; /* agents talking, reserved or wrapping up */
    float *ages;                /* scratch: twice max_agents */
    /* Dials from the first that is undecided on: a ring of `dials_cap`, from dials_first up to
     * dials_next. */
    struct pacing_dial *dials;
    uint64_t dials_first, dials_next;
    uint32_t dials_cap;
    uint64_t learned_ms;         /* the launch of the last that was learned from */
    struct pacing_estimate next; /* of the next call, as last looked at */
    uint64_t next_ms, next_heard;
    uint32_t per_second[PACING_RATE_SECONDS + 1]; /* launches by second, for the view */
    uint64_t per_second_at[PACING_RATE_SECONDS + 1];
    uint64_t refused;
    uint32_t asked; /* previews asked for */

    struct pacing_learn learn;
    struct pacing_scores scores;
    struct pacing_look_plan plan;
    struct pacing_common *common;
    bool has_common_of_another;
    uint32_t agents_counted; /* in common->agents */
    uint64_t fitted_ms, fitted_live;
    bool fitted;

    /* doors of a benchmark */
    bool frozen;         /* learns nothing more */
    double known_chance; /* of the next call; negative: as learned */
};

struct wish {
    uint32_t calls;
    char why[160];
};
void pacing_explain(struct wish *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* pacing_share.c: what the limits leave to this engine */
bool pacing_concurrent(const struct pacing *p, uint32_t *most); /* false: no limit */
double pacing_rate_limit(const struct pacing *p); /* calls a second; HUGE_VAL: no limit */

/* pacing_ratio.c: progressive and ratio */
void pacing_for_free(struct pacing *p, uint64_t now_ms, struct wish *w);

/* How many more calls the free agents can be expected to take; sets the chance of one of them. */
uint32_t pacing_takes(struct pacing *p, uint64_t now_ms, uint32_t free_now, double *chance);

/* pacing_predict.c */
/* Live answers to come of the calls that are not decided yet, and the chance of the next call's;
 * both by the error of that chance higher than believed. */
double pacing_expect(struct pacing *p, uint64_t now_ms, double *chance);
struct pacing_advice;
void pacing_predict(struct pacing *p, uint64_t now_ms, const struct pacing_limits *limits,
                    struct wish *w, struct pacing_advice *out);

/* A benchmark tells the truth: the chance of the next call, and when an agent will be free. */
void pacing_know_chance(struct pacing *p, double chance);
void pacing_know_agent(struct pacing *p, uint32_t agent, uint64_t free_at_ms);
/* What was learned until now is all there is to know. */
void pacing_freeze(struct pacing *p);

static inline bool pacing_is_busy(uint8_t state)
{
    return state == AGENT_PACE_TALKING || state == AGENT_PACE_WRAPPING ||
           state == AGENT_PACE_RESERVED;
}

#endif
