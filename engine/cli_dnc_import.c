/* `peal dnc import`: millions of numbers, a portion at a time. A portion is sorted by where its
 * numbers lie (a counting sort over all groups, then each group by number), numbers that are in it
 * twice are dropped, and each tag gets its part in one call; TAGS_SENT of them are under way at
 * once. What stops half-way is run again: numbers that are there already change nothing. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "campaign/numbers_file.h"
#include "cli.h"
#include "cli_dnc.h"

#define PORTION      1000000
#define PLACES       (GATE_TAGS * GATE_GROUPS)
#define TAGS_SENT    64
#define TURN_US      5000
#define TOLD_REJECTS 5
#define WAIT_MS      60000

struct import {
    struct cli_redis *redis;
    const struct dnc_words *words;
    uint32_t number; /* of the import; 0: numbers are taken away */
    uint64_t *read;  /* PORTION of them, as they come */
    struct gate_place *sorted;
    uint32_t read_n;
    uint32_t waiting;
    enum err e;
    uint64_t numbers, changed, unchanged, twice, rejected;
    bool shows_progress;
    FILE *rejects;
    char rejects_path[512];
};

static uint32_t place_of(const struct gate_place *p)
{
    return p->tag * GATE_GROUPS + p->group;
}

static int by_number(const void *a, const void *b)
{
    const struct gate_place *x = a, *y = b;

    return x->number < y->number ? -1 : x->number > y->number;
}

/* Into `sorted`; the number of those that are left. */
static uint32_t sort(struct import *in)
{
    static uint32_t start[PLACES + 1];
    uint32_t kept = 0;

    memset(start, 0, sizeof(start));
    for (uint32_t i = 0; i < in->read_n; i++) {
        struct gate_place p = gate_place_at(in->read[i]);

        start[place_of(&p) + 1]++;
    }
    for (uint32_t i = 0; i < PLACES; i++)
        start[i + 1] += start[i];
    for (uint32_t i = 0; i < in->read_n; i++) {
        struct gate_place p = gate_place_at(in->read[i]);

        in->sorted[start[place_of(&p)]++] = p;
    }
    for (uint32_t i = 0; i < in->read_n;) {
        uint32_t n = 1, place = place_of(&in->sorted[i]);

        while (i + n < in->read_n && place_of(&in->sorted[i + n]) == place)
            n++;
        qsort(in->sorted + i, n, sizeof(*in->sorted), by_number);
        for (uint32_t k = i; k < i + n; k++)
            if (k == i || in->sorted[k].number != in->sorted[k - 1].number)
                in->sorted[kept++] = in->sorted[k];
        i += n;
    }
    in->twice += in->read_n - kept;
    return kept;
}

static void on_filled(void *arg, enum err e, uint32_t changed, uint32_t unchanged)
{
    struct import *in = arg;

    in->waiting--;
    in->changed += changed;
    in->unchanged += unchanged;
    if (e != OK)
        in->e = e;
}

static bool wait_until_below(struct import *in, uint32_t most)
{
    struct loop *loop = &in->redis->loop;
    uint64_t until = clock_ms(loop->clock) + WAIT_MS;

    while (in->waiting >= most && in->e == OK) {
        loop_turn(loop, TURN_US);
        if (clock_ms(loop->clock) > until)
            in->e = ERR_TIMEOUT;
    }
    return in->e == OK;
}

static bool send_portion(struct import *in)
{
    uint32_t n = sort(in), from = 0;

    while (from < n && wait_until_below(in, TAGS_SENT)) {
        uint32_t to = from + 1;

        while (to < n && to - from < DNC_FILL_MAX && in->sorted[to].tag == in->sorted[from].tag)
            to++;
        in->e =
            queue_dnc_fill(in->redis->ask.queue, slice_cstr(in->words->list), in->number,
                           in->words->until_wall_ms, in->sorted + from, to - from, on_filled, in);
        in->waiting += in->e == OK;
        from = to;
    }
    in->read_n = 0;
    if (in->shows_progress)
        fprintf(stderr, "\r%llu numbers", (unsigned long long)in->numbers);
    return wait_until_below(in, 1);
}

static void reject(struct import *in, uint64_t line, const char *why)
{
    if (in->rejected++ < TOLD_REJECTS)
        fprintf(stderr, "peal dnc: %s:%llu: %s\n", in->words->numbers[0], (unsigned long long)line,
                why);
    if (!in->rejects && (in->rejects = fopen(in->rejects_path, "w")) != NULL)
        fputs("line,reason\n", in->rejects);
    if (in->rejects)
        fprintf(in->rejects, "%llu,\"%s\"\n", (unsigned long long)line, why);
}

static enum err read_all(struct import *in, struct numbers_file *f)
{
    char number[NUMBER_E164_MAX];
    enum err e;

    while ((e = numbers_file_next(f, number)) != ERR_CLOSED) {
        if (e == ERR_INVALID) {
            reject(in, numbers_file_line(f), f->reason);
            continue;
        }
        if (e != OK)
            return e;
        in->numbers++;
        in->read[in->read_n++] = dnc_number_of(slice_from(slice_cstr(number), 1));
        if (in->read_n == PORTION && !send_portion(in))
            return OK; /* in->e says why */
    }
    if (in->read_n)
        send_portion(in);
    return OK;
}

