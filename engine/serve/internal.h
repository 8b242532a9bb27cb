/* What the files of this room share. */
#ifndef PEAL_SERVE_INTERNAL_H
#define PEAL_SERVE_INTERNAL_H

#include "base/list.h"
#include "base/pool.h"
#include "call/call.h"
#include "call/health.h"
#include "desk/desk.h"
#include "desk/supervise.h"
#include "flow/host.h"
#include "queue/server.h"
#include "queue/store.h"
#include "report/records.h"
#include "serve/numbers.h"
#include "serve/serve.h"

/* One number, whatever file it stands in: what counts across reloads. */
struct serve_line {
    struct serve_line *next;
    char key[NUMBERS_DIGITS_MAX];
    uint32_t live, peak;
    uint64_t calls, full; /* answered by a flow; refused because the number had no room */
};

/* One reading of the file with its scripts. It lives until its last call is over. */
struct book {
    struct list_node node;
    struct numbers *numbers;
    struct flow_host host;
    struct flow_runtime *runtime;
    const struct flow_script **script; /* of each line */
    const struct flow_script *unknown;
    struct serve_line **line;
    uint32_t calls; /* that hold it, and legs */
};

struct serve_counts {
    uint64_t incoming, answered, refused_unknown, refused_full, refused_draining, refused_late,
        failed;
    uint64_t reloads, reloads_refused, records_lost;
};

struct serve {
    struct serve_config config;
    struct loop *loop;
    struct call_env *env;
    struct health *health;
    struct records *records;
    struct book *book; /* that new calls get */
    struct list books; /* all, the newest last */
    struct desk *desk;
    struct agent_groups groups;     /* of its agents */
    struct supervision supervision; /* of its agents */
    const struct sound *hold_music; /* NULL: none */
    struct redis_server *server;    /* a private one; NULL: the Redis was given */
    struct store *store;
    struct prints *prints; /* known recordings; NULL: none */
    struct pool visits, legs;
    struct list waiting; /* visits for an agent, longest first */
    bool look_at_books;  /* one may have lost its last call */
    struct list live;    /* visits */
    struct serve_line *lines, unknown_line;
    uint32_t line_count;
    char data_dir[NUMBERS_PATH_MAX], recording_dir[NUMBERS_PATH_MAX + 16],
        speech_dir[NUMBERS_PATH_MAX + 16];
    uint64_t visit_number;
    struct timer tick;
    _Atomic uint32_t stop_asked, reload_asked;
    uint32_t reloads_done;
    bool draining;
    uint64_t end_by_ms; /* then calls are ended, or given up */
    bool hung_up;
    struct serve_counts counts;
};

/* One call that came in. */
struct visit {
    struct list_node node, waiting_node;
    struct serve *serve;
    struct book *book;
    struct serve_line *line;
    struct call *call;
    struct flow *flow;
    struct agent *agent;       /* who talks to them */
    uint8_t group;             /* of agents that it waits for */
    uint32_t legs;             /* that its flow dialled */
    struct call_record record; /* who and what; the call's own is merged in at its end */
};

/* book.c */
enum err book_open(struct serve *s, struct numbers *n, struct book **out, char *error);
void books_sweep(struct serve *s); /* closes old ones that nothing holds any more */
bool books_idle(struct serve *s);  /* no flow runs, not even after its call */
void book_close(struct book *b);

/* visit.c */
/* What the call knows of itself, under what `own` says of who and what. */
void visit_put_record(struct serve *s, struct call *call, const struct call_record *own);
void visit_incoming(void *arg, struct call *c);
/* At the very end: the records of those whose far sides never answered our BYE. */
void visit_give_up(struct serve *s);

/* host.c */
void host_init(struct serve *s, const struct numbers *n, struct flow_host *host);
enum err host_open_desk(struct serve *s, const struct numbers *n, char *error);
enum err host_open_legs(struct serve *s, const struct numbers *n);

#endif
