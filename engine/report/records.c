/* The writer thread: drains the ring in batches, formats each record once, gives the lines to both
 * stores, and syncs when the ring is empty or flush_ms have passed. */
#include "report/records.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/ring.h"
#include "report/store.h"

#define BATCH    64
#define RETRY_MS 1000

struct records {
    struct ring_mpsc ring;
    uint32_t capacity;
    sem_t wake;
    pthread_cond_t synced; /* with lock: done has grown, or a store holds */
    bool unsynced_mode;
    pthread_t thread;
    bool thread_runs;
    _Atomic bool stop;
    _Atomic uint64_t accepted, refused, done; /* done: written or known as duplicates, synced */
    _Atomic uint64_t taken;                   /* out of the ring */

    pthread_mutex_t lock; /* keys, stats */
    struct key_set keys;
    struct records_stats stats;

    /* The writer's own. */
    struct journal journal;
    bool has_journal;
    struct sqlite_store *sqlite;
    uint32_t flush_ms;
    struct call_record *popped;
    char *lines; /* of the batch, each with its newline */
    size_t lines_len;
    uint32_t starts[BATCH + 1];
    uint32_t batch;                         /* records in lines */
    uint32_t batch_duplicates;              /* popped, but not in lines */
    uint64_t unsynced, unsynced_duplicates; /* handled, waiting for the next sync */
    bool journal_failing, sqlite_failing;
};

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Waits for a wake-up, at most so long. */
static void wait_ms(struct records *r, uint32_t ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    sem_clockwait(&r->wake, CLOCK_MONOTONIC, &until);
    while (sem_trywait(&r->wake) == 0) { /* many wake-ups are one */
    }
}

/* Says a store's trouble once, and once when it is over. */
static void say(struct records *r, bool *failing, const char *store, enum err e, const char *error)
{
    if (e && !*failing)
        log_error("report", "call records cannot be written", "store=%s error=\"%s\"", store,
                  error);
    if (!e && *failing)
        log_info("report", "call records are written again", "store=%s", store);
    *failing = e != OK;
    if (e) {
        pthread_mutex_lock(&r->lock);
        snprintf(r->stats.error, sizeof(r->stats.error), "%s", error);
        pthread_mutex_unlock(&r->lock);
    }
}

static enum err write_sqlite(struct records *r, char *error)
{
    enum err e = sqlite_store_begin(r->sqlite, error);

    for (uint32_t i = 0; i < r->batch && !e; i++)
        e = sqlite_store_add(r->sqlite,
                             slice_of(r->lines + r->starts[i], r->starts[i + 1] - r->starts[i] - 1),
                             error);
    if (!e)
        e = sqlite_store_commit(r->sqlite, error);
    if (e)
        sqlite_store_rollback(r->sqlite);
    return e;
}

/* The batch into both stores. ERR_IO: neither took it. */
static enum err write_batch(struct records *r)
{
    char error[RECORDS_ERROR_MAX];
    enum err journal = ERR_UNSUPPORTED, sqlite = ERR_UNSUPPORTED;

    if (r->batch == 0)
        return OK;
    if (r->has_journal) {
        journal = journal_append(&r->journal, slice_of(r->lines, r->lines_len), error);
        say(r, &r->journal_failing, "journal", journal, error);
    }
    if (r->sqlite) {
        sqlite = write_sqlite(r, error);
        say(r, &r->sqlite_failing, "sqlite", sqlite, error);
    }
    bool kept = journal == OK || sqlite == OK || (!r->has_journal && !r->sqlite);
    pthread_mutex_lock(&r->lock);
    r->stats.held = kept ? 0 : r->batch;
    if (!kept)
        pthread_cond_broadcast(&r->synced);
    if (kept) {
        r->stats.jsonl_lines += journal == OK ? r->batch : 0;
        r->stats.sqlite_rows += sqlite == OK ? r->batch : 0;
        r->stats.jsonl_failed += r->has_journal && journal ? r->batch : 0;
        r->stats.sqlite_failed += r->sqlite && sqlite ? r->batch : 0;
    }
    pthread_mutex_unlock(&r->lock);
    return kept ? OK : ERR_IO;
}

