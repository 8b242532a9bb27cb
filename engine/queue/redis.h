/* Redis on the loop: hiredis's asynchronous API over poll operations of our ring. One connection;
 * or the master that sentinels name (redis_sentinel.h); or a cluster (redis_cluster.h).
 *
 * Connects, authenticates, selects the database, prepares (the owner's own command, such as loading
 * functions), then is up. When the connection is lost it tries again by itself with a growing
 * delay (REDIS_RETRY_FIRST_MS … REDIS_RETRY_MAX_MS); what was sent and not answered is told to its
 * caller with a NULL reply: whether Redis did it is not known. Loop thread only. */
#ifndef PEAL_QUEUE_REDIS_H
#define PEAL_QUEUE_REDIS_H

#include "base/slice.h"
#include "io/loop.h"

#define REDIS_URL_MAX        1024
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
     * address), "unix:/path?db=3&password=…",
     * "redis-sentinel://[[user]:password@]host[:port],…/master[/db][?sentinel_password=…]" (the
     * login is of the servers, ports are 26379 by default) or
     * "redis-cluster://[[user]:password@]host[:port],…". User and password also from here, if they
     * are set. */
    const char *url;
    const char *user, *password;
    /* Sent first on every connection (RESP, see redis_format); an error reply to it is an error of
     * the connection. len 0: none. The bytes must outlive the connection. */
    struct slice prepare;
    /* up true: commands are taken. up false: why says what happened, as a sentence. */
    void (*on_state)(void *arg, bool up, const char *why);
    /* Before each attempt to connect; may start a private server again. May be NULL. */
    void (*before_connect)(void *arg);
    bool quiet; /* a lost connection is told to on_state alone, not logged */
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

/* Are there replicas that take over by themselves (sentinels, cluster)? Then what Redis has
 * acknowledged may still be lost with its master, for replicas are told afterwards. */
bool redis_replicated(const struct redis *r);
/* Asks the connection that has the key's slot to wait until a replica has what was sent before
 * (WAIT 1, REDIS_CONFIRM_MS at most). Answered with how many have it; while none has, it is asked
 * only once in REDIS_CONFIRM_AGAIN_MS, and ERR_UNSUPPORTED is returned between: nothing to wait
 * for. */
#define REDIS_CONFIRM_MS       200
#define REDIS_CONFIRM_AGAIN_MS 3000
enum err redis_confirm(struct redis *r, struct slice key, redis_reply_fn *fn, void *arg);
/* How often commands have begun to go to another master than before: each may lack what the last
 * one had acknowledged. */
uint64_t redis_masters(const struct redis *r);

/* One command as RESP into a buffer; the bytes needed are returned, whether they fit or not. */
size_t redis_format(char *dst, size_t cap, uint32_t argc, const struct slice *argv);

/* What a URL says; used by redis_open and by programs that check their options. */
#define REDIS_HOSTS_MAX 16
struct redis_host {
    char host[64]; /* a numeric address */
    uint16_t port;
};
enum redis_kind { REDIS_ONE, REDIS_SENTINELS, REDIS_CLUSTER };
struct redis_target {
    enum redis_kind kind;
    struct redis_host hosts[REDIS_HOSTS_MAX]; /* the sentinels; nodes of the cluster */
    uint32_t host_count;
    char master[64], sentinel_password[128];
    bool is_unix;
    char path[108];
    char host[64]; /* kind REDIS_ONE; of sentinels: what they told last */
    uint16_t port;
    uint32_t db;
    char user[64], password[128];
};
/* error (REDIS_ERROR_MAX bytes) gets a sentence. */
enum err redis_parse_url(struct slice url, struct redis_target *out, char *error);

#endif
