/* The simulator's truth by SIP Call-ID: what it played for each call, and whether the engine has a
 * record of it. Private to the room; memory about 64 bytes a call. */
#ifndef PEAL_REPORT_JOIN_H
#define PEAL_REPORT_JOIN_H

#include "report/store.h"
#include "report/summary.h"

struct join_entry {
    struct key key; /* of the Call-ID; {0, 0}: empty */
    uint8_t truth;  /* index in summary.truths; SUMMARY_TRUTHS_MAX: beyond the table */
    bool recorded;
};

struct join {
    struct join_entry *entries;
    uint64_t count, capacity;
};

void join_fini(struct join *j);
/* Reads truth.jsonl: counts labels, calls and agents' legs into s. */
enum err join_read(struct join *j, struct summary *s, const char *path, char *error);
/* NULL: the simulator saw no such call. */
struct join_entry *join_find(struct join *j, const char *call_id);

#endif
