/* Those who answer: an INVITE's number chooses a script by the mix, names with the agents' prefix
 * are agents. One of these stands on one host. Control thread only. */
#ifndef PEAL_SIM_ANSWERING_H
#define PEAL_SIM_ANSWERING_H

#include "base/pool.h"
#include "sim/attempts.h"
#include "sim/host.h"
#include "sim/mix.h"
#include "sim/outcome.h"
#include "sim/wrongs.h"

struct answering {
    struct host *host;
    const struct mix *mix;
    struct flow_script *script[MIX_SCENARIOS_MAX], *agent;
    struct attempts attempts;
    struct pool legs;
    bool opened, stopping;
    uint64_t seed, refused;
    const struct wrongs *wrongs;
    struct outcome *outcome; /* NULL: nobody collects */
    uint32_t group;          /* in the outcome */
};

struct answering_config {
    const struct mix *mix; /* kept by the caller */
    const char *scenarios; /* folder with callees/ and agents/ */
    uint64_t seed, max_calls;
    const struct wrongs *wrongs; /* on every leg, on purpose; NULL: the mix's own */
    struct outcome *outcome;
    uint32_t group;
};

/* Every script of DIR/callees with equal weight; SIM_CONFIG with the reason on stderr. */
int answering_mix_of_folder(struct mix **out, const char *program, const char *dir);
/* The host is open; SIM_CONFIG with the reason on stderr. */
int answering_open(struct answering *a, struct host *host, const struct answering_config *config);
void answering_close(struct answering *a);
/* An INVITE (call_env_config.incoming with the answering as arg). */
void answering_incoming(struct answering *a, struct call *c);
void answering_stop(struct answering *a); /* further INVITEs are refused */

#endif
