/* Those who call: a group of callers with one script, one target and one arrival law. The plan
 * (when each call is to start) is made by the law and the seed alone; delays are measured from the
 * planned instant, so a caller that was held up counts against the figures instead of hiding them.
 * Several groups may stand on one host. Control thread only. */
#ifndef PEAL_SIM_CALLING_H
#define PEAL_SIM_CALLING_H

#include "base/hist.h"
#include "base/pool.h"
#include "sim/host.h"
#include "sim/law.h"
#include "sim/outcome.h"
#include "sim/rows.h"
#include "sim/tempo.h"
#include "sim/wrongs.h"

#define CALLING_URI_MAX   256
#define CALLING_FROM_MAX  64
#define CALLING_CODES_MAX 700

struct calling;
typedef void calling_over_fn(void *arg, struct calling *k);

struct calling_config {
    const char *to;                  /* "sip:{column}@HOST:PORT"; {n}: the call's number */
    const char *from;                /* shown */
    const struct wrongs *wrongs;     /* on purpose; NULL: none */
    const struct sdp_codecs *codecs; /* NULL: the host's */
    const char *scenario, *data;     /* paths; data NULL: no rows */
    struct law law;
    uint64_t planned, seed, max_calls;
    uint32_t part,
        parts;          /* of the calls, number n is ours when (n - 1) mod parts is part; 0: all */
    uint64_t first_leg; /* legs are numbered from it + 1 */
    struct outcome *outcome; /* NULL: nobody collects */
    uint32_t group;
    calling_over_fn *on_over; /* every planned call has ended, or could not be started */
    void *arg;
};

struct calling {
    struct host *host;
    struct law law;
    struct rows *rows;
    struct flow_script *script;
    struct pool pool;
    struct loop_alarm next;
    const struct tempo *tempo;
    uint64_t offset_us;       /* of the group in the plan */
    uint64_t next_us, next_n; /* of the law, and the call's number */
    uint32_t part, parts;
    uint64_t started, finished, succeeded, failed, not_started, planned;
    uint64_t first_leg;
    uint64_t codes[CALLING_CODES_MAX];     /* final SIP codes of calls that were not answered */
    uint64_t by_outcome[FLOW_STOPPED + 1]; /* of answered calls that failed */
    struct hist first_us, answer_us, start_late_us;
    bool stopping, over;
    const char *to, *from;
    const struct wrongs *wrongs;
    const struct sdp_codecs *codecs;
    struct outcome *outcome;
    uint32_t group;
    calling_over_fn *on_over;
    void *arg;
};

/* Checks what can be checked, loads rows and script. SIM_CONFIG with the reason on stderr; `where`
 * ("suite.yaml:12: " or "") goes before it. The texts of the config are borrowed. */
int calling_open(struct calling *k, struct host *host, const struct calling_config *config,
                 const char *where);
void calling_close(struct calling *k);
/* The group's law begins at offset_us of the plan, which is played by the tempo. */
void calling_begin(struct calling *k, const struct tempo *tempo, uint64_t offset_us);
void calling_retime(struct calling *k); /* the tempo has changed */
void calling_stop(
    struct calling *k); /* no further call; on_over follows when those under way end */

/* Whether call n is made here. */
bool calling_is_ours(const struct calling *k, uint64_t n);
/* Whom call n calls, into CALLING_URI_MAX bytes; false: a name that is neither n nor a column. */
bool calling_uri(const struct calling *k, uint64_t n, char *out);
/* Members of an open object; sentences on stdout. */
void calling_json(const struct calling *k, struct json *j);
void calling_say(const struct calling *k);

#endif
