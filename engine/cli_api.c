/* `peal api`: the HTTP API without an engine, and how `peal run` opens its own. */
#include "cli_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli.h"
#include "queue/server.h"

static const char help[] =
    "usage: peal api CAMPAIGN.yaml... --listen ADDRESS:PORT [--token FILE] [--redis URL]\n"
    "                [--data DIR]\n"
    "\n"
    "Answers the HTTP API of campaigns that share a Redis, and dials nothing: their engines may "
    "run\n"
    "elsewhere, or not at all. peal run --api opens it beside an engine. GET /v1 lists what it\n"
    "answers; docs/API.md tells more.\n"
    "\n"
    "  --listen ADDRESS:PORT  127.0.0.1:8420; port 0: any. An address that others can reach needs "
    "a\n"
    "                         token\n"
    "  --token FILE           its first line is the token that requests carry (Authorization: "
    "Bearer);\n"
    "                         without it PEAL_API_TOKEN of the environment, if it is set\n"
    "  --redis URL            as in peal run\n"
    "  --data DIR             of one campaign, as in peal run (default: ./NAME of each)\n"
    "\n"
    "examples:\n"
    "  peal api spring.yaml autumn.yaml --listen 127.0.0.1:8420 --redis redis://127.0.0.1:6379\n"
    "  peal api spring.yaml --listen 192.0.2.10:8420 --token /etc/peal/api-token --redis URL\n";

bool cli_api_add(struct api_config *config, const struct campaign *c, const char *data_dir)
{
    struct api_campaign *to = &config->campaign[config->campaign_count++];

    return slice_copy(slice_cstr(c->name), to->name, sizeof(to->name)) == OK &&
           slice_copy(slice_cstr(c->path), to->path, sizeof(to->path)) == OK &&
           slice_copy(slice_cstr(data_dir), to->data_dir, sizeof(to->data_dir)) == OK;
}

int cli_api_open(struct api **out, const struct cli_api *a, struct api_config *config)
{
    char token[API_TOKEN_MAX + 1] = "", error[API_ERROR_MAX] = "";
    bool found = false;

    *out = NULL;
    if (!a->address && !a->token_path)
        return CLI_GO_ON;
    if (!a->address) {
        fprintf(stderr, "peal %s: a token, but no API to use it: name its address\n", a->command);
        return EXIT_USAGE;
    }
    if (api_token(a->token_path, token, &found, error) != OK) {
        fprintf(stderr, "peal %s: %s\n", a->command, error);
        return EXIT_USAGE;
    }
    config->address = a->address;
    config->token = found ? token : NULL;
    enum err e = api_open(out, config, error);

    explicit_bzero(token, sizeof(token));
    if (e != OK) {
        fprintf(stderr, "peal %s: API: %s\n", a->command, error[0] ? error : err_name(e));
        return e == ERR_INVALID ? EXIT_USAGE : EXIT_FAILED;
    }
    fprintf(stderr, "peal %s: API on http://%s/v1\n", a->command, api_listen(*out));
    return CLI_GO_ON;
}

/* ---- the command ---- */

static struct api *serving; /* for the signal handler */

static void on_signal(int number)
{
    (void)number;
    if (serving)
        api_stop(serving);
}

struct words {
    const char *path[API_CAMPAIGNS_MAX];
    uint32_t paths;
    const char *redis, *data;
    struct cli_api api;
};

static int read_words(struct words *w, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char **value = strcmp(argv[i], "--redis") == 0    ? &w->redis
                             : strcmp(argv[i], "--data") == 0   ? &w->data
                             : strcmp(argv[i], "--listen") == 0 ? &w->api.address
                             : strcmp(argv[i], "--token") == 0  ? &w->api.token_path
                                                                : NULL;

        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(help, stdout);
            return EXIT_DONE;
        }
        if (value && i + 1 == argc)
            return cli_missing("api", argv[i]);
        if (value)
            *value = argv[++i];
        else if (argv[i][0] == '-' || w->paths == API_CAMPAIGNS_MAX)
            return cli_unknown("api", argv[i]);
        else
            w->path[w->paths++] = argv[i];
    }
    if (w->paths && w->api.address && (w->redis || w->paths == 1) && (!w->data || w->paths == 1))
        return CLI_GO_ON;
    fprintf(stderr, "peal api: %s; see peal api --help\n",
            !w->paths         ? "CAMPAIGN.yaml is missing"
            : !w->api.address ? "--listen ADDRESS:PORT is missing"
            : w->data         ? "--data is of one campaign"
                              : "several campaigns share a Redis: name it with --redis URL");
    return EXIT_USAGE;
}

static int load(const struct words *w, struct api_config *config)
{
    char error[CAMPAIGN_ERROR_MAX] = "";
    struct campaign *c;

    for (uint32_t i = 0; i < w->paths; i++) {
        if (campaign_load(&c, w->path[i], error) != OK) {
            fprintf(stderr, "peal api: %s\n", error);
            return EXIT_USAGE;
        }
        bool fits = cli_api_add(config, c, w->data ? w->data : c->name);

        campaign_free(c);
        if (!fits) {
            fprintf(stderr, "peal api: %s: its path is too long\n", w->path[i]);
            return EXIT_USAGE;
        }
    }
    return CLI_GO_ON;
}

static int serve(const struct words *w, struct api_config *config)
{
    char error[REDIS_SERVER_ERROR_MAX];
    struct redis_server *server = NULL;
    struct api *api;

    config->redis_url = w->redis;
    if (!w->redis) {
        if (redis_server_open(&server, config->campaign[0].data_dir, error) != OK) {
            fprintf(stderr, "peal api: %s\n", error);
            return EXIT_FAILED;
        }
        config->redis_url = redis_server_url(server);
    }
    int code = cli_api_open(&api, &w->api, config);

    if (code == CLI_GO_ON) {
        serving = api;
        cli_catch_signals(on_signal, NULL);
        api_run(api);
        serving = NULL;
        code = EXIT_DONE;
    }
    api_close(api);
    if (server)
        redis_server_close(server);
    return code;
}

int cli_api(int argc, char **argv)
{
    struct words w = {.api.command = "api"};
    struct api_config *config = calloc(1, sizeof(*config));
    int code = config ? read_words(&w, argc, argv) : EXIT_FAILED;

    if (code == CLI_GO_ON)
        code = load(&w, config);
    if (code == CLI_GO_ON) {
        log_set_level(LOG_WARN);
        code = serve(&w, config);
    }
    free(config);
    return code;
}
