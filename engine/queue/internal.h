/* What the files of the queue share. */
#ifndef PEAL_QUEUE_INTERNAL_H
#define PEAL_QUEUE_INTERNAL_H

#include "base/list.h"
#include "base/pool.h"
#include "queue/ledger.h"
#include "queue/queue.h"
#include "queue/redis.h"
#include "queue/task.h"

#define BATCH_LEADS  500
#define BATCH_BYTES  (256 * 1024)
#define BATCHES      (QUEUE_ADD_UNSENT_MAX / BATCH_BYTES)
#define BATCHES_SENT 4 /* at once: more would only lie in the write buffer */
#define CALL_WORDS   (16 + 2 * QUEUE_LISTS_MAX)
#define NUMBER_CAP   24 /* of a decimal text */
#define KEY_MAX      200
#define AGAIN_MS     1000 /* Redis cannot do it now (loading, disk full): ask again after this */

/* The version of the functions: in every name, so engines of different versions can share a Redis.
 * Raise it with any change of meaning. */
#define QUEUE_VERSION        "4"
#define QUEUE_FUNCTION(name) "peal" QUEUE_VERSION "_" name

/* The Lua library, in pieces (C's limit for string literals); NULL ends. */
extern const char *const queue_functions[];
/* functions_ledger.c, functions_gate.c, functions_dnc.c: pieces of it */
extern const char queue_functions_put[], queue_functions_ledger[], queue_functions_share[];
extern const char queue_functions_note[], queue_functions_lines[], queue_functions_lines_out[];
extern const char queue_functions_stop[];
extern const char queue_functions_import[];
extern const char queue_functions_places[], queue_functions_gate[], queue_functions_gate_more[];
extern const char queue_functions_dnc[], queue_functions_dnc_look[], queue_functions_dnc_book[],
    queue_functions_dnc_ask[], queue_functions_forget[], queue_functions_forget_log[];
/* functions_recover.c */
extern const char queue_functions_recover[];
/* functions_control.c */
extern const char queue_functions_held[], queue_functions_control[], queue_functions_engines[];
extern const char queue_functions_look[], queue_functions_caps[], queue_functions_stream[];
extern const char queue_functions_forward[];

struct batch {
    struct list_node node;
    struct queue *queue;
    uint32_t leads, len; /* len: bytes of arguments, from BATCH_HEAD on */
    bool sent, updates;
    char bytes[BATCH_BYTES];
};

enum request_kind {
    REQUEST_CLAIM,
    REQUEST_ATTEMPT,
    REQUEST_COMPLETE,
    REQUEST_RENEW,
    REQUEST_RECLAIM,
    REQUEST_COUNT,
    REQUEST_FORGET,
    REQUEST_OTHER /* has its own `answered` */
};

struct request;
typedef void queue_answered_fn(struct queue *q, struct request *r, const struct redisReply *reply,
                               enum err e);
typedef void queue_any_fn(void);

struct request {
    struct list_node node; /* in queue->sent or queue->unsent */
    struct queue *queue;
    enum request_kind kind;
    queue_answered_fn *answered; /* REQUEST_OTHER: reads the answer and tells `done` */
    queue_any_fn *done;          /* cast to the kind's own type */
    void *arg;
    bool repeats; /* until it is acknowledged: keeps its command */
    char *resp;   /* its command; REQUEST_RENEW: its leases; an attempt: how it is said again */
    uint32_t resp_len, leases;
    char task[QUEUE_ID_MAX + 1]; /* REQUEST_ATTEMPT, REQUEST_COMPLETE: whose */
};

/* keep.c */
struct keep {
    struct list open, done; /* oldest first */
    uint32_t open_count, done_count;
    size_t bytes;
    struct clock clock; /* a real one */
};

struct queue {
    struct queue_config config;
    struct loop *loop;
    struct redis *redis;
    char *prepare;
    char key[KEY_MAX];                /* "{campaign}" */
    char self[QUEUE_ENGINE_MAX + 20]; /* "engine#run" */
    bool closing, told_up;
    uint32_t inside; /* callbacks of the owner on the stack */
    char error[REDIS_ERROR_MAX];