static void sync_stores(struct records *r)
{
    char error[RECORDS_ERROR_MAX];

    if (r->has_journal && !r->unsynced_mode) {
        enum err e = journal_sync(&r->journal, error);
        if (e)
            say(r, &r->journal_failing, "journal", e, error);
    }
    pthread_mutex_lock(&r->lock);
    r->stats.written += r->unsynced;
    r->stats.duplicates += r->unsynced_duplicates;
    if (r->has_journal && !r->journal.dirty)
        r->stats.journal_safe_bytes = r->journal.good_bytes;
    pthread_mutex_unlock(&r->lock);
    r->unsynced = r->unsynced_duplicates = 0;
}

/* One record to the batch; a duplicate is counted and left out. */
static void add_to_batch(struct records *r, const struct call_record *record)
{
    size_t len;
    char *dst = r->lines + r->lines_len;
    enum err e = records_format(record, dst, RECORDS_LINE_MAX - 1, &len);
    struct slice campaign, lead;
    uint32_t attempt;

    if (e || !record_line_key(slice_of(dst, len), &campaign, &lead, &attempt)) {
        log_error("report", "a call record does not fit its line", "lead=%s", record->lead);
        r->batch_duplicates++;
        pthread_mutex_lock(&r->lock);
        r->stats.jsonl_failed++;
        r->stats.sqlite_failed++;
        pthread_mutex_unlock(&r->lock);
        return;
    }
    pthread_mutex_lock(&r->lock);
    e = key_set_add(&r->keys, key_of(campaign, lead, attempt));
    pthread_mutex_unlock(&r->lock);
    if (e == ERR_EXISTS) {
        r->batch_duplicates++;
        return;
    }
    dst[len] = '\n';
    r->lines_len += len + 1;
    r->starts[++r->batch] = (uint32_t)r->lines_len;
}

static void take_batch(struct records *r)
{
    r->batch = r->batch_duplicates = 0;
    r->lines_len = 0;
    while (r->batch < BATCH && ring_mpsc_pop(&r->ring, r->popped)) {
        atomic_fetch_add(&r->taken, 1);
        add_to_batch(r, r->popped);
    }
}

static void *writer(void *arg)
{
    struct records *r = arg;
    uint64_t synced_at = now_ms(), waiting = 0; /* handled, but not yet synced */
    bool holds = false;

    for (;;) {
        bool stop = atomic_load(&r->stop);
        if (!holds)
            take_batch(r);
        holds = write_batch(r) != OK;
        if (!holds) {
            waiting += r->batch + r->batch_duplicates;
            r->unsynced += r->batch;
            r->unsynced_duplicates += r->batch_duplicates;
        }
        bool idle = r->batch + r->batch_duplicates == 0 || holds;
        if (waiting && (idle || now_ms() - synced_at >= r->flush_ms)) {
            sync_stores(r);
            synced_at = now_ms();
            pthread_mutex_lock(&r->lock);
            atomic_fetch_add(&r->done, waiting);
            pthread_cond_broadcast(&r->synced);
            pthread_mutex_unlock(&r->lock);
            waiting = 0;
        }
        if (idle && stop)
            return NULL;
        if (idle)
            wait_ms(r, holds ? RETRY_MS : r->flush_ms);
    }
}

/* --- opening --- */

static void remember_line(void *arg, struct slice line)
{
    struct records *r = arg;
    struct slice campaign, lead;
    uint32_t attempt;

    if (!record_line_key(line, &campaign, &lead, &attempt))
        return;
    if (key_set_add(&r->keys, key_of(campaign, lead, attempt)) == OK)
        r->stats.found++;
}

struct filling {
    struct records *records;
    enum err e;
    char *error;
};

