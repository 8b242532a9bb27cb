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
    struct speech_worker worker;
    struct speech_stats stats;
    struct list jobs; /* given to the thread */
    struct kept *kept;
    uint32_t kept_count;
    size_t kept_bytes;
    uint64_t stamp;
    struct loop_op wake_op; /* a read of worker.up */
    uint64_t wake_value;
    bool running, closing;
};

/* ---- sounds in memory ---- */

/* The same on every machine and in every run: it names files. */
static struct speech_key key_of(const struct speech *s, const struct speech_text *t)
{
    static const struct hash_seed seeds[2] = {{UINT64_C(0x7065616c20737065), 1},
                                              {UINT64_C(0x6563682063616368), 2}};
    char all[sizeof s->worker.command + 8 + SPEECH_TEXT_MAX + 8];
    struct buf b = buf_on(all, sizeof all);
    struct speech_key key;

    buf_puts(&b, s->worker.command);
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

static void free_job(struct speech *s, struct speech_job *job)
{
    list_remove(&job->node);
    s->stats.under_way--;
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

static void read_wakes(struct speech *s)
{
    struct io_uring_sqe *sqe = loop_sqe(s->loop, &s->wake_op);

    io_uring_prep_read(sqe, s->worker.up, &s->wake_value, sizeof s->wake_value, 0);
}

static void on_wake(struct loop_op *op, int32_t res, uint32_t flags)
{
    struct speech *s = container_of(op, struct speech, wake_op);
    struct speech_job *job;

    (void)res, (void)flags;
    if (s->closing) {
        free(s);
        return;
    }
    while (ring_spsc_pop(&s->worker.done, &job))
        finish(s, job);
    read_wakes(s);
}

static enum err start(struct speech *s)
{
    struct speech_worker *w = &s->worker;
    sigset_t all, before;

    if (s->running)
        return OK;
    if (ring_spsc_init(&w->asked, sizeof(struct speech_job *), SPEECH_JOBS_MAX) != OK)
        return ERR_NOMEM;
    if (ring_spsc_init(&w->done, sizeof(struct speech_job *), SPEECH_JOBS_MAX) != OK) {
        ring_spsc_fini(&w->asked);
        return ERR_NOMEM;
    }
    w->up = eventfd(0, EFD_CLOEXEC);
    w->down = eventfd(0, EFD_CLOEXEC);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the loop's */
    bool ok = w->up >= 0 && w->down >= 0 && pthread_create(&w->thread, NULL, speech_thread, w) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!ok) {
        if (w->up >= 0)
            close(w->up);
        if (w->down >= 0)
            close(w->down);
        ring_spsc_fini(&w->asked);
        ring_spsc_fini(&w->done);
        log_error("flow", "the thread for speech cannot be started", "error=\"%s\"",
                  strerror(errno));
        return ERR_IO;
    }
    s->running = true;
    s->wake_op.done = on_wake;
    read_wakes(s);
    return OK;
}

static struct speech_job *under_way(const struct speech *s, const struct speech_key *key)
{
    list_each(n, next, &s->jobs)
    {
        struct speech_job *job = container_of(n, struct speech_job, node);
        if (memcmp(&job->key, key, sizeof *key) == 0)
            return job;
    }
    return NULL;
}

static struct speech_job *new_job(struct speech *s, const struct speech_key *key,
                                  const struct speech_text *t)
{
    struct speech_job *job = calloc(1, sizeof *job);

    if (!job)
        return NULL;
    job->key = *key;
    snprintf(job->lang, sizeof job->lang, "%s", t->lang);
    slice_copy(t->text, job->text, sizeof job->text);
    job->part = t->part;
    list_push_back(&s->jobs, &job->node);
    s->stats.under_way++;
    return job;
}

enum err speech_ask(struct speech *s, const struct speech_text *t, flow_answer_fn *answered,
                    void *arg)
{
    if (t->text.len == 0 || memchr(t->text.p, '\0', t->text.len))
        return ERR_INVALID;
    if (t->text.len > SPEECH_TEXT_MAX)
        return ERR_TOO_LONG;
    enum err e = start(s);
    if (e != OK)
        return e;
    struct speech_key key = key_of(s, t);
    struct speech_job *job = under_way(s, &key);
    if (!job && s->stats.under_way == SPEECH_JOBS_MAX) {
        s->stats.refused++;
        return ERR_FULL;
    }
    struct waiter *w = answered ? malloc(sizeof *w) : NULL;
    bool fresh = !job;
    if (fresh && (w || !answered))
        job = new_job(s, &key, t);
    if (!job || (answered && !w)) {
        free(w);
        return ERR_NOMEM;
    }
    if (w) {
        *w = (struct waiter){job->waiters, answered, arg};
        job->waiters = w;
    }
    if (fresh) {
        uint64_t one = 1;
        ring_spsc_push(&s->worker.asked, &job); /* as large as the number of jobs */
        if (write(s->worker.down, &one, sizeof one) < 0)
            log_error("flow", "the thread for speech cannot be woken", "error=\"%s\"",
                      strerror(errno));
    }
    return OK;
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
    list_init(&s->jobs);
    s->kept = calloc(SOUNDS_IN_MEMORY, sizeof *s->kept);
    s->worker.folder_bytes = config->folder_bytes ? config->folder_bytes : SPEECH_FOLDER_MAX;
    bool fits = slice_copy(slice_cstr(command), s->worker.command, sizeof s->worker.command) == OK;
    if (config->folder)
        fits = fits && slice_copy(slice_cstr(config->folder), s->worker.folder,
                                  sizeof s->worker.folder) == OK;
    if (!s->kept || !fits || !strstr(command, "{file}") || !strstr(command, "{text}")) {
        enum err e = s->kept ? ERR_INVALID : ERR_NOMEM;
        free(s->kept);
        free(s);
        return e;
    }
    *out = s;
    return OK;
}

void speech_close(struct speech *s)
{
    struct flow_answer a = {.err = ERR_CLOSED, .why = "speech was closed"};
    uint64_t one = 1;

    if (!s)
        return;
    if (s->running) {
        atomic_store(&s->worker.stop, true);
        if (write(s->worker.down, &one, sizeof one) == sizeof one)
            pthread_join(s->worker.thread, NULL);
    }
    list_each(n, next, &s->jobs)
    {
        struct speech_job *job = container_of(n, struct speech_job, node);
        tell(job, &a);
        free_job(s, job);
    }
    for (uint32_t i = s->kept_count; i > 0; i--)
        drop_kept(s, &s->kept[i - 1]);
    free(s->kept);
    if (!s->running) {
        free(s);
        return;
    }
    /* The rest when the read under way has ended. */
    ring_spsc_fini(&s->worker.asked);
    ring_spsc_fini(&s->worker.done);
    s->closing = true;
    loop_cancel(s->loop, &s->wake_op);
    close(s->worker.down);
    close(s->worker.up);
}

const struct speech_stats *speech_stats(const struct speech *s)
{
    return &s->stats;
}
