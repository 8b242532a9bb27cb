/* The call records: a thread of its own that writes each attempt to calls.jsonl (the local
 * journal, written first) and to SQLite (for questions), so that no disk ever delays a call.
 *
 * records_put copies a record into a bounded ring. A full ring refuses and counts; the caller keeps
 * the record and tries again, and asks records_room() before it launches calls: nothing is lost.
 * A record is kept when at least one store has it. When both refuse (disk full), it is held and
 * tried again each second; the error is said once a change and counted.
 *
 * One attempt is one record: a second with the same campaign, lead and attempt is ignored and
 * counted, across restarts too (the journal is read when it is opened; a torn last line is cut
 * off, and what SQLite lacks of the journal is filled in).
 *
 * records_put, records_room and records_look: any thread. */
#ifndef PEAL_REPORT_RECORDS_H
#define PEAL_REPORT_RECORDS_H

#include "call/record.h"

#define RECORDS_RING      1024  /* default; about 3 KiB each */
#define RECORDS_LINE_MAX  16384 /* of one JSON line */
#define RECORDS_ERROR_MAX 256
#define RECORDS_SCHEMA    2 /* PRAGMA user_version of the SQLite file */

struct records;

struct records_config {
    const char *jsonl_path;      /* NULL: none */
    const char *sqlite_path;     /* NULL: none */
    const char *campaign, *zone; /* noted in SQLite, for the times of its history; may be NULL */
    uint32_t ring;               /* 0: RECORDS_RING */
    uint32_t flush_ms;           /* longest delay before data is synced; 0: 200 */
    /* What is made can be made again: records_put itself writes, there is no thread, and nothing is
     * synced. A record that no store takes is held for good: records_sync says so. */
    bool unsynced;
};

struct records_stats {
    uint64_t accepted, refused; /* by records_put */
    /* Both in the order of records_put and only after the sync that covers them: of records put by
     * one thread, the first written + duplicates are safe. */
    uint64_t duplicates;
    uint64_t written; /* safe in at least one store, synced */
    uint64_t jsonl_lines, sqlite_rows;
    uint64_t jsonl_failed, sqlite_failed; /* records a store does not have */
    uint64_t journal_safe_bytes;          /* of the journal, synced (or there when it was opened) */
    uint64_t held;                        /* waiting because no store takes them */
    uint64_t found;                       /* in the journal when it was opened */
    uint64_t torn_bytes;                  /* cut off the journal's end when it was opened */
    char error[RECORDS_ERROR_MAX];        /* the last write error, "" when none */
};

/* error (RECORDS_ERROR_MAX bytes) says what failed and what to do. */
enum err records_open(struct records **out, const struct records_config *config, char *error);

enum err records_put(struct records *r, const struct call_record *record); /* ERR_FULL: refused */
uint32_t records_room(const struct records *r);
void records_look(struct records *r, struct records_stats *out);

/* Of one thread's records, is the number-th (from 1) safe? */
static inline bool records_safe(const struct records_stats *s, uint64_t number)
{
    return number <= s->written + s->duplicates;
}

/* Waits until everything accepted so far is synced; ERR_TIMEOUT, ERR_IO (held or lost). */
enum err records_sync(struct records *r, uint32_t timeout_ms);
/* Writes what is left, syncs, ends the thread. stats may be NULL. ERR_IO when anything could not
 * be written to either store. */
enum err records_close(struct records *r, struct records_stats *stats);

/* Was this attempt already in the journal (or put since)? For reconciling after a crash. */
bool records_has(struct records *r, const char *campaign, const char *lead, uint32_t attempt);

/* One record as one JSON line (no newline), readable names, times in ms since the INVITE. */
enum err records_format(const struct call_record *r, char *dst, size_t cap, size_t *len);

#endif
