/* How commands reach a campaign's queue. */
#include "cli_queue.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

static bool data_is_there(const char *command, const char *folder)
{
    if (access(folder, R_OK | X_OK) == 0)
        return true;
    fprintf(stderr,
            "peal %s: there is no data folder %s; name the campaign's with --data DIR, or its "
            "Redis with --redis URL\n",
            command, folder);
    return false;
}

static bool start_loop(struct cli_queue *q)
{
    enum err e = loop_init(&q->loop, NULL);

    q->loop_open = e == OK;
    if (!q->loop_open)
        fprintf(stderr, "peal %s: cannot start (%s); Linux 6.0 or later is needed\n", q->command,
                err_name(e));
    return q->loop_open;
}

bool cli_queue_connect(struct cli_queue *q, const struct cli_place *place, const char *campaign)
{
    char error[REDIS_SERVER_ERROR_MAX], engine[64];
    const char *folder = place->data_dir ? place->data_dir : campaign;
    struct queue_config config = {
        .loop = &q->loop, .url = place->redis_url, .campaign = campaign, .engine = engine};

    *q = (struct cli_queue){.command = place->command, .ask.loop = &q->loop};
    snprintf(engine, sizeof(engine), "peal-%s-%d", place->command, (int)getpid());
    if ((!config.url && !data_is_there(q->command, folder)) || !start_loop(q))
        return false;
    if (!config.url) {
        if (redis_server_open(&q->server, folder, error) != OK) {
            fprintf(stderr, "peal %s: %s\n", q->command, error);
            return false;
        }
        config.url = redis_server_url(q->server);
        config.server = q->server;
    }
    if (queue_open(&q->ask.queue, &config) != OK) {
        fprintf(
            stderr,
            "peal %s: the Redis URL '%s' cannot be used; redis://[:PASSWORD@]HOST:PORT[/DB] and "
            "unix:/PATH are accepted\n",
            q->command, config.url);
        return false;
    }
    if (ask_until_up(&q->ask))
        return true;
    fprintf(stderr, "peal %s: %s\n", q->command, q->ask.error);
    return false;
}

void cli_queue_close(struct cli_queue *q)
{
    queue_close(q->ask.queue);
    if (q->server)
        redis_server_close(q->server);
    if (q->loop_open)
        loop_fini(&q->loop);
    *q = (struct cli_queue){.command = q->command};
}

int cli_queue_failed(const struct cli_queue *q, const char *what)
{
    fprintf(stderr, "peal %s: %s (%s)%s%s\n", q->command, what, err_name(q->ask.e),
            q->ask.error[0] ? ": " : "", q->ask.error);
    return EXIT_FAILED;
}

static bool is_file(const char *text)
{
    struct stat st;
    size_t n = strlen(text);

    return (n > 5 && strcmp(text + n - 5, ".yaml") == 0) ||
           (n > 4 && strcmp(text + n - 4, ".yml") == 0) || strchr(text, '/') ||
           (stat(text, &st) == 0 && S_ISREG(st.st_mode)); /* a folder is a campaign's data */
}

bool cli_campaign_of(const char *command, const char *text, struct campaign **c,
                     char name[CAMPAIGN_NAME_MAX])
{
    char error[CAMPAIGN_ERROR_MAX] = "";

    *c = NULL;
    if (!is_file(text)) {
        bool fits = strlen(text) > 0 && strlen(text) < CAMPAIGN_NAME_MAX;

        if (!fits)
            fprintf(stderr, "peal %s: '%.80s' is no campaign's name\n", command, text);
        snprintf(name, CAMPAIGN_NAME_MAX, "%.*s", (int)CAMPAIGN_NAME_MAX - 1, text);
        return fits;
    }
    if (campaign_load(c, text, error) != OK) {
        fprintf(stderr, "peal %s: %s\n", command, error);
        return false;
    }
    snprintf(name, CAMPAIGN_NAME_MAX, "%s", (*c)->name);
    return true;
}
