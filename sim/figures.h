/* The figures of a run, made from its outcome: how the generator kept its plan, what the calls of
 * this side measured (RFC 6076), what the audio was like.
 *
 * Delays that a user would feel are counted from the instant the plan intended the call, not from
 * when the INVITE left: a generator that was held up counts against the figures instead of hiding
 * them. RFC 6076's own metrics begin where the RFC says, with the INVITE. */
#ifndef PEAL_SIM_FIGURES_H
#define PEAL_SIM_FIGURES_H

#include "base/hist.h"
#include "sim/outcome.h"

#define FIGURES_SLICES 120 /* of the run's time, for charts */

/* RFC 6076 ratios in percent; below zero: there was nothing to divide by. Sessions count, not
 * INVITEs: one repeated with credentials is the same session. */
struct figures_rfc6076 {
    uint64_t attempts, redirected;   /* redirected: ended by a 3xx, left out of SER and SEER */
    uint64_t established, completed; /* 200; and ended by a BYE that was answered, or theirs */
    uint64_t declined;               /* 480, 486, 600, 603: SEER counts them as effective */
    uint64_t ineffective;            /* 408, 500, 503, 504 */
    uint64_t disconnects_failed;     /* BYEs of ours that nobody answered */
    double ser, seer, isa, scr;
    struct hist srd_us,
        srd_failed_us;  /* INVITE to the first sign of the callee, or to the refusal */
    struct hist sdd_us; /* our BYE to its answer */
    struct hist sdt_us; /* 200 to BYE */
};

struct figures_media {
    uint64_t calls; /* that had packets */
    uint64_t received, sent, lost, late;
    double loss_percent;
    struct hist jitter_us;
    struct hist mos_hundredths[2]; /* estimated; [1] on the scale of wide band: a mean of both means
                                      nothing (media/emodel.h) */
};

/* A stretch of the run. */
struct figures_slice {
    uint64_t intended, started, succeeded, failed, active; /* active: at its end */
    uint64_t setup_p50_us, setup_p95_us;                   /* of calls intended in it */
    uint64_t late_max_us;
};

struct figures {
    uint64_t calls, answered, checks_passed, checks_failed, script_errors;
    struct hist start_late_us;         /* INVITE after the intended instant */
    struct hist first_us, answered_us; /* from the intended instant */
    struct figures_rfc6076 rfc6076;    /* of calls this side made */
    struct figures_media media;        /* of all */
    double slice_s;
    struct figures_slice slice[FIGURES_SLICES];
    uint32_t slices;
};

void figures_make(struct figures *f, const struct outcome *o);

/* Estimated mean opinion score of what a leg heard, by the E-model (media/emodel.h): of its codec,
 * losses and their bursts, and the delay. No echo, no noise, no listening: an estimate. Below 1:
 * there was nothing to judge by. */
double figures_mos(const struct call_media_stats *m);

/* How long a call took to be set up from the intended instant, in µs: to the answer, or to the
 * refusal; UINT64_MAX: neither came. */
uint64_t figures_setup_us(const struct outcome_call *c);
uint64_t figures_end_us(const struct outcome_call *c); /* since the run's beginning */
bool figures_call_failed(const struct outcome_call *c);

#endif
