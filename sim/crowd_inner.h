/* The meeting, as its files share it: crowd.c (a process), crowd_lead.c (the coordinator),
 * crowd_redis.c (asking Redis). Private to them. */
#ifndef PEAL_SIM_CROWD_INNER_H
#define PEAL_SIM_CROWD_INNER_H

#include <hiredis/hiredis.h>
#include <pthread.h>
#include <stdatomic.h>

#include "sim/crowd.h"

#define CROWD_EXPIRE_S 86400
#define CROWD_KEY_MAX  160
#define CROWD_TEXT_MAX 4096
#define CROWD_GIVEN_UP "-" /* in place of the instant to begin */
#define CROWD_PRESENT  48  /* "CONNECTION BEAT" of a process */

/* What the coordinator knows of a process. */
struct crowd_presence {
    char text[CROWD_PRESENT];
    uint64_t changed_ms, gone_ms; /* 0: it is connected */
    bool known, ended, lost;
};

struct crowd {
    redisContext *redis;
    char name[80], callees[80];
    uint32_t part, parts;
    /* Of a process: the thread that looks how to steer. It writes, the loop reads. */
    pthread_t thread;
    bool looking;
    redisContext *look;
    _Atomic bool ended, changed, paused, stop, done, all_done;
    _Atomic uint32_t milli, lost; /* x × 1000; processes that are gone */
    /* Of the coordinator. */
    struct crowd_presence presence[CROWD_PARTS_MAX];
    uint64_t looked_ms;
    double x; /* how it was last steered */
    bool is_paused, is_stopped;
    uint32_t lost_count;
};

enum err crowd_refuse(char *error, enum err e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void crowd_pause_us(long us);
uint64_t crowd_steady_ms(void);

/* The first connection; the meeting has no place yet. */
enum err crowd_start(struct crowd **out, const struct crowd_config *config, char *error);
enum err crowd_dial(redisContext **out, const char *url, char *error);
const char *crowd_key(const struct crowd *c, const char *what, char *dst); /* CROWD_KEY_MAX */
/* NULL: Redis does not answer, or refuses; error says so. */
redisReply *crowd_ask(redisContext *r, char *error, const char *fmt, ...);
enum err crowd_ask_ok(redisContext *r, char *error, const char *fmt, ...);
enum err crowd_put(struct crowd *c, const char *what, const char *text, char *error);
/* A text under a key: OK, ERR_NOT_FOUND while there is none, ERR_IO. */
enum err crowd_fetch(redisContext *r, const char *k, char *dst, size_t cap, char *error);

#endif
