/* An open-addressing table of Call-IDs, at most half full. */
#include "report/join.h"

#include <stdio.h>
#include <stdlib.h>

#include "report/input.h"

#define FIRST_CAPACITY 4096

static struct key call_key(const char *call_id)
{
    return key_of(slice_cstr(call_id), SLICE("call"), 0);
}

static struct join_entry *slot_of(struct join *j, struct key key)
{
    uint64_t i = key.a & (j->capacity - 1);

    while ((j->entries[i].key.a || j->entries[i].key.b) &&
           (j->entries[i].key.a != key.a || j->entries[i].key.b != key.b))
        i = (i + 1) & (j->capacity - 1);
    return &j->entries[i];
}

struct join_entry *join_find(struct join *j, const char *call_id)
{
    if (!j->entries || !call_id)
        return NULL;
    struct join_entry *e = slot_of(j, call_key(call_id));
    return e->key.a || e->key.b ? e : NULL;
}

void join_fini(struct join *j)
{
    free(j->entries);
    *j = (struct join){0};
}

static enum err grow(struct join *j)
{
    struct join bigger = {.capacity = j->capacity ? j->capacity * 2 : FIRST_CAPACITY,
                          .count = j->count};

    bigger.entries = calloc(bigger.capacity, sizeof(*bigger.entries));
    if (!bigger.entries)
        return ERR_NOMEM;
    for (uint64_t i = 0; i < j->capacity; i++) {
        if (j->entries[i].key.a || j->entries[i].key.b)
            *slot_of(&bigger, j->entries[i].key) = j->entries[i];
    }
    free(j->entries);
    *j = bigger;
    return OK;
}

static uint8_t truth_index(struct summary *s, const char *name)
{
    for (uint32_t i = 0; i < s->truth_count; i++) {
        if (strcmp(s->truths[i].name, name) == 0)
            return (uint8_t)i;
    }
    if (s->truth_count == SUMMARY_TRUTHS_MAX)
        return SUMMARY_TRUTHS_MAX;
    snprintf(s->truths[s->truth_count].name, sizeof(s->truths[0].name), "%s", name);
    return (uint8_t)s->truth_count++;
}

struct reading {
    struct join *join;
    struct summary *summary;
    enum err e;
};

static void read_line(void *arg, const struct input *v, struct slice line)
{
    struct reading *r = arg;
    const char *kind = input_text(input_get(v, "kind"));
    const char *call_id = input_text(input_get(v, "call_id"));
    const char *truth = input_text(input_get(v, "truth"));

    (void)line;
    if (r->e || !call_id)
        return;
    if (kind && strcmp(kind, "agent") == 0) {
        r->summary->simulator_agent_legs++;
        return;
    }
    if ((r->join->count + 1) * 2 > r->join->capacity && (r->e = grow(r->join)) != OK)
        return;
    struct join_entry *e = slot_of(r->join, call_key(call_id));
    if (e->key.a || e->key.b)
        return; /* told twice: one call */
    e->key = call_key(call_id);
    char name[sizeof(r->summary->truths[0].name)];
    snprintf(name, sizeof(name), "%s", truth && truth[0] ? truth : "untold");
    e->truth = truth_index(r->summary, name);
    r->join->count++;
    r->summary->simulator_calls++;
    if (e->truth < SUMMARY_TRUTHS_MAX)
        r->summary->truths[e->truth].total++;
    else
        r->summary->truth_overflow++;
}

enum err join_read(struct join *j, struct summary *s, const char *path, char *error)
{
    struct reading r = {j, s, OK};
    struct input_lines counts;
    enum err e = input_each_line(path, SUMMARY_LINE_MAX, read_line, &r, &counts);

    s->torn_lines += counts.torn;
    s->bad_lines += counts.bad;
    if (!e)
        e = r.e;
    if (e)
        snprintf(error, SUMMARY_ERROR_MAX, "%.300s: the simulator's truth cannot be read: %s", path,
                 err_name(e));
    return e;
}
