/* The reasons, one after the other: where the task stands in the queue, what holds the whole
 * campaign, what holds this lead, what holds its number, who could dial it. */
#include "dialer/standing.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "campaign/lists.h"
#include "dialer/internal.h"
#include "report/input.h"

#define ROUNDS_MAX 16 /* a rule's instant may lie where another rule holds */

static const char *const names[REASON_KINDS] = {
    "done",      "called",    "leased",  "lost", "waits", "state", "dates",
    "window",    "spent",     "expired", "dnc",  "own",   "limit", "locked",
    "malformed", "no_engine", "trouble", "list", "turn"};

const char *reason_name(enum reason_kind k)
{
    return names[k];
}

const char *standing_time(const struct standing *s, uint64_t wall_ms, char text[96])
{
    struct zone_local l;

    if (!s->campaign) {
        clock_format_utc(wall_ms, text, 96);
        return text;
    }
    zone_to_local(s->campaign->zone, wall_ms, &l);
    snprintf(text, 96, "%04d-%02u-%02u %02u:%02u:%02u (%s)", l.year, l.month, l.day,
             l.day_ms / 3600000, l.day_ms / 60000 % 60, l.day_ms / 1000 % 60,
             zone_name(s->campaign->zone));
    return text;
}

__attribute__((format(printf, 4, 5))) static void add(struct reasons *out, enum reason_kind kind,
                                                      uint64_t until_wall_ms, const char *fmt, ...)
{
    va_list args;

    if (out->count == REASONS_MAX) {
        out->left_out++;
        return;
    }
    struct reason *r = &out->at[out->count++];

    r->kind = kind;
    r->until_wall_ms = until_wall_ms;
    va_start(args, fmt);
    vsnprintf(r->text, sizeof(r->text), fmt, args);
    va_end(args);
}

static void place_of(const struct standing *s, const struct queue_task *t, struct place *out)
{
    place_read(out, slice_cstr(t->zone), slice_cstr(t->fields), s->zones);
    place_of_number(out, s->campaign, queue_task_number(t), s->zones, s->now_wall_ms);
}

enum reason_kind standing_rule(const struct standing *s, const struct queue_task *t, uint64_t at,
                               uint64_t *when)
{
    struct place place;

    *when = at;
    if (!s->campaign)
        return REASON_TURN;
    place_of(s, t, &place);
    switch (rules_may_dial(s->campaign, &place, t->charged, t->expires_wall_ms, at, when)) {
    case RESULT_ATTEMPTS_SPENT:
        return REASON_SPENT;
    case RESULT_EXPIRED:
        return REASON_EXPIRED;
    case RESULT_OUT_OF_WINDOW:
        return REASON_WINDOW;
    default:
        return REASON_TURN;
    }
}

uint32_t standing_limits(const struct standing *s, const struct queue_task *t,
                         struct place_limit out[PLACE_LIMITS_MAX])
{
    struct place place;

    if (!s->campaign)
        return 0;
    place_of(s, t, &place);
    return place_limits(s->campaign, &place, s->now_wall_ms, out);
}

/* ---- where it stands ---- */

static void say_last(const struct standing_more *more, char *text, size_t cap)
{
    struct input *record = more->last && !more->last->open ? input_parse(more->last->text) : NULL;
    const char *result = input_text(input_get(record, "result"));

    text[0] = '\0';
    if (result)
        snprintf(text, cap, " after attempt %u (%.40s)", more->last->number, result);
    input_free(record);
}

