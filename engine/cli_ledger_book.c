/* Reading the ledger: sums of days first, then the entries bucket by bucket, each bucket sorted by
 * time, counted against the sums, and written. One bucket is in memory at a time. */
#include <stdio.h>
#include <stdlib.h>

#include "campaign/ledger.h"
#include "cli.h"
#include "cli_ledger.h"
#include "cli_queue.h"
#include "queue/ledger.h"

#define DAYS_MOST   40000   /* of a ledger: a century */
#define BUCKET_MOST 4000000 /* entries of one UTC day */
#define MISMATCHES  10      /* told one by one */

struct kept {
    uint64_t place;
    struct ledger_entry entry;
};

struct day {
    struct abandonment_day sums, counted;
    bool whole; /* all its entries are kept */
};

struct reading {
    struct ledger_book *book;
    struct cli_queue to;
    uint64_t entries;
    int32_t first, last, cut;
    struct day *days; /* first…last */
    int32_t buckets[LEDGER_BUCKETS_MAX];
    uint32_t bucket_count;
    struct kept *kept; /* of the bucket being read */
    uint32_t kept_count, kept_cap, unreadable;
    uint64_t next;
};

/* ---- asking ---- */

static void on_sums(void *arg, enum err e, const struct queue_ledger *l)
{
    struct reading *r = arg;

    ask_on_done(&r->to.ask, e);
    r->entries = l->entries;
    r->first = l->first;
    r->last = l->last;
    r->cut = l->cut;
    for (uint32_t i = 0; i < l->days && r->days; i++) {
        const struct queue_ledger_day *from = &l->day[i];
        struct day *to = &r->days[from->day - r->first];

        to->sums = (struct abandonment_day){.day = from->day,
                                            .live = (uint32_t)from->live,
                                            .abandoned = (uint32_t)from->abandoned,
                                            .messages = (uint32_t)from->messages,
                                            .late = (uint32_t)from->late,
                                            .callee_left = (uint32_t)from->callee_left,
                                            .false_ppm = from->false_ppm};
    }
}

static void on_buckets(void *arg, enum err e, const int32_t *bucket, uint32_t n)
{
    struct reading *r = arg;

    ask_on_done(&r->to.ask, e);
    memcpy(r->buckets, bucket, n * sizeof(*bucket));
    r->bucket_count = n;
}

static bool make_room(struct reading *r, uint32_t more)
{
    uint32_t cap = r->kept_cap ? r->kept_cap : 1024;

    if (r->kept_count + more > BUCKET_MOST)
        return false;
    while (cap < r->kept_count + more)
        cap *= 2;
    if (cap == r->kept_cap)
        return true;
    struct kept *bigger = realloc(r->kept, cap * sizeof(*bigger));
    if (!bigger)
        return false;
    r->kept = bigger;
    r->kept_cap = cap;
    return true;
}

static void on_texts(void *arg, enum err e, const struct queue_ledger_text *texts, uint32_t n,
                     uint64_t next)
{
    struct reading *r = arg;

    r->to.ask.answered = true;
    r->next = next;
    r->to.ask.e = e == OK && !make_room(r, n) ? ERR_NOMEM : e;
    for (uint32_t i = 0; i < n && r->to.ask.e == OK; i++) {
        struct kept *k = &r->kept[r->kept_count];

        k->place = texts[i].place;
        if (ledger_unpack(texts[i].text, &k->entry) == OK)
            r->kept_count++;
        else
            r->unreadable++;
    }
}

