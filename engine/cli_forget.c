/* `peal forget`: erases what is kept of one person, known by their number. */
#include "cli.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli_dnc.h"
#include "queue/forget.h"
#include "queue/ledger.h"
#include "report/erase.h"

#define CAMPAIGNS_MAX 1000
#define IDS_MAX       1000 /* of one answer */
#define REWRITE_MS    600000
#define STREAMS_MAX   16 /* of a campaign */
#define OTHERS_MAX    16 /* numbers of the same leads, told */

static const char help[] =
    "usage: peal forget NUMBER [--data DIR] [--redis URL] [--do-not-call] [--country CC]\n"
    "                   [--why TEXT] [--who NAME]\n"
    "\n"
    "Erases a person's data: leads with the number (numbers, name, fields, the records of their\n"
    "attempts) in every campaign on this Redis, its do-not-call entries, calls and locks, and in "
    "the\n"
    "data folder its call records and recordings. Counts, results and times stay; in the number's\n"
    "place, and where a lead's id holds it, stand other digits of the same length. A call that is\n"
    "under way is left alone: run it again when it is over. The change is on record (peal dnc "
    "log)\n"
    "with a hash instead of the number. May be run again, and while engines work.\n"
    "\n"
    "  --data DIR      data folder: its records, and its private redis-server\n"
    "  --redis URL     the campaigns' Redis; with --data, that folder's records as well. Of a "
    "Redis\n"
    "                  Cluster, name every node\n"
    "  --do-not-call   puts the number on the global do-not-call list afterwards\n"
    "  --country CC    of a number that has no +\n"
    "  --why, --who    for the record (who: your user's name)\n"
    "\n"
    "Entries of streams of records are deleted; Redis may keep their bytes beside their "
    "neighbours\n"
    "until those are trimmed, too.\n"
    "\n"
    "Not reached: what programs took from a stream, files that leads were imported from, backups, "
    "and\n"
    "records of other data folders.\n"
    "\n"
    "examples:\n"
    "  peal forget +12025550123 --data /var/lib/peal/spring --why \"letter of 3 March\"\n"
    "  peal forget +12025550123 --redis redis://127.0.0.1:6379 --data spring --do-not-call\n";

struct forgetting {
    struct cli_redis redis;
    const char *data_dir, *who, *why;
    char number[NUMBER_E164_MAX], other[NUMBER_E164_MAX], hash[64];
    /* the last answer, copied */
    uint32_t texts;
    char text[IDS_MAX + 8][QUEUE_ID_MAX + 1];
    bool too_long;
    char campaign[CAMPAIGNS_MAX][128];
    uint32_t campaigns;
    char others[OTHERS_MAX][QUEUE_NUMBER_MAX + 1];
    uint32_t other_count;
    uint64_t tasks, open, entries, ledger, log, streamed;
    uint64_t calls, locks;
    struct erase_stats records;
};

static void on_texts(void *arg, enum err e, const struct slice *texts, uint32_t n)
{
    struct forgetting *f = arg;

    f->texts = 0;
    for (uint32_t i = 0; e == OK && i < n; i++) {
        if (f->texts == sizeof(f->text) / sizeof(f->text[0]) ||
            slice_copy(texts[i], f->text[f->texts], sizeof(f->text[0])) != OK)
            e = ERR_TOO_LONG;
        else
            f->texts++;
    }
    cli_redis_on_done(&f->redis, e);
}

/* Names of campaigns may be longer than ids. */
static void on_campaigns(void *arg, enum err e, const struct slice *texts, uint32_t n)
{
    struct forgetting *f = arg;

    for (uint32_t i = 1; e == OK && i < n; i++) {
        uint32_t k = 0;

        while (k < f->campaigns && !slice_eq(slice_cstr(f->campaign[k]), texts[i]))
            k++;
        if (k < f->campaigns)
            continue;
        if (k == CAMPAIGNS_MAX || slice_copy(texts[i], f->campaign[k], sizeof(f->campaign[0])))
            e = ERR_TOO_LONG;
        else
            f->campaigns++;
    }
    on_texts(f, e, texts, n ? 1 : 0);
}

static bool wait_for(struct forgetting *f, enum err asked, uint32_t least)
{
    if (cli_redis_wait(&f->redis, asked) && f->texts < least)
        f->redis.ask.e = ERR_IO;
    return f->redis.ask.e == OK;
}

static struct slice digits(const struct forgetting *f)
{
    return slice_from(slice_cstr(f->number), 1);
}

/* ---- leads and the ledger ---- */

