/* What a campaign is to do, kept in Redis for all its engines: it runs, is paused, drains, or is
 * stopped; since when, by whose order and why. Every order is kept in a list (queue_audit).
 *
 *   running   engines dial
 *   paused    no new attempt; live calls go on; engines stay
 *   draining  no new attempt; live calls go on to their end, then the engines end
 *   stopped   no new attempt; engines end as their campaign's `drain` says, or at once
 *
 * While a campaign does not run, queue_attempt is refused inside Redis (ERR_AGAIN): once an order
 * is answered, no further INVITE can be on its way than those recorded before. Engines look
 * (queue_control_look) a few times a second and tell what they made of it (queue_control_tell).
 *
 * Keys: {campaign}:control (hash: state, since, who, why, now, version, reloads, file), :told (hash
 * engine → version, 0/1, sentence), :trouble (hash engine → sentence), :audit (list). Loop thread
 * only. */
#ifndef PEAL_QUEUE_CONTROL_H
#define PEAL_QUEUE_CONTROL_H

#include "queue/queue.h"
#include "queue/share.h"

#define CONTROL_WHO_MAX  63
#define CONTROL_WHY_MAX  159
#define CONTROL_FILE_MAX 511
#define CONTROL_TOLD_MAX 239
#define AUDIT_KEPT       10000 /* orders; older ones are dropped */
#define AUDIT_READ_MAX   1000

enum control_state { CONTROL_RUNNING, CONTROL_PAUSED, CONTROL_DRAINING, CONTROL_STOPPED };
const char *control_state_name(enum control_state s);

enum control_order {
    ORDER_PAUSE,
    ORDER_RESUME,
    ORDER_DRAIN,
    ORDER_STOP,
    ORDER_STOP_NOW, /* live calls are hung up */
    ORDER_RELOAD,   /* engines read their campaign file again; the state stays */
    CONTROL_ORDERS
};
const char *control_order_name(enum control_order o);

struct queue_control {
    enum control_state state;
    bool at_once;                  /* stopped: live calls are hung up */
    uint64_t since_wall_ms;        /* 0: nothing was ever ordered */
    uint64_t version;              /* rises with every order */
    uint64_t reloads;              /* orders to reload so far */
    char who[CONTROL_WHO_MAX + 1]; /* of the state */
    char why[CONTROL_WHY_MAX + 1];
    char file[CONTROL_FILE_MAX + 1]; /* campaign file of the engine that started last; "" none */
};
typedef void queue_control_fn(void *arg, enum err e, const struct queue_control *c);
enum err queue_control_look(struct queue *q, queue_control_fn *done, void *arg);

enum control_answer {
    CONTROL_CHANGED,
    CONTROL_ALREADY, /* it was so already; nothing changed, nothing is written down */
    CONTROL_REFUSED, /* not from this state: engines that end cannot be paused */
};
typedef void queue_ordered_fn(void *arg, enum err e, enum control_answer a,
                              const struct queue_control *now);
/* who, why: texts without control characters, at most their maximum. */
enum err queue_control_order(struct queue *q, enum control_order o, struct slice who,
                             struct slice why, queue_ordered_fn *done, void *arg);

/* What this engine made of `version`: a sentence. done may be NULL. */
enum err queue_control_tell(struct queue *q, uint64_t version, bool followed, struct slice sentence,
                            queue_done_fn *done, void *arg);
/* What keeps this engine from dialling whatever the lead, such as trunks that do not answer; "":
 * nothing any more. */
enum err queue_control_trouble(struct queue *q, struct slice sentence, queue_done_fn *done,
                               void *arg);
/* This engine's campaign file, for those who ask about the campaign by its name; the campaign is on
 * the list of campaigns (key peal:campaigns) from then on. */
enum err queue_control_file(struct queue *q, struct slice path, queue_done_fn *done, void *arg);

/* Names of all campaigns that engines have worked on; n of them, valid during the call only. */
typedef void queue_campaigns_fn(void *arg, enum err e, const struct slice *name, uint32_t n);
enum err queue_campaigns(struct queue *q, queue_campaigns_fn *done, void *arg);

struct queue_engine_told {
    char name[QUEUE_ENGINE_MAX + 1];
    uint32_t agents, calls;
    uint64_t seen_wall_ms;
    bool gone;
    uint64_t version; /* of the last order it told of; 0: none */
    bool followed;
    char sentence[CONTROL_TOLD_MAX + 1];
    char trouble[CONTROL_TOLD_MAX + 1]; /* what keeps it from dialling; "" for nothing */
};
/* engine: n of them, by name, valid during the call only; now: Redis' clock. */
typedef void queue_engines_fn(void *arg, enum err e, const struct queue_engine_told *engine,
                              uint32_t n, uint64_t now_wall_ms);
enum err queue_engines(struct queue *q, queue_engines_fn *done, void *arg);

struct queue_audit_line {
    uint64_t at_wall_ms;
    char order[16], who[CONTROL_WHO_MAX + 1], why[CONTROL_WHY_MAX + 1];
};
typedef void queue_audit_fn(void *arg, enum err e, const struct queue_audit_line *line, uint32_t n);
/* The latest `most` orders (at most AUDIT_READ_MAX), oldest first. */
enum err queue_audit(struct queue *q, uint32_t most, queue_audit_fn *done, void *arg);

#endif
