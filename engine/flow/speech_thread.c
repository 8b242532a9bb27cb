/* A thread's side: looks into the folder, runs the command, reads what it wrote, keeps it, and
 * makes room. Blocking is what it is for. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "flow/speech_inner.h"
#include "io/process.h"
#include "media/wav.h"

#define WORDS_MAX  32
#define FILE_MAX   (64u << 20) /* bytes of what the command may write */
#define LOOK_MS    2
#define LISTED_MAX 65536 /* files of the folder that are looked at when room is needed */

static void fail(struct speech_job *job, enum err e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void fail(struct speech_job *job, enum err e, const char *fmt, ...)
{
    va_list ap;

    job->err = e;
    va_start(ap, fmt);
    vsnprintf(job->why, sizeof job->why, fmt, ap);
    va_end(ap);
}

/* ---- reading what was written ---- */

static uint8_t *read_all(const char *path, size_t *len)
{
    struct stat st;
    uint8_t *bytes = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    *len = 0;
    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
        (uint64_t)st.st_size <= FILE_MAX)
        bytes = malloc((size_t)st.st_size);
    while (bytes && *len < (size_t)st.st_size) {
        ssize_t n = read(fd, bytes + *len, (size_t)st.st_size - *len);
        if (n <= 0)
            break;
        *len += (size_t)n;
    }
    close(fd);
    return bytes;
}

#define QUIET_SHARE 100 /* of the peak: 40 dB below it is silence */
#define MARGIN      160 /* samples of it that are left on either side: 20 ms */

/* A synthesiser puts silence around whatever it says, which would tear a sentence made of parts to
 * pieces. */
static void cut_silence(struct speech_job *job)
{
    int peak = 0;
    uint32_t from = 0, to = job->samples;

    for (uint32_t i = 0; i < job->samples; i++)
        if (abs(job->pcm[i]) > peak)
            peak = abs(job->pcm[i]);
    int quiet = peak / QUIET_SHARE;
    while (from < to && abs(job->pcm[from]) <= quiet)
        from++;
    while (to > from && abs(job->pcm[to - 1]) <= quiet)
        to--;
    if (from == to)
        return; /* silence is what it says */
    from = from > MARGIN ? from - MARGIN : 0;
    to = job->samples - to > MARGIN ? to + MARGIN : job->samples;
    memmove(job->pcm, job->pcm + from, (to - from) * sizeof *job->pcm);
    job->samples = to - from;
}

/* The file's samples at 8 kHz into the job. */
static bool take_file(struct speech_job *job, const char *path)
{
    size_t len;
    struct wav w;
    uint8_t *bytes = read_all(path, &len);

    if (!bytes || wav_parse(bytes, len, &w) != OK || w.frames == 0 || w.rate_hz < 8000) {
        free(bytes);
        return false;
    }
    uint64_t samples = (uint64_t)w.frames * 8000 / w.rate_hz;
    if (samples > 0 && samples <= (uint64_t)SOUND_SECONDS_MAX * SOUND_RATE_HZ)
        job->pcm = malloc(samples * sizeof *job->pcm);
    if (job->pcm) {
        job->samples = (uint32_t)samples;
        sound_convert(&w, job->pcm, job->samples);
        if (job->part)
            cut_silence(job);
    }
    free(bytes);
    return job->pcm != NULL;
}

/* ---- the command ---- */

/* Puts the values in; cut when it does not fit, which the command's failure will tell. */
static void expand(const char *word, const struct speech_job *job, const char *file, char *out,
                   size_t cap)
{
    struct buf b = buf_on(out, cap - 1);

    while (*word) {
        if (strncmp(word, "{lang}", 6) == 0) {
            buf_puts(&b, job->lang);
            word += 6;
        } else if (strncmp(word, "{file}", 6) == 0) {
            buf_puts(&b, file);
            word += 6;
        } else if (strncmp(word, "{text}", 6) == 0) {
            buf_puts(&b, job->text);
            word += 6;
        } else {
            buf_putc(&b, *word++);
        }
    }
    out[b.len] = '\0';
}

