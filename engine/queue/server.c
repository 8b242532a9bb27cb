/* The private redis-server: its folder, its lock and its process.
 *
 * redis.lock is held (flock) by the engine that owns the server; redis.pid names the process, also
 * for the engine that comes after a crash. A server whose engine has died gets SIGTERM from the
 * kernel and goes within a moment, so one that is found must answer twice. */
#include "queue/server.h"

#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "io/process.h"

#define FOLDER_MAX    400
#define PATH_CAP      (FOLDER_MAX + 32)
#define POLL_MS       20
#define SETTLE_MS     300 /* how long a found server must go on answering */
#define REVIVE_GAP_US 1000000

struct redis_server {
    char folder[FOLDER_MAX];
    char socket[108];
    char url[120];
    char log[PATH_CAP], pid_file[PATH_CAP], lock_file[PATH_CAP];
    int lock_fd;
    bool owner;
    bool keeps; /* its data on disk */
    pid_t pid;
    struct clock clock;
    uint64_t started_us;
};

static void nap(void)
{
    const struct timespec t = {0, POLL_MS * 1000000L};

    nanosleep(&t, NULL);
}

static enum err fail(char *error, enum err e, const char *what, const char *where, const char *why)
{
    snprintf(error, REDIS_SERVER_ERROR_MAX, "%s %.300s: %.120s", what, where, why);
    return e;
}

static enum err make_folder(struct redis_server *s, const char *folder, char *error)
{
    char absolute[4096];

    if (mkdir(folder, 0750) && errno != EEXIST)
        return fail(error, ERR_IO, "cannot make the data folder", folder, strerror(errno));
    if (!realpath(folder, absolute))
        return fail(error, ERR_IO, "cannot use the data folder", folder, strerror(errno));
    if (slice_copy(slice_cstr(absolute), s->folder, sizeof(s->folder)))
        return fail(error, ERR_TOO_LONG, "cannot use the data folder", folder,
                    "its path is longer than 399 bytes");
    snprintf(s->log, sizeof(s->log), "%s/redis.log", s->folder);
    snprintf(s->pid_file, sizeof(s->pid_file), "%s/redis.pid", s->folder);
    snprintf(s->lock_file, sizeof(s->lock_file), "%s/redis.lock", s->folder);
    /* Socket paths have 107 bytes at most: a deep folder gets one under /tmp, named by its path. */
    if ((size_t)snprintf(s->socket, sizeof(s->socket), "%s/redis.sock", s->folder) >=
        sizeof(s->socket)) {
        const struct hash_seed fixed = {0x7065616c, 0x71756575};

        snprintf(s->socket, sizeof(s->socket), "/tmp/peal-%u-%016llx.sock", (unsigned)getuid(),
                 (unsigned long long)hash_bytes(fixed, s->folder, strlen(s->folder)));
    }
    snprintf(s->url, sizeof(s->url), "unix:%s", s->socket);
    return OK;
}

enum answer { ANSWER_NONE, ANSWER_LOADING, ANSWER_PONG };

static enum answer ping(const struct redis_server *s)
{
    const struct timeval limit = {1, 0};
    redisContext *c = redisConnectUnixWithTimeout(s->socket, limit);
    enum answer a = ANSWER_NONE;

    if (c && !c->err) {
        redisSetTimeout(c, limit);
        redisReply *reply = redisCommand(c, "PING");

        if (reply && reply->type == REDIS_REPLY_STATUS)
            a = ANSWER_PONG;
        else if (reply && reply->type == REDIS_REPLY_ERROR)
            a = ANSWER_LOADING;
        if (reply)
            freeReplyObject(reply);
    }
    if (c)
        redisFree(c);
    return a;
}

static pid_t read_pid(const struct redis_server *s)
{
    char text[32] = "", comm_path[64], comm[32] = "";
    FILE *f = fopen(s->pid_file, "re");
    uint64_t pid;

    if (!f)
        return 0;
    bool got = fgets(text, sizeof(text), f) != NULL;

    fclose(f);
    if (!got || slice_u64(slice_trim(slice_cstr(text)), INT32_MAX, &pid) || pid == 0)
        return 0;
    /* After a reboot the number may belong to anybody. */
    snprintf(comm_path, sizeof(comm_path), "/proc/%d/comm", (int)pid);
    f = fopen(comm_path, "re");
    if (!f)
        return 0;
    got = fgets(comm, sizeof(comm), f) != NULL && strncmp(comm, "redis-server", 12) == 0;
    fclose(f);
    return got ? (pid_t)pid : 0;
}

static enum err launch(struct redis_server *s)
{
    const char *const argv[] = {"redis-server",
                                "--port",
                                "0",
                                "--unixsocket",
                                s->socket,
                                "--unixsocketperm",
                                "700",
                                "--dir",
                                s->folder,
                                "--pidfile",
                                s->pid_file,
                                "--daemonize",
                                "no",
                                "--appendonly",
                                s->keeps ? "yes" : "no",
                                "--appendfsync",
                                "always",
                                "--save",
                                "",
                                "--maxmemory-policy",
                                "noeviction",
                                "--aof-use-rdb-preamble",
                                "yes",
                                NULL};

    s->started_us = clock_us(&s->clock);
    return process_start(&s->pid, argv, s->log);
}

