/* `peal pause`, `resume`, `drain`, `stop` and `reload`: an order to all engines of a campaign, kept
 * in Redis with who gave it, when and why; and what each engine made of it. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/order.h"
#include "base/log.h"
#include "cli.h"
#include "cli_queue.h"

#define JSON_MAX (64 * 1024)

#define OPTIONS                                                                                    \
    "\n"                                                                                           \
    "  --why TEXT     kept with the order, and shown to everybody\n"                               \
    "  --who NAME      who orders it (default: your login name)\n"                                 \
    "  --redis URL    as in peal run\n"                                                            \
    "  --data DIR     as in peal run (default: ./NAME)\n"                                          \
    "  --json FILE    the same as JSON; - is standard output\n"                                    \
    "\n"                                                                                           \
    "CAMPAIGN is a campaign file, or the campaign's name. Exit code 1 when it cannot be done, "    \
    "or\n"                                                                                         \
    "when an engine does not follow within five seconds.\n"                                        \
    "\n"

static const char pause_help[] =
    "usage: peal pause CAMPAIGN [--why TEXT] [--who NAME] [--redis URL] [--data DIR]\n"
    "       [--json FILE]\n"
    "\n"
    "No new calls of this campaign, on any engine; live ones go on, and agents stay. When this\n"
    "returns, no further attempt can be made until peal resume.\n" OPTIONS "examples:\n"
    "  peal pause spring.yaml --why \"the shop's stock is being counted\"\n"
    "  peal pause spring --redis redis://127.0.0.1:6379\n";

static const char resume_help[] =
    "usage: peal resume CAMPAIGN [--why TEXT] [--who NAME] [--redis URL] [--data DIR]\n"
    "       [--json FILE]\n"
    "\n"
    "Lets a paused campaign go on, and engines of a stopped one be started again.\n" OPTIONS
    "example:\n"
    "  peal resume spring.yaml\n";

static const char drain_help[] =
    "usage: peal drain CAMPAIGN [--why TEXT] [--who NAME] [--redis URL] [--data DIR]\n"
    "       [--json FILE]\n"
    "\n"
    "No new calls; live ones go on to their end, whatever the campaign's drain says; then the\n"
    "engines end. The last one to leave makes the campaign stopped. Leads stay queued.\n" OPTIONS
    "example:\n"
    "  peal drain spring.yaml --why \"end of shift\"\n";

static const char stop_help[] =
    "usage: peal stop CAMPAIGN [--now] [--why TEXT] [--who NAME] [--redis URL] [--data DIR]\n"
    "       [--json FILE]\n"
    "\n"
    "No new calls, and the engines end in order: live calls end as the campaign's drain says.\n"
    "peal run is refused until peal resume. Leads stay queued.\n"
    "\n"
    "  --now          live calls are hung up\n" OPTIONS "examples:\n"
    "  peal stop spring.yaml\n"
    "  peal stop spring.yaml --now --why \"wrong offer\"\n";

static const char reload_help[] =
    "usage: peal reload CAMPAIGN [--why TEXT] [--who NAME] [--redis URL] [--data DIR]\n"
    "       [--json FILE]\n"
    "\n"
    "Each engine reads its campaign file again and says what it took, or why it took nothing. "
    "What\n"
    "may change: pacing, windows, holidays and calling rules, number limits, results, attempts,\n"
    "ring_timeout, caller ids, the trunks' limits, dates, drain. Trunks' addresses, agents, on,\n"
    "abandonment, recording, sip and media need a new start. Leads put off to an opening of\n"
    "the old hours come forward when the new ones are wider.\n" OPTIONS "example:\n"
    "  peal reload spring.yaml\n";

struct ordering {
    struct cli_queue to;
    const char *command, *campaign, *json;
    struct order_outcome out;
};

static void say_engines(const struct order_outcome *o)
{
    if (o->engines == 0)
        puts("No engine works on it now.");
    for (uint32_t i = 0; i < o->engines; i++)
        printf("  %s: %s\n", o->engine[i].name,
               o->engine[i].version >= o->now.version ? o->engine[i].sentence
                                                      : "has not answered within five seconds");
}

static void say_state(const struct ordering *o)
{
    const struct queue_control *now = &o->out.now;
    char since[32];

    clock_format_utc(now->since_wall_ms, since, sizeof(since));
    printf("%s is %s", o->campaign, control_state_name(now->state));
    if (now->since_wall_ms)
        printf(" since %s, by %s%s%s", since, now->who, now->why[0] ? ": " : "", now->why);
    puts(".");
}

static void say(const struct ordering *o, enum control_order order)
{
    if (o->out.answer == CONTROL_ALREADY) {
        say_state(o);
        puts("It was so already: nothing has changed.");
        return;
    }
    if (order == ORDER_RELOAD)
        printf("%s: its engines read their campaign files again.\n", o->campaign);
    else
        say_state(o);
    say_engines(&o->out);
}

static bool write_json(const struct ordering *o)
{
    char text[JSON_MAX];
    struct buf b = buf_on(text, sizeof(text));
    struct json j;
    FILE *f = strcmp(o->json, "-") == 0 ? stdout : fopen(o->json, "w");

    json_init(&j, &b);
    order_json(&o->out, o->campaign, &j);
    buf_putc(&b, '\n');
    bool good = f && buf_end(&b) == OK && fwrite(text, 1, b.len, f) == b.len;

    if (f && f != stdout)
        good = fclose(f) == 0 && good;
    if (!good)
        fprintf(stderr, "peal %s: %s cannot be written\n", o->command, o->json);
    return good;
}

static int give(struct ordering *o, enum control_order order, const char *who, const char *why)
{
    const struct queue_control *now = &o->out.now;

    if (!order_give(&o->to.ask, order, who, why, &o->out))
        return cli_queue_failed(&o->to, o->out.given
                                            ? "the order is given, but engines could not be asked"
                                            : "the order could not be given");
    if (o->out.answer == CONTROL_REFUSED)
        fprintf(stderr,
                "peal %s: %s is %s, by %s: its engines end or have ended; peal resume "
                "lets it run again\n",
                o->command, o->campaign, control_state_name(now->state), now->who);
    if (o->json && !write_json(o))
        return EXIT_FAILED;
    if (o->out.answer == CONTROL_REFUSED)
        return EXIT_FAILED;
    if (!o->json)
        say(o, order);
    return order_is_followed(&o->out) ? EXIT_DONE : EXIT_FAILED;
}

static void login(char *dst, size_t cap)
{
    const struct passwd *p = getpwuid(getuid());
    const char *name = getenv("SUDO_USER");
    char host[64] = "";

    if (!name || !name[0])
        name = p ? p->pw_name : "somebody";
    if (gethostname(host, sizeof(host) - 1) != 0)
        host[0] = '\0';
    snprintf(dst, cap, "%.40s%s%.20s", name, host[0] ? "@" : "", host);
}

static bool fits(const char *command, const char *option, const char *text, size_t most)
{
    if (!order_text_wrong(text, most))
        return true;
    fprintf(stderr, "peal %s: %s: at most %zu bytes on one line are accepted\n", command, option,
            most);
    return false;
}

static int control(const char *command, const char *help, enum control_order order, int argc,
                   char **argv)
{
    char name[CAMPAIGN_NAME_MAX], who_text[CONTROL_WHO_MAX + 1];
    const char *path = NULL, *why = "", *who = NULL, *json = NULL;
    struct cli_place place = {.command = command};
    struct campaign *c;
    bool now = false;
    struct cli_option options[] = {
        {"--redis", &place.redis_url, NULL},
        {"--data", &place.data_dir, NULL},
        {"--why", &why, NULL},
        {"--who", &who, NULL},
        {"--json", &json, NULL},
        {order == ORDER_STOP ? "--now" : NULL, NULL, &now},
        {0},
    };
    int code =
        cli_read(&(struct cli_command){command, help, options, "CAMPAIGN"}, argc, argv, &path);

    if (code != CLI_GO_ON)
        return code;
    login(who_text, sizeof(who_text));
    who = who ? who : who_text;
    if (!fits(command, "--why", why, CONTROL_WHY_MAX) ||
        !fits(command, "--who", who, CONTROL_WHO_MAX) || !cli_campaign_of(command, path, &c, name))
        return EXIT_USAGE;
    log_set_level(LOG_ERROR);
    struct ordering *o = calloc(1, sizeof(*o));

    code = EXIT_FAILED;
    if (o) {
        o->command = command;
        o->campaign = name;
        o->json = json;
        if (cli_queue_connect(&o->to, &place, name))
            code = give(o, now ? ORDER_STOP_NOW : order, who, why);
        cli_queue_close(&o->to);
    }
    free(o);
    campaign_free(c);
    return code;
}

int cli_pause(int argc, char **argv)
{
    return control("pause", pause_help, ORDER_PAUSE, argc, argv);
}

int cli_resume(int argc, char **argv)
{
    return control("resume", resume_help, ORDER_RESUME, argc, argv);
}

int cli_drain(int argc, char **argv)
{
    return control("drain", drain_help, ORDER_DRAIN, argc, argv);
}

int cli_stop(int argc, char **argv)
{
    return control("stop", stop_help, ORDER_STOP, argc, argv);
}

int cli_reload(int argc, char **argv)
{
    return control("reload", reload_help, ORDER_RELOAD, argc, argv);
}
