/* The history: attempts of one or several data folders, chosen by a filter, one after another.
 *
 * Rows come in the order of their time (the INVITE, else the claim), merged over the folders, and
 * never all at once: memory does not grow with their number. One attempt is one row: where two
 * folders have it (an engine died and another closed its attempt as lost), the one that knows what
 * happened is taken. Reads only; a running engine is not in the way. One thread. */
#ifndef PEAL_REPORT_HISTORY_H
#define PEAL_REPORT_HISTORY_H

#include <stdio.h>

#include "call/record.h"
#include "campaign/zone.h"

#define HISTORY_FOLDERS_MAX 16
#define HISTORY_ERROR_MAX   512

/* RESULTS in groups; every result is of one kind. */
enum history_kind {
    HISTORY_NOT_DIALLED,
    HISTORY_NETWORK, /* busy, no answer, … : what the network said */
    HISTORY_HUMAN,
    HISTORY_MACHINE, /* machines and recordings of any sort */
    HISTORY_UNCLEAR,
    HISTORY_KINDS
};
enum history_kind history_kind_of(enum result r);
const char *history_kind_name(enum history_kind k); /* "not_dialled" … */

struct history_filter {
    uint64_t from_ms, to_ms;                                   /* to_ms excluded; 0: no end */
    const char *lead, *agent, *group, *campaign, *disposition; /* group: of agents */
    const char *number;  /* "+4912…": the whole of it, or with * its beginning; digits: its end */
    const char *client;  /* a lead's id or a number */
    uint64_t results;    /* bits of enum result; 0: all */
    uint32_t deliveries; /* bits of enum delivery; 0: all */
    bool answered;       /* only those that were */
    /* From answer to end; an attempt that was not answered has 0. UINT32_MAX: no end. */
    uint32_t duration_min_ms, duration_max_ms;
};
void history_filter_init(struct history_filter *f);
/* Comma-separated labels, added to the filter. ERR_NOT_FOUND with a sentence. */
enum err history_filter_results(struct history_filter *f, const char *labels, char *error);
enum err history_filter_kinds(struct history_filter *f, const char *labels, char *error);
enum err history_filter_deliveries(struct history_filter *f, const char *labels, char *error);

/* Texts are borrowed until the next row. */
struct history_row {
    struct slice campaign, lead, number, call_id, caller_id, trunk, agent, group, sip_reason;
    struct slice ended_by, recording, recording_error, disposition;
    struct slice evidence; /* JSON */
    struct slice label;    /* the result as it is stored; may be of a newer Peal */
    struct slice before;   /* its first label, where it was judged again; else empty */
    enum result result;    /* RESULT_UNKNOWN for such a label */
    enum delivery delivery;
    enum history_kind kind;
    uint32_t attempt, sip_code, q850;
    uint64_t wall_ms; /* INVITE, else claim */
    uint32_t at_ms[MARK_COUNT];
    uint32_t answer_to_agent_ms; /* CALL_TIME_NONE: no agent */
    double confidence;
    bool abandoned, cancelled;
};
/* CALL_TIME_NONE where there was none: from the INVITE to answer or end; from answer to end; from
 * the agent's first packet to the end; from the decision to connect to the end. */
uint32_t history_ring_ms(const struct history_row *r);
uint32_t history_duration_ms(const struct history_row *r);
uint32_t history_talk_ms(const struct history_row *r);
uint32_t history_handling_ms(const struct history_row *r);

struct history;

/* error (HISTORY_ERROR_MAX bytes) gets a sentence. ERR_NOT_FOUND: a folder has no call records. */
enum err history_open(struct history **out, const char *const *folders, uint32_t n,
                      const struct history_filter *filter, char *error);
/* ERR_CLOSED: the end. */
enum err history_next(struct history *h, struct history_row *row, char *error);
void history_close(struct history *h);

/* The zone that all campaigns of the folders (or the one named) are of; ERR_NOT_FOUND: none is
 * known, or they differ. name: ZONE_NAME_MAX bytes. */
enum err history_zone(const char *const *folders, uint32_t n, const char *campaign, char *name);

/* history_period.c: "2026-03-30" (its begin, or with `end` that of the next day), or an instant:
 * "2026-03-30T09:00[:SS[.mmm]]" and nothing (in `zone`), "Z", "+02:00" or "[Europe/Berlin]".
 * ERR_INVALID with a sentence. */
enum err history_instant(const char *text, const struct zone *zone, bool end, uint64_t *out_ms,
                         char *error);

#endif
