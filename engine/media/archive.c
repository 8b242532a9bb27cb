/* See archive.h. Two rings between the threads, as everywhere: tapes and marks go down, ended
 * recordings come up; a result that finds no room is told again at the next look. */
#include "media/archive.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/log.h"
#include "base/ring.h"

#define MARKS_MIN        1024
#define BLOCKS_A_LOOK    128 /* of one tape, so that a full one does not hold up the others */
#define LATE_BLOCKS      (TAPE_SLACK / 2)
#define BUSY_HIGH        0.75 /* of its time: then Opus gets cheaper */
#define BUSY_LOW         0.4
#define CHEAPER_AFTER_US 1000000
#define DEARER_AFTER_US  10000000
#define NICENESS         1

enum down_kind { DOWN_TAKE, DOWN_MARK, DOWN_FREE, DOWN_QUIT };
struct down {
    enum down_kind kind;
    struct tape *tape;
    uint64_t at_us;
    char event[ARCHIVE_EVENT_MAX], detail[ARCHIVE_DETAIL_MAX];
};

struct up {
    struct tape *tape;
    struct recorder_result result;
};

struct archive {
    /* The thread's. */
    struct loop loop;
    struct timer poll;
    struct list open;    /* tapes being read */
    struct list closing; /* tapes read to their end, their files not closed yet */
    struct list done;    /* tapes whose end is to be told */
    uint32_t writing;    /* recordings that are not closed on the disk yet */
    bool quitting, told;
    int complexity;
    double busy;
    uint64_t look_us, changed_us;
    uint32_t latest;
    _Atomic uint64_t recordings, failed, blocks, lost_blocks, written_bytes, lost_bytes, cpu_us;
    _Atomic uint32_t complexity_told;

    /* The control thread's. */
    struct list tapes;
    uint32_t load, tapes_max, marks_spare;
    uint64_t marks_dropped;

    struct loop *control;
    struct ring_spsc down, up;
    pthread_t thread;
    sem_t ready;
    sem_t may_end; /* the control thread touches the loop no more */
    enum err started;
};

/* ---- the thread ---- */

static timer_fn look;

static void count(_Atomic uint64_t *what, uint64_t by)
{
    atomic_fetch_add_explicit(what, by, memory_order_relaxed);
}

static void tell_ended(struct archive *a)
{
    list_each(n, next, &a->done)
    {
        struct tape *t = container_of(n, struct tape, open);
        struct up up = {.tape = t, .result = t->result};

        list_remove(&t->open);
        if (!ring_spsc_push(&a->up, &up)) {
            list_push_front(&a->done, &t->open);
            return;
        }
        a->told = true;
    }
}

static void ended(struct archive *a, struct tape *t, const struct recorder_result *r)
{
    t->result = *r;
    count(&a->recordings, 1);
    count(&a->failed, r->err != OK);
    count(&a->written_bytes, r->written);
    count(&a->lost_bytes, r->lost_bytes);
    list_push_back(&a->done, &t->open);
}

static void closed(void *arg, const struct recorder_result *r)
{
    struct tape *t = arg;
    struct archive *a = t->archive;

    t->recorder = NULL;
    a->writing--;
    list_remove(&t->open); /* of those that close */
    ended(a, t, r);
}

static void take(struct archive *a, struct tape *t)
{
    struct recorder_result failed = {.err = recorder_open(&t->recorder, &a->loop, &t->how)};

    if (failed.err) {
        t->recorder = NULL;
        ended(a, t, &failed);
        return;
    }
    recorder_complexity(t->recorder, a->complexity);
    list_push_back(&a->open, &t->open);
    if (!timer_running(&a->poll))
        loop_timer(&a->loop, &a->poll, 1, look);
}

static void take_commands(void *arg)
{
    struct archive *a = arg;
    struct down d;

    while (ring_spsc_pop(&a->down, &d)) {
        if (d.kind == DOWN_QUIT)
            a->quitting = true;
        else if (d.kind == DOWN_TAKE)
            take(a, d.tape);
        else if (d.kind == DOWN_FREE)
            tape_close(d.tape);
        else if (d.tape->recorder && !d.tape->closing)
            recorder_mark(d.tape->recorder, d.at_us, d.event, d.detail);
    }
}

