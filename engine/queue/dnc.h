/* The lists of the gate: who must not be called, and our own numbers. Exact numbers lie in their
 * tags (queue/gate.h); what belongs to whole lists lies under one hash tag, "{peal-dnc}":
 *
 *   :lists    hash    list → when it was begun
 *   :imports  hash    import (1…16383) → since 0x1f until 0x1f list 0x1f who 0x1f why 0x1f file
 *   :prefixes hash    LIST 0x1f PREFIX → since 0x1f until 0x1f who 0x1f why
 *   :log      stream  every change: at, what, list, number, who, why, until, more; the latest
 *                     DNC_LOG_MAX are kept
 *   :counts   hash    logged (ever), imports, salt (of the hashes that stand for erased numbers)
 *   :version  number  raised after every change, so that engines look again at what rings
 *
 * A change is in the log before it is made: one that fails half-way is on record, and repeating it
 * is safe. Prefixes are copied into every tag, so that the gate needs no second question; each list
 * has DNC_PREFIXES_MAX of them at most.
 *
 * The functions here are asked one after the other by a command, not on the way of a call: when the
 * connection is lost they end with ERR_CLOSED and are to be asked again. Loop thread only. */
#ifndef PEAL_QUEUE_DNC_H
#define PEAL_QUEUE_DNC_H

#include "queue/gate.h"

#define DNC_LISTS_MAX    1000
#define DNC_PREFIXES_MAX 1000
#define DNC_IMPORTS_MAX  16383
#define DNC_LOG_MAX      200000
#define DNC_FILL_MAX     4096 /* numbers of one call */
#define DNC_FILE_MAX     200
#define DNC_MORE_MAX     200
#define DNC_READ_MAX     1000 /* entries of the log in one answer */

struct queue_dnc_entry {
    struct slice list;
    struct slice number; /* E.164; of a prefix its digits, without "+" or "*" */
    bool prefix;
    uint64_t until_wall_ms; /* 0: for good */
    struct slice who, why;
};
/* changed: false when it was (not) there already. */
typedef void queue_dnc_fn(void *arg, enum err e, bool changed);
/* ERR_INVALID: no number or prefix; ERR_TOO_LONG: a text beyond its maximum. ERR_FULL as an answer:
 * the list has its maximum of prefixes, or there are too many lists. */
enum err queue_dnc_add(struct queue *q, const struct queue_dnc_entry *entry, queue_dnc_fn *done,
                       void *arg);
enum err queue_dnc_remove(struct queue *q, const struct queue_dnc_entry *entry, queue_dnc_fn *done,
                          void *arg);

/* --- millions --------------------------------------------------------------------------------- */

/* number is the file's name. import: its own number. */
typedef void queue_dnc_begun_fn(void *arg, enum err e, uint32_t import);
enum err queue_dnc_import(struct queue *q, const struct queue_dnc_entry *about,
                          queue_dnc_begun_fn *done, void *arg);
/* Numbers of one tag, by group, none twice; DNC_FILL_MAX at most. import 0: they are taken away. */
typedef void queue_dnc_filled_fn(void *arg, enum err e, uint32_t changed, uint32_t unchanged);
enum err queue_dnc_fill(struct queue *q, struct slice list, uint32_t import, uint64_t until_wall_ms,
                        const struct gate_place *numbers, uint32_t n, queue_dnc_filled_fn *done,
                        void *arg);
/* Puts `what` on record and tells all engines that lists have changed. */
enum err queue_dnc_note(struct queue *q, struct slice what, const struct queue_dnc_entry *about,
                        struct slice more, queue_done_fn *done, void *arg);

/* --- asking ----------------------------------------------------------------------------------- */

/* texts: n of them, valid during the call only. What they are is said with each question. */
typedef void queue_dnc_texts_fn(void *arg, enum err e, const struct slice *texts, uint32_t n);
enum err queue_dnc_lists(struct queue *q, queue_dnc_texts_fn *done, void *arg);
/* What lists know of a number: calls in 35 days, locked until, why ("0", "": not), then of each
 * that holds it: list, "note" or "bulk" or "prefix", and note's text, the import, or the prefix. */
enum err queue_dnc_look(struct queue *q, struct slice number, const struct slice *lists, uint32_t n,
                        queue_dnc_texts_fn *done, void *arg);
/* One text each: import's or prefix's, as above; "" when there is none. */
enum err queue_dnc_about_import(struct queue *q, uint32_t import, queue_dnc_texts_fn *done,
                                void *arg);
enum err queue_dnc_about_prefix(struct queue *q, struct slice list, struct slice prefix,
                                queue_dnc_texts_fn *done, void *arg);
/* Entries of each list in one tag, as decimal texts in the lists' order. */
enum err queue_dnc_counts(struct queue *q, uint32_t tag, const struct slice *lists, uint32_t n,
                          queue_dnc_texts_fn *done, void *arg);
/* How many prefixes each list has, likewise. */
enum err queue_dnc_prefix_counts(struct queue *q, const struct slice *lists, uint32_t n,
                                 queue_dnc_texts_fn *done, void *arg);
/* The log's last entries (count, DNC_READ_MAX at most), the latest first: logged ever, kept, then
 * eight texts each: at, what, list, number, who, why, until, more. */
enum err queue_dnc_log(struct queue *q, uint32_t count, queue_dnc_texts_fn *done, void *arg);
/* One text: raised with every change. */
enum err queue_dnc_version(struct queue *q, queue_dnc_texts_fn *done, void *arg);

/* Erases all that is known of a number: entries made for it alone, calls, locks. texts: how many of
 * each. */
enum err queue_dnc_erase(struct queue *q, struct slice number, const struct slice *lists,
                         uint32_t n, queue_dnc_texts_fn *done, void *arg);
/* what, who, why and more, with a hash in place of the number. One text: the hash. */
enum err queue_dnc_note_erased(struct queue *q, struct slice number, struct slice who,
                               struct slice why, struct slice more, queue_dnc_texts_fn *done,
                               void *arg);

#endif
