/* `peal leads import`: lists into a campaign's queue, before it runs or while it does. */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "campaign/lists.h"
#include "cli.h"
#include "cli_leads_stop.h"
#include "cli_queue.h"
#include "dialer/import.h"

#define FILES_MAX 256

static const char help[] =
    "usage: peal leads import CAMPAIGN.yaml FILE... [--update] [--unique-numbers]\n"
    "                         [--list NAME] [--rejects FILE] [--redis URL] [--data DIR] [--quiet]\n"
    "\n"
    "Puts the leads of CSV files (a header names the columns) or JSON Lines (.jsonl, .ndjson: one\n"
    "object a line) into the campaign's queue; - reads standard input, either of both. A running\n"
    "campaign dials them at once. Importing again adds nothing: a lead is known by its id "
    "(without\n"
    "one, by its number), so an import that was cut off is just started again.\n"
    "\n"
    "JSON Lines on standard input may go on for as long as their writer likes: each line is taken\n"
    "as it comes and answered on standard output when Redis has it, in order,\n"
    "  {\"line\":1,\"id\":\"a\",\"state\":\"new\"}\n"
    "with the states new, changed, known, rejected (with \"why\") and failed (Redis refuses it); "
    "a\n"
    "lead that is there but cannot be dialled has a \"why\", too. While Redis is away nothing is\n"
    "read and the writer waits. A line without an answer is to be sent again. The summary goes to\n"
    "standard error.\n"
    "\n"
    "Columns: number (or phone), number2 ... number8, number_mobile (_home, _work, _fixed, _voip,\n"
    "_other), kind, kind2 ..., id, name, zone (Europe/Ljubljana; several: A|B), priority (higher\n"
    "first), expires (2026-12-31, or 2026-12-31T18:00:00+01:00), call_back (not before; the same\n"
    "forms, on the campaign's clock without an offset); any other is a custom field. JSON\n"
    "may have \"numbers\": [\"+1...\", {\"number\": \"+1...\", \"kind\": \"work\"}]. Numbers are\n"
    "checked by their country's numbering plan; without a zone, the number's prefix tells it.\n"
    "\n"
    "  --update           leads that are there already get the file's numbers, name, zone, "
    "fields,\n"
    "                     expiry and priority; their attempts and state stay. A call_back moves a\n"
    "                     lead that waits to that time, and opens a finished one again, with all\n"
    "                     of its attempts; one that is past moves only who still waits for the\n"
    "                     call_back told before, so a list may be imported again\n"
    "  --unique-numbers   leave out a lead with a number that another lead has\n"
    "  --list NAME        the leads are of that list of the campaign, where no column `list` says\n"
    "                     otherwise (default: the list whose file it is)\n"
    "  --rejects FILE     rows that cannot be dialled, with line and reason (default:\n"
    "                     FILE.rejected.csv beside each file; none when lines are answered)\n"
    "  --redis URL        as in peal run\n"
    "  --data DIR         as in peal run (default: ./NAME); made when it is not there\n"
    "  --quiet            say nothing when all is well\n"
    "\n"
    "Exit code 1 when not all of it could be read and stored; bad rows alone are no failure.\n"
    "\n"
    "examples:\n"
    "  peal leads import spring.yaml march.csv april.jsonl --redis redis://127.0.0.1:6379\n"
    "  export-leads | peal leads import spring.yaml - --update --data /var/lib/peal/spring\n"
    "  web-form-leads | peal leads import spring.yaml - --redis URL | note-what-became-of-them\n";

static _Atomic uint32_t stopped;

static void on_signal(int number)
{
    (void)number;
    atomic_store(&stopped, 1);
}

struct words {
    const char *campaign, *files[FILES_MAX];
    uint32_t file_count;
    const char *redis, *data, *rejects, *list;
    bool update, unique, quiet;
};