    struct pool requests;
    struct list sent, unsent;
    struct keep keep;
    uint64_t settles_until_ms; /* of keep.clock: no claims and no reclaims before */
    bool was_up;
    struct timer again, finish;
    bool claiming;
    uint64_t claim_nonce;
    struct queue_share shares[QUEUE_LISTS_MAX];
    uint32_t share_count;
    struct queue_task *tasks; /* QUEUE_CLAIM_MAX of them, for callbacks */
    uint64_t malformed;

    struct batch *batch_mem;
    struct list free_batches, full_batches; /* full: sent or to be sent, oldest first */
    struct batch *filling;
    uint32_t batches_sent;
    bool add_refused, updates;
    void (*room)(void *arg);
    void *room_arg;
    queue_done_fn *added;
    void *added_arg;
    bool finishing;
    struct queue_add_stats add_stats;
};

/* queue.c */
void queue_say(struct queue *q, const char *what, const char *detail);
void queue_again_soon(struct queue *q);

/* request.c */
/* Redis cannot do it now but may soon: loading, out of memory, disk full, functions gone. */
bool queue_try_later(struct queue *q, const struct redisReply *reply);
void queue_send_unsent(struct queue *q); /* what repeats by itself, in its order */
/* The parts of a request. argv gets FCALL, the function and the key: 4 words. */
struct request *queue_request(struct queue *q, enum request_kind kind, queue_any_fn *done,
                              void *arg); /* NULL: too much under way */
void queue_request_free(struct request *r);
uint32_t queue_call_words(struct queue *q, struct slice *argv, const char *function);
struct slice queue_decimal(char text[NUMBER_CAP], uint64_t n);
struct slice queue_now(const struct queue *q, char text[NUMBER_CAP]);
/* Now or not at all; or surely, repeated by itself. Take the request over. */
enum err queue_send_now(struct request *r, uint32_t argc, const struct slice *argv);
enum err queue_send_surely(struct request *r, uint32_t argc, const struct slice *argv);
/* The whole of it, for a command whose answer `answered` reads and tells. ERR_FULL: too much under
 * way. */
enum err queue_ask(struct queue *q, queue_answered_fn *answered, queue_any_fn *done, void *arg,
                   uint32_t argc, const struct slice *argv);
enum err queue_ask_surely(struct queue *q, queue_answered_fn *answered, queue_any_fn *done,
                          void *arg, uint32_t argc, const struct slice *argv);
/* Answers OK and nothing else: tells a queue_done_fn, if there is one. */
void queue_on_status(struct queue *q, struct request *r, const struct redisReply *reply,
                     enum err e);

/* ledger.c: 7 words of an entry; numbers needs 4 × NUMBER_CAP. False: a part is too long. */
#define LEDGER_WORDS 7
bool ledger_words(const struct queue_ledger_entry *e, struct slice *argv,
                  char numbers[4][NUMBER_CAP]);

/* answer.c; redisReply by its tag, so that only those who read replies need hiredis */
enum err answer_error(struct queue *q, const struct redisReply *reply); /* NULL: connection lost */
enum err answer_unexpected(struct queue *q);                            /* logged; ERR_IO */
bool answer_is_text(const struct redisReply *reply);
struct slice answer_text(const struct redisReply *reply);
bool answer_is_number(const struct redisReply *reply);
uint64_t answer_number(const struct redisReply *reply); /* 0 for negative ones */
/* Into q->tasks; tasks that cannot be read are finished as malformed. */
enum err answer_tasks(struct queue *q, const struct redisReply *list, uint32_t *count);
/* One task as the functions give it out. ERR_INVALID: it is none at all; *whole false: its payload
 * cannot be read, t has its id and state. */
enum err answer_task(const struct redisReply *reply, struct queue_task *t, bool *whole);
enum err answer_counts(struct queue *q, const struct redisReply *reply, struct queue_counts *c);

/* keep.c: what may have to be said again when Redis is back. */
void keep_init(struct queue *q);
void keep_fini(struct queue *q);
/* An attempt or a completion was answered; takes its command over where it is to be kept. */
void keep_answered(struct queue *q, struct request *r, enum err e);
/* To the head of q->unsent. */
void keep_say_again(struct queue *q);

/* add.c */
enum err add_init(struct queue *q);
void add_fini(struct queue *q);
void add_pump(struct queue *q); /* sends what may be sent */
bool add_idle(const struct queue *q);

#endif
