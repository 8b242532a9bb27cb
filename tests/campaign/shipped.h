/* A shipped campaign file, and one lead taken through it attempt by attempt. */
#ifndef PEAL_TESTS_CAMPAIGN_SHIPPED_H
#define PEAL_TESTS_CAMPAIGN_SHIPPED_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "campaign/rules.h"

static inline struct campaign *shipped(const char *name)
{
    static char error[CAMPAIGN_ERROR_MAX];
    const char *source = getenv("PEAL_SOURCE");
    struct campaign *c;
    char path[512];

    snprintf(path, sizeof(path), "%s/scenarios/campaigns/%s", source ? source : ".", name);
    cr_assert_eq(campaign_load(&c, path, error), OK, "%s", error);
    return c;
}

/* What the next attempt gives, judged as the engine does it. */
static inline void attempt_gives(const struct campaign *c, struct rules_input *in, enum result r,
                                 struct rules_decision *out)
{
    in->result = r;
    in->tries++;
    in->attempt += rules_charged(c, r, in->label, in->outcome);
    rules_decide(c, in, out);
}

#endif
