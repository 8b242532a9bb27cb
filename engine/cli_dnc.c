/* `peal dnc`: the lists of numbers that must not be called, and our own. */
#include "cli.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli_dnc.h"

#define LOG_LAST 20

static const char help[] =
    "usage: peal dnc add NUMBER|PREFIX* … --list LIST [--why TEXT] [--who NAME] [--until INSTANT]\n"
    "       peal dnc remove NUMBER|PREFIX* … --list LIST [--why TEXT] [--who NAME]\n"
    "       peal dnc import FILE --list LIST [--why TEXT] [--who NAME] [--until INSTANT]\n"
    "                       [--country CC] [--rejects FILE] [--remove]\n"
    "       peal dnc check NUMBER …\n"
    "       peal dnc list\n"
    "       peal dnc log [--last N]\n"
    "\n"
    "Keeps the lists that every engine on this Redis asks before each call. An entry holds within "
    "a\n"
    "second, also for leads that wait or are claimed; a call that rings is hung up. Leads on a "
    "list\n"
    "get the result dnc, those on the list of own numbers own_number, and no attempt is charged.\n"
    "\n"
    "LIST is one of\n"
    "  global            for all campaigns and channels\n"
    "  campaign NAME     for one campaign\n"
    "  channel NAME      phone, text or mail; peal dials only telephones\n"
    "  own               the company's numbers and its people's\n"
    "\n"
    "  --redis URL       redis://[:PASSWORD@]HOST:PORT[/DB] or unix:/PATH\n"
    "  --data DIR        instead: the data folder of a campaign with its private redis-server\n"
    "  --why, --who      kept with the entry and in the record of changes (who: your user's name)\n"
    "  --until INSTANT   2026-12-31 (through that day, UTC) or 2026-12-31T18:00Z; default: for "
    "good\n"
    "  --country CC      of numbers that have no +, as in us, gb, si\n"
    "  --rejects FILE    where import puts rows that hold no number, with the reason (default:\n"
    "                    dnc-rejected.csv in the data folder, or here)\n"
    "  --remove          import: takes the file's numbers off the list\n"
    "  --last N          log: the latest N changes (default: 20)\n"
    "\n"
    "FILE has a number a line, or is CSV with a column named number or phone. check tells every "
    "list\n"
    "that holds a number, since when, by whom and why, and whether it is locked.\n"
    "\n"
    "examples:\n"
    "  peal dnc add +12025550123 --list global --why \"asked by letter\" --data spring\n"
    "  peal dnc add '+1900*' --list global --redis redis://127.0.0.1:6379\n"
    "  peal dnc add +38600100100 --list own --data spring\n"
    "  peal dnc import register.csv --list channel phone --country us --why \"register of March\" "
    "\\\n"
    "      --data spring\n"
    "  peal dnc check +12025550123 --data spring\n";

/* ---- words ---- */

static int wrong(const char *what, const char *value, const char *accepted)
{
    fprintf(stderr, "peal dnc: %s: '%s' is not accepted; accepted: %s\n", what, value, accepted);
    return EXIT_USAGE;
}

static int say(const char *what, const char *says)
{
    fprintf(stderr, "peal dnc: %s%s%s\n", what, what[0] ? ": " : "", says);
    return EXIT_USAGE;
}

/* --list and what follows it: one word, or two. */
static int take_list(struct dnc_words *w, int argc, char **argv, int *i)
{
    const char *word = *i + 1 < argc ? argv[++*i] : "";
    bool two = strcmp(word, "campaign") == 0 || strcmp(word, "channel") == 0;
    char text[256], says[DNC_SAYS_MAX];

    snprintf(text, sizeof(text), "%s%s%s", word, two ? " " : "",
             two && *i + 1 < argc ? argv[++*i] : "");
    return dnc_read_list(slice_cstr(text), w->list, says) == OK ? CLI_GO_ON : say("--list", says);
}

static int take_until(struct dnc_words *w, const char *text)
{
    char says[DNC_SAYS_MAX];

    return dnc_read_until(slice_cstr(text), &w->until_wall_ms, says) == OK ? CLI_GO_ON
                                                                           : say("--until", says);
}

static int take_value(struct dnc_words *w, const char *option, const char *value)
{
    if (strcmp(option, "--until") == 0)
        return take_until(w, value);
    if (strcmp(option, "--country") == 0) {
        w->home = number_country_find(slice_cstr(value));
        return w->home ? CLI_GO_ON : wrong(option, value, number_country_names());
    }
    if (slice_u32(slice_cstr(value), &w->last) != OK || w->last == 0 || w->last > DNC_READ_MAX)
        return wrong(option, value, "1 to 1000");
    return CLI_GO_ON;
}

static int read_words(struct dnc_words *w, int argc, char **argv)
{
    const struct {
        const char *name, **text;
    } texts[] = {{"--redis", &w->redis_url},
                 {"--data", &w->data_dir},
                 {"--why", &w->why},
                 {"--who", &w->who},
                 {"--rejects", &w->rejects}};
    static const char *const values[] = {"--until", "--country", "--last"};

    for (int i = 2; i < argc; i++) {
        const char **text = NULL, *value = NULL;
        int code = CLI_GO_ON;

        for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++)
            if (strcmp(argv[i], texts[k].name) == 0)
                text = texts[k].text;
        for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++)
            if (strcmp(argv[i], values[k]) == 0)
                value = values[k];
        if ((text || value) && i + 1 == argc)
            return cli_missing("dnc", argv[i]);
        if (text)
            *text = argv[++i];
        else if (value)
            code = take_value(w, value, argv[++i]);
        else if (strcmp(argv[i], "--list") == 0)
            code = take_list(w, argc, argv, &i);
        else if (strcmp(argv[i], "--remove") == 0)
            w->removes = true;
        else if (argv[i][0] == '-')
            code = cli_unknown("dnc", argv[i]);
        else
            w->numbers[w->number_count++] = argv[i];
        if (code != CLI_GO_ON)
            return code;
    }
    return CLI_GO_ON;
}

