/* The dialer: one campaign's queue, pacing, calls, agents and records, run together.
 *
 * Tasks are claimed from the queue, launched when pacing says so, judged by what is heard, given to
 * agents, recorded (journal first), and completed in the queue. Ends by itself when no task is
 * left. Control thread only; dialer_open makes everything on the loop given, dialer_run turns that
 * loop. */
#ifndef PEAL_DIALER_DIALER_H
#define PEAL_DIALER_DIALER_H

#include "campaign/file.h"
#include "io/loop.h"
#include "queue/queue.h"

#define DIALER_ERROR_MAX 1024

struct dialer;
struct call_line;

/* Virtual time: the loop has a virtual clock, which dialer_run moves to the next timer whenever
 * Redis has answered everything and every record is written; calls and agents are a model's. All
 * else is as in a real run. Records are written without waiting for the disk, and only to
 * calls.jsonl. */
struct dialer_model {
    const struct call_line *line; /* call/line.h */
    const char *engine;           /* its name in Redis */
    /* How long the wrap-up that agent number `agent` of the campaign begins now takes. */
    uint32_t (*wrap_up_ms)(void *arg, uint32_t agent);
    void *arg;
};

struct dialer_config {
    struct loop *loop;
    const struct campaign *campaign;
    const char *redis_url;   /* NULL: a private redis-server in data_dir */
    const char *data_dir;    /* calls.jsonl, calls.sqlite, run.json, recordings/; made if missing */
    const char *leads_path;  /* NULL: the campaign's own, if it has any */
    const char *health_path; /* call/health.h; NULL: none */
    bool quiet;              /* no live view */
    const struct dialer_model *model;      /* NULL: real calls in real time */
    char recording_dir[CAMPAIGN_PATH_MAX]; /* filled by dialer_open */
};

/* error (DIALER_ERROR_MAX bytes) says in a sentence what is wrong and what to do. */
enum err dialer_open(struct dialer **out, const struct dialer_config *config, char *error);

/* Imports the leads, dials until every task is finished (or dialer_stop), writes run.json.
 * OK: done or stopped in order; otherwise error says why it could not go on. */
enum err dialer_run(struct dialer *d, char *error);
void dialer_close(struct dialer *d);
const char *dialer_redis_url(const struct dialer *d); /* also of a private one */
/* The queue as last looked at, of all engines. */
const struct queue_counts *dialer_counts(const struct dialer *d);

/* First call: no new calls; live ones end as the campaign's `drain` says. Second: leave at once
 * (the next start reconciles). Safe in a signal handler: only sets a flag and wakes the loop. */
void dialer_stop(struct dialer *d);
/* Reads the campaign file again and takes its pacing section. From any thread or a signal handler.
 */
void dialer_reload(struct dialer *d);

#endif