static bool find_campaigns(struct forgetting *f)
{
    char cursor[QUEUE_ID_MAX + 1] = "0";

    do {
        if (!wait_for(
                f, queue_forget_campaigns(f->redis.ask.queue, slice_cstr(cursor), on_campaigns, f),
                1))
            return false;
        strcpy(cursor, f->text[0]);
    } while (strcmp(cursor, "0") != 0);
    return true;
}

static void take_others(struct forgetting *f)
{
    for (uint32_t i = 1; i < f->texts && f->other_count < OTHERS_MAX; i++)
        slice_copy(slice_cstr(f->text[i]), f->others[f->other_count++], sizeof(f->others[0]));
}

static bool forget_task(struct forgetting *f, const char *key, const char *id)
{
    if (!wait_for(f,
                  queue_forget_task(f->redis.ask.queue, key, slice_cstr(id), digits(f),
                                    slice_cstr(f->other), on_texts, f),
                  1))
        return false;
    f->tasks += strcmp(f->text[0], "erased") == 0;
    f->open += strcmp(f->text[0], "open") == 0;
    take_others(f);
    return true;
}

static bool forget_tasks(struct forgetting *f, const char *key)
{
    static char ids[IDS_MAX + 8][QUEUE_ID_MAX + 1];
    char cursor[QUEUE_ID_MAX + 1] = "0";

    do {
        if (!wait_for(f,
                      queue_forget_find(f->redis.ask.queue, key, slice_cstr(cursor),
                                        slice_cstr(f->number), on_texts, f),
                      1))
            return false;
        uint32_t n = f->texts - 1;

        strcpy(cursor, f->text[0]);
        memcpy(ids, f->text + 1, n * sizeof(ids[0]));
        for (uint32_t i = 0; i < n; i++)
            if (!forget_task(f, key, ids[i]))
                return false;
    } while (strcmp(cursor, "0") != 0);
    return true;
}

static bool forget_bucket(struct forgetting *f, const char *key, const char *bucket)
{
    char cursor[QUEUE_ID_MAX + 1] = "0";

    do {
        if (!wait_for(f,
                      queue_forget_ledger(f->redis.ask.queue, key, slice_cstr(bucket),
                                          slice_cstr(cursor), digits(f), slice_cstr(f->other),
                                          on_texts, f),
                      2))
            return false;
        strcpy(cursor, f->text[0]);
        f->ledger += dnc_number_of(slice_cstr(f->text[1]));
    } while (strcmp(cursor, "0") != 0);
    return true;
}

static bool forget_stream(struct forgetting *f, const char *key, const char *stream)
{
    char from[QUEUE_ID_MAX + 2] = "-";

    do {
        if (!wait_for(f,
                      queue_forget_stream(f->redis.ask.queue, key, slice_cstr(stream),
                                          slice_cstr(from), digits(f), on_texts, f),
                      2))
            return false;
        f->streamed += dnc_number_of(slice_cstr(f->text[1]));
        snprintf(from, sizeof(from), "(%s", f->text[0]);
    } while (f->text[0][0]);
    return true;
}

static bool forget_streams(struct forgetting *f, const char *key)
{
    static char names[STREAMS_MAX][QUEUE_ID_MAX + 1];

    if (!wait_for(f, queue_forget_streams(f->redis.ask.queue, key, on_texts, f), 0))
        return false;
    uint32_t n = f->texts < STREAMS_MAX ? f->texts : STREAMS_MAX;

    memcpy(names, f->text, n * sizeof(names[0]));
    for (uint32_t i = 0; i < n; i++)
        if (!forget_stream(f, key, names[i]))
            return false;
    return true;
}

static int32_t buckets[LEDGER_BUCKETS_MAX];
static uint32_t bucket_count;

static void on_buckets(void *arg, enum err e, const struct slice *texts, uint32_t n)
{
    struct forgetting *f = arg;
    char text[16];

    bucket_count = 0;
    for (uint32_t i = 0; e == OK && i < n && i < LEDGER_BUCKETS_MAX; i++)
        if (slice_copy(texts[i], text, sizeof(text)) == OK)
            buckets[bucket_count++] = (int32_t)strtol(text, NULL, 10);
    cli_redis_on_done(&f->redis, e);
}

static bool forget_campaign(struct forgetting *f, const char *key)
{
    char bucket[16];

    if (!forget_tasks(f, key) ||
        !wait_for(f, queue_forget_buckets(f->redis.ask.queue, key, on_buckets, f), 0))
        return false;
    for (uint32_t i = 0; i < bucket_count; i++) {
        snprintf(bucket, sizeof(bucket), "%d", buckets[i]);
        if (!forget_bucket(f, key, bucket))
            return false;
    }
    return forget_streams(f, key);
}

