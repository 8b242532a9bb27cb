/* Reading what is to go wrong, and doing it to calls. */
#include "sim/wrongs.h"

#include <string.h>

#include "base/log.h"

#define REORDER_MS 45 /* as the verb's */
#define TIMES_MAX  1000000

static void read_impair(struct document *d, const yaml_node_t *n, struct wrongs *out)
{
    static const char *const keys[] = {"loss",    "burst",     "delay", "jitter",
                                       "reorder", "duplicate", "drift", NULL};

    if (!n)
        return;
    document_only(d, n, keys);
    out->impaired = true;
    out->impair = (struct media_impair){
        .loss = document_number(d, n, "loss", 0, 0, 100) / 100,
        .burst = document_number(d, n, "burst", 0, 1, 1000),
        .delay_ms = (uint32_t)(document_number(d, n, "delay", 0, 0, 1) * 1000 + 0.5),
        .jitter_ms = (uint32_t)(document_number(d, n, "jitter", 0, 0, 0.5) * 1000 + 0.5),
        .reorder = document_number(d, n, "reorder", 0, 0, 100) / 100,
        .reorder_ms = REORDER_MS,
        .duplicate = document_number(d, n, "duplicate", 0, 0, 100) / 100,
        .drift_ppm = (int32_t)document_number(d, n, "drift", 0, -50000, 50000),
    };
    if (!media_impair_possible(&out->impair))
        document_refuse(d, n, "a loss of %g %% needs bursts of at least %g packets",
                        out->impair.loss * 100, out->impair.loss / (1 - out->impair.loss));
}

static void read_rule(struct document *d, const yaml_node_t *n, struct sip_meddle *r)
{
    static const char *const keys[] = {"lose",  "ignore", "double", "late",  "bloat",
                                       "times", "copies", "by",     "bytes", NULL};
    const char *what = NULL;
    size_t found = 0;

    document_only(d, n, keys);
    for (size_t i = 0; i < SIP_MEDDLE_DEEDS; i++) {
        const char *text = document_text(d, n, sip_meddle_deeds[i].name, NULL);
        if (text && what)
            document_refuse(d, n, "misbehave: one thing an item, here are %s and %s",
                            sip_meddle_deeds[found].name, sip_meddle_deeds[i].name);
        if (text) {
            what = text;
            found = i;
        }
    }
    if (!what) {
        document_refuse(d, n, "misbehave: an item has one of lose, ignore, double, late, bloat");
        return;
    }
    *r = (struct sip_meddle){
        .kind = sip_meddle_deeds[found].kind,
        .times = (uint32_t)document_whole(d, n, "times", 1, 0, TIMES_MAX),
    };
    if (sip_meddle_deeds[found].amount)
        r->amount = (uint32_t)(document_number(d, n, sip_meddle_deeds[found].amount,
                                               sip_meddle_deeds[found].otherwise, 0,
                                               sip_meddle_deeds[found].most) *
                                   sip_meddle_deeds[found].unit +
                               0.5);
    if (slice_copy(slice_cstr(what), r->what, sizeof r->what) != OK || !sip_meddle_valid(r))
        document_refuse(d, n,
                        "%s: '%.40s' is no message, or the amount is 0: write INVITE, 200, "
                        "1xx, 200/BYE or *",
                        sip_meddle_deeds[found].name, what);
}

void wrongs_read(struct document *d, const yaml_node_t *impair, const yaml_node_t *misbehave,
                 struct wrongs *out)
{
    const yaml_node_t *n;

    *out = (struct wrongs){0};
    read_impair(d, impair, out);
    for (uint32_t i = 0; (n = document_item(d, misbehave, i, "misbehave")); i++) {
        if (i == SIP_MEDDLE_RULES_MAX) {
            document_refuse(d, n, "misbehave: more than %d items", SIP_MEDDLE_RULES_MAX);
            return;
        }
        read_rule(d, n, &out->rule[out->rules++]);
    }
}

static void complain(enum err e)
{
    if (e != OK)
        log_warn("sim", "a call does not misbehave as it should", "error=%s", err_name(e));
}

void wrongs_before(const struct wrongs *w, struct call_env *env, const char *call_id)
{
    for (uint32_t i = 0; i < w->rules; i++)
        complain(call_meddle_before(env, call_id, &w->rule[i]));
}

void wrongs_on_call(const struct wrongs *w, struct call *c)
{
    for (uint32_t i = 0; i < w->rules; i++)
        complain(call_meddle(c, &w->rule[i]));
}

void wrongs_on_leg(const struct wrongs *w, const struct flow_runtime *rt, uint64_t leg,
                   struct call *c)
{
    struct media_impair impair = w->impair;
    struct rng dice;

    if (!w->impaired)
        return;
    flow_rng(rt, SLICE("network"), leg, &dice);
    impair.seed = rng_u64(&dice);
    complain(call_impair(c, &impair));
}