static const char *user_name(void)
{
    const struct passwd *p = getpwuid(geteuid());

    return p ? p->pw_name : "unknown";
}

/* ---- adding and removing ---- */

static int entry_of(const struct dnc_words *w, const char *text, char digits[NUMBER_E164_MAX],
                    struct queue_dnc_entry *out)
{
    char says[DNC_SAYS_MAX + 16];

    *out = (struct queue_dnc_entry){.list = slice_cstr(w->list),
                                    .until_wall_ms = w->until_wall_ms,
                                    .who = slice_cstr(w->who),
                                    .why = slice_cstr(w->why)};
    if (dnc_read_number(slice_cstr(text), w->home, digits, out, says) == OK)
        return CLI_GO_ON;
    if (!w->home && !out->prefix && text[0] != '+')
        strcat(says, " (--country)");
    return say("", says);
}

/* All are read before the first is changed. */
static int read_numbers(const struct dnc_words *w)
{
    struct queue_dnc_entry entry;
    char digits[NUMBER_E164_MAX];

    for (uint32_t i = 0; i < w->number_count; i++) {
        int code = entry_of(w, w->numbers[i], digits, &entry);

        if (code != CLI_GO_ON)
            return code;
    }
    return CLI_GO_ON;
}

static int change(struct cli_redis *r, const struct dnc_words *w, bool adds)
{
    for (uint32_t i = 0; i < w->number_count; i++) {
        struct queue_dnc_entry entry;
        char digits[NUMBER_E164_MAX], list[128];
        bool changed;

        entry_of(w, w->numbers[i], digits, &entry);
        gate_list_words(entry.list, list, sizeof(list));
        if (!dnc_change(&r->ask, &entry, adds, &changed)) {
            if (r->ask.e == ERR_FULL)
                fprintf(stderr,
                        "peal dnc: %s takes no more: a list has %d prefixes at most, and "
                        "there are %d lists at most\n",
                        list, DNC_PREFIXES_MAX, DNC_LISTS_MAX);
            else
                cli_redis_complain(r, "the list could not be changed; run it again");
            return EXIT_FAILED;
        }
        printf("%s %s %s\n", w->numbers[i],
               adds ? (changed ? "is now on" : "was already on")
                    : (changed ? "is off" : "was not on"),
               list);
    }
    return EXIT_DONE;
}

/* ---- the command ---- */

enum verb { ADD, REMOVE, IMPORT, CHECK, LIST, LOG, VERBS };

static const struct {
    const char *name;
    bool list, numbers, makes; /* needs a list, needs numbers; may begin a data folder */
} verbs[VERBS] = {{"add", true, true, true},     {"remove", true, true, false},
                  {"import", true, true, true},  {"check", false, true, false},
                  {"list", false, false, false}, {"log", false, false, false}};

static int act(struct cli_redis *r, struct dnc_words *w, enum verb verb)
{
    switch (verb) {
    case ADD:
    case REMOVE:
        return change(r, w, verb == ADD);
    case IMPORT:
        return dnc_import(r, w);
    case CHECK:
        return dnc_check(r, w);
    case LIST:
        return dnc_list(r);
    default:
        return dnc_log(r, w);
    }
}

static int check_words(const struct dnc_words *w, enum verb verb)
{
    if (verbs[verb].list && !w->list[0]) {
        fprintf(stderr,
                "peal dnc: which list? --list global, own, campaign NAME or channel NAME\n");
        return EXIT_USAGE;
    }
    if (verbs[verb].numbers != (w->number_count > 0) || (verb == IMPORT && w->number_count != 1)) {
        fprintf(stderr, "peal dnc %s: it takes %s; see peal dnc --help\n", verbs[verb].name,
                verb == IMPORT        ? "one file"
                : verbs[verb].numbers ? "numbers"
                                      : "no number");
        return EXIT_USAGE;
    }
    if (strlen(w->who) > GATE_WHO_MAX || strlen(w->why) > GATE_WHY_MAX)
        return wrong("--who, --why", w->why, "63 and 200 bytes at most");
    return verb == IMPORT ? CLI_GO_ON : read_numbers(w);
}

static int run(struct dnc_words *w, enum verb verb)
{
    struct cli_redis r;
    int code = check_words(w, verb);

    if (code != CLI_GO_ON)
        return code;
    code = EXIT_FAILED;
    if (cli_redis_open(&r, "dnc", "peal-dnc", w->redis_url, w->data_dir, verbs[verb].makes))
        code = act(&r, w, verb);
    cli_redis_close(&r);
    return code;
}

int cli_dnc(int argc, char **argv)
{
    struct dnc_words w = {.who = user_name(), .why = "", .last = LOG_LAST};
    enum verb verb = ADD;

    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(help, stdout);
            return EXIT_DONE;
        }
    while (argc > 1 && verb < VERBS && strcmp(argv[1], verbs[verb].name) != 0)
        verb++;
    if (argc < 2 || verb == VERBS) {
        if (argc < 2)
            fputs(help, stderr);
        return argc < 2 ? EXIT_USAGE
                        : wrong("dnc", argv[1], "add, remove, import, check, list, log");
    }
    log_set_level(LOG_OFF);
    w.numbers = calloc((size_t)argc, sizeof(*w.numbers));
    int code = w.numbers ? read_words(&w, argc, argv) : EXIT_FAILED;
    if (code == CLI_GO_ON)
        code = run(&w, verb);
    free(w.numbers);
    return code;
}
