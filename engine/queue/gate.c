/* The gate's questions, and where in Redis a number lies. */
#include "queue/gate.h"

#include <hiredis/hiredis.h>
#include <stdio.h>

#include "queue/gate_internal.h"

#define NUMBER_MOST 999999999999999ull
#define MARK_BITS   14
#define LISTS       4

const char *gate_verdict_name(enum gate_verdict v)
{
    static const char *const names[] = {"pass", "own_number", "dnc", "limit", "locked"};

    return (unsigned)v < sizeof(names) / sizeof(names[0]) ? names[v] : "?";
}

/* ---- places ---- */

/* splitmix64's finish (Steele et al. 2014). Part of what lies in Redis: it must never change. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15ull;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

struct gate_place gate_place_at(uint64_t number)
{
    uint64_t h = mix(number);

    return (struct gate_place){.number = number,
                               .tag = (uint32_t)(h % GATE_TAGS),
                               .group = (uint32_t)(h / GATE_TAGS % GATE_GROUPS)};
}

enum err gate_place_of(struct slice number, struct gate_place *out)
{
    uint64_t n;

    if (number.len < 2 || number.len > GATE_DIGITS_MAX + 1 || number.p[0] != '+' ||
        number.p[1] == '0' || slice_u64(slice_from(number, 1), NUMBER_MOST, &n) != OK)
        return ERR_INVALID;
    *out = gate_place_at(n);
    return OK;
}

void gate_pack(uint64_t number, uint32_t mark, char out[8])
{
    for (int i = 0; i < 6; i++)
        out[i] = (char)(number >> (8 * i));
    out[6] = (char)((number >> 48) << 6 | (mark >> 8 & 63));
    out[7] = (char)mark;
}

void gate_words(struct gate_words *w, const struct gate_place *at)
{
    gate_pack(at->number, 0, w->e);
    snprintf(w->key, sizeof(w->key), "{peal-n-%04u}", at->tag);
    snprintf(w->group, sizeof(w->group), "%u", at->group);
    snprintf(w->number, sizeof(w->number), "+%llu", (unsigned long long)at->number);
}

uint32_t gate_call_words(struct slice *argv, const char *function, const char *key)
{
    argv[0] = SLICE("FCALL");
    argv[1] = slice_cstr(function);
    argv[2] = SLICE("1");
    argv[3] = slice_cstr(key);
    return 4;
}

/* The number with 30 bits of the call id's hash (FNV-1a, folded): calls of one number that share
 * them would count once, a chance of one in 10⁹ each. */
static void pack_call(uint64_t number, struct slice call_id, char out[10])
{
    uint64_t h = 0xcbf29ce484222325ull;

    for (uint32_t i = 0; i < call_id.len; i++)
        h = (h ^ (unsigned char)call_id.p[i]) * 0x100000001b3ull;
    h = mix(h);
    gate_pack(number, (uint32_t)h & ((1u << MARK_BITS) - 1), out);
    out[8] = (char)(h >> 14);
    out[9] = (char)(h >> 22);
}

/* ---- asking ---- */

static bool take_instant(const redisReply *reply, uint64_t *out)
{
    return answer_is_text(reply) && slice_u64(answer_text(reply), UINT64_MAX, out) == OK;
}

static bool read_answer(const redisReply *reply, struct queue_gate_answer *a)
{
    redisReply *const *e = (redisReply *const *)reply->element;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 1 || !answer_is_text(e[0]))
        return false;
    struct slice word = answer_text(e[0]);

    *a = (struct queue_gate_answer){.verdict = GATE_PASS};
    if (slice_eq(word, SLICE("pass")))
        return true;
    if (reply->elements != 3)
        return false;
    if (slice_eq(word, SLICE("limit"))) {
        a->verdict = GATE_LIMIT;
        a->limit = (uint32_t)answer_number(e[1]);
        return answer_is_number(e[1]) && a->limit < GATE_LIMITS_MAX &&
               take_instant(e[2], &a->until_wall_ms);
    }
    if (slice_eq(word, SLICE("locked"))) {
        a->verdict = GATE_LOCKED;
        return take_instant(e[1], &a->until_wall_ms) && answer_is_text(e[2]) &&
               slice_copy(answer_text(e[2]), a->why, sizeof(a->why)) == OK;
    }
    a->verdict = slice_eq(word, SLICE("own")) ? GATE_OWN : GATE_DNC;
    return (a->verdict == GATE_OWN || slice_eq(word, SLICE("dnc"))) && answer_is_text(e[1]) &&
           answer_is_text(e[2]) && slice_copy(answer_text(e[1]), a->list, sizeof(a->list)) == OK &&
           slice_copy(answer_text(e[2]), a->prefix, sizeof(a->prefix)) == OK;
}

static void on_answer(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    struct queue_gate_answer a = {.verdict = GATE_PASS};

    if (!e && !read_answer(reply, &a))
        e = answer_unexpected(q);
    ((queue_gate_fn *)r->done)(r->arg, e, &a);
}