/* ---- the gate, and the record of changes ---- */

static bool note(struct forgetting *f, const char *more)
{
    struct slice who = slice_cstr(f->who), why = slice_cstr(f->why);

    if (!wait_for(f,
                  queue_dnc_note_erased(f->redis.ask.queue, slice_cstr(f->number), who, why,
                                        slice_cstr(more), on_texts, f),
                  1))
        return false;
    snprintf(f->hash, sizeof(f->hash), "%s", f->text[0]);
    return true;
}

static bool forget_gate(struct forgetting *f)
{
    struct dnc_lists *lists = dnc_lists_read(&f->redis.ask);
    bool done = lists && wait_for(f,
                                  queue_dnc_erase(f->redis.ask.queue, slice_cstr(f->number),
                                                  lists->name, lists->count, on_texts, f),
                                  3);

    if (done) {
        f->entries = dnc_number_of(slice_cstr(f->text[0]));
        f->calls = dnc_number_of(slice_cstr(f->text[1]));
        f->locks = dnc_number_of(slice_cstr(f->text[2]));
    }
    free(lists);
    return done;
}

static void on_listed(void *arg, enum err e, bool changed)
{
    (void)changed;
    cli_redis_on_done(arg, e);
}

static bool keep_off(struct forgetting *f)
{
    const struct queue_dnc_entry entry = {.list = SLICE(GATE_LIST_GLOBAL),
                                          .number = slice_cstr(f->number),
                                          .who = slice_cstr(f->who)};

    return cli_redis_wait(&f->redis,
                          queue_dnc_add(f->redis.ask.queue, &entry, on_listed, &f->redis));
}

static bool forget_log(struct forgetting *f)
{
    char from[QUEUE_ID_MAX + 2] = "-";

    for (;;) {
        if (!wait_for(f,
                      queue_forget_log(f->redis.ask.queue, slice_cstr(from), slice_cstr(f->number),
                                       slice_cstr(f->hash), on_texts, f),
                      2))
            return false;
        f->log += dnc_number_of(slice_cstr(f->text[1]));
        if (!f->text[0][0])
            return true;
        snprintf(from, sizeof(from), "(%s", f->text[0]);
    }
}

static bool still_writing;

static void on_rewriting(void *arg, enum err e, bool busy)
{
    still_writing = busy;
    cli_redis_on_done(arg, e);
}

static void on_pause(struct timer *t)
{
    (void)t;
}

/* Redis' file still has what was erased, until it is written anew; a private server would stop with
 * us before that is done. */
static bool rewrite_file(struct forgetting *f)
{
    struct cli_redis *r = &f->redis;
    uint64_t until = clock_ms(r->loop.clock) + REWRITE_MS;
    struct timer pause;

    timer_init(&pause);
    if (!cli_redis_wait(r, queue_forget_rewrite(r->ask.queue, cli_redis_on_done, r)))
        return false;
    do {
        if (!cli_redis_wait(r, queue_forget_rewriting(r->ask.queue, on_rewriting, r)))
            return false;
        loop_timer(&r->loop, &pause, 50, on_pause);
        while (still_writing && timer_running(&pause))
            loop_turn(&r->loop, 50000);
        loop_timer_stop(&r->loop, &pause);
        if (clock_ms(r->loop.clock) > until)
            r->ask.e = ERR_TIMEOUT;
    } while (still_writing && r->ask.e == OK);
    return r->ask.e == OK;
}

/* As long as the digits, and no number: an x, then of the hash. */
static void make_other(struct forgetting *f)
{
    size_t n = strlen(f->number) - 1;

    f->other[0] = 'x';
    memcpy(f->other + 1, f->hash, n - 1);
    f->other[n] = '\0';
}

/* ---- the whole ---- */

static bool forget_redis(struct forgetting *f, bool keeps_off)
{
    if (!note(f, "begins"))
        return false;
    make_other(f);
    if (!find_campaigns(f))
        return false;
    for (uint32_t i = 0; i < f->campaigns; i++)
        if (!forget_campaign(f, f->campaign[i]))
            return false;
    return forget_gate(f) && (!keeps_off || keep_off(f)) && forget_log(f);
}

