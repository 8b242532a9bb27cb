/* The log. A line is put together on the stack and leaves in one write(2), so threads never mix
 * within a line and nothing is lost in a buffer when the process dies.
 *
 * Call sites that left lines out wait on a lock-free list, pushed when their count leaves 0 and
 * taken as a whole by the first thread that logs in a later second. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

static const char *const level_names[] = {"debug", "info", "warn", "error", "off"};

static _Atomic int log_level = LOG_INFO;
static _Atomic int log_fd = STDERR_FILENO;
static _Atomic int file_fd = -1; /* stays open once used: a late writer never meets a reused fd */
static struct log_site *_Atomic waiting;
static _Atomic uint64_t waiting_checked; /* the second in which the list was last taken */

void log_set_level(enum log_level level)
{
    log_level = (int)level;
}

enum log_level log_level_now(void)
{
    return (enum log_level)atomic_load_explicit(&log_level, memory_order_relaxed);
}

enum err log_level_parse(const char *name, enum log_level *out)
{
    for (unsigned i = 0; i <= LOG_OFF; i++) {
        if (name && strcmp(name, level_names[i]) == 0) {
            *out = (enum log_level)i;
            return OK;
        }
    }
    return ERR_INVALID;
}

enum err log_set_file(const char *path)
{
    int fd;

    if (!path) {
        log_fd = STDERR_FILENO;
        return OK;
    }
    fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return ERR_IO;
    if (file_fd < 0) {
        file_fd = fd;
    } else {
        /* Replaces the file in one step under writers that have already read the number. */
        int e = dup3(fd, file_fd, O_CLOEXEC);

        close(fd);
        if (e < 0)
            return ERR_IO;
    }
    log_fd = file_fd;
    return OK;
}

struct line {
    char text[LOG_LINE_MAX];
    size_t len; /* at most LOG_LINE_MAX - 1: the newline always has room */
    bool cut;
};

static void line_vadd(struct line *l, const char *fmt, va_list args)
{
    size_t room = sizeof(l->text) - l->len; /* vsnprintf's NUL takes the newline's place */
    int n = vsnprintf(l->text + l->len, room, fmt, args);

    if (n < 0)
        return;
    if ((size_t)n >= room) {
        l->cut = true;
        n = (int)room - 1;
    }
    l->len += (size_t)n;
}

static void __attribute__((format(printf, 2, 3))) line_add(struct line *l, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    line_vadd(l, fmt, args);
    va_end(args);
}

static void line_begin(struct line *l, enum log_level level, const char *room, const char *sentence)
{
    struct clock real;
    char when[25];

    l->len = 0;
    l->cut = false;
    clock_init_real(&real);
    clock_format_utc(clock_wall_ms(&real), when, sizeof(when));
    line_add(l, "%s %s %s: %s", when, level_names[level], room, sentence);
}

static void line_write(struct line *l)
{
    ssize_t written;

    if (l->cut)
        memcpy(l->text + l->len - 3, "...", 3);
    for (size_t i = 0; i < l->len; i++) {
        unsigned char c = (unsigned char)l->text[i];

        if (c < 0x20 || c == 0x7f)
            l->text[i] = '?';
    }
    l->text[l->len++] = '\n';
    do {
        written = write(log_fd, l->text, l->len);
    } while (written < 0 && errno == EINTR);
    /* A log that cannot be written has nowhere to say so; the program goes on. */
}

static void push_waiting(struct log_site *site)
{
    struct log_site *head = waiting;

    do {
        site->next = head;
    } while (!atomic_compare_exchange_weak(&waiting, &head, site));
}

static void say_waiting(void)
{
    struct log_site *site = atomic_exchange(&waiting, NULL);

    while (site) {
        struct log_site *next = site->next; /* before it may be pushed again */
        struct line l;

        line_begin(&l, LOG_WARN, site->room, site->sentence);
        line_add(&l, " | left_out=%u", atomic_exchange(&site->suppressed, 0));
        line_write(&l);
        site = next;
    }
}

void log_flush(void)
{
    int kept = errno;

    say_waiting();
    errno = kept;
}

/* True when the line may be written; else it is counted. */
static bool admitted(struct log_site *site, uint64_t now_s, const char *room, const char *sentence)
{
    uint64_t second = site->second;

    if (second != now_s && atomic_compare_exchange_strong(&site->second, &second, now_s))
        site->count = 0;
    if (atomic_fetch_add(&site->count, 1) < LOG_BURST)
        return true;
    if (atomic_fetch_add(&site->suppressed, 1) == 0) {
        site->room = room;
        site->sentence = sentence;
        push_waiting(site);
    }
    return false;
}

void log_write(struct log_site *site, enum log_level level, const char *room, const char *sentence,
               const char *keys_fmt, ...)
{
    int kept = errno;
    struct clock real;
    uint64_t now_s, checked = waiting_checked;
    struct line l;
    va_list args;

    if (level >= LOG_OFF)
        return;
    clock_init_real(&real);
    now_s = clock_us(&real) / 1000000;
    if (checked != now_s && atomic_compare_exchange_strong(&waiting_checked, &checked, now_s))
        say_waiting();
    if (!admitted(site, now_s, room, sentence))
        goto done;
    line_begin(&l, level, room, sentence);
    keys_fmt += *keys_fmt == ' ';
    if (*keys_fmt) {
        line_add(&l, " | ");
        va_start(args, keys_fmt);
        line_vadd(&l, keys_fmt, args);
        va_end(args);
    }
    line_write(&l);
done:
    errno = kept;
}
