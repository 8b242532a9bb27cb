/* `peal serve`: answers the numbers of a file by their flows. */
#include "cli.h"

#include <stdio.h>

#include "base/log.h"
#include "serve/serve.h"

static const char help[] =
    "usage: peal serve NUMBERS.yaml [--data DIR] [--redis URL] [--quiet]\n"
    "                  [--health FILE] [--log LEVEL]\n"
    "\n"
    "Answers calls to the numbers of the file, each by its flow (a Lua script, docs/FLOWS.md), in\n"
    "its language and with its parameters. Numbers that are not listed are refused with 404, or\n"
    "get the flow that `unknown` names; calls beyond a number's limit get 486 or 503, and all\n"
    "new ones 503 with Retry-After while the audio is later than late_limit for seconds. SIGHUP\n"
    "reads the file and its scripts again: new calls get them, calls that run go on as they began.\n"
    "SIGTERM or Ctrl-C: no new calls, those that run may end within the file's `drain`; again:\n"
    "they are ended now.\n"
    "\n"
    "  --data DIR     calls.jsonl, calls.sqlite, recordings/ (default: ./NAME of the file)\n"
    "  --redis URL    where flows keep what store.* stores, as of peal run (default: a private\n"
    "                 redis-server in the data folder)\n"
    "  --health FILE  a JSON line a second, as of peal run\n"
    "  --log LEVEL    debug, info, warn, error or off (default: warn)\n"
    "\n"
    "the file:\n"
    "  name: lines                       # of the records\n"
    "  sip: { address: 127.0.0.1:5060, tcp: yes } # advertise, also (\"[::1]:5060\"), dscp (cs3),\n"
    "                                    # srtp (off, offered, required), clear_keys (warned, "
    "refused)\n"
    "  tls: { certificate: peal.pem, key: peal.key, port: 5061 } # authorities, crl,\n"
    "                                    # client_certificates\n"
    "  media: { ports: 30000-39999, workers: 1, late_limit: 20ms } # address (sip's), advertise,\n"
    "                                    # dscp (ef), keep_alive (15s)\n"
    "  calls: 1000                       # at once, of all numbers\n"
    "  audio: audio                      # folder of sounds, beside the file\n"
    "  prints: known.prints              # recordings that call:listen knows (peal prints)\n"
    "  drain: 30s\n"
    "  trunk: { address: 127.0.0.1:5070 } # where flows dial numbers; tcp, tls, tls_name,\n"
    "                                    # srtp, user, password\n"
    "  agents:                           # whom call:transfer(\"agent\") reaches\n"
    "    - { name: anna, uri: \"sip:anna@127.0.0.1:5080\", wrap_up: 5s }\n"
    "  zone: Europe/Ljubljana\n"
    "  hours: { operator: \"mon-fri 08:00-16:00\" } # call:is_open(\"operator\")\n"
    "  speech: \"espeak-ng -v {lang} -w {file} -- {text}\" # what speaks the prompts\n"
    "  speech_processes: 2               # of it at once; speech_ahead: no (nothing beforehand)\n"
    "  http: \"127.0.0.1:8080\"           # hosts that flows may ask by http.*\n"
    "  unknown: 404                      # or { flow: sorry.lua }\n"
    "  numbers:\n"
    "    - number: \"+38600100200\"\n"
    "      flow: order-line.lua\n"
    "      language: sl                  # call.row.language\n"
    "      calls: 30                     # at once; beyond: full: 486 or 503 (503)\n"
    "      with: { period: \"7\" }         # call.row.period\n"
    "\n"
    "examples:\n"
    "  peal serve scenarios/numbers/hello.yaml\n"
    "  peal serve lines.yaml --data /var/lib/peal/lines\n";

static struct serve *running; /* for the signal handlers */

static void on_stop(int number)
{
    (void)number;
    if (running)
        serve_stop(running);
}

static void on_hangup(int number)
{
    (void)number;
    if (running)
        serve_reload(running);
}

static int run(struct serve_config *config)
{
    char error[SERVE_ERROR_MAX] = "";
    struct serve *s = NULL;
    struct loop loop;
    enum err e;

    if (!cli_loop("serve", &loop))
        return EXIT_FAILED;
    config->loop = &loop;
    e = serve_open(&s, config, error);
    bool opened = e == OK;
    if (opened) {
        running = s;
        cli_catch_signals(on_stop, on_hangup);
        e = serve_run(s, error);
        running = NULL;
        serve_close(s);
    }
    if (e != OK)
        fprintf(stderr, "peal serve: %s\n", error[0] ? error : err_name(e));
    loop_fini(&loop);
    return e == OK ? EXIT_DONE : !opened && e != ERR_IO ? EXIT_USAGE : EXIT_FAILED;
}

int cli_serve(int argc, char **argv)
{
    struct serve_config config = {0};
    const char *level_name = "warn";
    enum log_level level;
    const struct cli_option options[] = {
        {"--data", &config.data_dir, NULL},
        {"--redis", &config.redis_url, NULL},
        {"--log", &level_name, NULL},
        {"--health", &config.health_path, NULL},
        {"--quiet", NULL, &config.quiet},
        {0},
    };
    int code = cli_read(&(struct cli_command){"serve", help, options, "NUMBERS.yaml"}, argc, argv,
                        &config.path);

    if (code != CLI_GO_ON)
        return code;
    if (log_level_parse(level_name, &level) != OK) {
        fprintf(stderr, "peal serve: no log level '%s'; debug, info, warn, error and off exist\n",
                level_name);
        return EXIT_USAGE;
    }
    log_set_level(level);
    return run(&config);
}
