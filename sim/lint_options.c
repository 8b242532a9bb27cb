/* Options of what goes wrong on purpose, where they are written out: `call:impair { loss = 3 }` is
 * looked into, `call:impair { loss = x }` is not. The bounds are the verbs' own
 * (engine/flow/verbs_network.c). */
#include <stdio.h>
#include <stdlib.h>

#include "media/leg.h"
#include "sim/lint_inner.h"
#include "sip/meddle.h"

#define VALUES_MAX 32

struct value {
    struct slice key;
    uint32_t line;
    bool is_number, is_text;
    double number;
    struct slice text;
};

struct bound {
    const char *key;
    double lo, hi;
};

static bool number_of(struct slice text, double *out)
{
    char word[40], *end;

    if (slice_copy(text, word, sizeof word) != OK)
        return false;
    *out = strtod(word, &end);
    return end != word && !*end;
}

/* `key = value` of one table, l at its "{"; what is computed is neither number nor text. False:
 * something else is in it (a list, a nested table), and it is left alone. */
static bool read_table(struct lint *l, struct value *v, uint32_t *count)
{
    for (lint_advance(l); !lint_is(l->now, "}"); lint_advance(l)) {
        if (l->now.kind != LINT_NAME || !lint_is(l->next, "=") || *count == VALUES_MAX)
            return false;
        struct value *k = &v[(*count)++];
        *k = (struct value){.key = l->now.text, .line = l->now.line};
        lint_advance(l);
        lint_advance(l);
        bool minus = lint_is(l->now, "-");
        if (minus)
            lint_advance(l);
        bool alone = lint_is(l->next, ",") || lint_is(l->next, ";") || lint_is(l->next, "}");
        k->is_number = alone && l->now.kind == LINT_NUMBER && number_of(l->now.text, &k->number);
        k->number = minus ? -k->number : k->number;
        k->is_text = alone && l->now.kind == LINT_STRING && !minus;
        k->text = l->now.text;
        while (!lint_is(l->next, ",") && !lint_is(l->next, ";") && !lint_is(l->next, "}")) {
            lint_advance(l);
            if (l->now.kind == LINT_END || lint_is(l->now, "{") || lint_is(l->now, "("))
                return false;
        }
        lint_advance(l);
        if (lint_is(l->now, "}"))
            return true;
    }
    return true;
}

static const struct value *find(const struct value *v, uint32_t count, const char *key)
{
    for (uint32_t i = 0; i < count; i++)
        if (slice_eq(v[i].key, slice_cstr(key)))
            return &v[i];
    return NULL;
}

static double number(const struct value *v, uint32_t count, const char *key)
{
    const struct value *k = find(v, count, key);

    return k && k->is_number ? k->number : 0;
}

/* Keys that are known, numbers within their bounds. */
static void check_bounds(struct lint *l, const char *verb, const struct value *v, uint32_t count,
                         const struct bound bounds[])
{
    for (uint32_t i = 0; i < count; i++) {
        const struct bound *b = bounds;
        while (b->key && !slice_eq(v[i].key, slice_cstr(b->key)))
            b++;
        if (!b->key)
            lint_say(l, v[i].line, LINT_ERROR, "call:%s has no option '" SLICE_FMT "'", verb,
                     SLICE_ARG(v[i].key));
        else if (v[i].is_number && (v[i].number < b->lo || v[i].number > b->hi))
            lint_say(l, v[i].line, LINT_ERROR, "call:%s: %s is from %g to %g, not %g", verb, b->key,
                     b->lo, b->hi, v[i].number);
    }
}

static void check_impair(struct lint *l, const struct value *v, uint32_t count, uint32_t line)
{
    static const struct bound bounds[] = {
        {"loss", 0, 100},    {"burst", 1, 1000},    {"delay", 0, 1},          {"jitter", 0, 0.5},
        {"reorder", 0, 100}, {"duplicate", 0, 100}, {"drift", -50000, 50000}, {NULL, 0, 0},
    };
    const struct media_impair impair = {.loss = number(v, count, "loss") / 100,
                                        .burst = number(v, count, "burst")};

    check_bounds(l, "impair", v, count, bounds);
    if (impair.loss >= 0 && impair.loss < 1 && !media_impair_possible(&impair))
        lint_say(l, line, LINT_ERROR,
                 "call:impair: a loss of %g %% needs bursts of at least %g packets",
                 impair.loss * 100, impair.loss / (1 - impair.loss));
}

static void check_misbehave(struct lint *l, const struct value *v, uint32_t count, uint32_t line)
{
    static const struct bound bounds[] = {
        {"lose", 0, 0},
        {"ignore", 0, 0},
        {"double", 0, 0},
        {"late", 0, 0},
        {"bloat", 0, 0},
        {"times", 0, 1000000},
        {"copies", 0, SIP_MEDDLE_COPIES_MAX},
        {"by", 0, SIP_MEDDLE_DELAY_MAX_MS / 1000.0},
        {"bytes", 0, SIP_MEDDLE_BYTES_MAX},
        {NULL, 0, 0},
    };
    uint32_t deeds = 0;

    check_bounds(l, "misbehave", v, count, bounds);
    for (uint32_t i = 0; i < SIP_MEDDLE_DEEDS; i++) {
        const struct value *k = find(v, count, sip_meddle_deeds[i].name);
        struct sip_meddle rule = {.kind = sip_meddle_deeds[i].kind, .amount = 1};
        deeds += k != NULL;
        if (k && k->is_text &&
            (slice_copy(k->text, rule.what, sizeof rule.what) != OK || !sip_meddle_valid(&rule)))
            lint_say(l, k->line, LINT_ERROR,
                     "call:misbehave: '" SLICE_FMT "' is no message: write INVITE, 200, 1xx, "
                     "200/BYE or *",
                     SLICE_ARG(k->text));
    }
    if (deeds != 1)
        lint_say(l, line, LINT_ERROR,
                 "call:misbehave does one thing at a time: lose, ignore, double, late or bloat");
}

/* "opus/48000/2" */
static void check_payload(struct lint *l, struct lint_word w)
{
    struct slice name, rate, channels;
    uint32_t hz, n = 1;

    if (w.kind != LINT_STRING)
        return;
    bool cut = slice_cut(w.text, '/', &name, &rate) && name.len > 0;
    slice_cut(rate, '/', &rate, &channels);
    if (!cut || slice_u32(rate, &hz) != OK || hz == 0 ||
        (channels.len && (slice_u32(channels, &n) != OK || n == 0 || n > 8)))
        lint_say(l, w.line, LINT_ERROR,
                 "call:payload: write NAME/RATE or NAME/RATE/CHANNELS, not '" SLICE_FMT "'",
                 SLICE_ARG(w.text));
}

void lint_options(struct lint *l)
{
    struct value v[VALUES_MAX];
    uint32_t count = 0, line = l->now.line;
    struct lint table = *l; /* a copy of the reader looks ahead */
    bool impair = lint_is(l->now, "impair"), misbehave = lint_is(l->now, "misbehave");

    if (lint_is(l->now, "payload"))
        check_payload(l, lint_is(l->next, "(") ? l->next2 : l->next);
    if (!impair && !misbehave)
        return;
    lint_advance(&table);
    if (lint_is(table.now, "("))
        lint_advance(&table);
    if (!lint_is(table.now, "{") || !read_table(&table, v, &count))
        return;
    if (impair)
        check_impair(l, v, count, line);
    else
        check_misbehave(l, v, count, line);
}
