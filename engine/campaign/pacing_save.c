/* What was learned, as text: one line for each part, its name and its numbers.
 *
 *   pacing 2
 *   reach 14 …
 *
 * Reading is strict: a text that was cut, edited or is of another version changes nothing. Only
 * what is worth keeping is kept: shares and times, not calls and agents. */
#include "campaign/pacing_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"

#define VERSION    2
#define LINES_MAX  48
#define NUMBER_MAX 1e15

struct part {
    const char *name;
    double *at;
    uint32_t count;
};

/* Beliefs about the share, as doubles. */
struct kept {
    struct pacing_level_sum sum;
    double count, scores_seen, scores_live;
};

/* The parts in their order; all of them are doubles. */
static uint32_t parts_of(struct pacing_learn *l, struct pacing_scores *s, struct pacing_budget *b,
                         struct kept *k, struct part *out)
{
    const struct part parts[] = {
        {"reach_count", &k->count, 1},
        {"reach_idea", k->sum.idea, PACING_LEVEL_IDEAS},
        {"reach_share", k->sum.share, PACING_LEVEL_BINS},
        {"reach_usual", l->reach.usual, PACING_LEVEL_BINS},
        {"live", l->live.at, PACING_TICKS},
        {"live_weight", &l->live.weight, 1},
        {"other", l->other.at, PACING_TICKS},
        {"other_weight", &l->other.weight, 1},
        {"analysis", l->analysis.at, PACING_TICKS},
        {"analysis_weight", &l->analysis.weight, 1},
        {"answered", l->answered, PACING_SECONDS},
        {"answered_live", l->answered_live, PACING_SECONDS},
        {"talk_ends", l->talk.ends, PACING_LIFE_BINS},
        {"talk_spent", l->talk.spent_s, PACING_LIFE_BINS},
        {"talk_seen", &l->talk.seen, 1},
        {"talk_log_sum", &l->talk.log_sum, 1},
        {"talk_log_square", &l->talk.log_square, 1},
        {"wrap_ends", l->wrap.ends, PACING_LIFE_BINS},
        {"wrap_spent", l->wrap.spent_s, PACING_LIFE_BINS},
        {"wrap_seen", &l->wrap.seen, 1},
        {"wrap_log_sum", &l->wrap.log_sum, 1},
        {"wrap_log_square", &l->wrap.log_square, 1},
        {"wraps", &l->wraps, 1},
        {"leaves", &l->leaves, 1},
        {"scored_live", &l->scored_live, 1},
        {"scored_hope", &l->scored_hope, 1},
        {"scores_weight", s->weight, PACING_SCORE_WEIGHTS},
        {"scores_square", s->square, PACING_SCORE_WEIGHTS},
        {"scores_base", &s->base, 1},
        {"scores_share", &s->share, 1},
        {"scores_own_loss", &s->own_loss, 1},
        {"scores_base_loss", &s->base_loss, 1},
        {"scores_slope", &s->slope, 1},
        {"scores_shift", &s->shift, 1},
        {"scores_seen", &k->scores_seen, 1},
        {"scores_live", &k->scores_live, 1},
        {"theta_log", &b->s, 1},
        {"theta_usual", &b->usual, 1},
        {"day_typical", &b->day_typical, 1},
    };
    const uint32_t n = sizeof(parts) / sizeof(parts[0]);

    memcpy(out, parts, sizeof(parts));
    return n;
}

/* Shares are kept as their mean and what it is worth: the counts begun at several times matter only
 * to those who saw them begin. */
static void save_rate(struct buf *out, const char *name, uint32_t number,
                      const struct pacing_rate *r)
{
    struct pacing_estimate e = pacing_rate_get(r);

    buf_printf(out, "%s %u %.9g %.9g %llu\n", name, number, e.mean, e.sample,
               (unsigned long long)r->count);
}

size_t pacing_save(const struct pacing *p, char *text, size_t cap)
{
    struct pacing copy = *p; /* parts_of() points into these, only to read */
    struct pacing_budget budget = p->common->budget;
    struct part parts[LINES_MAX];
    struct buf out = buf_on(text, cap);
    struct kept kept = {.count = (double)copy.learn.reach.count,
                        .scores_seen = (double)copy.scores.seen,
                        .scores_live = (double)copy.scores.live};
    uint32_t n = parts_of(&copy.learn, &copy.scores, &budget, &kept, parts);

    pacing_level_sum(&copy.learn.reach, &kept.sum);
    buf_printf(&out, "pacing %d\n", VERSION);
    save_rate(&out, "failing", 0, &p->learn.failing);
    for (uint32_t i = 1; i < PACING_LISTS; i++)
        if (p->learn.list[i].count)
            save_rate(&out, "list", i, &p->learn.list[i]);
    buf_printf(&out, "talks %llu\n", (unsigned long long)p->learn.talk.count);
    for (uint32_t i = 0; i < n; i++) {
        buf_puts(&out, parts[i].name);
        for (uint32_t k = 0; k < parts[i].count; k++)
            buf_printf(&out, " %.9g", parts[i].at[k]);
        buf_putc(&out, '\n');
    }
    buf_puts(&out, "end\n");
    return buf_end(&out) == OK ? out.len : 0;
}

