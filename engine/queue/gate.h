/* The gate: what is known of a telephone number across all campaigns, asked right before it is
 * dialled. Is it on a do-not-call list, one of our own, locked after an abandoned call, or called
 * often enough? One atomic function in Redis answers, and when the answer is yes, the call counts
 * at once, so two campaigns or engines that ask for one number never both get its last call.
 *
 * A number's place is found by a hash of it: one of GATE_TAGS hash tags ("{peal-n-0123}", which a
 * Redis Cluster spreads over its nodes), and in it one of GATE_GROUPS groups. Keys of a tag:
 *
 *   :dnc    hash   LIST 0x1f +NUMBER → an entry made by hand: since 0x1f until 0x1f who 0x1f why
 *                  LIST 0x1f gGROUP → imported entries, 8 bytes each: the number's lower 48 bits,
 *                  low byte first, its upper 2 bits, and 14 bits that say which import it was
 *                  LIST 0x1f p → prefixes, the same text in every tag (queue/dnc.h)
 *                  LIST 0x1f n → how many entries; uIMPORT → the instant its entries end
 *   :calls  hash   GROUP → 16 bytes a call, oldest first: the number as above with 14 bits of the
 *                  call id's hash, the instant (ms, 6 bytes), 2 more bytes of the hash;
 *                  cut → calls dropped before their time, because a group was full
 *   :locks  hash   +NUMBER → until 0x1f since 0x1f why; :locked (sorted set by until) to drop old
 * ones
 *
 * Lists are "own" (the company's and its people's), "*" (global), "c:CAMPAIGN" and "ch:CHANNEL".
 * A search in a group costs its size: at 100 million entries a group has 3,000 (24 KiB). Calls
 * older than 35 days go when their group is written next; a call writes its group anew, so the
 * append-only file grows by 16 bytes for each call of that group in 35 days (a million calls: 0.5
 * KiB a call). Loop thread only. */
#ifndef PEAL_QUEUE_GATE_H
#define PEAL_QUEUE_GATE_H

#include "queue/queue.h"

#define GATE_TAGS       1024
#define GATE_GROUPS     32
#define GATE_LIMITS_MAX 32
#define GATE_LIST_MAX   71 /* bytes of a list's name */
#define GATE_WHO_MAX    63
#define GATE_WHY_MAX    200
#define GATE_DIGITS_MAX 15                       /* ITU-T E.164 */
#define GATE_KEEP_MS    (35ull * 86400u * 1000u) /* calls; no limit may look further back */
#define GATE_CHANNEL    "phone"

#define GATE_LIST_OWN    "own"
#define GATE_LIST_GLOBAL "*"

enum gate_verdict {
    GATE_PASS,
    GATE_OWN,   /* one of our own numbers */
    GATE_DNC,   /* on a do-not-call list */
    GATE_LIMIT, /* called often enough */
    GATE_LOCKED /* not before an instant, such as after an abandoned call */
};
const char *gate_verdict_name(enum gate_verdict v); /* "pass" … */

/* At most `most` (1…) calls at or after since_wall_ms. */
struct queue_gate_limit {
    uint64_t since_wall_ms;
    uint32_t most;
    /* When the period ends (a calendar day's last instant + 1); 0: it rolls, so the number is free
     * again when enough of its calls have left it. */
    uint64_t until_wall_ms;
};

struct queue_gate_ask {
    struct slice number;   /* E.164 */
    struct slice campaign; /* "": its list is not looked at */
    struct slice call_id;  /* asked again with the same one: the same call */
    uint64_t now_wall_ms;  /* 0: Redis' own clock */
    const struct queue_gate_limit *limits;
    uint32_t limit_count; /* GATE_LIMITS_MAX at most */
    bool peek;            /* nothing is recorded; call_id may be empty */
};

struct queue_gate_answer {
    enum gate_verdict verdict;
    char list[GATE_LIST_MAX + 1];     /* OWN, DNC: which */
    char prefix[GATE_DIGITS_MAX + 1]; /* … by this prefix; "": the number itself */
    uint32_t limit;                   /* LIMIT: which of those asked, the one that holds longest */
    uint64_t until_wall_ms;           /* LIMIT, LOCKED: free again then */
    char why[GATE_WHY_MAX + 1];       /* LOCKED */
};
typedef void queue_gate_fn(void *arg, enum err e, const struct queue_gate_answer *a);

/* ERR_INVALID: no such number, or a limit that cannot be kept. Asking again is safe. */
enum err queue_gate(struct queue *q, const struct queue_gate_ask *ask, queue_gate_fn *done,
                    void *arg);
/* The call was not dialled after all: it does not count. Repeats by itself; done may be NULL. */
enum err queue_gate_back(struct queue *q, struct slice number, struct slice call_id,
                         queue_done_fn *done, void *arg);
/* Nobody calls the number before `until`; a later lock that is there stays. Repeats by itself. */
enum err queue_gate_lock(struct queue *q, struct slice number, uint64_t until_wall_ms,
                         struct slice why, queue_done_fn *done, void *arg);

/* "*" → "the global do-not-call list" */
void gate_list_words(struct slice list, char *dst, size_t cap);

/* Where a number lies, for those who write the lists (queue/dnc.h) and for tests. */
struct gate_place {
    uint64_t number; /* its digits */
    uint32_t tag, group;
};
/* "+" and 1 to 15 digits, or ERR_INVALID. */
enum err gate_place_of(struct slice number, struct gate_place *out);
struct gate_place gate_place_at(uint64_t number);
/* As it lies in a group; mark: 14 bits. */
void gate_pack(uint64_t number, uint32_t mark, char out[8]);

#endif
