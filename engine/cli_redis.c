/* One connection for one command. */
#include "cli_redis.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS 30000 /* for Redis to say anything */

static bool open_server(struct cli_redis *r, const char *data_dir, bool makes)
{
    char error[REDIS_SERVER_ERROR_MAX];

    if (!data_dir) {
        fprintf(stderr,
                "peal %s: name the data folder with --data DIR or a Redis with --redis URL\n",
                r->command);
        return false;
    }
    if (!makes && access(data_dir, R_OK | X_OK) != 0) {
        fprintf(stderr, "peal %s: there is no data folder %s\n", r->command, data_dir);
        return false;
    }
    if (redis_server_open(&r->server, data_dir, error) == OK)
        return true;
    fprintf(stderr, "peal %s: %s\n", r->command, error);
    return false;
}

static bool connect_queue(struct cli_redis *r, const char *campaign, const char *url)
{
    const struct queue_config config = {.loop = &r->loop,
                                        .url = r->server ? redis_server_url(r->server) : url,
                                        .server = r->server,
                                        .campaign = campaign,
                                        .engine = "peal-command"};

    r->ask.loop = &r->loop;
    r->ask.wait_ms = WAIT_MS;
    if (queue_open(&r->ask.queue, &config) != OK) {
        fprintf(stderr,
                "peal %s: the Redis URL '%s' cannot be used; redis://[:PASSWORD@]HOST:PORT[/DB] "
                "and unix:/PATH are accepted\n",
                r->command, config.url);
        return false;
    }
    if (ask_until_up(&r->ask))
        return true;
    fprintf(stderr, "peal %s: %s\n", r->command, r->ask.error);
    return false;
}

bool cli_redis_open(struct cli_redis *r, const char *command, const char *campaign, const char *url,
                    const char *data_dir, bool makes)
{
    *r = (struct cli_redis){.command = command};
    if (!url && !open_server(r, data_dir, makes))
        return false;
    enum err e = loop_init(&r->loop, NULL);

    r->looping = e == OK;
    if (!r->looping) {
        fprintf(stderr, "peal %s: cannot start (%s); Linux 6.0 or later is needed\n", command,
                err_name(e));
        return false;
    }
    return connect_queue(r, campaign, url);
}

void cli_redis_close(struct cli_redis *r)
{
    queue_close(r->ask.queue);
    if (r->looping)
        loop_fini(&r->loop);
    if (r->server)
        redis_server_close(r->server);
}

bool cli_redis_wait(struct cli_redis *r, enum err asked)
{
    return ask_wait(&r->ask, asked);
}

void cli_redis_complain(const struct cli_redis *r, const char *what)
{
    fprintf(stderr, "peal %s: %s (%s)%s%s\n", r->command, what, err_name(r->ask.e),
            r->ask.error[0] ? ": " : "", r->ask.error);
}

void cli_redis_on_done(void *arg, enum err e)
{
    ask_on_done(&((struct cli_redis *)arg)->ask, e);
}
