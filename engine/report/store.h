/* The two stores of call records, used by the writer thread alone: the journal (calls.jsonl) and
 * the SQLite file. Each takes a batch of lines wholly or not at all. Private to the room. */
#ifndef PEAL_REPORT_STORE_H
#define PEAL_REPORT_STORE_H

#include "base/slice.h"
#include "report/records.h"

struct journal {
    int fd; /* -1: closed */
    char path[512];
    bool regular;        /* not a device or a pipe: can be read back and cut */
    uint64_t good_bytes; /* end of the last whole line */
    bool dirty;
};

/* Called for each whole line found in the journal, without its newline. */
typedef void journal_line_fn(void *arg, struct slice line);

/* Opens for appending, reads what is there, cuts a torn last line (*torn bytes). */
enum err journal_open(struct journal *j, const char *path, journal_line_fn *line, void *arg,
                      uint64_t *torn, char *error);
/* Reads the lines again, from the start. */
enum err journal_read(const struct journal *j, journal_line_fn *line, void *arg);
/* text ends with a newline. On failure nothing of it stays in the file. */
enum err journal_append(struct journal *j, struct slice text, char *error);
enum err journal_sync(struct journal *j, char *error);
void journal_close(struct journal *j);

struct sqlite_store;
enum err sqlite_store_open(struct sqlite_store **out, const char *path, bool durable, char *error);
void sqlite_store_close(struct sqlite_store *s);
/* The time zone of a campaign whose attempts are in the file. */
enum err sqlite_store_zone(struct sqlite_store *s, const char *campaign, const char *zone,
                           char *error);
/* One transaction; lines that are there already (campaign, lead, attempt) are left as they are. */
enum err sqlite_store_begin(struct sqlite_store *s, char *error);
enum err sqlite_store_add(struct sqlite_store *s, struct slice line, char *error);
enum err sqlite_store_commit(struct sqlite_store *s, char *error);
void sqlite_store_rollback(struct sqlite_store *s);
uint64_t sqlite_store_rows(struct sqlite_store *s);

/* campaign, lead and attempt of a line that records_format wrote; false when it is not one. The
 * texts are as they stand in JSON (escapes kept), which is all a key needs. */
bool record_line_key(struct slice line, struct slice *campaign, struct slice *lead,
                     uint32_t *attempt);

/* A growing set of 128-bit keys. */
struct key_set {
    struct key {
        uint64_t a, b;
    } * slots; /* {0, 0}: empty */
    uint64_t count, capacity;
};
enum err key_set_init(struct key_set *k);
void key_set_fini(struct key_set *k);
bool key_set_has(const struct key_set *k, struct key key);
/* ERR_EXISTS when it is there; ERR_NOMEM. */
enum err key_set_add(struct key_set *k, struct key key);
struct key key_of(struct slice campaign, struct slice lead, uint32_t attempt);

#endif
