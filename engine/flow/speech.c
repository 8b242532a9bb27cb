/* The loop's side: sounds in memory, texts under way and who waits for them. */
#include "flow/speech.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/log.h"
#include "flow/speech_inner.h"

#define SOUNDS_IN_MEMORY 1024

struct waiter {
    struct waiter *next;
    flow_answer_fn *answered;
    void *arg;
};

struct kept {
    struct speech_key key;
    const struct sound *sound; /* NULL: free */
    uint64_t used;             /* stamp of the last finding */
};

struct speech {
    struct loop *loop;
    struct sound_cache *sounds;
    struct speech_shared shared;
    struct speech_worker worker[SPEECH_THREADS_MAX];
    uint32_t started, threads;
    struct speech_stats stats;
    struct list wanted, ahead, given; /* jobs: who waits, what may wait, what threads have */
    struct kept *kept;
    uint32_t kept_count;
    size_t kept_bytes;
    uint64_t stamp;
    struct loop_op wake_op; /* a read of shared.up */
    uint64_t wake_value;
    bool closing;
};

/* ---- sounds in memory ---- */

/* The same on every machine and in every run: it names files. */
static struct speech_key key_of(const struct speech *s, const struct speech_text *t)
{
    static const struct hash_seed seeds[2] = {{UINT64_C(0x7065616c20737065), 1},
                                              {UINT64_C(0x6563682063616368), 2}};
    char all[sizeof s->shared.command + 8 + SPEECH_TEXT_MAX + 8];
    struct buf b = buf_on(all, sizeof all);
    struct speech_key key;

    buf_puts(&b, s->shared.command);
    buf_putc(&b, '\0');
    buf_puts(&b, t->lang);
    buf_putc(&b, '\0');
    buf_put(&b, t->text);
    if (t->part) {
        buf_putc(&b, '\0');
        buf_puts(&b, "part");
    }
    for (int i = 0; i < 2; i++) {
        uint64_t h = hash_slice(seeds[i], buf_slice(&b));
        memcpy(key.bytes + 8 * i, &h, sizeof h);
    }
    return key;
}

static size_t weight(const struct sound *sound)
{
    return (size_t)sound->samples * 4;
}

static void drop_kept(struct speech *s, struct kept *k)
{
    s->kept_bytes -= weight(k->sound);
    sound_unref(k->sound);
    *k = s->kept[--s->kept_count];
    s->kept[s->kept_count] = (struct kept){0};
}

static void keep(struct speech *s, const struct speech_key *key, const struct sound *sound)
{
    while (s->kept_count && (s->kept_count == SOUNDS_IN_MEMORY ||
                             s->kept_bytes + weight(sound) > SPEECH_MEMORY_MAX)) {
        struct kept *oldest = &s->kept[0];
        for (uint32_t i = 1; i < s->kept_count; i++)
            if (s->kept[i].used < oldest->used)
                oldest = &s->kept[i];
        drop_kept(s, oldest);
    }
    s->kept[s->kept_count++] = (struct kept){*key, sound, ++s->stamp};
    s->kept_bytes += weight(sound);
}

static struct kept *find_kept(struct speech *s, const struct speech_key *key)
{
    for (uint32_t i = 0; i < s->kept_count; i++)
        if (memcmp(&s->kept[i].key, key, sizeof *key) == 0)
            return &s->kept[i];
    return NULL;
}

const struct sound *speech_find(struct speech *s, const struct speech_text *t)
{
    struct speech_key key = key_of(s, t);
    struct kept *k = find_kept(s, &key);

    if (!k)
        return NULL;
    k->used = ++s->stamp;
    s->stats.from_memory++;
    return k->sound;
}

/* ---- texts under way ---- */

static void tell(struct speech_job *job, const struct flow_answer *a)
{
    while (job->waiters) {
        struct waiter *w = job->waiters, copy = *w;
        job->waiters = w->next;
        free(w);
        copy.answered(copy.arg, a);
    }
}

static void count(struct speech *s, const struct speech_job *job, int by)
{
    uint32_t *of = job->wanted ? &s->stats.wanted : &s->stats.ahead;

    *of += (uint32_t)by;
    if (s->stats.wanted > s->stats.wanted_peak)
        s->stats.wanted_peak = s->stats.wanted;
}

static void free_job(struct speech *s, struct speech_job *job)
{
    list_remove(&job->node);
    count(s, job, -1);
    free(job->pcm);
    free(job);
}

static void finish(struct speech *s, struct speech_job *job)
{
    struct flow_answer a = {.err = job->err, .why = job->why[0] ? job->why : NULL};

    if (job->err == OK) {
        const struct sound *sound;
        a.err = sound_from_pcm(s->sounds, job->pcm, job->samples, &sound);
        if (a.err == OK)
            keep(s, &job->key, sound);
        if (job->from_folder)
            s->stats.from_folder++;
        else
            s->stats.spoken++;
    }
    if (a.err != OK)
        s->stats.failed++;
    tell(job, &a);
    free_job(s, job);
}

