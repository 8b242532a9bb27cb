/* `peal pause`, `resume`, `drain`, `stop` and `reload`: an order to all engines of a campaign, kept
 * in Redis with who gave it, when and why; and what each engine made of it. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli.h"
#include "cli_queue.h"
#include "queue/control.h"

#define FOLLOW_MS 5000 /* engines look four times a second */

#define OPTIONS                                                                                    \
    "\n"                                                                                           \
    "  --why TEXT     kept with the order, and shown to everybody\n"                               \
    "  --who NAME      who orders it (default: your login name)\n"                                 \
    "  --redis URL    as in peal run\n"                                                            \
    "  --data DIR     as in peal run (default: ./NAME)\n"                                          \
    "\n"                                                                                           \
    "CAMPAIGN is a campaign file, or the campaign's name. Exit code 1 when it cannot be done, "    \
    "or\n"                                                                                         \
    "when an engine does not follow within five seconds.\n"                                        \
    "\n"

static const char pause_help[] =
    "usage: peal pause CAMPAIGN [--why TEXT] [--who NAME] [--redis URL] [--data DIR]\n"
    "\n"
    "No new calls of this campaign, on any engine; live ones go on, and agents stay. When this\n"
    "returns, no further attempt can be made until peal resume.\n" OPTIONS "examples:\n"
    "  peal pause spring.yaml --why \"the shop's stock is being counted\"\n"
    "  peal pause spring --redis redis://127.0.0.1:6379\n";

static const char resume_help[] =
    "usage: peal resume CAMPAIGN [--why TEXT] [--who NAME] [--redis URL] [--data DIR]\n"
    "\n"
    "Lets a paused campaign go on, and engines of a stopped one be started again.\n" OPTIONS
    "example:\n"
    "  peal resume spring.yaml\n";

static const char drain_help[] =
    "usage: peal drain CAMPAIGN [--why TEXT] [--who NAME] [--redis URL] [--data DIR]\n"
    "\n"
    "No new calls; live ones go on to their end, whatever the campaign's drain says; then the\n"
    "engines end. The last one to leave makes the campaign stopped. Leads stay queued.\n" OPTIONS
    "example:\n"
    "  peal drain spring.yaml --why \"end of shift\"\n";

static const char stop_help[] =
    "usage: peal stop CAMPAIGN [--now] [--why TEXT] [--who NAME] [--redis URL] [--data DIR]\n"
    "\n"
    "No new calls, and the engines end in order: live calls end as the campaign's drain says.\n"
    "peal run is refused until peal resume. Leads stay queued.\n"
    "\n"
    "  --now          live calls are hung up\n" OPTIONS "examples:\n"
    "  peal stop spring.yaml\n"
    "  peal stop spring.yaml --now --why \"wrong offer\"\n";

static const char reload_help[] =
    "usage: peal reload CAMPAIGN [--why TEXT] [--who NAME] [--redis URL] [--data DIR]\n"
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
    const char *command, *campaign;
    enum control_answer answer;
    struct queue_control now;
    struct queue_engine_told engine[QUEUE_ENGINES_MAX];
    uint32_t engines;
    bool waiting;
};

static void on_ordered(void *arg, enum err e, enum control_answer a, const struct queue_control *c)
{
    struct ordering *o = arg;

    ask_on_done(&o->to.ask, e);
    o->answer = a;
    o->now = *c;
}

static void on_engines(void *arg, enum err e, const struct queue_engine_told *engine, uint32_t n,
                       uint64_t now_wall_ms)
{
    struct ordering *o = arg;

    (void)now_wall_ms;
    ask_on_done(&o->to.ask, e);
    o->engines = 0;
    o->waiting = false;
    for (uint32_t i = 0; i < n; i++) {
        if (engine[i].gone)
            continue;
        o->engine[o->engines++] = engine[i];
        o->waiting = o->waiting || engine[i].version < o->now.version;
    }
}

/* Engines that end may be gone before they are asked; who is there has told, or not. */
static bool hear_engines(struct ordering *o)
{
    uint64_t until = clock_ms(o->to.loop.clock) + FOLLOW_MS;

    for (;;) {
        if (!ask_wait(&o->to.ask, queue_engines(o->to.ask.queue, on_engines, o)))
            return false;
        if (!o->waiting || clock_ms(o->to.loop.clock) > until)
            return true;
        for (int i = 0; i < 20; i++)
            loop_turn(&o->to.loop, 5000);
    }
}

static int say_engines(const struct ordering *o)
{
    int code = EXIT_DONE;

    if (o->engines == 0)
        puts("No engine works on it now.");
    for (uint32_t i = 0; i < o->engines; i++) {
        const struct queue_engine_told *t = &o->engine[i];

        if (t->version >= o->now.version)
            printf("  %s: %s\n", t->name, t->sentence);
        else
            printf("  %s: has not answered within five seconds\n", t->name);
        if (t->version < o->now.version || !t->followed)
            code = EXIT_FAILED;
    }
    return code;
}

static void say_state(const struct ordering *o)
{
    char since[32];

    clock_format_utc(o->now.since_wall_ms, since, sizeof(since));
    printf("%s is %s", o->campaign, control_state_name(o->now.state));
    if (o->now.since_wall_ms)
        printf(" since %s, by %s%s%s", since, o->now.who, o->now.why[0] ? ": " : "", o->now.why);
    puts(".");
}

static int give(struct ordering *o, enum control_order order, const char *who, const char *why)
{
    if (!ask_wait(&o->to.ask, queue_control_order(o->to.ask.queue, order, slice_cstr(who),
                                                    slice_cstr(why), on_ordered, o)))
        return cli_queue_failed(&o->to, "the order could not be given");
    if (o->answer == CONTROL_REFUSED) {
        fprintf(stderr,
                "peal %s: %s is %s, by %s: its engines end or have ended; peal resume "
                "lets it run again\n",
                o->command, o->campaign, control_state_name(o->now.state), o->now.who);
        return EXIT_FAILED;
    }
    if (o->answer == CONTROL_ALREADY) {
        say_state(o);
        puts("It was so already: nothing has changed.");
        return EXIT_DONE;
    }
    if (order == ORDER_RELOAD)
        printf("%s: its engines read their campaign files again.\n", o->campaign);
    else
        say_state(o);
    if (!hear_engines(o))
        return cli_queue_failed(&o->to, "the order is given, but engines could not be asked");
    return say_engines(o);
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
    bool plain = true;

    for (const char *p = text; *p; p++)
        plain = plain && (unsigned char)*p >= 0x20;
    if (plain && strlen(text) <= most)
        return true;
    fprintf(stderr, "peal %s: %s: at most %zu bytes on one line are accepted\n", command, option,
            most);
    return false;
}

static int control(const char *command, const char *help, enum control_order order, int argc,
                   char **argv)
{
    char name[CAMPAIGN_NAME_MAX], who_text[CONTROL_WHO_MAX + 1];
    const char *path = NULL, *why = "", *who = NULL;
    struct cli_place place = {.command = command};
    struct campaign *c;
    bool now = false;
    struct cli_option options[] = {
        {"--redis", &place.redis_url, NULL},
        {"--data", &place.data_dir, NULL},
        {"--why", &why, NULL},
        {"--who", &who, NULL},
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
