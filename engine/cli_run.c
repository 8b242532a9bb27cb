/* `peal run`: dials a campaign until it is done. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli_api.h"
#include "dialer/dialer.h"

static const char help[] =
    "usage: peal run CAMPAIGN.yaml [--leads FILE.csv] [--data DIR] [--redis URL] [--quiet]\n"
    "                [--health FILE] [--log LEVEL] [--api ADDRESS:PORT [--api-token FILE]]\n"
    "\n"
    "Imports the leads, dials them, connects people to agents, and ends when every lead is\n"
    "finished. Ctrl-C: no new calls, live ones end as the campaign's drain says; again: leave at\n"
    "once (the next start settles what was open). SIGHUP reads the campaign file again, as peal\n"
    "reload does for all engines. peal pause, resume, drain and stop steer them, too; a stopped\n"
    "campaign is not run until peal resume.\n"
    "\n"
    "  --leads FILE   leads to import; instead of the campaign's own (importing again adds "
    "nothing)\n"
    "  --data DIR     calls.jsonl, calls.sqlite, run.json, recordings/ (default: ./NAME)\n"
    "  --redis URL    redis://[[USER]:PASSWORD@]HOST:PORT[/DB], unix:/PATH,\n"
    "                 redis-sentinel://[LOGIN@]HOST:PORT,.../MASTER[/DB], or\n"
    "                 redis-cluster://[LOGIN@]HOST:PORT,... (default: a private redis-server in\n"
    "                 the data folder); hosts are numeric; no TLS but through stunnel or the like\n"
    "  --health FILE  a JSON line a second: legs, ports, packets, how late the audio is, whether "
    "new\n"
    "                 calls are taken (begun anew at each start)\n"
    "  --api ADDRESS:PORT  answer the HTTP API there while it runs, on a thread of its own (GET "
    "/v1\n"
    "                 lists it; docs/API.md); an address that others can reach needs a token\n"
    "  --api-token FILE    its first line is the token (default: PEAL_API_TOKEN, if it is set)\n"
    "  --log LEVEL    debug, info, warn, error or off (default: warn)\n"
    "\n"
    "examples:\n"
    "  peal run spring.yaml --leads spring.csv --data /var/lib/peal/spring\n"
    "  peal run spring.yaml --redis redis://127.0.0.1:6379 --api 127.0.0.1:8420\n";

static struct dialer *running; /* for the signal handler */

static void on_signal(int number)
{
    (void)number;
    if (running)
        dialer_stop(running);
}

static void on_hangup(int number)
{
    (void)number;
    if (running)
        dialer_reload(running);
}

/* Beside a dialer that is open, until it is closed. */
static int open_api(struct api **out, const struct cli_api *to, const struct dialer *d,
                    const struct dialer_config *config)
{
    struct api_config *api = calloc(1, sizeof(*api));
    int code = EXIT_FAILED;

    *out = NULL;
    if (api && cli_api_add(api, config->campaign, config->data_dir)) {
        api->redis_url = dialer_redis_url(d);
        code = cli_api_open(out, to, api);
    }
    free(api);
    if (*out && api_start(*out) != OK) {
        fputs("peal run: no thread for the API\n", stderr);
        code = EXIT_FAILED;
    }
    return code;
}

static int run(struct dialer_config *config, const struct cli_api *to)
{
    char error[DIALER_ERROR_MAX] = "";
    struct dialer *d = NULL;
    struct api *api = NULL;
    struct loop loop;
    enum err e;
    int code = CLI_GO_ON;

    if (!cli_loop("run", &loop))
        return EXIT_FAILED;
    config->loop = &loop;
    cli_catch_signals(on_signal, on_hangup);
    e = dialer_open(&d, config, error);
    if (e == OK) {
        code = open_api(&api, to, d, config);
        running = d;
        if (code == CLI_GO_ON)
            e = dialer_run(d, error);
        running = NULL;
        api_close(api);
        dialer_close(d);
    }
    if (e != OK)
        fprintf(stderr, "peal run: %s\n", error[0] ? error : err_name(e));
    loop_fini(&loop);
    return code != CLI_GO_ON ? code : e == OK ? EXIT_DONE : EXIT_FAILED;
}

int cli_run(int argc, char **argv)
{
    struct dialer_config config = {0};
    struct cli_api api = {.command = "run"};
    const char *path = NULL, *level_name = "warn";
    char error[CAMPAIGN_ERROR_MAX] = "";
    enum log_level level;
    struct campaign *c;
    const struct cli_option options[] = {
        {"--leads", &config.leads_path, NULL},
        {"--data", &config.data_dir, NULL},
        {"--redis", &config.redis_url, NULL},
        {"--log", &level_name, NULL},
        {"--quiet", NULL, &config.quiet},
        {"--health", &config.health_path, NULL},
        {"--api", &api.address, NULL},
        {"--api-token", &api.token_path, NULL},
        {0},
    };
    int code =
        cli_read(&(struct cli_command){"run", help, options, "CAMPAIGN.yaml"}, argc, argv, &path);

    if (code != CLI_GO_ON)
        return code;
    if (log_level_parse(level_name, &level) != OK) {
        fprintf(stderr, "peal run: no log level '%s'; debug, info, warn, error and off exist\n",
                level_name);
        return EXIT_USAGE;
    }
    log_set_level(level);
    if (campaign_load(&c, path, error) != OK) {
        fprintf(stderr, "peal run: %s\n", error);
        return EXIT_USAGE;
    }
    if (!config.data_dir)
        config.data_dir = c->name;
    config.campaign = c;
    code = run(&config, &api);
    campaign_free(c);
    return code;
}
