/* The tasks of one campaign in Redis, shared by any number of engines.
 *
 * A task is one lead. It is fresh or due (waits for its time), leased (an engine has it), or done
 * with a status. Engines claim tasks with a lease and a fencing token; whoever holds an older token
 * is refused. The order of one attempt:
 *
 *   queue_claim    → the task is ours until the lease runs out (queue_renew keeps it)
 *   queue_attempt  → attempt number N is on record, open; only after its OK the INVITE leaves
 *   queue_complete → the attempt is closed with its record; the task is done, or due again
 *
 * An engine that dies leaves leases; queue_reclaim finds them. A task without an open attempt goes
 * back to the queue. A task with one comes to the caller, who closes it by queue_complete: with the
 * result of the local call record when there is one, else as unknown. So an attempt number is
 * never dialled twice, and no task is lost.
 *
 * Everything is asynchronous; callbacks come on the loop's thread, never from inside the call that
 * asked. Each operation is one atomic function in Redis (queue/functions.lua, FUNCTION LOAD), and
 * each may be repeated safely with the same arguments: after ERR_CLOSED or ERR_TIMEOUT, which mean
 * "not known whether it was done", just ask again. queue_add and queue_complete repeat by
 * themselves when the connection comes back. Where Redis has replicas that take over, an attempt is
 * answered when one of them has it (redis_confirm), and what was acknowledged in the last half
 * minute is said again to a Redis that comes back (queue/keep.c).
 *
 * Answers: OK; ERR_REFUSED: stale token, the task is not ours any more (drop it, do not dial);
 * ERR_NOT_FOUND: no such task; ERR_STATE: not possible now (another attempt is open, wrong attempt
 * number); ERR_AGAIN: the campaign does not run (queue/control.h) or has its calls; ERR_CLOSED:
 * Redis is away; ERR_FULL: too much under way (counted), try after a callback; ERR_IO: Redis
 * answered with an error, see queue_error().
 *
 * Keys: {campaign}:tasks (hash id → payload), :fresh, :fresh:LIST and :due (sorted sets), :lists
 * (hash LIST → its pass, functions_lines.c), :leased (sorted set by lease expiry), :s:ID (hash,
 * state of a task once touched), :attempts (hash ID/N → record), :attempts_total, :finished (hash
 * status → count), :meta, :comments (queue/note.h), :claims (hash engine → its last claim). Loop
 * thread only. */
#ifndef PEAL_QUEUE_QUEUE_H
#define PEAL_QUEUE_QUEUE_H

#include "base/slice.h"
#include "io/loop.h"
#include "queue/server.h"

#define QUEUE_ID_MAX         63
#define QUEUE_NUMBER_MAX     31
#define QUEUE_NUMBERS_MAX    8  /* of one lead */
#define QUEUE_KIND_MAX       15 /* "mobile", "home": a word of the lead's owner */
#define QUEUE_NAME_MAX       127
#define QUEUE_ZONE_MAX       47
#define QUEUE_STATUS_MAX     31
#define QUEUE_CALL_ID_MAX    127
#define QUEUE_ENGINE_MAX     63
#define QUEUE_LISTS_MAX      17 /* the leads of none, too */
#define QUEUE_LIST_MAX       31
#define QUEUE_CALLER_ID_MAX  39
#define QUEUE_FIELDS_MAX     4000  /* custom fields as one JSON object */
#define QUEUE_RECORD_MAX     16384 /* summary stored with an attempt */
#define QUEUE_CLAIM_MAX      256   /* tasks a claim or reclaim */
#define QUEUE_RENEW_MAX      2000  /* leases a renewal */
#define QUEUE_STATUSES       32    /* different ones counted; the rest is counted in other_status */
#define QUEUE_IN_FLIGHT_MAX  4096  /* operations without their answer, adds apart */
#define QUEUE_ADD_UNSENT_MAX (2 * 1024 * 1024) /* bytes of leads added and not acknowledged */
#define QUEUE_NO_TRUNK       UINT32_MAX
#define QUEUE_PRIORITY_MAX   1000000 /* −max…max; beyond is cut */

struct queue;
struct queue_ledger_entry;

struct queue_number {
    char number[QUEUE_NUMBER_MAX + 1]; /* E.164 */
    char kind[QUEUE_KIND_MAX + 1];     /* "" when it is not told */
};

struct queue_task {
    char id[QUEUE_ID_MAX + 1];
    struct queue_number numbers[QUEUE_NUMBERS_MAX]; /* in the order of preference */
    uint32_t number_count;
    uint32_t number_at; /* which of them is to be dialled next (or was, by an open attempt) */
    char name[QUEUE_NAME_MAX + 1];
    char zone[QUEUE_ZONE_MAX + 1];
    int32_t priority;
    uint64_t expires_wall_ms; /* 0: never */
    uint64_t token;           /* of this lease */
    uint32_t tries;           /* attempts on record so far; the next one is tries + 1 */
    uint32_t charged;         /* of them, those that count */
    uint32_t avoid_trunk;     /* the one that failed it last, or QUEUE_NO_TRUNK */
    char avoid_caller_id[QUEUE_CALLER_ID_MAX + 1]; /* another is to be shown; "": any */
    /* queue_reclaim only: the attempt its dead engine left open (0: none). */
    uint32_t open_attempt;
    uint64_t open_wall_ms; /* when it was recorded */
    char open_call_id[QUEUE_CALL_ID_MAX + 1];
    char open_engine[QUEUE_ENGINE_MAX + 1];
    char open_number[QUEUE_NUMBER_MAX + 1]; /* "" when a Peal before 0.2 recorded it */
    char fields[QUEUE_FIELDS_MAX + 1];
};