static bool limits_can_be_kept(const struct queue_gate_ask *ask)
{
    if (ask->limit_count > GATE_LIMITS_MAX)
        return false;
    for (uint32_t i = 0; i < ask->limit_count; i++)
        if (ask->limits[i].most == 0)
            return false;
    return true;
}

static uint32_t put_limits(const struct queue_gate_ask *ask, struct slice *argv,
                           char text[][NUMBER_CAP])
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < ask->limit_count; i++) {
        const uint64_t words[] = {ask->limits[i].since_wall_ms, ask->limits[i].most,
                                  ask->limits[i].until_wall_ms};

        for (uint32_t k = 0; k < 3; k++, n++)
            argv[n] = queue_decimal(text[n], words[k]);
    }
    return n;
}

enum err queue_gate(struct queue *q, const struct queue_gate_ask *ask, queue_gate_fn *done,
                    void *arg)
{
    struct slice argv[10 + LISTS + 3 * GATE_LIMITS_MAX];
    char limits[3 * GATE_LIMITS_MAX][NUMBER_CAP], now[NUMBER_CAP], call[10],
        list[GATE_LIST_MAX + 1];
    struct gate_place at;
    struct gate_words w;

    if (gate_place_of(ask->number, &at) || !limits_can_be_kept(ask) ||
        ask->campaign.len > GATE_LIST_MAX - 2)
        return ERR_INVALID;
    gate_words(&w, &at);
    pack_call(at.number, ask->call_id, call);
    uint32_t n = gate_call_words(argv, QUEUE_FUNCTION("gate"), w.key);

    argv[n++] = slice_of(w.e, sizeof(w.e));
    argv[n++] = slice_cstr(w.group);
    argv[n++] = slice_cstr(w.number);
    argv[n++] = ask->peek ? SLICE("") : slice_of(call, sizeof(call));
    argv[n++] = ask->now_wall_ms ? queue_decimal(now, ask->now_wall_ms) : queue_now(q, now);
    argv[n++] = ask->campaign.len ? SLICE("4") : SLICE("3");
    argv[n++] = SLICE(GATE_LIST_OWN);
    argv[n++] = SLICE(GATE_LIST_GLOBAL);
    argv[n++] = SLICE("ch:" GATE_CHANNEL);
    if (ask->campaign.len)
        argv[n++] = slice_of(
            list, (size_t)snprintf(list, sizeof(list), "c:%.*s", SLICE_ARG(ask->campaign)));
    n += put_limits(ask, argv + n, limits);
    return queue_ask(q, on_answer, (queue_any_fn *)done, arg, n, argv);
}

/* ---- telling ---- */

enum err queue_gate_back(struct queue *q, struct slice number, struct slice call_id,
                         queue_done_fn *done, void *arg)
{
    struct slice argv[7];
    struct gate_place at;
    struct gate_words w;
    char call[10];

    if (gate_place_of(number, &at))
        return ERR_INVALID;
    gate_words(&w, &at);
    pack_call(at.number, call_id, call);
    uint32_t n = gate_call_words(argv, QUEUE_FUNCTION("gate_back"), w.key);

    argv[n++] = slice_of(w.e, sizeof(w.e));
    argv[n++] = slice_cstr(w.group);
    argv[n++] = slice_of(call, sizeof(call));
    return queue_ask_surely(q, queue_on_status, (queue_any_fn *)done, arg, n, argv);
}

enum err queue_gate_lock(struct queue *q, struct slice number, uint64_t until_wall_ms,
                         struct slice why, queue_done_fn *done, void *arg)
{
    struct slice argv[8];
    struct gate_place at;
    struct gate_words w;
    char until[NUMBER_CAP], now[NUMBER_CAP];

    if (gate_place_of(number, &at))
        return ERR_INVALID;
    if (why.len > GATE_WHY_MAX)
        return ERR_TOO_LONG;
    gate_words(&w, &at);
    uint32_t n = gate_call_words(argv, QUEUE_FUNCTION("gate_lock"), w.key);

    argv[n++] = slice_cstr(w.number);
    argv[n++] = queue_decimal(until, until_wall_ms);
    argv[n++] = why;
    argv[n++] = queue_now(q, now);
    return queue_ask_surely(q, queue_on_status, (queue_any_fn *)done, arg, n, argv);
}

void gate_list_words(struct slice list, char *dst, size_t cap)
{
    if (slice_eq(list, SLICE(GATE_LIST_GLOBAL)))
        snprintf(dst, cap, "the global do-not-call list");
    else if (slice_eq(list, SLICE(GATE_LIST_OWN)))
        snprintf(dst, cap, "the list of own numbers");
    else if (slice_starts(list, SLICE("c:")))
        snprintf(dst, cap, "the do-not-call list of campaign %.*s", SLICE_ARG(slice_from(list, 2)));
    else if (slice_starts(list, SLICE("ch:")))
        snprintf(dst, cap, "the do-not-call list of channel %.*s", SLICE_ARG(slice_from(list, 3)));
    else
        snprintf(dst, cap, "the list %.*s", SLICE_ARG(list));
}
