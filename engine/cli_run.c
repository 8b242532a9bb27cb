/* `peal run`: dials a campaign until it is done. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "dialer/dialer.h"

static const char help[] =
    "usage: peal run CAMPAIGN.yaml [--leads FILE.csv] [--data DIR] [--redis URL] [--quiet]\n"
    "                [--health FILE] [--log LEVEL]\n"
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
    "  --log LEVEL    debug, info, warn, error or off (default: warn)\n"
    "\n"
    "examples:\n"
    "  peal run spring.yaml --leads spring.csv --data /var/lib/peal/spring\n"
    "  peal run spring.yaml --redis redis://127.0.0.1:6379\n";

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

static int run(struct dialer_config *config)
{
    char error[DIALER_ERROR_MAX] = "";
    struct dialer *d = NULL;
    struct loop loop;
    enum err e;

    if (!cli_loop("run", &loop))
        return EXIT_FAILED;
    config->loop = &loop;
    cli_catch_signals(on_signal, on_hangup);
    e = dialer_open(&d, config, error);
    if (e == OK) {
        running = d;
        e = dialer_run(d, error);
        running = NULL;
        dialer_close(d);
    }
    if (e != OK)
        fprintf(stderr, "peal run: %s\n", error[0] ? error : err_name(e));
    loop_fini(&loop);
    return e == OK ? EXIT_DONE : EXIT_FAILED;
}

int cli_run(int argc, char **argv)
{
    struct dialer_config config = {0};
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
    code = run(&config);
    campaign_free(c);
    return code;
}