static int by_time(const void *a, const void *b)
{
    const struct kept *x = a, *y = b;

    if (x->entry.answered_wall_ms != y->entry.answered_wall_ms)
        return x->entry.answered_wall_ms < y->entry.answered_wall_ms ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

/* The bucket's entries by time, each once. */
static bool read_bucket(struct reading *r, int32_t bucket)
{
    uint32_t kept = 0;

    r->kept_count = 0;
    r->next = 0;
    do {
        if (!ask_wait(&r->to.ask, queue_ledger_read(r->to.ask.queue, bucket, r->next, on_texts, r)))
            return false;
    } while (r->next);
    if (r->kept_count)
        qsort(r->kept, r->kept_count, sizeof(*r->kept), by_time);
    for (uint32_t i = 0; i < r->kept_count; i++)
        if (kept == 0 || r->kept[i].place != r->kept[kept - 1].place)
            r->kept[kept++] = r->kept[i];
    r->kept_count = kept;
    return true;
}

static bool read_sums(struct reading *r)
{
    if (!ask_wait(&r->to.ask, queue_ledger_sums(r->to.ask.queue, 0, 1, on_sums, r)))
        return false;
    if (r->first > r->last)
        return true;
    if ((int64_t)r->last - r->first >= DAYS_MOST) {
        r->to.ask.e = ERR_TOO_LONG;
        return false;
    }
    int32_t first = r->first, last = r->last;
    r->days = calloc((size_t)(last - first + 1), sizeof(*r->days));
    if (!r->days) {
        r->to.ask.e = ERR_NOMEM;
        return false;
    }
    for (int32_t day = first; day <= last; day += LEDGER_DAYS_MAX) {
        uint32_t n = (uint32_t)(last - day) + 1;

        if (!ask_wait(&r->to.ask, queue_ledger_sums(r->to.ask.queue, day,
                                                      n < LEDGER_DAYS_MAX ? n : LEDGER_DAYS_MAX,
                                                      on_sums, r)))
            return false;
        r->first = first; /* a running engine may have added a day meanwhile: it is not shown */
        r->last = last;
    }
    /* A day of the zone lies in UTC buckets from the day before to the day after. */
    for (int32_t day = first; day <= last; day++) {
        r->days[day - first].sums.day = day;
        r->days[day - first].whole = r->cut == INT32_MIN || day - 1 >= r->cut;
    }
    return true;
}

/* ---- writing ---- */

static bool shown(const struct reading *r, int32_t day)
{
    return day >= r->book->from && day <= r->book->to && day >= r->first && day <= r->last;
}

static void print(const struct buf *out)
{
    fwrite(out->p, 1, out->len, stdout);
}

static void count(struct day *d, const struct ledger_entry *e)
{
    const char *counts = ledger_counts_of(e->what);

    d->counted.live += strchr(counts, 'l') != NULL;
    d->counted.abandoned += strchr(counts, 'a') != NULL;
    d->counted.callee_left += strchr(counts, 'e') != NULL;
    d->counted.false_ppm += e->false_ppm;
}

static void take_entry(struct reading *r, const struct kept *k)
{
    const struct zone *zone = r->book->campaign->zone;
    int32_t day = abandonment_day_of(zone, k->entry.answered_wall_ms);
    char line[LEDGER_CSV_MAX];
    struct buf out = buf_on(line, sizeof(line));

    if (!shown(r, day) || !r->days[day - r->first].whole)
        return;
    count(&r->days[day - r->first], &k->entry);
    if (!r->book->csv)
        return;
    ledger_csv_entry(&k->entry, k->place, zone, r->book->whole_numbers, &out);
    print(&out);
}

static void csv_begin(const struct reading *r)
{
    char line[LEDGER_CSV_MAX];
    struct buf out = buf_on(line, sizeof(line));

    ledger_csv_head(&out);
    print(&out);
    for (int32_t day = r->first; day <= r->last; day++) {
        const struct day *d = &r->days[day - r->first];

        if (!shown(r, day) || d->whole || d->sums.live + d->sums.callee_left == 0)
            continue;
        out.len = 0;
        ledger_csv_day(&d->sums, &out);
        print(&out);
    }
}

static double share(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : 0;
}

/* With the people taken for machines, as the account has it. */
static double share_of_days(const struct reading *r, int32_t last, int32_t days)
{
    double live = 0, abandoned = 0;

    for (int32_t day = last; day > last - days; day--) {
        if (day < r->first || day > r->last)
            continue;
        const struct abandonment_day *s = &r->days[day - r->first].sums;
        live += s->live + (double)s->false_ppm / 1e6;
        abandoned += s->abandoned + (double)s->false_ppm / 1e6;
    }
    return share(abandoned, live);
}

static void print_table(const struct reading *r)
{
    const struct campaign *c = r->book->campaign;

    printf("Campaign %s, days of %s: live answers without a person within %.1f s of the end of\n"
           "their greeting; at most %.2f %% in 30 days.\n\n",
           c->name, zone_name(c->zone), c->abandonment.limit_ms / 1000.0,
           c->abandonment.cap_percent);
    if (r->first > r->last) {
        puts("There is no live answer in the ledger yet.");
        return;
    }
    printf("%-10s %9s %9s %9s %9s %9s %10s %9s %8s %8s\n", "day", "live", "connected", "abandoned",
           "message", "too late", "left early", "est.false", "share", "30 days");
    for (int32_t day = r->first; day <= r->last; day++) {
        const struct day *d = &r->days[day - r->first];
        const struct abandonment_day *s = &d->sums;
        char date[16];

        if (!shown(r, day) || s->live + s->callee_left == 0)
            continue;
        ledger_date(day, date);
        printf("%-10s %9u %9u %9u %9u %9u %10u %9.2f %6.2f %% %6.2f %%%s\n", date, s->live,
               s->live - s->abandoned, s->abandoned, s->messages, s->late, s->callee_left,
               (double)s->false_ppm / 1e6, share_of_days(r, day, 1),
               share_of_days(r, day, ABANDONMENT_DAYS), d->whole ? "" : "  (sums only)");
    }
    puts("\nmessage and too late are among abandoned; left early (before the limit) counts "
         "nowhere;\n"
         "est.false: people taken for machines, estimated, counted as abandoned in the shares.");
}

/* Entries that were taken away or changed do not give the sums any more. */
static int check(const struct reading *r)
{
    uint32_t wrong = 0;

    for (int32_t day = r->first; day <= r->last; day++) {
        const struct day *d = &r->days[day - r->first];
        char date[16];

        if (!shown(r, day) || !d->whole ||
            (d->counted.live == d->sums.live && d->counted.abandoned == d->sums.abandoned &&
             d->counted.callee_left == d->sums.callee_left &&
             d->counted.false_ppm == d->sums.false_ppm))
            continue;
        ledger_date(day, date);
        if (wrong++ < MISMATCHES)
            fprintf(stderr,
                    "peal ledger: %s: the entries give %u live answers, %u abandoned, %u left "
                    "early; the sums say %u, %u, %u\n",
                    date, d->counted.live, d->counted.abandoned, d->counted.callee_left,
                    d->sums.live, d->sums.abandoned, d->sums.callee_left);
    }
    if (r->unreadable)
        fprintf(stderr, "peal ledger: %u entries cannot be read\n", r->unreadable);
    if (wrong)
        fputs("peal ledger: entries and sums do not agree: was the ledger changed by hand, or the "
              "campaign's zone?\n",
              stderr);
    return wrong || r->unreadable ? EXIT_FAILED : EXIT_DONE;
}

/* ---- the whole ---- */

static int fail(const struct reading *r)
{
    fprintf(stderr, "peal ledger: the ledger cannot be read (%s)%s%s\n", err_name(r->to.ask.e),
            queue_error(r->to.ask.queue)[0] ? ": " : "", queue_error(r->to.ask.queue));
    return EXIT_FAILED;
}

static int read_and_write(struct reading *r)
{
    if (!read_sums(r) || !ask_wait(&r->to.ask, queue_ledger_buckets(r->to.ask.queue, on_buckets, r)))
        return fail(r);
    if (r->book->csv)
        csv_begin(r);
    else
        print_table(r);
    for (uint32_t i = 0; i < r->bucket_count && r->days; i++) {
        int32_t bucket = r->buckets[i];

        if (bucket < (int64_t)r->book->from - 1 || bucket > (int64_t)r->book->to + 1)
            continue;
        if (!read_bucket(r, bucket))
            return fail(r);
        for (uint32_t k = 0; k < r->kept_count; k++)
            take_entry(r, &r->kept[k]);
    }
    return check(r);
}

int ledger_book_show(struct ledger_book *b)
{
    struct reading *r = calloc(1, sizeof(*r));
    int code = EXIT_FAILED;

    if (!r)
        return EXIT_FAILED;
    r->book = b;
    if (cli_queue_connect(&r->to, &b->place, b->campaign->name))
        code = read_and_write(r);
    cli_queue_close(&r->to);
    free(r->days);
    free(r->kept);
    free(r);
    return code;
}