/* ---- reading ---- */

struct text {
    const char *at, *end;
};

static bool take_word(struct text *t, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(t->end - t->at) <= len || memcmp(t->at, word, len) != 0 ||
        (t->at[len] != ' ' && t->at[len] != '\n'))
        return false;
    t->at += len;
    return true;
}

static bool take_newline(struct text *t)
{
    if (t->at == t->end || *t->at != '\n')
        return false;
    t->at++;
    return true;
}

/* A space and a finite number of at least `least`. */
static bool take_number(struct text *t, double least, double *out)
{
    char number[40], *end;
    size_t len = 0;

    if (t->at == t->end || *t->at++ != ' ')
        return false;
    while (t->at < t->end && *t->at != ' ' && *t->at != '\n' && len < sizeof(number) - 1)
        number[len++] = *t->at++;
    number[len] = '\0';
    *out = strtod(number, &end);
    return len > 0 && *end == '\0' && isfinite(*out) && *out >= least && *out <= NUMBER_MAX;
}

/* False when the line is there and wrong; *there says whether it was there. */
static bool take_rate(struct text *t, const char *name, struct pacing_learn *l, bool *there)
{
    double number, mean, sample, count;

    *there = take_word(t, name);
    if (!*there)
        return true;
    if (!take_number(t, 0, &number) || !take_number(t, 0, &mean) || !take_number(t, 0, &sample) ||
        !take_number(t, 0, &count) || !take_newline(t) || number >= PACING_LISTS || mean > 1)
        return false;
    struct pacing_rate *r = strcmp(name, "failing") == 0 ? &l->failing : &l->list[(uint32_t)number];
    pacing_rate_init(r, mean, fmax(sample, 0.01));
    r->count = (uint64_t)count;
    return true;
}

static bool take_part(struct text *t, const struct part *part)
{
    bool signs = strncmp(part->name, "theta", 5) == 0 || strncmp(part->name, "scores", 6) == 0 ||
                 strstr(part->name, "_log_sum");

    if (!take_word(t, part->name))
        return false;
    for (uint32_t i = 0; i < part->count; i++)
        if (!take_number(t, signs ? -NUMBER_MAX : 0, &part->at[i]))
            return false;
    return take_newline(t);
}

/* What would make later sums and divisions meaningless. */
static bool makes_sense(const struct pacing_learn *l)
{
    double live = 0, other = 0, analysis = 0;

    for (uint32_t i = 0; i < PACING_TICKS; i++) {
        live += l->live.at[i];
        other += l->other.at[i];
        analysis += l->analysis.at[i];
    }
    return live > 0 && other > 0 && analysis > 0 && l->live.weight >= 1 && l->other.weight >= 1 &&
           l->analysis.weight >= 1 && l->talk.seen > 0 && l->wrap.seen > 0 && l->wraps > 0 &&
           l->leaves <= l->wraps;
}

static bool read_all(struct text *t, struct pacing_learn *l, struct pacing_scores *s,
                     struct pacing_budget *b)
{
    struct part parts[LINES_MAX];
    struct kept kept;
    uint32_t n = parts_of(l, s, b, &kept, parts);
    bool there;
    double talks;

    if (!take_rate(t, "failing", l, &there) || !there)
        return false;
    do {
        if (!take_rate(t, "list", l, &there))
            return false;
    } while (there);
    if (!take_word(t, "talks") || !take_number(t, 0, &talks) || !take_newline(t))
        return false;
    l->talk.count = (uint64_t)talks;
    for (uint32_t i = 0; i < n; i++)
        if (!take_part(t, &parts[i]))
            return false;
    if (kept.scores_seen < 0 || kept.scores_live < 0 || !(s->share > 0 && s->share < 1) ||
        s->slope <= 0)
        return false;
    l->reach.count = (uint64_t)kept.count;
    s->seen = (uint64_t)kept.scores_seen;
    s->live = (uint64_t)kept.scores_live;
    if (!pacing_level_believe(&l->reach, &kept.sum))
        return false;
    return take_word(t, "end") && take_newline(t) && t->at == t->end && makes_sense(l);
}

enum err pacing_load(struct pacing *p, struct slice text)
{
    struct text t = {text.p, text.p + text.len};
    struct pacing_learn *l = malloc(sizeof(*l));
    struct pacing_budget b = p->common->budget;
    struct pacing_scores s = p->scores;
    enum err e = ERR_INVALID;
    double version;

    if (!l)
        return ERR_NOMEM;
    pacing_learn_init(l);
    if (take_word(&t, "pacing") && take_number(&t, 0, &version) && take_newline(&t)) {
        if (version != VERSION)
            e = ERR_UNSUPPORTED;
        else if (read_all(&t, l, &s, &b))
            e = OK;
    }
    if (e == OK) {
        p->learn = *l;
        p->common->budget = b;
        p->scores = s;
        p->common->budget.s = fmin(p->common->budget.s, log(PACING_THETA_MOST));
        pacing_level_day(&p->learn.reach);
        p->fitted = false;
    }
    free(l);
    return e;
}
