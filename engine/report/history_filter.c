/* Labels of the filter, kinds of results, and what the times of a row say. */
#include "report/history.h"

static const char *const kind_names[HISTORY_KINDS] = {"not_dialled", "network", "human", "machine",
                                                      "unclear"};

enum history_kind history_kind_of(enum result r)
{
    switch (r) {
    case RESULT_HUMAN:
    case RESULT_HUMAN_SILENT:
        return HISTORY_HUMAN;
    case RESULT_MACHINE:
    case RESULT_MAILBOX_FULL:
    case RESULT_IVR:
    case RESULT_SCREENER:
    case RESULT_FAX:
    case RESULT_MODEM:
    case RESULT_ANNOUNCEMENT:
    case RESULT_SIT:
        return HISTORY_MACHINE;
    case RESULT_FALSE_ANSWER:
    case RESULT_DEAD_AIR:
    case RESULT_NO_MEDIA:
    case RESULT_HUNG_UP_EARLY:
    case RESULT_UNKNOWN:
        return HISTORY_UNCLEAR;
    default:
        return r >= RESULT_VACANT ? HISTORY_NETWORK : HISTORY_NOT_DIALLED;
    }
}

const char *history_kind_name(enum history_kind k)
{
    return (unsigned)k < HISTORY_KINDS ? kind_names[k] : "?";
}

void history_filter_init(struct history_filter *f)
{
    *f = (struct history_filter){.duration_max_ms = UINT32_MAX};
}

static enum err no_such(struct slice word, const char *what, const char *all, char *error)
{
    snprintf(error, HISTORY_ERROR_MAX, "there is no %s '%.*s'; these exist: %s", what,
             (int)(word.len < 40 ? word.len : 40), word.p, all);
    return ERR_NOT_FOUND;
}

enum err history_filter_results(struct history_filter *f, const char *labels, char *error)
{
    struct slice rest = slice_cstr(labels), word;

    while (rest.len) {
        enum result r;

        slice_cut(rest, ',', &word, &rest);
        word = slice_trim(word);
        if (result_parse(word, &r) != OK)
            return no_such(word, "result", result_names(), error);
        f->results |= UINT64_C(1) << r;
    }
    return OK;
}

static bool add_kind(struct history_filter *f, struct slice word)
{
    bool found = false;

    if (slice_eq(word, SLICE("answered")))
        return f->answered = true;
    for (int k = 0; k < HISTORY_KINDS; k++) {
        if (!slice_eq(word, slice_cstr(kind_names[k])))
            continue;
        found = true;
        for (int r = 0; r < RESULT_COUNT; r++)
            if (history_kind_of((enum result)r) == (enum history_kind)k)
                f->results |= UINT64_C(1) << r;
    }
    return found;
}

enum err history_filter_kinds(struct history_filter *f, const char *labels, char *error)
{
    struct slice rest = slice_cstr(labels), word;

    while (rest.len) {
        slice_cut(rest, ',', &word, &rest);
        word = slice_trim(word);
        if (!add_kind(f, word))
            return no_such(word, "kind", "not_dialled, network, human, machine, unclear, answered",
                           error);
    }
    return OK;
}

enum err history_filter_deliveries(struct history_filter *f, const char *labels, char *error)
{
    struct slice rest = slice_cstr(labels), word;

    while (rest.len) {
        enum delivery d;

        slice_cut(rest, ',', &word, &rest);
        word = slice_trim(word);
        if (delivery_parse(word, &d) != OK)
            return no_such(word, "delivery",
                           "none, connected, abandoned, message_played, callee_left, agent_failed, "
                           "message_left, flow, transferred",
                           error);
        f->deliveries |= UINT32_C(1) << d;
    }
    return OK;
}

static uint32_t between(const struct history_row *r, enum call_mark from)
{
    uint32_t start = r->at_ms[from], end = r->at_ms[MARK_END];

    if (start == CALL_TIME_NONE || end == CALL_TIME_NONE)
        return CALL_TIME_NONE;
    return end > start ? end - start : 0;
}

uint32_t history_ring_ms(const struct history_row *r)
{
    return r->at_ms[MARK_ANSWERED] != CALL_TIME_NONE ? r->at_ms[MARK_ANSWERED] : r->at_ms[MARK_END];
}

uint32_t history_duration_ms(const struct history_row *r)
{
    return between(r, MARK_ANSWERED);
}

uint32_t history_talk_ms(const struct history_row *r)
{
    return between(r, MARK_AGENT_HEARD);
}

uint32_t history_handling_ms(const struct history_row *r)
{
    return r->at_ms[MARK_AGENT_HEARD] == CALL_TIME_NONE ? CALL_TIME_NONE : between(r, MARK_CONNECT);
}