static void fill_line(void *arg, struct slice line)
{
    struct filling *f = arg;
    struct slice campaign, lead;
    uint32_t attempt;

    if (!f->e && record_line_key(line, &campaign, &lead, &attempt))
        f->e = sqlite_store_add(f->records->sqlite, line, f->error);
}

/* Rows that SQLite lacks of the journal (it was switched off, or its disk was full). */
static enum err fill_sqlite(struct records *r, char *error)
{
    struct filling f = {r, OK, error};

    if (!r->sqlite || !r->has_journal || sqlite_store_rows(r->sqlite) >= r->stats.found)
        return OK;
    f.e = sqlite_store_begin(r->sqlite, error);
    if (!f.e && journal_read(&r->journal, fill_line, &f) && !f.e) {
        snprintf(error, RECORDS_ERROR_MAX, "%.120s: cannot be read", r->journal.path);
        f.e = ERR_IO;
    }
    if (!f.e)
        f.e = sqlite_store_commit(r->sqlite, error);
    if (f.e)
        sqlite_store_rollback(r->sqlite);
    return f.e;
}

static enum err open_stores(struct records *r, const struct records_config *config, char *error)
{
    enum err e = OK;

    if (config->jsonl_path) {
        e = journal_open(&r->journal, config->jsonl_path, remember_line, r, &r->stats.torn_bytes,
                         error);
        r->has_journal = e == OK;
        r->stats.journal_safe_bytes = e == OK ? r->journal.good_bytes : 0;
    }
    if (!e && config->sqlite_path)
        e = sqlite_store_open(&r->sqlite, config->sqlite_path, !config->jsonl_path, error);
    if (!e && r->sqlite && config->campaign && config->zone)
        e = sqlite_store_zone(r->sqlite, config->campaign, config->zone, error);
    if (!e)
        e = fill_sqlite(r, error);
    if (r->stats.torn_bytes)
        log_warn("report", "the last call record was torn and is cut off", "bytes=%llu",
                 (unsigned long long)r->stats.torn_bytes);
    return e;
}

static void destroy(struct records *r)
{
    journal_close(&r->journal);
    sqlite_store_close(r->sqlite);
    key_set_fini(&r->keys);
    ring_mpsc_fini(&r->ring);
    sem_destroy(&r->wake);
    pthread_cond_destroy(&r->synced);
    pthread_mutex_destroy(&r->lock);
    free(r->popped);
    free(r->lines);
    free(r);
}

enum err records_open(struct records **out, const struct records_config *config, char *error)
{
    struct records *r = NULL;
    uint32_t capacity = config->ring ? config->ring : RECORDS_RING;

    *out = NULL;
    /* The ring's parts are aligned to cache lines; calloc promises less. */
    if (posix_memalign((void **)&r, RING_CACHE_LINE, sizeof(*r))) {
        snprintf(error, RECORDS_ERROR_MAX, "no memory for the call records");
        return ERR_NOMEM;
    }
    memset(r, 0, sizeof(*r));
    r->journal.fd = -1;
    r->flush_ms = config->flush_ms ? config->flush_ms : 200;
    r->unsynced_mode = config->unsynced;
    sem_init(&r->wake, 0, 0);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&r->synced, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&r->lock, NULL);
    r->popped = malloc(sizeof(*r->popped));
    r->lines = malloc((size_t)BATCH * RECORDS_LINE_MAX);
    enum err e = ring_mpsc_init(&r->ring, sizeof(struct call_record), capacity);
    r->capacity = 1;
    while (r->capacity < capacity)
        r->capacity *= 2; /* as the ring rounds */
    if (!e)
        e = key_set_init(&r->keys);
    if (!r->popped || !r->lines)
        e = ERR_NOMEM;
    if (e)
        snprintf(error, RECORDS_ERROR_MAX, "no memory for the call records");
    else
        e = open_stores(r, config, error);
    if (!e && !config->unsynced && pthread_create(&r->thread, NULL, writer, r)) {
        snprintf(error, RECORDS_ERROR_MAX, "cannot start the thread that writes call records");
        e = ERR_NOMEM;
    }
    if (e) {
        destroy(r);
        return e;
    }
    r->thread_runs = !config->unsynced;
    *out = r;
    return OK;
}