/* ---- threads ---- */

static void read_wakes(struct speech *s)
{
    struct io_uring_sqe *sqe = loop_sqe(s->loop, &s->wake_op);

    io_uring_prep_read(sqe, s->shared.up, &s->wake_value, sizeof s->wake_value, 0);
}

static void dispatch(struct speech *s);

static void on_wake(struct loop_op *op, int32_t res, uint32_t flags)
{
    struct speech *s = container_of(op, struct speech, wake_op);
    struct speech_job *job;

    (void)res, (void)flags;
    if (s->closing) {
        free(s);
        return;
    }
    for (uint32_t i = 0; i < s->started; i++)
        if (ring_spsc_pop(&s->worker[i].done, &job)) {
            s->worker[i].busy = false;
            finish(s, job);
        }
    dispatch(s);
    read_wakes(s);
}

static bool open_wakes(struct speech *s)
{
    if (s->wake_op.done)
        return true;
    s->shared.up = eventfd(0, EFD_CLOEXEC);
    if (s->shared.up < 0)
        return false;
    s->wake_op.done = on_wake;
    read_wakes(s);
    return true;
}

static bool open_worker(struct speech_worker *w, struct speech_shared *shared)
{
    sigset_t all, before;

    *w = (struct speech_worker){.shared = shared, .down = eventfd(0, EFD_CLOEXEC)};
    bool asked = ring_spsc_init(&w->asked, sizeof(struct speech_job *), 2) == OK;
    bool done = ring_spsc_init(&w->done, sizeof(struct speech_job *), 2) == OK;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the loop's */
    bool ok =
        w->down >= 0 && asked && done && pthread_create(&w->thread, NULL, speech_thread, w) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (ok)
        return true;
    if (w->down >= 0)
        close(w->down);
    if (asked)
        ring_spsc_fini(&w->asked);
    if (done)
        ring_spsc_fini(&w->done);
    return false;
}

/* A thread that has nothing to do, a new one where there may be more; NULL: all are at work. */
static struct speech_worker *idle_worker(struct speech *s)
{
    for (uint32_t i = 0; i < s->started; i++)
        if (!s->worker[i].busy)
            return &s->worker[i];
    if (s->started == s->threads || s->closing)
        return NULL;
    if (!open_worker(&s->worker[s->started], &s->shared)) {
        log_error("flow", "a thread for speech cannot be started", "threads=%u error=\"%s\"",
                  s->started, strerror(errno));
        return NULL;
    }
    s->stats.threads = ++s->started;
    return &s->worker[s->started - 1];
}

static void dispatch(struct speech *s)
{
    const uint64_t one = 1;

    for (;;) {
        struct list *from = list_empty(&s->wanted) ? &s->ahead : &s->wanted;
        struct speech_worker *w = list_empty(from) ? NULL : idle_worker(s);
        if (!w)
            return;
        struct speech_job *job = container_of(list_first(from), struct speech_job, node);
        list_remove(&job->node);
        list_push_back(&s->given, &job->node);
        job->given = w->busy = true;
        ring_spsc_push(&w->asked, &job);
        if (write(w->down, &one, sizeof one) < 0)
            log_error("flow", "a thread for speech cannot be woken", "error=\"%s\"",
                      strerror(errno));
    }
}

/* ---- asking ---- */

static struct speech_job *find_in(const struct list *l, const struct speech_key *key)
{
    list_each(n, next, l)
    {
        struct speech_job *job = container_of(n, struct speech_job, node);
        if (memcmp(&job->key, key, sizeof *key) == 0)
            return job;
    }
    return NULL;
}

static struct speech_job *under_way(const struct speech *s, const struct speech_key *key)
{
    struct speech_job *job = find_in(&s->given, key);

    if (!job)
        job = find_in(&s->wanted, key);
    return job ? job : find_in(&s->ahead, key);
}

static enum err new_job(struct speech *s, const struct speech_key *key, const struct speech_text *t,
                        bool wanted, struct speech_job **out)
{
    struct speech_job *job = calloc(1, sizeof *job);

    if (!job)
        return ERR_NOMEM;
    job->key = *key;
    snprintf(job->lang, sizeof job->lang, "%s", t->lang);
    slice_copy(t->text, job->text, sizeof job->text);
    job->part = t->part;
    job->wanted = wanted;
    list_push_back(wanted ? &s->wanted : &s->ahead, &job->node);
    count(s, job, 1);
    *out = job;
    return OK;
}

/* What was to be spoken some time is wanted now. */
static void hurry(struct speech *s, struct speech_job *job)
{
    if (job->wanted)
        return;
    count(s, job, -1);
    job->wanted = true;
    count(s, job, 1);
    if (job->given)
        return;
    list_remove(&job->node);
    list_push_back(&s->wanted, &job->node);
}