struct queue_config {
    struct loop *loop;
    const char *url;             /* see redis_config */
    struct redis_server *server; /* private one, started again when it dies; NULL: not ours */
    const char *campaign;
    const char *engine; /* name of this engine: the same after a restart, unlike any other's */
    uint32_t lease_ms;  /* 0: 60 s */
    /* When Redis was away, queue_claim and queue_reclaim (of others) answer ERR_AGAIN for so long
     * after it is back: engines say first what it may have lost (queue/keep.c) and renew the leases
     * that ran out meanwhile, so that no lead is given out and no attempt closed that has a call.
     */
    uint32_t settle_ms;
    /* false: stop dialling (why is a sentence); true: Redis is there and the functions are loaded.
     */
    void (*on_state)(void *arg, bool up, const char *why);
    void *arg;
};

/* ERR_INVALID: bad URL or empty names. on_state tells when it can be used. */
enum err queue_open(struct queue **out, const struct queue_config *config);
/* Everything not answered yet gets ERR_CANCELLED; see queue_idle for a clean end. Not from inside a
 * callback of this queue. q may be NULL. */
void queue_close(struct queue *q);

bool queue_up(const struct queue *q);
bool queue_idle(const struct queue *q);         /* nothing under way, nothing unsent */
const char *queue_error(const struct queue *q); /* the last error, as a sentence; "" for none */

/* The one to be dialled next; "" when the lead has none. */
const char *queue_task_number(const struct queue_task *t);

typedef void queue_done_fn(void *arg, enum err e);

/* --- filling ---------------------------------------------------------------------------------- */

enum queue_order { QUEUE_AS_ADDED, QUEUE_NEWEST, QUEUE_RANDOM };

struct queue_lead {
    struct slice id, name, zone;
    struct {
        struct slice number, kind; /* neither has spaces or commas */
    } numbers[QUEUE_NUMBERS_MAX];  /* until the first without a number */
    struct slice fields;           /* JSON object, or empty */
    int32_t priority;              /* higher first */
    uint64_t expires_wall_ms;
    uint64_t due_wall_ms; /* 0: at once, in the order of adding; else not before */
    struct slice status;  /* not empty: not to be dialled, done at once with this status */
    struct slice list;    /* whose line it waits in, a word without blanks, not "-"; empty: none */
    enum queue_order order; /* of that line, among leads of equal priority */
};

struct queue_add_stats {
    uint64_t given;      /* to queue_add */
    uint64_t added;      /* new in the queue, acknowledged */
    uint64_t duplicates; /* were there already (by id), left as they are; also leads of ours whose
                            first acknowledgement was lost with the connection */
    uint64_t updated;    /* were there already and are changed now (queue/import.h) */
    uint64_t failed;     /* Redis refused them, see queue_error */
};

/* Copies the lead into the batch being made. ERR_AGAIN: the pipeline is full, nothing was taken;
 * wait for on_room (queue_add_on_room) and give it again. ERR_TOO_LONG: a text beyond its maximum.
 * Works while Redis is away, until the pipeline is full. */
enum err queue_add(struct queue *q, const struct queue_lead *lead);
/* room is called when more can be given after ERR_AGAIN. */
void queue_add_on_room(struct queue *q, void (*room)(void *arg), void *arg);
/* Sends the unfinished batch; done when all that was given is acknowledged (ERR_IO: some failed).
 */
enum err queue_add_finish(struct queue *q, queue_done_fn *done, void *arg);
/* Who asked by queue_add_finish is told no more; what was given still goes its way. */
void queue_add_leave(struct queue *q);
const struct queue_add_stats *queue_add_stats_of(const struct queue *q);

/* --- working ---------------------------------------------------------------------------------- */

/* How often the lists' leads are given out for the first time: in the ratio of their shares, while
 * they have leads; 0: not now. Lists that are not named, and leads of none (""), have share 1, and
 * the former are held when the latter are. */
#define QUEUE_HELD UINT32_MAX
struct queue_share {
    char list[QUEUE_LIST_MAX + 1];
    uint32_t share; /* QUEUE_HELD: none of its leads is given out now, due ones neither */
};
/* From the next claim on; n at most QUEUE_LISTS_MAX. */
void queue_set_shares(struct queue *q, const struct queue_share *shares, uint32_t n);

/* tasks: n of them, valid during the call only. e OK with n 0: nothing is due. */
typedef void queue_tasks_fn(void *arg, enum err e, const struct queue_task *tasks, uint32_t n);