/* The time of its queue and the lease: when the queue gives it out again at the earliest. */
static uint64_t say_place(const struct standing *s, const struct queue_stands *t,
                          const struct standing_more *more, struct reasons *out)
{
    char when[96], after[96];

    say_last(more, after, sizeof(after));
    switch (t->stands) {
    case TASK_DONE:
        add(out, REASON_DONE, WINDOW_NEVER, "It is finished as '%s'%s.", t->status,
            t->task.number_count ? after : ": it has no usable number");
        return WINDOW_NEVER;
    case TASK_LEASED:
        if (t->task.open_attempt)
            add(out, REASON_CALLED, 0, "Attempt %u to %s is under way on engine %s since %s.",
                t->task.open_attempt, t->task.open_number[0] ? t->task.open_number : "its number",
                t->engine, standing_time(s, t->task.open_wall_ms, when));
        else
            add(out, REASON_LEASED, 0, "Engine %s has it, to dial it next.", t->engine);
        if (t->lease_wall_ms < s->now_wall_ms)
            add(out, REASON_LOST, 0,
                "The lease of that engine has run out at %s: another engine takes it back.",
                standing_time(s, t->lease_wall_ms, when));
        return s->now_wall_ms;
    case TASK_WAITS:
        if (t->due_wall_ms <= s->now_wall_ms)
            return s->now_wall_ms;
        add(out, REASON_WAITS, t->due_wall_ms, "It waits until %s%s.",
            standing_time(s, t->due_wall_ms, when), after);
        return t->due_wall_ms;
    case TASK_FRESH:
        break;
    }
    return s->now_wall_ms;
}

/* ---- what holds the campaign ---- */

static uint64_t say_dates(const struct standing *s, uint64_t at, struct reasons *out)
{
    char text[96];

    if (!s->campaign || !campaign_phase_text(s->campaign, s->now_wall_ms, text)[0])
        return at;
    bool over = campaign_phase(s->campaign, s->now_wall_ms) == CAMPAIGN_OVER;
    uint64_t until = over ? WINDOW_NEVER : s->campaign->starts_wall_ms;

    add(out, REASON_DATES, until, "The campaign %s.", text);
    return at > until ? at : until;
}

static bool say_campaign(const struct standing_more *more, struct reasons *out)
{
    char text[CONTROL_TEXT_MAX];

    if (more->control->state == CONTROL_RUNNING)
        return true;
    add(out, REASON_STATE, 0, "The campaign is %s.", control_sentence(more->control, text));
    return false;
}

/* ---- what holds the lead ---- */

/* " By NAME, numbers of +1907 are in America/Anchorage, region ak."; "" where nothing is said. */
#define EXCEPTION_TEXT_MAX 320
static void say_exception(const struct standing *s, const struct queue_task *t,
                          char text[EXCEPTION_TEXT_MAX])
{
    const char *by = "";
    const struct calling_number *n = place_exception(s->campaign, queue_task_number(t), &by);
    size_t len = 0;

    text[0] = '\0';
    if (!n)
        return;
    len =
        (size_t)snprintf(text, EXCEPTION_TEXT_MAX, " By %s, numbers of %s are in ", by, n->prefix);
    for (uint32_t i = 0; i < n->zone_count && len < EXCEPTION_TEXT_MAX; i++)
        len += (size_t)snprintf(text + len, EXCEPTION_TEXT_MAX - len, "%s%s", i ? ", " : "",
                                zone_name(n->zones[i]));
    if (n->region[0] && len < EXCEPTION_TEXT_MAX)
        len += (size_t)snprintf(text + len, EXCEPTION_TEXT_MAX - len, "%sregion %s",
                                n->zone_count ? ", " : "", n->region);
    if (len + 1 < EXCEPTION_TEXT_MAX)
        snprintf(text + len, EXCEPTION_TEXT_MAX - len, ".");
}

static uint64_t say_rules(const struct standing *s, const struct queue_stands *t, uint64_t from,
                          struct reasons *out)
{
    char when_text[96], now_text[96], why[160], whose[EXCEPTION_TEXT_MAX];
    struct calendar calendar;
    struct place place;
    uint64_t when;