static int64_t read_bytes(void *arg, char *dst, size_t cap)
{
    return read(*(int *)arg, dst, cap);
}

static void on_begun(void *arg, enum err e, uint32_t number)
{
    struct import *in = arg;

    in->number = number;
    cli_redis_on_done(in->redis, e);
}

static struct queue_dnc_entry about(const struct import *in)
{
    const struct dnc_words *w = in->words;
    const char *file = strrchr(w->numbers[0], '/');
    struct slice name = slice_cstr(file ? file + 1 : w->numbers[0]);

    if (name.len > DNC_FILE_MAX)
        name.len = DNC_FILE_MAX;
    return (struct queue_dnc_entry){.list = slice_cstr(w->list),
                                    .number = name,
                                    .until_wall_ms = w->until_wall_ms,
                                    .who = slice_cstr(w->who),
                                    .why = slice_cstr(w->why)};
}

static bool note(struct import *in, struct slice more)
{
    struct cli_redis *r = in->redis;
    struct queue_dnc_entry entry = about(in);
    struct slice what = in->words->removes ? SLICE("remove") : SLICE("import");

    return cli_redis_wait(r,
                          queue_dnc_note(r->ask.queue, what, &entry, more, cli_redis_on_done, r));
}

/* On record before the first number is changed. */
static bool begin(struct import *in)
{
    struct queue_dnc_entry entry = about(in);
    struct cli_redis *r = in->redis;

    if (in->words->removes)
        return note(in, SLICE("begins"));
    return cli_redis_wait(r, queue_dnc_import(r->ask.queue, &entry, on_begun, in));
}

static int end(struct import *in, enum err e)
{
    char more[DNC_MORE_MAX + 1];
    int n =
        snprintf(more, sizeof(more), "import %u: %llu numbers, %llu changed, %llu rejected%s",
                 in->number, (unsigned long long)in->numbers, (unsigned long long)in->changed,
                 (unsigned long long)in->rejected, e != OK || in->e != OK ? ", broken off" : "");

    if (in->shows_progress)
        fputc('\n', stderr);
    if (e != OK) {
        fprintf(stderr, "peal dnc: %s: reading failed: %s\n", in->words->numbers[0],
                strerror(errno));
    } else if (in->e != OK) {
        in->redis->ask.e = in->e;
        cli_redis_complain(in->redis, "the import broke off; run it again");
    }
    bool noted = note(in, slice_of(more, (size_t)n));

    printf("%llu numbers: %llu %s, %llu were %s, %llu in the file twice; %llu rows rejected%s%s\n",
           (unsigned long long)in->numbers, (unsigned long long)in->changed,
           in->words->removes ? "taken off" : "added", (unsigned long long)in->unchanged,
           in->words->removes ? "not there" : "there already", (unsigned long long)in->twice,
           (unsigned long long)in->rejected, in->rejects ? ", see " : "",
           in->rejects ? in->rejects_path : "");
    return e == OK && in->e == OK && noted ? EXIT_DONE : EXIT_FAILED;
}

static int import(struct import *in, struct numbers_file *f)
{
    const struct dnc_words *w = in->words;

    if (w->rejects)
        snprintf(in->rejects_path, sizeof(in->rejects_path), "%s", w->rejects);
    else
        snprintf(in->rejects_path, sizeof(in->rejects_path), "%s%sdnc-rejected.csv",
                 w->data_dir && !w->redis_url ? w->data_dir : "",
                 w->data_dir && !w->redis_url ? "/" : "");
    in->shows_progress = isatty(STDERR_FILENO);
    in->read = malloc(PORTION * sizeof(*in->read));
    in->sorted = malloc(PORTION * sizeof(*in->sorted));
    if (!in->read || !in->sorted) {
        fputs("peal dnc: no memory\n", stderr);
        return EXIT_FAILED;
    }
    if (!begin(in)) {
        if (in->redis->ask.e == ERR_FULL)
            fprintf(stderr,
                    "peal dnc: there is no room for another import: %d at most, of %d lists\n",
                    DNC_IMPORTS_MAX, DNC_LISTS_MAX);
        else
            cli_redis_complain(in->redis, "the import could not begin");
        return EXIT_FAILED;
    }
    return end(in, read_all(in, f));
}

int dnc_import(struct cli_redis *r, const struct dnc_words *w)
{
    struct import in = {.redis = r, .words = w};
    struct numbers_file f;
    int fd = open(w->numbers[0], O_RDONLY | O_CLOEXEC), code = EXIT_FAILED;

    if (fd < 0) {
        fprintf(stderr, "peal dnc: %s: %s\n", w->numbers[0], strerror(errno));
        return EXIT_FAILED;
    }
    if (numbers_file_init(&f, read_bytes, &fd, w->home) == OK) {
        code = import(&in, &f);
        numbers_file_fini(&f);
    } else {
        fprintf(stderr, "peal dnc: %s: %s\n", w->numbers[0], f.reason);
    }
    if (in.rejects)
        fclose(in.rejects);
    free(in.read);
    free(in.sorted);
    close(fd);
    return code;
}