/* One claim at a time (ERR_STATE); ERR_AGAIN: not so soon after Redis was away (settle_ms). max at
 * most QUEUE_CLAIM_MAX. A claim whose answer was lost is answered by the next one: no task is
 * forgotten in a lease. Tasks whose time has come go before fresh ones; fresh ones of a list by
 * priority, then in the list's order; the lists take turns by their shares. A task that comes back
 * without a call (released, or put off until its window opens) has its old place again then. */
enum err queue_claim(struct queue *q, uint32_t max, queue_tasks_fn *done, void *arg);

/* Records attempt number task->tries + 1 as open, to number task->number_at (which the caller may
 * have changed: an attempt of that number stays at it). After OK, and only then, dial. The task may
 * be forgotten meanwhile: what is needed is copied. */
enum err queue_attempt(struct queue *q, const struct queue_task *task, uint32_t attempt,
                       struct slice call_id, queue_done_fn *done, void *arg);

/* What all engines of the campaign together may do; 0: no such limit. A rate is kept in every
 * stretch of a second (of longer ones below one call a second). */
struct queue_caps {
    uint32_t concurrent;
    double calls_per_second;
    struct slice trunk; /* that will carry the call; its limits: */
    uint32_t trunk_calls;
    double trunk_calls_per_second;
};
/* The same, unless it would be too many: ERR_AGAIN, and nothing is on record. An attempt counts
 * until it is completed, whoever made it. */
enum err queue_attempt_capped(struct queue *q, const struct queue_task *task, uint32_t attempt,
                              struct slice call_id, const struct queue_caps *caps,
                              queue_done_fn *done, void *arg);

enum queue_outcome {
    QUEUE_FINISH,  /* done, with `status` */
    QUEUE_RETRY,   /* due again at retry_wall_ms */
    QUEUE_RELEASE, /* given back; due at once. attempt 0: was not dialled */
};

struct queue_completion {
    enum queue_outcome outcome;
    uint32_t attempt;       /* its number; 0: no attempt was recorded (release, finish, retry) */
    struct slice status;    /* QUEUE_FINISH */
    uint64_t retry_wall_ms; /* QUEUE_RETRY */
    uint32_t next_number;   /* dialled next: 1 + its place in numbers[]; 0: the same again */
    bool charged;           /* the attempt counts */
    uint32_t avoid_trunk;   /* for the next attempt, or QUEUE_NO_TRUNK */
    int32_t priority;       /* what the task's changes by now (queue_note makes it stay) */
    struct slice record;    /* summary kept with the attempt (JSON), may be empty */
    /* A live answer, put into the ledger (queue/ledger.h) in the same step, also when the lease is
     * not ours any more (ERR_REFUSED) and another engine completes the task; NULL: none was. */
    const struct queue_ledger_entry *ledger;
};

/* Repeating it is OK. done may be NULL. */
enum err queue_complete(struct queue *q, const struct queue_task *task,
                        const struct queue_completion *c, queue_done_fn *done, void *arg);

struct queue_lease {
    char id[QUEUE_ID_MAX + 1];
    uint64_t token;
};

/* lost: the leases (n) that are not ours any more; the calls may go on, their completion will be
 * refused. */
typedef void queue_renewed_fn(void *arg, enum err e, const struct queue_lease *lost, uint32_t n);
enum err queue_renew(struct queue *q, const struct queue_lease *leases, uint32_t n,
                     queue_renewed_fn *done, void *arg);

/* put_back: tasks of dead engines that had no open attempt. tasks: those that have one, ours now;
 * n == QUEUE_CLAIM_MAX: ask again, there may be more. */
typedef void queue_reclaimed_fn(void *arg, enum err e, const struct queue_task *tasks, uint32_t n,
                                uint32_t put_back);
/* Leases that ran out; with `own`, also those of an engine with our name that ran before us (at
 * start, before the first claim). ERR_AGAIN: without `own`, not so soon after Redis was away
 * (settle_ms). */
enum err queue_reclaim(struct queue *q, bool own, queue_reclaimed_fn *done, void *arg);

struct queue_counts {
    uint64_t total;
    uint64_t due;     /* may be claimed now: fresh or their time has come */
    uint64_t waiting; /* for their time */
    uint64_t leased;
    uint64_t finished;         /* total = due + waiting + leased + finished */
    uint64_t attempts;         /* on record, of all engines */
    uint64_t next_due_wall_ms; /* of those waiting; 0: none */
    struct {
        char name[QUEUE_STATUS_MAX + 1];
        uint64_t count;
    } status[QUEUE_STATUSES];
    uint32_t statuses;
    uint64_t other_status;
};
typedef void queue_counts_fn(void *arg, enum err e, const struct queue_counts *counts);
enum err queue_count(struct queue *q, queue_counts_fn *done, void *arg);

/* Forgets the campaign: tasks, attempts, counts; not the ledger. For tests and `--fresh`. */
enum err queue_forget(struct queue *q, queue_done_fn *done, void *arg);

#endif