    switch (standing_rule(s, &t->task, from, &when)) {
    case REASON_SPENT:
        add(out, REASON_SPENT, WINDOW_NEVER,
            "Its attempts are spent: %u of %u counted; it is finished when its turn comes.",
            t->task.charged, s->campaign->attempts);
        return WINDOW_NEVER;
    case REASON_EXPIRED:
        add(out, REASON_EXPIRED, WINDOW_NEVER, "It %s at %s: it is finished when its turn comes.",
            t->task.expires_wall_ms <= s->now_wall_ms ? "has expired" : "expires before that,",
            standing_time(s, t->task.expires_wall_ms, when_text));
        return WINDOW_NEVER;
    case REASON_WINDOW:
        place_of(s, &t->task, &place);
        place_calendar(s->campaign, &place, &calendar);
        calendar_why(&calendar, from, why, sizeof(why));
        say_exception(s, &t->task, whose);
        if (when == WINDOW_NEVER)
            add(out, REASON_WINDOW, WINDOW_NEVER,
                "No calling window is ever open for it (%s): it is finished when its turn comes.%s",
                why, whose);
        else
            add(out, REASON_WINDOW, when,
                "At %s it is outside its calling window (%s), which opens at %s.%s",
                from == s->now_wall_ms ? "this moment" : standing_time(s, from, now_text), why,
                standing_time(s, when, when_text), whose);
        return when;
    default:
        return from;
    }
}

static uint64_t say_gate(const struct standing *s, const struct standing_more *more,
                         const char *number, uint64_t from, struct reasons *out)
{
    const struct queue_gate_answer *g = more->gate;
    char when[96], limit[80], list[GATE_LIST_MAX + 48], listed[REASON_TEXT_MAX] = "";

    if (!g)
        return from;
    if (more->listed_wall_ms)
        snprintf(listed, sizeof(listed), " since %s by %s%s%.120s",
                 standing_time(s, more->listed_wall_ms, when), more->listed_by,
                 more->listed_why[0] ? ": " : "", more->listed_why);
    switch (g->verdict) {
    case GATE_PASS:
        break;
    case GATE_OWN:
        add(out, REASON_OWN, WINDOW_NEVER, "Its number %s is one of our own%s%s%s.", number,
            g->prefix[0] ? ", by the prefix " : "", g->prefix, listed);
        return WINDOW_NEVER;
    case GATE_DNC:
        gate_list_words(slice_cstr(g->list), list, sizeof(list));
        add(out, REASON_DNC, WINDOW_NEVER, "Its number %s is on %s%s%s%s.", number, list,
            g->prefix[0] ? ", by the prefix " : "", g->prefix, listed);
        return WINDOW_NEVER;
    case GATE_LIMIT:
        if (g->limit < more->limit_count) {
            place_limit_text(&more->limits[g->limit].limit, limit, sizeof(limit));
            snprintf(listed, sizeof(listed), " (%s, %.60s)", limit, more->limits[g->limit].whose);
        }
        add(out, REASON_LIMIT, g->until_wall_ms,
            "Its number %s was called as often as it may be%s, over all campaigns; it is free "
            "again at %s.",
            number, listed, standing_time(s, g->until_wall_ms, when));
        return g->until_wall_ms > from ? g->until_wall_ms : from;
    case GATE_LOCKED:
        add(out, REASON_LOCKED, g->until_wall_ms, "Its number %s is locked until %s%s%s.", number,
            standing_time(s, g->until_wall_ms, when), g->why[0] ? ": " : "", g->why);
        return g->until_wall_ms > from ? g->until_wall_ms : from;
    }
    return from;
}

bool standing_list_rests(const struct standing *s, const struct queue_stands *t)
{
    const struct campaign_list *l =
        s->campaign ? campaign_list_of(s->campaign, slice_cstr(t->task.fields), NULL) : NULL;

    return l && l->share == 0 && t->stands == TASK_FRESH && t->list[0] != '+' && t->task.tries == 0;
}

static uint64_t say_list(const struct standing *s, const struct queue_stands *t, uint64_t at,
                         struct reasons *out)
{
    if (!standing_list_rests(s, t))
        return at;
    add(out, REASON_LIST, 0,
        "Its list '%s' has share 0 in the campaign file: its leads are not called for the first "
        "time until it has one (peal reload).",
        campaign_list_of(s->campaign, slice_cstr(t->task.fields), NULL)->name);
    return WINDOW_NEVER;
}

