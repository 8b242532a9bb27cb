/* Why a lead is not being dialled: every rule that holds it, each as a sentence, and the earliest
 * instant at which it may be. For `peal why` and `peal status`; asks the same functions as the
 * dialer itself (rules_may_dial, control_sentence, the gate's answer), so what it says is what the
 * dialer does. Pure but for the zones it opens. */
#ifndef PEAL_DIALER_STANDING_H
#define PEAL_DIALER_STANDING_H

#include "campaign/rules.h"
#include "queue/control.h"
#include "queue/gate.h"
#include "queue/look.h"

#define REASONS_MAX     24
#define REASON_TEXT_MAX 720

enum reason_kind {
    REASON_DONE,      /* finished with a status */
    REASON_CALLED,    /* an attempt is under way */
    REASON_LEASED,    /* an engine has it */
    REASON_LOST,      /* … whose lease has run out */
    REASON_WAITS,     /* for its time */
    REASON_STATE,     /* the campaign is paused, draining or stopped */
    REASON_DATES,     /* the campaign has not begun, or is over */
    REASON_WINDOW,    /* outside its calling window */
    REASON_SPENT,     /* attempts are spent; finished when it is claimed */
    REASON_EXPIRED,   /* likewise */
    REASON_DNC,       /* on a do-not-call list */
    REASON_OWN,       /* one of our own numbers */
    REASON_LIMIT,     /* the number was called often enough */
    REASON_LOCKED,    /* the number is locked */
    REASON_MALFORMED, /* cannot be read */
    REASON_NO_ENGINE, /* nobody works on the campaign */
    REASON_TROUBLE,   /* an engine cannot dial */
    REASON_LIST,      /* its list has share 0 */
    REASON_TURN,      /* nothing holds it: it goes in its turn */
    REASON_KINDS
};
const char *reason_name(enum reason_kind k); /* "waits" … */

struct reason {
    enum reason_kind kind;
    uint64_t until_wall_ms; /* when this rule lets go; 0: not known; WINDOW_NEVER: never */
    char text[REASON_TEXT_MAX];
};

struct reasons {
    struct reason at[REASONS_MAX];
    uint32_t count, left_out;
    uint64_t next_if_run_wall_ms; /* as next, as if the campaign ran */
    uint64_t next_wall_ms; /* the earliest instant; the present: now; WINDOW_NEVER: never, or not
                              before somebody changes something */
};

struct standing {
    const struct campaign *campaign; /* NULL: its file is not known; its rules are not looked at */
    struct zone_cache *zones;
    uint64_t now_wall_ms;
};

/* The lead's own rule that holds it at `at`, whatever its place in the queue: REASON_WINDOW,
 * _SPENT, _EXPIRED, or REASON_TURN for none; *when: the next instant to look again. */
enum reason_kind standing_rule(const struct standing *s, const struct queue_task *t, uint64_t at,
                               uint64_t *when);

/* It would go in its turn, but its list has share 0. */
bool standing_list_rests(const struct standing *s, const struct queue_stands *t);

/* How often its number may be called, for the gate. */
uint32_t standing_limits(const struct standing *s, const struct queue_task *t,
                         struct place_limit out[PLACE_LIMITS_MAX]);

struct standing_more {
    const struct queue_control *control;
    const struct queue_engine_told *engines; /* of those that are not gone */
    uint32_t engine_count;
    const struct queue_attempt_text *last; /* its latest attempt; NULL: none */
    const struct queue_gate_answer *gate;  /* NULL: was not asked */
    const struct place_limit *limits;      /* those that it was asked about */
    uint32_t limit_count;
    uint64_t listed_wall_ms; /* DNC, OWN: since when, by whom, why; 0, "": not known */
    char listed_by[GATE_WHO_MAX + 1], listed_why[GATE_WHY_MAX + 1];
};
void standing_explain(const struct standing *s, const struct queue_stands *t,
                      const struct standing_more *more, struct reasons *out);

/* "2026-11-30 09:00:00 (Europe/Ljubljana)", of the campaign's zone; UTC when it is not known. */
const char *standing_time(const struct standing *s, uint64_t wall_ms, char text[96]);

#endif
