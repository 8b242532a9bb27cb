/* A dialling room in virtual time: agents, calls and chance, as a workload describes them, and one
 * policy that says at every event and every second how many calls to launch.
 *
 * A dial: after the post-dial delay a live answer with chance p after a lognormal ring (past the
 * ring limit: no answer), a machine, a failure, or no answer. With analysis, a verdict follows the
 * answer. A live answer that waits longer than the limit is abandoned. Days follow each other with
 * the same policy, so what it learned stays. Everything is drawn from one seed: agents' talks and
 * the fate of the nth dial are the same for every policy as far as their decisions agree. */
#ifndef PEAL_BENCH_PACING_SIM_H
#define PEAL_BENCH_PACING_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "campaign/pacing.h"

#define SIM_DAYS_MAX 400
#define SIM_WINDOW   8 /* leads a policy may choose from, when they have scores */

struct sim_load {
    char name[48];
    uint32_t agents;
    double p;                  /* live answers of dials */
    double machines, failures; /* shares of dials */
    double talk_mean, talk_cv; /* s; CV above 1.5: hyper-exponential */
    double wrap_mean, wrap_cv;
    double analysis_s;            /* mean of the verdict's delay, × 0.6…1.4; 0: none */
    double false_machines;        /* share of live answers dropped as machines */
    double machines_passed;       /* share of machines given to agents */
    double limit_s;               /* of waiting */
    double day_swing;             /* p × (1 + swing × sin over the day) */
    double noise_sd, noise_tau_s; /* × exp(noise) */
    double jump, jump_every_s;    /* × log-uniform in 1/jump…jump, redrawn after such a time */
    double stagger_s, shift_s;    /* shifts begin within stagger_s and last shift_s; 0: all day */
    double break_share, break_s;  /* of calls followed by a break, its mean */
    double score_low, score_high; /* a known mix of leads with mean p; 0: none */
    uint32_t leads;               /* the list of a day runs dry; 0: never */
    double day_s, ring_limit_s, delay_s, ring_mean, ring_cv;
    bool scores_told;
};

struct sim;

/* One policy. Any of the functions but open, decide and close may be NULL. */
struct sim_policy {
    const char *name;
    void *(*open)(struct sim *s, double parameter);
    void (*close)(void *policy);
    void (*call)(void *policy, const struct pacing_call_event *e);
    void (*agent)(void *policy, uint32_t agent, enum agent_pace state, uint64_t now_ms);
    void (*know_agent)(void *policy, uint32_t agent, uint64_t free_at_ms);
    void (*day)(void *policy);
    uint32_t (*hopeless)(void *policy, uint64_t now_ms, uint32_t *calls, uint32_t most);
    void (*decide)(void *policy, uint64_t now_ms, const struct pacing_limits *limits,
                   struct pacing_advice *out);
    /* More than one (0 is one): agent n belongs to engine n % engines, each engine decides for
     * itself (sim_engine says for which), and a call can only get an agent of its own engine. */
    uint32_t engines;
};

struct sim_day {
    double busy_s, logged_s, idle_s;
    double air_mean, air_variance; /* calls in the air, second by second, without the first hour */
    uint64_t dials, live, abandoned, connected, contacts;
};

/* What a policy without a book of its own may look at. */
struct sim_view {
    uint32_t free, waiting, ringing, analysed, talking, wrapping, logged_in;
    uint64_t dials, live, abandoned; /* since the start */
    uint64_t day_live, day_abandoned;
    double day_share; /* of the shift that has passed */
};

enum err sim_open(struct sim **out, const struct sim_load *load, const struct sim_policy *policy,
                  double parameter, uint64_t seed);
void sim_close(struct sim *s);
void sim_day(struct sim *s, struct sim_day *out); /* runs one more day */

uint64_t sim_now(const struct sim *s);
void *sim_of_policy(const struct sim *s); /* what its policy's open() gave */
uint32_t sim_engine(const struct sim *s); /* that decides now */
uint32_t sim_engine_of_call(const struct sim *s, uint32_t call);
const struct sim_view *sim_look(const struct sim *s);
const struct sim_load *sim_load_of(const struct sim *s);
double sim_chance(const struct sim *s); /* the true p of this moment, of any lead */
/* Draws of the world, for teaching a policy the truth. */
struct sim_dial {
    uint32_t ends_ms;     /* the answer, or the end without one; since the launch */
    uint32_t analysis_ms; /* of an answer */
    enum { SIM_LIVE, SIM_MACHINE, SIM_FAILURE, SIM_SILENT } kind;
    bool passed, dropped; /* a machine taken for live; a live person taken for a machine */
};
void sim_draw_dial(struct sim *s, struct rng *r, double p, struct sim_dial *out);
double sim_draw_talk(const struct sim *s, struct rng *r);
double sim_draw_wrap(const struct sim *s, struct rng *r);

/* How long decisions took, of those measured (one in 64): mean and highest, µs. */
double sim_decision_us(const struct sim *s, double *most);

/* Workloads: bench/pacing/NAME.conf over bench/pacing/base.conf, or "base-N-P". False, with the
 * reason in error (256 bytes). */
bool sim_load_read(struct sim_load *load, const char *name, char *error);

#endif