static void say_engines(const struct standing_more *more, struct reasons *out)
{
    if (more->engine_count == 0)
        add(out, REASON_NO_ENGINE, 0, "No engine works on the campaign now (peal run).");
    for (uint32_t i = 0; i < more->engine_count; i++)
        if (more->engines[i].trouble[0])
            add(out, REASON_TROUBLE, 0, "Engine %s: %s.", more->engines[i].name,
                more->engines[i].trouble);
}

/* Without sentences: where the rules of the lead let go for good. */
static uint64_t settle_on(const struct standing *s, const struct queue_task *t, uint64_t at)
{
    uint64_t when;

    for (int i = 0; i < ROUNDS_MAX && at != WINDOW_NEVER; i++) {
        enum reason_kind k = standing_rule(s, t, at, &when);

        if (k == REASON_TURN)
            return at;
        at = k == REASON_WINDOW ? when : WINDOW_NEVER;
    }
    return at;
}

/* What would be later than the campaign's last moment is not dialled. */
static uint64_t before_the_end(const struct standing *s, uint64_t at, struct reasons *out)
{
    char when[96];
    uint64_t end = s->campaign ? s->campaign->ends_wall_ms : 0;

    if (!end || at < end || at == WINDOW_NEVER)
        return at;
    add(out, REASON_DATES, WINDOW_NEVER, "The campaign ends %s, before it may be dialled.",
        standing_time(s, end, when));
    return WINDOW_NEVER;
}

static void say_turn(const struct standing *s, const struct queue_stands *t, struct reasons *out)
{
    const struct campaign *c = s->campaign;
    uint8_t group =
        c ? campaign_group_of(c, slice_cstr(t->task.fields), RESULT_HUMAN) : AGENT_GROUP_ANY;
    char whose[64] = "";
    bool held = t->list[0] == '+';

    if (group)
        snprintf(whose, sizeof(whose), ", for agents of group %s",
                 agent_group_name(&c->groups, group));
    if (t->stands == TASK_FRESH && held)
        add(out, REASON_TURN, 0,
            "Its time has come: it waits until an agent for it is free, %llu before it%s.",
            (unsigned long long)t->ahead, whose);
    else if (t->stands == TASK_FRESH)
        add(out, REASON_TURN, 0,
            "Nothing holds it: it is dialled in its turn, %llu before it%s%s%s.",
            (unsigned long long)t->ahead, t->list[0] ? " on list " : "", t->list, whose);
    else
        add(out, REASON_TURN, 0, "Nothing holds it: its time has come, it is dialled next%s.",
            whose);
}

void standing_explain(const struct standing *s, const struct queue_stands *t,
                      const struct standing_more *more, struct reasons *out)
{
    const char *number = queue_task_number(&t->task);

    *out = (struct reasons){0};
    if (t->malformed)
        add(out, REASON_MALFORMED, WINDOW_NEVER,
            "What Redis holds of it cannot be read: it is finished as 'malformed' when its turn "
            "comes.");
    uint64_t at = say_place(s, t, more, out);
    bool runs = t->stands == TASK_DONE || say_campaign(more, out);

    if (t->stands != TASK_DONE && !t->malformed && t->stands != TASK_LEASED) {
        uint64_t open = say_dates(s, at, out);
        uint64_t rules = say_rules(s, t, open == WINDOW_NEVER ? at : open, out);

        at = say_gate(s, more, number, rules, out);
        if (rules == WINDOW_NEVER || open == WINDOW_NEVER)
            at = WINDOW_NEVER;
        if (at != WINDOW_NEVER)
            at = before_the_end(s, settle_on(s, &t->task, at), out);
        at = say_list(s, t, at, out);
        say_engines(more, out);
    } else if (t->stands == TASK_DONE) {
        say_gate(s, more, number, at, out);
    }
    if (out->count == 0)
        say_turn(s, t, out);
    out->next_if_run_wall_ms = t->malformed ? WINDOW_NEVER : at;
    out->next_wall_ms = runs ? out->next_if_run_wall_ms : WINDOW_NEVER;
}
