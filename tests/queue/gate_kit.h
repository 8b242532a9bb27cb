/* The gate and its lists on a real redis-server, each question waited for. */
#ifndef PEAL_TESTS_QUEUE_GATE_KIT_H
#define PEAL_TESTS_QUEUE_GATE_KIT_H

#include "fixture.h"

#include "queue/dnc.h"

#define DAY_MS 86400000ull
#define T0     1774785600000ull /* the gate is told what time it is */

static struct queue_gate_answer gate_said;
static bool dnc_changed;
static uint32_t dnc_number, dnc_same;
static char said[64][512];
static uint32_t said_n;

static inline void on_gate(void *arg, enum err e, const struct queue_gate_answer *a)
{
    gate_said = *a;
    on_done(arg, e);
}

static inline void on_changed(void *arg, enum err e, bool changed)
{
    dnc_changed = changed;
    on_done(arg, e);
}

static inline void on_number(void *arg, enum err e, uint32_t number)
{
    dnc_number = number;
    on_done(arg, e);
}

static inline void on_filled(void *arg, enum err e, uint32_t changed, uint32_t same)
{
    dnc_number = changed;
    dnc_same = same;
    on_done(arg, e);
}

static inline void on_texts(void *arg, enum err e, const struct slice *texts, uint32_t n)
{
    said_n = n < 64 ? n : 64;
    for (uint32_t i = 0; i < said_n; i++)
        slice_copy(texts[i], said[i], sizeof(said[0]));
    on_done(arg, e);
}

static inline enum gate_verdict ask_gate(struct queue *q, const char *number, const char *campaign,
                                         const char *call, uint64_t now,
                                         const struct queue_gate_limit *limits, uint32_t n)
{
    const struct queue_gate_ask ask = {.number = slice_cstr(number),
                                       .campaign = slice_cstr(campaign),
                                       .call_id = slice_cstr(call),
                                       .now_wall_ms = now,
                                       .limits = limits,
                                       .limit_count = n,
                                       .peek = call == NULL};

    fresh_answer();
    cr_assert_eq(wait_for(queue_gate(q, &ask, on_gate, &got)), OK, "%s", queue_error(q));
    return gate_said.verdict;
}

static inline enum gate_verdict plain(const char *number)
{
    return ask_gate(queue, number, "spring", NULL, T0, NULL, 0);
}

static inline void back(const char *number, const char *call)
{
    fresh_answer();
    cr_assert_eq(
        wait_for(queue_gate_back(queue, slice_cstr(number), slice_cstr(call), on_done, &got)), OK);
}

static inline struct queue_dnc_entry an_entry(const char *list, const char *number, uint64_t until)
{
    const struct queue_dnc_entry e = {.list = slice_cstr(list),
                                      .number = slice_cstr(number),
                                      .prefix = number[0] != '+',
                                      .until_wall_ms = until,
                                      .who = SLICE("ana"),
                                      .why = SLICE("asked by letter")};
    return e;
}

static inline bool add(const char *list, const char *number, uint64_t until)
{
    const struct queue_dnc_entry e = an_entry(list, number, until);

    fresh_answer();
    cr_assert_eq(wait_for(queue_dnc_add(queue, &e, on_changed, &got)), OK, "%s",
                 queue_error(queue));
    return dnc_changed;
}

static inline bool take_away(const char *list, const char *number)
{
    const struct queue_dnc_entry e = an_entry(list, number, 0);

    fresh_answer();
    cr_assert_eq(wait_for(queue_dnc_remove(queue, &e, on_changed, &got)), OK, "%s",
                 queue_error(queue));
    return dnc_changed;
}

static inline uint32_t begin_import(const char *list, uint64_t until)
{
    const struct queue_dnc_entry e = an_entry(list, "file.csv", until);

    fresh_answer();
    cr_assert_eq(wait_for(queue_dnc_import(queue, &e, on_number, &got)), OK);
    return dnc_number;
}

/* One number at a time; import 0 takes it away. How many changed. */
static inline uint32_t fill(const char *list, uint32_t import, uint64_t until, const char *number)
{
    struct gate_place at;

    cr_assert_eq(gate_place_of(slice_cstr(number), &at), OK);
    fresh_answer();
    cr_assert_eq(
        wait_for(queue_dnc_fill(queue, slice_cstr(list), import, until, &at, 1, on_filled, &got)),
        OK, "%s", queue_error(queue));
    return dnc_number;
}

static inline void lock(const char *number, uint64_t until, const char *why)
{
    fresh_answer();
    cr_assert_eq(
        wait_for(queue_gate_lock(queue, slice_cstr(number), until, slice_cstr(why), on_done, &got)),
        OK);
}

static inline void look(const char *number, const struct slice *lists, uint32_t n)
{
    fresh_answer();
    cr_assert_eq(wait_for(queue_dnc_look(queue, slice_cstr(number), lists, n, on_texts, &got)), OK);
}

#endif
