/* What sentinels and cluster nodes answer, read with suspicion: every reply is checked for its
 * form, and none is followed that names what cannot be an address. Pure functions. */
#ifndef PEAL_QUEUE_REDIS_REPLY_H
#define PEAL_QUEUE_REDIS_REPLY_H

#include "queue/redis.h"

#define REDIS_SLOTS 16384

bool reply_is_nil(const struct redisReply *reply);
bool reply_is_error(const struct redisReply *reply, const char *begins_with);

/* {"127.0.0.1", "6379"} of SENTINEL GET-MASTER-ADDR-BY-NAME */
bool reply_read_host(const struct redisReply *reply, struct redis_host *out);

/* ROLE: is it a master? */
bool reply_is_master(const struct redisReply *reply);

/* "MOVED 3999 127.0.0.1:6381", "ASK …". A host that is left empty is `self`. */
enum redis_redirect { REDIRECT_NONE, REDIRECT_MOVED, REDIRECT_ASK };
enum redis_redirect reply_read_redirect(const struct redisReply *reply,
                                        const struct redis_host *self, uint32_t *slot,
                                        struct redis_host *to);

/* CLUSTER SLOTS: calls fn for each range with its master. False: not of that form (some ranges may
 * have been told). A host that is left empty is `self`. */
typedef void reply_range_fn(void *arg, uint32_t first, uint32_t last,
                            const struct redis_host *master);
bool reply_read_slots(const struct redisReply *reply, const struct redis_host *self,
                      reply_range_fn *fn, void *arg);

/* The slot of a command's key: of FCALL the first key, of others their first argument; by its hash
 * tag where it has one (CRC16 of XMODEM, Redis Cluster specification). ERR_INVALID: no command as
 * redis_format writes it. Without a key: slot 0. */
enum err redis_slot_of(struct slice resp, uint32_t *slot);
uint32_t redis_key_slot(struct slice key);

bool redis_host_eq(const struct redis_host *a, const struct redis_host *b);
/* "redis://127.0.0.1:6379", "redis://[::1]:6379" */
void redis_host_url(const struct redis_host *h, char *dst, size_t cap);
/* A numeric address and a port from 1. */
bool redis_host_read(struct slice host, struct slice port, struct redis_host *out);

#endif
