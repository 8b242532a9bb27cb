/* Who is the master now? Asked of Redis' sentinels, one after another, until one knows. Each
 * question is a short connection of its own. Private to redis.c; loop thread only. */
#ifndef PEAL_QUEUE_REDIS_SENTINEL_H
#define PEAL_QUEUE_REDIS_SENTINEL_H

#include "queue/redis.h"

#define SENTINEL_ANSWER_MS 1000 /* a sentinel that is silent for so long is passed over */
#define SENTINEL_CHECK_MS  3000 /* while connected: is it still the master? */

struct redis_sentinel;

/* e OK: host and port; else why is a sentence. Never called from inside the question. */
typedef void sentinel_fn(void *arg, enum err e, const struct redis_host *master, const char *why);

/* target: of kind REDIS_SENTINELS; must outlive it. */
enum err sentinel_open(struct redis_sentinel **out, struct loop *loop,
                       const struct redis_target *target);
/* No answer comes after it. s may be NULL; not from inside an answer. */
void sentinel_close(struct redis_sentinel *s);
/* One question at a time; the next one begins with the sentinel that answered last. */
void sentinel_ask(struct redis_sentinel *s, sentinel_fn *fn, void *arg);
bool sentinel_asking(const struct redis_sentinel *s);

#endif