/* The last words of the server's log, for the message that it did not start. */
static void last_words(const struct redis_server *s, char *dst, size_t cap)
{
    char line[512];
    FILE *f = fopen(s->log, "re");

    snprintf(dst, cap, "no log");
    if (!f)
        return;
    while (fgets(line, sizeof(line), f))
        if (line[0] != '\n')
            snprintf(dst, cap, "%.*s", (int)strcspn(line, "\n"), line);
    fclose(f);
}

static enum err not_ready(const struct redis_server *s, char *error)
{
    return fail(error, ERR_TIMEOUT, "redis-server did not answer within two minutes; see", s->log,
                "it may be loading a very large file");
}

static enum err wait_ready(struct redis_server *s, char *error)
{
    uint64_t end_us = clock_us(&s->clock) + (uint64_t)REDIS_SERVER_START_MS * 1000;
    char words[160];

    while (clock_us(&s->clock) < end_us) {
        if (ping(s) == ANSWER_PONG)
            return OK;
        if (!process_running(s->pid)) {
            last_words(s, words, sizeof(words));
            return fail(error, ERR_IO, "redis-server ended at once; see", s->log, words);
        }
        nap();
    }
    return not_ready(s, error);
}

/* A server left by an engine that crashed: used again if it lives on, waited for if it goes. */
static bool found_running(struct redis_server *s)
{
    pid_t pid = read_pid(s);

    if (!pid)
        return false;
    s->pid = pid;
    uint64_t end_us = clock_us(&s->clock) + (uint64_t)REDIS_SERVER_START_MS * 1000;
    uint64_t steady_us = clock_us(&s->clock) + SETTLE_MS * 1000;

    while (process_running(pid) && read_pid(s) == pid && clock_us(&s->clock) < end_us) {
        if (clock_us(&s->clock) >= steady_us && ping(s) == ANSWER_PONG)
            return true;
        nap();
    }
    s->pid = 0;
    return false;
}

static enum err own(struct redis_server *s, char *error)
{
    bool found = found_running(s);

    if (found && !s->keeps) { /* whatever it holds is not ours */
        process_stop(s->pid, REDIS_SERVER_STOP_MS);
        found = false;
    }
    if (found) {
        log_info("queue", "the private redis-server of an earlier run is used again", "pid=%d",
                 (int)s->pid);
        return OK;
    }
    enum err e = launch(s);

    if (e == ERR_NOT_FOUND)
        return fail(error, e, "no Redis: install", "redis-server",
                    "not in PATH; or name a Redis with --redis URL");
    if (e)
        return fail(error, e, "cannot start redis-server; see", s->log, err_name(e));
    return wait_ready(s, error);
}

static bool take_lock(struct redis_server *s)
{
    s->owner = flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0;
    return s->owner;
}

/* Another program owns the server. It may be on its way out, and its server with it: then the lock
 * comes free, and the server is ours to start. */
static enum err share(struct redis_server *s, char *error)
{
    uint64_t end_us = clock_us(&s->clock) + (uint64_t)REDIS_SERVER_START_MS * 1000;

    while (clock_us(&s->clock) < end_us) {
        if (ping(s) == ANSWER_PONG) {
            s->pid = read_pid(s);
            return OK;
        }
        if (take_lock(s))
            return own(s, error);
        nap();
    }
    return not_ready(s, error);
}

static enum err take_or_share(struct redis_server *s, char *error)
{
    s->lock_fd = open(s->lock_file, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (s->lock_fd < 0)
        return fail(error, ERR_IO, "cannot open", s->lock_file, strerror(errno));
    if (take_lock(s))
        return own(s, error);
    if (!s->keeps)
        return fail(error, ERR_EXISTS, "another program uses", s->folder, "choose another folder");
    return share(s, error);
}

static enum err open_server(struct redis_server **out, const char *folder, bool keeps, char *error)
{
    struct redis_server *s = calloc(1, sizeof(*s));
    enum err e;

    error[0] = 0;
    if (!s)
        return fail(error, ERR_NOMEM, "no memory for", folder, "");
    s->lock_fd = -1;
    s->keeps = keeps;
    clock_init_real(&s->clock);
    if ((e = make_folder(s, folder, error)) || (e = take_or_share(s, error))) {
        redis_server_close(s);
        return e;
    }
    *out = s;
    return OK;
}

enum err redis_server_open(struct redis_server **out, const char *folder, char *error)
{
    return open_server(out, folder, true, error);
}

enum err redis_server_open_volatile(struct redis_server **out, const char *folder, char *error)
{
    return open_server(out, folder, false, error);
}

void redis_server_close(struct redis_server *s)
{
    if (!s)
        return;
    if (s->owner && s->pid > 0)
        process_stop(s->pid, REDIS_SERVER_STOP_MS);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    free(s);
}

const char *redis_server_url(const struct redis_server *s)
{
    return s->url;
}
int redis_server_pid(const struct redis_server *s)
{
    return (int)s->pid;
}

void redis_server_revive(struct redis_server *s)
{
    if (!s->owner) { /* the owner may have gone; then it is on us */
        if (!take_lock(s))
            return;
        s->pid = read_pid(s);
    }
    if (process_running(s->pid) || clock_us(&s->clock) - s->started_us < REVIVE_GAP_US)
        return;
    if (launch(s) == OK)
        log_warn("queue", "the private redis-server had died and was started again", "pid=%d",
                 (int)s->pid);
}