static bool run(const struct speech_shared *w, struct speech_job *job, const char *file)
{
    static const size_t word_cap = SPEECH_TEXT_MAX + 512;
    const struct timespec nap = {0, LOOK_MS * 1000000L};
    char command[sizeof w->command], *words, *save = NULL;
    const char *argv[WORDS_MAX + 1] = {NULL};
    uint32_t n = 0, waited = 0;
    pid_t pid = 0;

    snprintf(command, sizeof command, "%s", w->command);
    words = malloc(word_cap * WORDS_MAX);
    if (!words) {
        fail(job, ERR_NOMEM, "no memory to run the synthesiser");
        return false;
    }
    for (char *word = strtok_r(command, " ", &save); word && n < WORDS_MAX;
         word = strtok_r(NULL, " ", &save)) {
        char *out = words + word_cap * n;
        expand(word, job, file, out, word_cap);
        argv[n++] = out;
    }
    enum err e = process_start(&pid, argv, "/dev/null");
    if (e != OK)
        fail(job, e, "the synthesiser %.60s cannot be started (%s)", argv[0], err_name(e));
    free(words);
    if (e != OK)
        return false;
    while (process_running(pid)) {
        bool stop = atomic_load(&w->stop);
        if (stop || waited >= SPEECH_SECONDS * 1000) {
            process_stop(pid, 100);
            fail(job, ERR_TIMEOUT,
                 stop ? "speech was closed" : "the synthesiser did not end within %d s",
                 SPEECH_SECONDS);
            return false;
        }
        nanosleep(&nap, NULL);
        waited += LOOK_MS;
    }
    return true;
}

/* ---- the folder ---- */

static void name_of(const struct speech_shared *w, const struct speech_job *job, char *out,
                    size_t cap)
{
    char hex[2 * sizeof job->key.bytes + 1];

    for (size_t i = 0; i < sizeof job->key.bytes; i++)
        snprintf(hex + 2 * i, 3, "%02x", job->key.bytes[i]);
    snprintf(out, cap, "%s/%s.wav", w->folder, hex);
}

struct listed {
    char name[64];
    struct timespec used;
    uint64_t bytes;
};

static int older_first(const void *pa, const void *pb)
{
    const struct listed *a = pa, *b = pb;

    if (a->used.tv_sec != b->used.tv_sec)
        return a->used.tv_sec < b->used.tv_sec ? -1 : 1;
    return (a->used.tv_nsec > b->used.tv_nsec) - (a->used.tv_nsec < b->used.tv_nsec);
}

/* Removes what was used longest ago until the folder is within nine tenths of its bound. A file
 * that another engine has just opened stays readable for it. */
static void make_room(const struct speech_shared *w)
{
    struct listed *files = calloc(LISTED_MAX, sizeof *files);
    DIR *dir = files ? opendir(w->folder) : NULL;
    struct dirent *d;
    uint64_t total = 0;
    size_t n = 0;

    while (dir && n < LISTED_MAX && (d = readdir(dir))) {
        struct stat st;
        size_t len = strlen(d->d_name);
        if (len < 5 || len >= sizeof files->name || strcmp(d->d_name + len - 4, ".wav") != 0 ||
            fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
            continue;
        memcpy(files[n].name, d->d_name, len + 1);
        files[n].used = st.st_mtim;
        files[n].bytes = (uint64_t)st.st_size;
        total += files[n++].bytes;
    }
    if (total > w->folder_bytes) {
        qsort(files, n, sizeof *files, older_first);
        for (size_t i = 0; i < n && total > w->folder_bytes / 10 * 9; i++)
            if (unlinkat(dirfd(dir), files[i].name, 0) == 0)
                total -= files[i].bytes;
    }
    if (dir)
        closedir(dir);
    free(files);
}

static void speak(const struct speech_worker *worker, struct speech_job *job)
{
    const struct speech_shared *w = worker->shared;
    char path[sizeof w->folder + 64], beside[sizeof path + 64];
    const char *tmp = getenv("TMPDIR");

    if (w->folder[0]) {
        mkdir(w->folder, 0755);
        name_of(w, job, path, sizeof path);
        if (take_file(job, path)) {
            job->from_folder = true;
            utimensat(AT_FDCWD, path, NULL, 0); /* used now */
            return;
        }
        snprintf(beside, sizeof beside, "%s.%d-%p.part", path, (int)getpid(), (const void *)worker);
    } else {
        snprintf(beside, sizeof beside, "%.200s/peal-speech-%d-%p.part", tmp ? tmp : "/tmp",
                 (int)getpid(), (const void *)worker);
    }
    if (run(w, job, beside) && !take_file(job, beside))
        fail(job, ERR_IO, "the synthesiser wrote no sound that can be read (command: %.100s)",
             w->command);
    if (job->pcm && w->folder[0] && rename(beside, path) == 0)
        make_room(w);
    else
        unlink(beside);
}

void *speech_thread(void *arg)
{
    struct speech_worker *w = arg;
    struct speech_job *job;
    uint64_t value = 1;

    while (!atomic_load(&w->shared->stop)) {
        if (read(w->down, &value, sizeof value) < 0 && errno != EINTR)
            break;
        while (!atomic_load(&w->shared->stop) && ring_spsc_pop(&w->asked, &job)) {
            speak(w, job);
            ring_spsc_push(&w->done, &job); /* one at a time: it has room */
            value = 1;
            if (write(w->shared->up, &value, sizeof value) < 0)
                return NULL;
        }
    }
    return NULL;
}
