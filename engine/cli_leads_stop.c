/* `peal leads stop`: an event outside has made leads needless. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli.h"
#include "cli_leads_stop.h"
#include "cli_queue.h"
#include "queue/stop.h"

static const char help[] =
    "usage: peal leads stop CAMPAIGN ID... [--why TEXT] [--redis URL] [--data DIR]\n"
    "\n"
    "Stops leads because of an event outside, such as a parcel that was picked up: no call after\n"
    "that, wherever the lead is; one that rings or hears a message is hung up within a second. A\n"
    "conversation with an agent goes on to its end. They are finished with the status cancelled.\n"
    "CAMPAIGN is a file or a name, ID the lead's id (without one in the list, its number).\n"
    "\n"
    "  --why TEXT    kept with the lead\n"
    "  --redis URL   as in peal run\n"
    "  --data DIR    as in peal run (default: ./NAME)\n"
    "\n"
    "Exit code 1 when a lead is not known, or Redis cannot be asked.\n"
    "\n"
    "examples:\n"
    "  peal leads stop parcels.yaml 10017 10018 --why \"picked up\" --redis "
    "redis://127.0.0.1:6379\n";

struct stopping {
    struct cli_queue to; /* first: callbacks lead here */
    enum queue_stopped what;
};

static void on_stopped(void *arg, enum err e, enum queue_stopped what)
{
    struct stopping *s = arg;

    ask_on_done(&s->to.ask, e);
    s->what = what;
}

static int stop_one(struct stopping *s, const char *id, const char *why)
{
    static const char *const says[] = {
        [STOP_UNKNOWN] = "there is no such lead",
        [STOP_DONE] = "was finished already",
        [STOP_FINISHED] = "is stopped",
        [STOP_IN_THE_AIR] = "is stopped; its call is being ended",
    };

    if (!ask_wait(&s->to.ask,
                  queue_stop(s->to.ask.queue, slice_cstr(id), slice_cstr(why), on_stopped, s)))
        return cli_queue_failed(&s->to, "the lead could not be stopped");
    printf("%s: %s\n", id, says[s->what]);
    return s->what == STOP_UNKNOWN ? EXIT_FAILED : EXIT_DONE;
}

static int stop_all(int argc, char **argv, const char *campaign, const struct cli_place *place,
                    const char *why)
{
    char name[CAMPAIGN_NAME_MAX];
    struct campaign *c = NULL;
    struct stopping s;
    int code = EXIT_DONE;

    if (!cli_campaign_of("leads", campaign, &c, name))
        return EXIT_USAGE;
    log_set_level(LOG_WARN);
    if (!cli_queue_connect(&s.to, place, name))
        code = EXIT_FAILED;
    for (int i = 0; i < argc && (code == EXIT_DONE || s.to.ask.e == OK); i++) {
        int one = stop_one(&s, argv[i], why);

        code = one != EXIT_DONE ? one : code;
    }
    cli_queue_close(&s.to);
    campaign_free(c);
    return code;
}

int cli_leads_stop(int argc, char **argv)
{
    struct cli_place place = {.command = "leads"};
    const char *campaign = NULL, *why = "";
    int ids = 0;

    for (int i = 1; i < argc; i++) {
        const char **value = strcmp(argv[i], "--redis") == 0  ? &place.redis_url
                             : strcmp(argv[i], "--data") == 0 ? &place.data_dir
                             : strcmp(argv[i], "--why") == 0  ? &why
                                                              : NULL;

        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(help, stdout);
            return EXIT_DONE;
        }
        if (value) {
            if (i + 1 == argc)
                return cli_missing("leads stop", argv[i]);
            *value = argv[++i];
        } else if (argv[i][0] == '-') {
            return cli_unknown("leads stop", argv[i]);
        } else if (!campaign) {
            campaign = argv[i];
        } else {
            argv[ids++] = argv[i]; /* behind what has been read */
        }
    }
    if (!campaign || ids == 0 || strlen(why) > STOP_WHY_MAX) {
        fprintf(stderr, "peal leads stop: %s; see peal leads stop --help\n",
                !campaign ? "CAMPAIGN is missing"
                : !ids    ? "ID is missing"
                          : "--why is too long");
        return EXIT_USAGE;
    }
    return stop_all(ids, argv, campaign, &place, why);
}
