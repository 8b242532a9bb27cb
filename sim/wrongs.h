/* What goes wrong on purpose on the legs of a group: a bad network and a bad peer, as files declare
 * them. The keys are those of the verbs call:impair and call:misbehave:
 *
 *   impair: { loss: 2, burst: 3, delay: 0.05, jitter: 0.02, reorder: 1, duplicate: 0.5, drift: 80 }
 *   misbehave:
 *     - { lose: INVITE, times: 2 }
 *     - { late: ACK, by: 0.3 }
 *     - { bloat: INVITE, bytes: 9000 }
 */
#ifndef PEAL_SIM_WRONGS_H
#define PEAL_SIM_WRONGS_H

#include "flow/flow.h"
#include "media/leg.h"
#include "sim/document.h"
#include "sip/meddle.h"

struct wrongs {
    bool impaired;
    struct media_impair impair;
    struct sip_meddle rule[SIP_MEDDLE_RULES_MAX];
    uint32_t rules;
};

/* The values of the keys impair and misbehave; NULL: not given. */
void wrongs_read(struct document *d, const yaml_node_t *impair, const yaml_node_t *misbehave,
                 struct wrongs *out);
/* Before the call is dialled, by the Call-ID it will have. */
void wrongs_before(const struct wrongs *w, struct call_env *env, const char *call_id);
/* The leg is there. Its dice are those of its script's call:impair. */
void wrongs_on_leg(const struct wrongs *w, const struct flow_runtime *rt, uint64_t leg,
                   struct call *c);
/* The messages of a call that has come. */
void wrongs_on_call(const struct wrongs *w, struct call *c);

#endif