static void say(const struct forgetting *f, bool keeps_off)
{
    printf("%s: %llu leads erased, %llu of its do-not-call entries, %llu calls and %llu locks "
           "forgotten, %llu lines of ledgers, %llu entries of streams\n",
           f->number, (unsigned long long)f->tasks, (unsigned long long)f->entries,
           (unsigned long long)f->calls, (unsigned long long)f->locks,
           (unsigned long long)f->ledger, (unsigned long long)f->streamed);
    if (f->data_dir)
        printf("in %s: %llu call records without its digits, %llu recordings removed\n",
               f->data_dir, (unsigned long long)f->records.lines,
               (unsigned long long)f->records.recordings);
    for (uint32_t i = 0; i < f->other_count; i++)
        printf("%sits leads had %s as well", i ? ", " : "", f->others[i]);
    if (f->other_count)
        puts(": to be forgotten by itself");
    if (keeps_off)
        puts("it is on the global do-not-call list");
    else if (f->entries)
        puts("it is on no do-not-call list any more (--do-not-call puts it there)");
    printf("on record as %s\n", f->hash);
}

static int forget(struct forgetting *f, bool keeps_off)
{
    char error[RECORDS_ERROR_MAX] = "", more[DNC_MORE_MAX + 1];

    if (!forget_redis(f, keeps_off)) {
        cli_redis_complain(&f->redis, "not all is erased; run it again");
        return EXIT_FAILED;
    }
    bool whole = true;
    if (f->data_dir &&
        records_erase(f->data_dir, f->number + 1, f->other, &f->records, error) != OK) {
        fprintf(stderr, "peal forget: %s; run it again\n", error);
        whole = false;
    }
    if (f->records.stuck) {
        fprintf(stderr, "peal forget: %llu recordings could not be removed; run it again\n",
                (unsigned long long)f->records.stuck);
        whole = false;
    }
    if (f->open) {
        fprintf(
            stderr,
            "peal forget: a call to it is under way in %llu leads; run it again when it is over\n",
            (unsigned long long)f->open);
        whole = false;
    }
    snprintf(more, sizeof(more),
             "%llu leads, %llu entries, %llu calls, %llu records, %llu recordings%s",
             (unsigned long long)f->tasks, (unsigned long long)f->entries,
             (unsigned long long)f->calls, (unsigned long long)f->records.lines,
             (unsigned long long)f->records.recordings, whole ? "" : ", not all");
    if (!rewrite_file(f) || !note(f, more)) {
        cli_redis_complain(&f->redis, "it could not be put on record; run it again");
        return EXIT_FAILED;
    }
    say(f, keeps_off);
    return whole ? EXIT_DONE : EXIT_FAILED;
}

static int run(struct forgetting *f, const char *url, bool keeps_off)
{
    int code = EXIT_FAILED;

    if (f->data_dir && access(f->data_dir, R_OK | W_OK | X_OK) != 0)
        fprintf(stderr, "peal forget: there is no data folder %s that may be written\n",
                f->data_dir);
    else {
        if (cli_redis_open(&f->redis, "forget", "peal-dnc", url, f->data_dir, false))
            code = forget(f, keeps_off);
        cli_redis_close(&f->redis);
    }
    return code;
}

int cli_forget(int argc, char **argv)
{
    const struct passwd *user = getpwuid(geteuid());
    const char *number = NULL, *url = NULL, *country = NULL, *why = NULL;
    struct forgetting *f = calloc(1, sizeof(*f));
    const struct number_country *home = NULL;
    bool keeps_off = false;
    int code = EXIT_FAILED;

    if (!f)
        return EXIT_FAILED;
    f->who = user ? user->pw_name : "unknown";
    f->why = "";
    const struct cli_option options[] = {
        {"--data", &f->data_dir, NULL},
        {"--redis", &url, NULL},
        {"--do-not-call", NULL, &keeps_off},
        {"--country", &country, NULL},
        {"--why", &f->why, NULL},
        {"--who", &f->who, NULL},
        {0},
    };

    code = cli_read(&(struct cli_command){"forget", help, options, "NUMBER"}, argc, argv, &number);
    if (code == CLI_GO_ON && country && !(home = number_country_find(slice_cstr(country)))) {
        fprintf(stderr, "peal forget: --country: '%s' is not accepted; accepted: %s\n", country,
                number_country_names());
        code = EXIT_USAGE;
    }
    if (code == CLI_GO_ON && number_normalise(slice_cstr(number), home, f->number, &why) != OK) {
        fprintf(stderr, "peal forget: '%s' is no number: %s\n", number,
                !home && number[0] != '+' ? "it has no +, and no country is named (--country)"
                                          : why);
        code = EXIT_USAGE;
    }
    if (code == CLI_GO_ON && (strlen(f->who) > GATE_WHO_MAX || strlen(f->why) > GATE_WHY_MAX)) {
        fputs("peal forget: --who has 63 and --why 200 bytes at most\n", stderr);
        code = EXIT_USAGE;
    }
    log_set_level(LOG_OFF);
    if (code == CLI_GO_ON)
        code = run(f, url, keeps_off);
    free(f);
    return code;
}