static int read_words(struct words *w, int argc, char **argv)
{
    const struct cli_option options[] = {
        {"--redis", &w->redis, NULL},           {"--data", &w->data, NULL},
        {"--rejects", &w->rejects, NULL},       {"--list", &w->list, NULL},
        {"--update", NULL, &w->update},         {"--quiet", NULL, &w->quiet},
        {"--unique-numbers", NULL, &w->unique}, {0}};

    for (int i = 1; i < argc; i++) {
        const struct cli_option *o = options;

        while (o->name && strcmp(o->name, argv[i]) != 0)
            o++;
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(help, stdout);
            return EXIT_DONE;
        }
        if (o->name && o->flag) {
            *o->flag = true;
        } else if (o->name) {
            if (i + 1 == argc)
                return cli_missing("leads", argv[i]);
            *o->value = argv[++i];
        } else if (argv[i][0] == '-' && argv[i][1]) {
            return cli_unknown("leads", argv[i]);
        } else if (!w->campaign) {
            w->campaign = argv[i];
        } else if (w->file_count == FILES_MAX) {
            fprintf(stderr, "peal leads: more than %u files; import them in parts\n", FILES_MAX);
            return EXIT_USAGE;
        } else {
            w->files[w->file_count++] = argv[i];
        }
    }
    if (w->campaign && w->file_count)
        return CLI_GO_ON;
    fprintf(stderr, "peal leads: %s is missing; see peal leads --help\n",
            w->campaign ? "FILE" : "CAMPAIGN.yaml");
    return EXIT_USAGE;
}

/* The one that was named, else the one whose file it is in the campaign. */
static const struct campaign_list *list_of_file(const struct words *w, const struct campaign *c,
                                                const char *path)
{
    struct stat a, b;

    if (w->list)
        return campaign_list_find(c, slice_cstr(w->list));
    for (uint32_t i = 0; i < c->list_count; i++)
        if (c->lists[i].file[0] && stat(path, &a) == 0 && stat(c->lists[i].file, &b) == 0 &&
            a.st_dev == b.st_dev && a.st_ino == b.st_ino)
            return &c->lists[i];
    return NULL;
}

static int import(const struct words *w, const struct campaign *c, struct cli_queue *q)
{
    char error[IMPORT_ERROR_MAX] = "";
    const struct campaign_list *lists[FILES_MAX];
    struct import_result r;
    struct import_config config = {
        .loop = &q->loop,
        .queue = q->ask.queue,
        .campaign = c,
        .paths = w->files,
        .path_count = w->file_count,
        .lists = lists,
        .rejects_path = w->rejects,
        .updates = w->update,
        .by_number = w->unique,
        .shows_progress = !w->quiet && isatty(STDERR_FILENO),
        .stop_asked = &stopped,
        .answers = stdout,
    };

    for (uint32_t i = 0; i < w->file_count; i++)
        lists[i] = list_of_file(w, c, w->files[i]);
    if (zone_cache_open(&config.zones) != OK) {
        fputs("peal leads: no memory\n", stderr);
        return EXIT_FAILED;
    }
    enum err e = import_files(&config, &r, error);

    zone_cache_close(config.zones);
    if (e == ERR_CANCELLED)
        fputs("peal leads: stopped; what was taken stays, and importing again brings the rest\n",
              stderr);
    else if (e != OK)
        fprintf(stderr, "peal leads: %s\n", error[0] ? error : err_name(e));
    if (!w->quiet || e != OK)
        import_say(&r, r.fed ? stderr : stdout);
    return e == OK ? EXIT_DONE : EXIT_FAILED;
}

int cli_leads(int argc, char **argv)
{
    char error[CAMPAIGN_ERROR_MAX] = "";
    struct words w = {0};
    struct cli_queue q;
    struct campaign *c;

    if (argc > 1 && strcmp(argv[1], "stop") == 0)
        return cli_leads_stop(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "import") == 0) {
        argc--;
        argv++;
    } else if (argc < 2 || (strcmp(argv[1], "--help") != 0 && strcmp(argv[1], "-h") != 0)) {
        fputs(
            "peal leads: say what to do: peal leads import CAMPAIGN.yaml FILE, or peal leads stop "
            "CAMPAIGN ID\n",
            stderr);
        return EXIT_USAGE;
    }
    int code = read_words(&w, argc, argv);

    if (code != CLI_GO_ON)
        return code;
    if (campaign_load(&c, w.campaign, error) != OK) {
        fprintf(stderr, "peal leads: %s\n", error);
        return EXIT_USAGE;
    }
    if (w.list && !campaign_list_find(c, slice_cstr(w.list))) {
        fprintf(stderr, "peal leads: %s has no list '%s' (lists: - { name: %s })\n", w.campaign,
                w.list, w.list);
        campaign_free(c);
        return EXIT_USAGE;
    }
    log_set_level(LOG_WARN);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    signal(SIGPIPE, SIG_IGN);
    if (!w.redis) /* a list may come before the first run */
        mkdir(w.data ? w.data : c->name, 0777);
    const struct cli_place place = {"leads", w.redis, w.data};

    code = cli_queue_connect(&q, &place, c->name) ? import(&w, c, &q) : EXIT_FAILED;
    cli_queue_close(&q);
    campaign_free(c);
    return code;
}
