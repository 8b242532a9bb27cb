/* Several peal-sim processes that play one suite, met through Redis. Call n of every group is made
 * by process (n - 1) mod N, so the union of what they play is the plan of one. The first process
 * that joins answers for all (callees and agents); the others call it.
 *
 * A coordinator (`peal-sim coordinate`) opens the meeting, waits until N have joined, gives the
 * instant at which all begin, hands on how the run is steered, and sums up what each leaves. All
 * under keys peal-sim:{NAME}:…, which expire by themselves.
 *
 * Joining and leaving wait for Redis (before the first call, after the last); while calls are up a
 * thread of its own asks Redis ten times a second how the run is to be steered. Its connection is
 * what the coordinator knows a process by: it ends with it, however that came about. */
#ifndef PEAL_SIM_CROWD_H
#define PEAL_SIM_CROWD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define CROWD_ERROR_MAX  256
#define CROWD_PARTS_MAX  64
#define CROWD_GROUPS_MAX 64
#define CROWD_WAIT_S     60 /* for the coordinator, and for the others */

struct crowd;

/* What a process leaves, or all of them together. */
struct crowd_group {
    uint64_t planned, started, succeeded, failed, not_started;
};
struct crowd_result {
    uint32_t part, groups;
    int code; /* enum sim_exit */
    uint64_t answered_calls;
    struct crowd_group group[CROWD_GROUPS_MAX];
};

struct crowd_config {
    const char *url;  /* redis://HOST[:PORT][/DB] or unix:/PATH */
    const char *name; /* of the meeting */
    uint64_t seed;
    uint64_t suite; /* fingerprint: all play the same */
};

/* All functions: error (CROWD_ERROR_MAX) gets a sentence. */

/* Of a process. address: where it would answer. Waits for the coordinator. */
enum err crowd_join(struct crowd **out, const struct crowd_config *config, const char *address,
                    char *error);
uint32_t crowd_part(const struct crowd *c);
uint32_t crowd_parts(const struct crowd *c);
const char *crowd_callees(const struct crowd *c); /* where the first process answers */
/* Ready to begin: waits for the instant, on the wall clock. */
enum err crowd_ready(struct crowd *c, uint64_t *begin_wall_ms, char *error);
/* True once for every change: how the run is to be steered. Never waits. */
bool crowd_steered(struct crowd *c, double *x, bool *paused, bool *stop);
/* Processes of this run that are gone without a result, as far as the coordinator knows. */
uint32_t crowd_lost_parts(const struct crowd *c);
/* Our callers have made their calls. Whoever answers goes on until all have said so. */
void crowd_done(struct crowd *c);
bool crowd_all_done(const struct crowd *c);
enum err crowd_leave(struct crowd *c, const struct crowd_result *result, char *error);
void crowd_close(struct crowd *c); /* NULL is fine */

/* Of the coordinator. */
enum err crowd_open(struct crowd **out, const struct crowd_config *config, uint32_t parts,
                    char *error);
/* How many are ready; when all are, gives the instant to begin. *begun then. */
enum err crowd_gather(struct crowd *c, uint32_t *ready, bool *begun, char *error);
enum err crowd_steer(struct crowd *c, double x, bool paused, bool stop, char *error);
/* One more result, if there is one (ERR_NOT_FOUND: not yet). */
enum err crowd_take(struct crowd *c, struct crowd_result *out, char *error);
/* One more process that is gone without a result: its connection to Redis has ended (it was killed,
 * or crashed) or it has not stirred for half a minute. ERR_NOT_FOUND: none. Take results first. */
enum err crowd_lost(struct crowd *c, uint32_t *part, char *error);
/* After that: the others are told, and need not wait for it. Before the beginning: they give up. */
enum err crowd_go_on(struct crowd *c, bool begun, char *error);
enum err crowd_end(struct crowd *c, char *error); /* forgets the meeting */

#endif
