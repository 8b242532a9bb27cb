/* A Redis Cluster behind the face of one connection: a connection to each master, a map of the
 * slots, and commands that follow it.
 *
 * The map comes from CLUSTER SLOTS of any node. MOVED changes it and sends the command again (it
 * was not done), so callers never see it. ASK says that the slot is being moved, key by key: our
 * functions use many keys of a slot, so their commands wait until all are in one place. The cluster
 * is up when the map covers all slots and all its masters are connected, with the functions loaded;
 * while one is away, the map is asked for twice a second, until its replica is in its place.
 * Private to redis.c; loop thread only. */
#ifndef PEAL_QUEUE_REDIS_CLUSTER_H
#define PEAL_QUEUE_REDIS_CLUSTER_H

#include "queue/redis.h"

#define CLUSTER_NODES_MAX     64
#define CLUSTER_REDIRECTS_MAX 8
#define CLUSTER_HELD_MS       5000 /* a redirected command waits so long for its node */
#define CLUSTER_LOOK_MS       500

struct redis_cluster;

/* config and target as in redis_open; the target is copied. */
enum err cluster_open(struct redis_cluster **out, const struct redis_config *config,
                      const struct redis_target *target);
void cluster_close(struct redis_cluster *c); /* as redis_close */
void cluster_reconnect(struct redis_cluster *c, const char *why);
bool cluster_up(const struct redis_cluster *c);
const char *cluster_error(const struct redis_cluster *c);
const struct redis_stats *cluster_stats(const struct redis_cluster *c);
uint32_t cluster_in_flight(const struct redis_cluster *c);
uint64_t cluster_masters(const struct redis_cluster *c); /* see redis_masters */
enum err cluster_send(struct redis_cluster *c, struct slice resp, redis_reply_fn *fn, void *arg);
/* To the node that has the key's slot now, whatever the command is; not sent again elsewhere. */
enum err cluster_send_to(struct redis_cluster *c, struct slice key, struct slice resp,
                         redis_reply_fn *fn, void *arg);

#endif