static void read_tape(struct archive *a, struct tape *t)
{
    const struct tape_block *b;
    uint32_t waiting = tape_waiting(t);

    if (waiting > a->latest && waiting <= t->capacity)
        a->latest = waiting > t->prebuffer ? waiting - t->prebuffer : 0;
    for (uint32_t i = 0; i < BLOCKS_A_LOOK && (b = tape_next(t)); i++) {
        recorder_block(t->recorder, b);
        tape_taken(t);
        count(&a->blocks, 1);
    }
    if (!tape_is_over(t))
        return;
    uint64_t lost = atomic_load_explicit(&t->lost, memory_order_relaxed);

    count(&a->lost_blocks, lost);
    t->closing = true;
    a->writing++;
    list_remove(&t->open);
    list_push_back(&a->closing, &t->open);
    recorder_close(t->recorder, lost, closed, t);
}

static void set_complexity(struct archive *a, int complexity, uint64_t now_us)
{
    a->complexity = complexity;
    a->changed_us = now_us;
    atomic_store_explicit(&a->complexity_told, (uint32_t)complexity, memory_order_relaxed);
    list_each(n, next, &a->open)
        recorder_complexity(container_of(n, struct tape, open)->recorder, complexity);
}

static void watch_load(struct archive *a, uint64_t begin_us, uint64_t end_us)
{
    uint64_t since_us = begin_us > a->look_us ? begin_us - a->look_us : 1;
    double share = (double)(end_us - begin_us) / (double)(since_us + (end_us - begin_us));

    a->busy += 0.1 * (share - a->busy);
    a->look_us = end_us;
    bool late = a->busy > BUSY_HIGH || a->latest > LATE_BLOCKS;

    if (late && a->complexity > 0 && end_us - a->changed_us > CHEAPER_AFTER_US)
        set_complexity(a, a->complexity - 1, end_us);
    else if (!late && a->busy < BUSY_LOW && a->complexity < RECORD_COMPLEXITY_DEFAULT &&
             end_us - a->changed_us > DEARER_AFTER_US)
        set_complexity(a, a->complexity + 1, end_us);
}

static uint64_t thread_cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void look(struct timer *timer)
{
    struct archive *a = container_of(timer, struct archive, poll);
    uint64_t begin_us = clock_us(a->loop.clock);

    a->latest = 0;
    list_each(n, next, &a->open) read_tape(a, container_of(n, struct tape, open));
    watch_load(a, begin_us, clock_us(a->loop.clock));
    atomic_store_explicit(&a->cpu_us, thread_cpu_us(), memory_order_relaxed);
    if (!list_empty(&a->open))
        loop_timer(&a->loop, &a->poll, ARCHIVE_POLL_MS, look);
}

static void abandon(struct archive *a)
{
    list_each(n, next, &a->closing) recorder_abandon(container_of(n, struct tape, open)->recorder);
}

/* Every tape has ended; what is on them is written, if the disk takes it in time. */
static void finish(struct archive *a)
{
    uint64_t begin_us = clock_us(a->loop.clock);
    bool given_up = false;

    while (!list_empty(&a->open) || a->writing) {
        uint64_t took_us = clock_us(a->loop.clock) - begin_us;

        if (took_us > ARCHIVE_QUIT_MS * UINT64_C(1000) && !given_up) {
            log_error("media", "the disk does not take the ends of recordings; they are cut",
                      "recordings=%u", a->writing);
            abandon(a);
            given_up = true;
        }
        if (took_us > 2 * ARCHIVE_QUIT_MS * UINT64_C(1000))
            break;
        loop_turn(&a->loop, 10000);
    }
}

static void *run(void *arg)
{
    struct archive *a = arg;

    pthread_setname_np(pthread_self(), "peal-archive");
    setpriority(PRIO_PROCESS, 0, NICENESS);
    a->started = loop_init(&a->loop, NULL);
    enum err started = a->started;

    if (!started)
        loop_set_wake(&a->loop, take_commands, a);
    sem_post(&a->ready);
    if (started)
        return NULL;
    while (!a->quitting) {
        loop_turn(&a->loop, 1000000);
        tell_ended(a);
        if (a->told)
            loop_wake(a->control);
        a->told = false;
    }
    finish(a);
    while (sem_wait(&a->may_end) != 0 && errno == EINTR)
        ;
    loop_fini(&a->loop);
    return NULL;
}

/* ---- the control thread ---- */

enum err archive_open(struct archive **out, struct loop *control, uint32_t tapes)
{
    struct archive *a = calloc(1, sizeof(*a));
    uint32_t marks = tapes * 4 > MARKS_MIN ? tapes * 4 : MARKS_MIN;