static enum err check_text(const struct speech_text *t)
{
    if (t->text.len == 0 || memchr(t->text.p, '\0', t->text.len))
        return ERR_INVALID;
    return t->text.len > SPEECH_TEXT_MAX ? ERR_TOO_LONG : OK;
}

/* Whether it can be spoken, and the key of its sound. */
static enum err may_speak(struct speech *s, const struct speech_text *t, struct speech_key *key)
{
    enum err e = check_text(t);

    if (e != OK)
        return e;
    if (!open_wakes(s))
        return ERR_IO;
    *key = key_of(s, t);
    return OK;
}

enum err speech_ask(struct speech *s, const struct speech_text *t, flow_answer_fn *answered,
                    void *arg)
{
    struct speech_key key;
    enum err e = may_speak(s, t, &key);

    if (e != OK)
        return e;
    struct speech_job *job = under_way(s, &key);
    if ((!job || !job->wanted) && s->stats.wanted == SPEECH_JOBS_MAX) {
        s->stats.refused++;
        return ERR_FULL;
    }
    struct waiter *w = answered ? malloc(sizeof *w) : NULL;
    if (answered && !w)
        return ERR_NOMEM;
    if (job)
        hurry(s, job);
    else
        e = new_job(s, &key, t, true, &job);
    if (e != OK) {
        free(w);
        return e;
    }
    if (w) {
        *w = (struct waiter){job->waiters, answered, arg};
        job->waiters = w;
    }
    dispatch(s);
    if (s->started)
        return OK;
    if (w) { /* no thread at all: nobody would ever answer */
        job->waiters = w->next;
        free(w);
    }
    free_job(s, job);
    return ERR_IO;
}

enum err speech_prefetch(struct speech *s, const struct speech_text *t)
{
    struct speech_job *job;
    struct speech_key key;
    enum err e = may_speak(s, t, &key);

    if (e != OK)
        return e;
    if (find_kept(s, &key) || under_way(s, &key))
        return OK;
    if (s->stats.ahead == SPEECH_AHEAD_MAX) {
        s->stats.refused_ahead++;
        return ERR_FULL;
    }
    e = new_job(s, &key, t, false, &job);
    dispatch(s);
    return e;
}

/* ---- open and close ---- */

enum err speech_open(struct speech **out, const struct speech_config *config)
{
    const char *command = config->command ? config->command : SPEECH_COMMAND;
    struct speech *s = calloc(1, sizeof *s);

    if (!s)
        return ERR_NOMEM;
    s->loop = config->loop;
    s->sounds = config->sounds;
    s->threads = config->threads ? config->threads : SPEECH_THREADS;
    list_init(&s->wanted);
    list_init(&s->ahead);
    list_init(&s->given);
    s->kept = calloc(SOUNDS_IN_MEMORY, sizeof *s->kept);
    s->shared.folder_bytes = config->folder_bytes ? config->folder_bytes : SPEECH_FOLDER_MAX;
    bool fits = slice_copy(slice_cstr(command), s->shared.command, sizeof s->shared.command) == OK;
    if (config->folder)
        fits = fits && slice_copy(slice_cstr(config->folder), s->shared.folder,
                                  sizeof s->shared.folder) == OK;
    if (!s->kept || !fits || s->threads > SPEECH_THREADS_MAX || !strstr(command, "{file}") ||
        !strstr(command, "{text}")) {
        enum err e = s->kept ? ERR_INVALID : ERR_NOMEM;
        free(s->kept);
        free(s);
        return e;
    }
    *out = s;
    return OK;
}

static void close_list(struct speech *s, struct list *l)
{
    const struct flow_answer a = {.err = ERR_CLOSED, .why = "speech was closed"};

    list_each(n, next, l)
    {
        struct speech_job *job = container_of(n, struct speech_job, node);
        tell(job, &a);
        free_job(s, job);
    }
}

void speech_close(struct speech *s)
{
    const uint64_t one = 1;

    if (!s)
        return;
    s->closing = true;
    atomic_store(&s->shared.stop, true);
    for (uint32_t i = 0; i < s->started; i++)
        if (write(s->worker[i].down, &one, sizeof one) < 0)
            log_error("flow", "a thread for speech cannot be stopped", "error=\"%s\"",
                      strerror(errno));
    for (uint32_t i = 0; i < s->started; i++) {
        pthread_join(s->worker[i].thread, NULL);
        ring_spsc_fini(&s->worker[i].asked);
        ring_spsc_fini(&s->worker[i].done);
        close(s->worker[i].down);
    }
    close_list(s, &s->given);
    close_list(s, &s->wanted);
    close_list(s, &s->ahead);
    for (uint32_t i = s->kept_count; i > 0; i--)
        drop_kept(s, &s->kept[i - 1]);
    free(s->kept);
    if (!s->wake_op.done) {
        free(s);
        return;
    }
    loop_cancel(s->loop, &s->wake_op); /* the rest when the read under way has ended */
    close(s->shared.up);
}

const struct speech_stats *speech_stats(const struct speech *s)
{
    return &s->stats;
}