static void put_here(struct records *r, const struct call_record *record)
{
    r->batch = r->batch_duplicates = 0;
    r->lines_len = 0;
    atomic_fetch_add(&r->accepted, 1);
    atomic_fetch_add(&r->taken, 1);
    add_to_batch(r, record);
    if (write_batch(r) != OK)
        return;
    r->unsynced = r->batch;
    r->unsynced_duplicates = r->batch_duplicates;
    sync_stores(r);
    atomic_fetch_add(&r->done, 1);
}

enum err records_put(struct records *r, const struct call_record *record)
{
    if (r->unsynced_mode) {
        put_here(r, record);
        return OK;
    }
    if (!ring_mpsc_push(&r->ring, record)) {
        atomic_fetch_add(&r->refused, 1);
        return ERR_FULL;
    }
    atomic_fetch_add(&r->accepted, 1);
    sem_post(&r->wake);
    return OK;
}

uint32_t records_room(const struct records *r)
{
    uint64_t taken = atomic_load(&r->taken), accepted = atomic_load(&r->accepted);
    uint64_t used = accepted > taken ? accepted - taken : 0;

    return used < r->capacity ? r->capacity - (uint32_t)used : 0;
}

void records_look(struct records *r, struct records_stats *out)
{
    pthread_mutex_lock(&r->lock);
    *out = r->stats;
    pthread_mutex_unlock(&r->lock);
    out->accepted = atomic_load(&r->accepted);
    out->refused = atomic_load(&r->refused);
}

enum err records_sync(struct records *r, uint32_t timeout_ms)
{
    uint64_t want = atomic_load(&r->accepted), until = now_ms() + timeout_ms;
    struct timespec limit = {(time_t)(until / 1000), (long)(until % 1000) * 1000000};
    enum err e = OK;

    if (atomic_load(&r->done) >= want)
        return OK;
    sem_post(&r->wake);
    pthread_mutex_lock(&r->lock);
    while (e == OK && atomic_load(&r->done) < want) {
        if (r->stats.held)
            e = ERR_IO;
        else if (pthread_cond_timedwait(&r->synced, &r->lock, &limit) == ETIMEDOUT)
            e = ERR_TIMEOUT;
    }
    pthread_mutex_unlock(&r->lock);
    return e;
}

enum err records_close(struct records *r, struct records_stats *stats)
{
    struct records_stats last;

    if (!r)
        return OK;
    atomic_store(&r->stop, true);
    sem_post(&r->wake);
    if (r->thread_runs)
        pthread_join(r->thread, NULL);
    records_look(r, &last);
    if (last.held) /* and what never left the ring */
        last.held = last.accepted - atomic_load(&r->done);
    if (stats)
        *stats = last;
    destroy(r);
    return last.held ? ERR_IO : OK;
}

bool records_has(struct records *r, const char *campaign, const char *lead, uint32_t attempt)
{
    char line[2048];
    struct call_record *probe = calloc(1, sizeof(*probe));
    struct slice c, l;
    uint32_t a;
    size_t len;
    bool has = false;

    /* Keys are made of the texts as JSON has them, so the question takes the same way. */
    if (!probe)
        return false;
    call_record_init(probe);
    snprintf(probe->campaign, sizeof(probe->campaign), "%s", campaign);
    snprintf(probe->lead, sizeof(probe->lead), "%s", lead);
    probe->attempt = attempt;
    if (records_format(probe, line, sizeof(line), &len) == OK &&
        record_line_key(slice_of(line, len), &c, &l, &a)) {
        pthread_mutex_lock(&r->lock);
        has = key_set_has(&r->keys, key_of(c, l, a));
        pthread_mutex_unlock(&r->lock);
    }
    free(probe);
    return has;
}