    if (!a)
        return ERR_NOMEM;
    a->control = control;
    a->complexity = RECORD_COMPLEXITY_DEFAULT;
    a->complexity_told = RECORD_COMPLEXITY_DEFAULT;
    a->tapes_max = tapes;
    a->marks_spare = marks;
    list_init(&a->open);
    list_init(&a->done);
    list_init(&a->closing);
    list_init(&a->tapes);
    timer_init(&a->poll);
    enum err e = ring_spsc_init(&a->down, sizeof(struct down), marks + 2 * tapes + 2);

    if (!e)
        e = ring_spsc_init(&a->up, sizeof(struct up), tapes + 1);
    sem_init(&a->may_end, 0, 0);
    if (!e && sem_init(&a->ready, 0, 0) == 0) {
        if (pthread_create(&a->thread, NULL, run, a) != 0)
            e = ERR_IO;
        if (!e) {
            while (sem_wait(&a->ready) != 0 && errno == EINTR)
                ;
            e = a->started;
            if (e)
                pthread_join(a->thread, NULL);
        }
        sem_destroy(&a->ready);
    }
    if (!e) {
        *out = a;
        return OK;
    }
    sem_destroy(&a->may_end);
    ring_spsc_fini(&a->down);
    ring_spsc_fini(&a->up);
    free(a);
    return e;
}

void archive_close(struct archive *a)
{
    struct list_node *n;
    const struct down quit = {.kind = DOWN_QUIT};

    if (!a)
        return;
    list_each(at, next, &a->tapes) tape_end(container_of(at, struct tape, node));
    while (!ring_spsc_push(&a->down, &quit)) {
        loop_wake(&a->loop);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL); /* it empties its ring meanwhile */
    }
    loop_wake(&a->loop);
    sem_post(&a->may_end);
    pthread_join(a->thread, NULL);
    sem_destroy(&a->may_end);
    while ((n = list_pop_front(&a->tapes)))
        tape_close(container_of(n, struct tape, node));
    ring_spsc_fini(&a->down);
    ring_spsc_fini(&a->up);
    free(a);
}

bool archive_has_room(const struct archive *a)
{
    return a->load < a->tapes_max;
}

static void push_tape(struct archive *a, const struct down *d)
{
    bool fits = ring_spsc_push(&a->down, d); /* marks leave room for every tape, twice */
    assert(fits);
    (void)fits;
    loop_wake(&a->loop);
}

void archive_take(struct archive *a, struct tape *t)
{
    const struct down d = {.kind = DOWN_TAKE, .tape = t};

    t->archive = a;
    list_push_back(&a->tapes, &t->node);
    a->load++;
    push_tape(a, &d);
}

void archive_mark(struct archive *a, struct tape *t, uint64_t at_us, const char *event,
                  const char *detail)
{
    struct down d = {.kind = DOWN_MARK, .tape = t, .at_us = at_us};
    uint32_t waiting = atomic_load_explicit(&a->down.tail, memory_order_relaxed) -
                       atomic_load_explicit(&a->down.head, memory_order_acquire);

    snprintf(d.event, sizeof(d.event), "%s", event);
    snprintf(d.detail, sizeof(d.detail), "%s", detail);
    if (waiting >= a->marks_spare || !ring_spsc_push(&a->down, &d)) {
        a->marks_dropped++;
        return;
    }
    loop_wake(&a->loop);
}

struct tape *archive_ended(struct archive *a, struct recorder_result *result)
{
    struct up up;

    if (!ring_spsc_pop(&a->up, &up))
        return NULL;
    list_remove(&up.tape->node);
    a->load--;
    *result = up.result;
    return up.tape;
}

/* By the thread, for marks of it may still be on their way there. */
void archive_free(struct archive *a, struct tape *t)
{
    const struct down d = {.kind = DOWN_FREE, .tape = t};

    push_tape(a, &d);
}

uint32_t archive_load(const struct archive *a)
{
    return a->load;
}

void archive_metrics(const struct archive *a, struct archive_metrics *out)
{
    out->recordings += a->recordings;
    out->failed += a->failed;
    out->blocks += a->blocks;
    out->lost_blocks += a->lost_blocks;
    out->written_bytes += a->written_bytes;
    out->lost_bytes += a->lost_bytes;
    out->cpu_us += a->cpu_us;
    out->marks_dropped += a->marks_dropped;
    out->open += a->load;
    out->complexity = a->complexity_told;
}
