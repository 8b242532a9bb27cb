/* `peal serve`: answers the numbers of a file, each by its flow.
 *
 * One call's way: INVITE → its number's line (numbers.h), or 404 → is there room for one more on
 * that number? else 486 or 503, counted → the flow runs (flow/) → the record, like the dialer's. A
 * signal drains: no new calls, those that run may end within `drain`, then they are ended. The file
 * is read again on demand: calls go on under the file that they began with, new ones get the new
 * one.
 *
 * Control thread only, except serve_stop and serve_reload. */
#ifndef PEAL_SERVE_SERVE_H
#define PEAL_SERVE_SERVE_H

#include "io/loop.h"

#define SERVE_ERROR_MAX 1024

struct serve;

struct serve_config {
    struct loop *loop;
    const char *path;      /* NUMBERS.yaml */
    const char *data_dir;  /* NULL: the name in the file */
    const char *redis_url; /* of store.*; NULL: a private redis-server in the data folder */
    const char *health_path; /* call/health.h; NULL: none */
    bool quiet;
};

/* Reads the file, opens everything and listens. error (SERVE_ERROR_MAX bytes) says what failed;
 * ERR_INVALID: the file or one of its scripts. */
enum err serve_open(struct serve **out, const struct serve_config *config, char *error);
/* Until it has drained. */
enum err serve_run(struct serve *s, char *error);
void serve_close(struct serve *s);

/* From signal handlers: the first asks for draining, the second hangs up what still runs. */
void serve_stop(struct serve *s);
/* The file is read again; one that is wrong is refused with a log line and changes nothing. */
void serve_reload(struct serve *s);

#endif
