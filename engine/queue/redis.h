/* One connection to Redis on the loop: hiredis's asynchronous API over poll operations of our ring.
 *
 * Connects, authenticates, selects the database, prepares (the owner's own command, such as loading
 * functions), then is up. When the connection is lost it tries again by itself with a growing
 * delay (REDIS_RETRY_FIRST_MS … REDIS_RETRY_MAX_MS); what was sent and not answered is told to its
 * caller with a NULL reply: whether Redis did it is not known. Loop thread only. */
#ifndef PEAL_QUEUE_REDIS_H
#define PEAL_QUEUE_REDIS_H

#include "base/slice.h"
#include "io/loop.h"

#define REDIS_URL_MAX        256
#define REDIS_ERROR_MAX      256
#define REDIS_RETRY_FIRST_MS 50
#define REDIS_RETRY_MAX_MS   2000
#define REDIS_SILENT_MS      5000 /* no answer to anything for so long: the connection is given up */
#define REDIS_IN_FLIGHT_MAX  8192              /* commands sent and not answered */
#define REDIS_UNSENT_MAX     (4 * 1024 * 1024) /* bytes waiting to be written */

struct redis;
struct redisReply;

/* reply NULL: the connection was lost, or closed by redis_close. Valid during the call only. */
typedef void redis_reply_fn(void *arg, const struct redisReply *reply);

struct redis_config {
    struct loop *loop;
    /* "unix:/path/to/socket", "redis://[[user]:password@]host[:port][/db]" (host: a numeric
     * address), or "unix:/path?db=3&password=…". Password also from `password`, if that is set. */
    const char *url;
    const char *password;
    /* Sent first on every connection (RESP, see redis_format); an error reply to it is an error of
     * the connection. len 0: none. The bytes must outlive the connection. */
    struct slice prepare;
    /* up true: commands are taken. up false: why says what happened, as a sentence. */
    void (*on_state)(void *arg, bool up, const char *why);
    /* Before each attempt to connect; may start a private server again. May be NULL. */
    void (*before_connect)(void *arg);
    void *arg;
};

struct redis_stats {
    uint64_t commands, replies, connects, lost, refused;
};

/* ERR_INVALID: the URL cannot be read (logged). Connects from the loop's next turn on. */
enum err redis_open(struct redis **out, const struct redis_config *config);
/* Outstanding replies come with NULL, before it returns (after the present one when called from a
 * reply's callback); no on_state. r may be NULL. */
void redis_close(struct redis *r);

/* Drops the connection and makes a new one; why becomes the error. */
void redis_reconnect(struct redis *r, const char *why);

bool redis_up(const struct redis *r);
const char *redis_error(const struct redis *r); /* why it is not up; "" when it is */
const struct redis_stats *redis_stats_of(const struct redis *r);

/* Sends one command. ERR_CLOSED: not up; ERR_FULL: too much under way (counted). fn is never called
 * from inside. fn may be NULL. */
enum err redis_send(struct redis *r, struct slice resp, redis_reply_fn *fn, void *arg);
enum err redis_command(struct redis *r, redis_reply_fn *fn, void *arg, uint32_t argc,
                       const struct slice *argv);
uint32_t redis_in_flight(const struct redis *r);

/* One command as RESP into a buffer; the bytes needed are returned, whether they fit or not. */
size_t redis_format(char *dst, size_t cap, uint32_t argc, const struct slice *argv);

/* What a URL says; used by redis_open and by programs that check their options. */
struct redis_target {
    bool is_unix;
    char path[108];
    char host[64];
    uint16_t port;
    uint32_t db;
    char user[64], password[128];
};
/* error (REDIS_ERROR_MAX bytes) gets a sentence. */
enum err redis_parse_url(struct slice url, struct redis_target *out, char *error);

#endif
