/* What the lists say: of one number, of themselves, and who changed them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "cli_dnc.h"

void dnc_instant(uint64_t wall_ms, char dst[32])
{
    time_t t = (time_t)(wall_ms / 1000);
    struct tm tm;

    gmtime_r(&t, &tm);
    strftime(dst, 32, "%Y-%m-%d %H:%M:%S UTC", &tm);
}

uint64_t dnc_number_of(struct slice text)
{
    uint64_t n = 0;

    return slice_u64(text, UINT64_MAX, &n) == OK ? n : 0;
}

/* ---- texts that are kept ---- */

struct kept {
    struct cli_redis *redis;
    uint32_t n;
    char **text;
};

static void keep_free(struct kept *k)
{
    for (uint32_t i = 0; i < k->n; i++)
        free(k->text[i]);
    free(k->text);
    *k = (struct kept){.redis = k->redis};
}

static void on_texts(void *arg, enum err e, const struct slice *texts, uint32_t n)
{
    struct kept *k = arg;

    if (e == OK && !(k->text = calloc(n + 1, sizeof(*k->text))))
        e = ERR_NOMEM;
    for (uint32_t i = 0; e == OK && i < n; i++) {
        k->text[i] = strndup(texts[i].p ? texts[i].p : "", texts[i].len);
        if (!k->text[i])
            e = ERR_NOMEM;
        else
            k->n = i + 1;
    }
    cli_redis_on_done(k->redis, e);
}

/* ---- check ---- */

static void say_holder(const struct dnc_holder *h)
{
    char words[128], when[32];

    gate_list_words(slice_cstr(h->list), words, sizeof(words));
    printf("  is on %s", words);
    if (h->import)
        printf(" by import %u", h->import);
    if (h->prefix[0])
        printf(" by the prefix %s*", h->prefix);
    dnc_instant(h->since_wall_ms, when);
    printf(" since %s", when);
    if (h->until_wall_ms) {
        dnc_instant(h->until_wall_ms, when);
        printf(" until %s", when);
    }
    if (h->import)
        printf(" of %s", h->file);
    printf(", by %s%s%s\n", h->who, h->why[0] ? ": " : "", h->why);
}

static bool check_one(struct cli_redis *r, const char *number)
{
    struct dnc_found *f = dnc_look_up(&r->ask, number);
    char when[32];

    if (!f) {
        cli_redis_complain(r, "the number could not be looked for");
        return false;
    }
    printf("%s\n", number);
    for (uint32_t i = 0; i < f->holders; i++)
        say_holder(&f->holder[i]);
    if (f->holders == 0)
        puts("  is on no list");
    if (f->locked_until_wall_ms) {
        dnc_instant(f->locked_until_wall_ms, when);
        printf("  is locked until %s: %s\n", when, f->locked_why);
    }
    printf("  was called %llu times in the last 35 days\n", (unsigned long long)f->calls);
    free(f);
    return true;
}

int dnc_check(struct cli_redis *r, const struct dnc_words *w)
{
    char number[NUMBER_E164_MAX];
    bool good = true;

    for (uint32_t i = 0; good && i < w->number_count; i++)
        good = number_normalise(slice_cstr(w->numbers[i]), w->home, number, NULL) == OK &&
               check_one(r, number);
    return good ? EXIT_DONE : EXIT_FAILED;
}

/* ---- list ---- */

struct counting {
    struct cli_redis *redis;
    uint32_t waiting;
    enum err e;
    uint64_t count[DNC_LISTS_MAX];
};

static void on_counts(void *arg, enum err e, const struct slice *texts, uint32_t n)
{
    struct counting *c = arg;

    for (uint32_t i = 0; i < n && i < DNC_LISTS_MAX; i++)
        c->count[i] += dnc_number_of(texts[i]);
    if (e != OK)
        c->e = e;
    if (--c->waiting == 0)
        cli_redis_on_done(c->redis, c->e);
}

/* All tags at once. */
static bool count_numbers(struct counting *c, const struct dnc_lists *lists)
{
    enum err e = OK;

    c->waiting = 1;
    for (uint32_t tag = 0; tag < GATE_TAGS && e == OK; tag++) {
        e = queue_dnc_counts(c->redis->ask.queue, tag, lists->name, lists->count, on_counts, c);
        c->waiting += e == OK;
    }
    on_counts(c, e, NULL, 0);
    return cli_redis_wait(c->redis, OK);
}

int dnc_list(struct cli_redis *r)
{
    struct dnc_lists *lists = dnc_lists_read(&r->ask);
    struct counting *c = calloc(1, sizeof(*c));
    struct kept prefixes = {.redis = r};
    int code = EXIT_FAILED;

    if (!lists)
        cli_redis_complain(r, "the lists cannot be read");
    if (lists && c) {
        c->redis = r;
        if (count_numbers(c, lists) &&
            cli_redis_wait(r, queue_dnc_prefix_counts(r->ask.queue, lists->name, lists->count,
                                                      on_texts, &prefixes)) &&
            prefixes.n == lists->count)
            code = EXIT_DONE;
        else
            cli_redis_complain(r, "the lists cannot be counted");
    }
    if (code == EXIT_DONE)
        printf("%-60s %12s %9s\n", "list", "numbers", "prefixes");
    for (uint32_t i = 0; code == EXIT_DONE && i < lists->count; i++) {
        char words[128];

        gate_list_words(lists->name[i], words, sizeof(words));
        printf("%-60s %12llu %9s\n", words, (unsigned long long)c->count[i], prefixes.text[i]);
    }
    keep_free(&prefixes);
    free(c);
    free(lists);
    return code;
}

/* ---- log ---- */

int dnc_log(struct cli_redis *r, const struct dnc_words *w)
{
    enum { AT, WHAT, LIST, NUMBER, WHO, WHY, UNTIL, MORE, FIELDS };
    struct kept k = {.redis = r};

    if (!cli_redis_wait(r, queue_dnc_log(r->ask.queue, w->last, on_texts, &k)) || k.n < 2 ||
        (k.n - 2) % FIELDS) {
        cli_redis_complain(r, "the record of changes cannot be read");
        keep_free(&k);
        return EXIT_FAILED;
    }
    for (uint32_t i = k.n; i > 2; i -= FIELDS) { /* the latest last */
        char *const *f = k.text + i - FIELDS;
        char at[32], until[32] = "";

        dnc_instant(dnc_number_of(slice_cstr(f[AT])), at);
        if (dnc_number_of(slice_cstr(f[UNTIL])))
            dnc_instant(dnc_number_of(slice_cstr(f[UNTIL])), until);
        printf("%s  %-6s %-12s %s  by %s%s%s%s%s%s%s%s\n", at, f[WHAT], f[LIST], f[NUMBER], f[WHO],
               f[WHY][0] ? ": " : "", f[WHY], until[0] ? "  until " : "", until,
               f[MORE][0] ? "  (" : "", f[MORE], f[MORE][0] ? ")" : "");
    }
    printf("%s of %s changes are kept, %u shown\n", k.text[1], k.text[0], (k.n - 2) / FIELDS);
    keep_free(&k);
    return EXIT_DONE;
}
