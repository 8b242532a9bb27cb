/* Erasing what Redis holds of one person, known by a number (`peal forget`). Counts stay true:
 *
 * A task loses its numbers, name, zone and fields, its comments and the records of its attempts;
 * when it was not done it is finished as "forgotten". An id that holds the number's digits gets
 * others in their place.
 *
 * The ledger keeps its entries and sums; the digits are replaced in number and lead.
 *
 * The log of the lists keeps who changed what; the number becomes its hash, why is emptied.
 *
 * Entries of a stream of records (queue/stream.h) that hold the number are deleted.
 *
 * The gate's part is queue_dnc_erase. The replacement of digits is the caller's, as long as they
 * are and no number; the same everywhere, so what belonged together still does. A task whose call
 * is under way is not touched. Each question may be asked again. Loop thread only. */
#ifndef PEAL_QUEUE_FORGET_H
#define PEAL_QUEUE_FORGET_H

#include "queue/dnc.h"

/* Cursor's text "0" begins and ends. Texts: next cursor, keys of campaigns on this server, such as
 * "{spring}", some of them more than once. (Of a Redis Cluster only one node's.) */
enum err queue_forget_campaigns(struct queue *q, struct slice cursor, queue_dnc_texts_fn *done,
                                void *arg);
/* Texts: next cursor, ids. number: E.164. */
enum err queue_forget_find(struct queue *q, const char *key, struct slice cursor,
                           struct slice number, queue_dnc_texts_fn *done, void *arg);
/* Texts: "erased", "open" or "gone"; then the lead's other numbers. */
enum err queue_forget_task(struct queue *q, const char *key, struct slice id, struct slice digits,
                           struct slice other, queue_dnc_texts_fn *done, void *arg);
enum err queue_forget_buckets(struct queue *q, const char *key, queue_dnc_texts_fn *done,
                              void *arg);
/* Texts: next cursor, entries changed. */
enum err queue_forget_ledger(struct queue *q, const char *key, struct slice bucket,
                             struct slice cursor, struct slice digits, struct slice other,
                             queue_dnc_texts_fn *done, void *arg);
/* from: "-", then "(" and the first text of the answer, until that is empty. */
enum err queue_forget_log(struct queue *q, struct slice from, struct slice number,
                          struct slice hash, queue_dnc_texts_fn *done, void *arg);
/* Texts: the campaign's streams of records. */
enum err queue_forget_streams(struct queue *q, const char *key, queue_dnc_texts_fn *done,
                              void *arg);
/* from as above. Texts: the last entry looked at, or "" at the end; how many were deleted. */
enum err queue_forget_stream(struct queue *q, const char *key, struct slice stream,
                             struct slice from, struct slice digits, queue_dnc_texts_fn *done,
                             void *arg);
/* Asks Redis to write its append-only file anew, without what is erased; whether it has one or not.
 */
enum err queue_forget_rewrite(struct queue *q, queue_done_fn *done, void *arg);
/* changed: it is still being written. */
enum err queue_forget_rewriting(struct queue *q, queue_dnc_fn *done, void *arg);

#endif
