/* The abandonment ledger of a campaign in Redis: each live answer is one entry, added once and
 * never changed, and the sums of each day, kept in the same step.
 *
 * An entry is a text with an id (the Call-ID) in the bucket of its UTC day: adding it again, after
 * a lost answer or from the journal after a crash, changes nothing. It gets the next place (1…), so
 * an entry that was taken away leaves a hole, and sums that its day's entries do not give. Sums are
 * of the campaign's own calendar days, which the caller says. Buckets older than a regulator asks
 * for can be dropped; their days' sums stay, and an entry for such a bucket is refused from then on
 * (nobody could say whether it had been there).
 *
 * Keys, beside those of queue.h: {campaign}:ledger (hash: entries, cut, first, last, "at ENGINE"),
 * :ledger:days (hash "DAY letter" → sum), :ledger:open (sorted set of the buckets), :ledger:BUCKET
 * (hash id → "PLACE 0x1f text"). queue_forget leaves them. Loop thread only. */
#ifndef PEAL_QUEUE_LEDGER_H
#define PEAL_QUEUE_LEDGER_H

#include "queue/queue.h"

#define LEDGER_ADD_MAX     200   /* entries of one call */
#define LEDGER_DAYS_MAX    400   /* days of one question */
#define LEDGER_READ_MAX    65536 /* entries of one answer */
#define LEDGER_TEXT_MOST   1024  /* bytes */
#define LEDGER_BUCKETS_MAX 4096

/* What an entry adds to its day. */
#define LEDGER_LETTERS "lamte" /* live, abandoned, message, too late, early leaver */

struct queue_ledger_entry {
    struct slice id, text;
    int32_t bucket, day; /* UTC day; day of the campaign; both since 1970-01-01 */
    const char *counts;  /* of LEDGER_LETTERS, each at most once */
    uint32_t false_ppm;  /* added to the day's estimate */
    uint64_t at_wall_ms; /* of the answer */
};

/* One command, repeated by itself until Redis has taken it. at most LEDGER_ADD_MAX. added: how many
 * were new; refused: too old. */
typedef void queue_ledger_added_fn(void *arg, enum err e, uint32_t added, uint32_t refused);
enum err queue_ledger_add(struct queue *q, const struct queue_ledger_entry *entries, uint32_t n,
                          queue_ledger_added_fn *done, void *arg);

struct queue_ledger_day {
    int32_t day;
    uint64_t live, abandoned, messages, late, callee_left, false_ppm;
};

struct queue_ledger {
    uint64_t entries;      /* ever added */
    uint64_t last_wall_ms; /* the latest answer this engine (by name) has entered; 0: none */
    int32_t first, last;   /* days that have sums; first > last: none */
    int32_t cut;           /* buckets before this are dropped; INT32_MIN: none is */
    struct queue_ledger_day day[LEDGER_DAYS_MAX]; /* in order, those with sums */
    uint32_t days;
};
/* l is valid during the call only. Answers come in the order of the questions, and an entry or a
 * completion given before the question is in its answer. */
typedef void queue_ledger_fn(void *arg, enum err e, const struct queue_ledger *l);
enum err queue_ledger_sums(struct queue *q, int32_t first_day, uint32_t days, queue_ledger_fn *done,
                           void *arg);

/* The buckets there are, in order. */
typedef void queue_ledger_buckets_fn(void *arg, enum err e, const int32_t *bucket, uint32_t n);
enum err queue_ledger_buckets(struct queue *q, queue_ledger_buckets_fn *done, void *arg);

struct queue_ledger_text {
    uint64_t place;
    struct slice text; /* valid during the call only */
};
/* Some of a bucket's entries, in no order; one that is there all the time comes at least once.
 * next 0: that was the last of them; else ask again from it. */
typedef void queue_ledger_texts_fn(void *arg, enum err e, const struct queue_ledger_text *texts,
                                   uint32_t n, uint64_t next);
enum err queue_ledger_read(struct queue *q, int32_t bucket, uint64_t from,
                           queue_ledger_texts_fn *done, void *arg);

/* Drops the buckets before `first`. */
enum err queue_ledger_cut(struct queue *q, int32_t first, queue_done_fn *done, void *arg);

#endif
